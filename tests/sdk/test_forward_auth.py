"""A server without any code for OAuth, behind a real proxy with what the page of its project gives to paste."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2
import pytest

from pages import snippet
from person import Person
from sdk_client import ConsentNeeded, SdkClient, bearer_is_refused, flattened
from test_proxy import NGINX
from untether import Untether, free_port, until

SPOOFED = "root@acme.example"
SPOOFS = {
    f"X{separator}Untether{separator}{name}": SPOOFED
    for separator in "-_."
    for name in ("Subject", "Email", "Name", "Client-Id", "Scope", "Connection", "Else")
}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPTED = "application/json, text/event-stream"
CADDY = shutil.which("caddy") or "/usr/bin/caddy"
TRAEFIK = Path(sys.executable).with_name("traefik")
# Where the page has the address of the MCP server, which it cannot know.
UPSTREAM = "http://127.0.0.1:8000"
AROUND_NGINX = """
daemon off; master_process off; pid @DIRECTORY@/nginx.pid; error_log @DIRECTORY@/nginx.log warn;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path @DIRECTORY@/body; proxy_temp_path @DIRECTORY@/proxy;
    fastcgi_temp_path @DIRECTORY@/fastcgi; uwsgi_temp_path @DIRECTORY@/uwsgi; scgi_temp_path @DIRECTORY@/scgi;
    @SNIPPET@
}
"""
AROUND_CADDY = """
{
    admin off
}
@SNIPPET@
"""


def nginx(directory: Path, text: str, _) -> list:
    configuration = AROUND_NGINX.replace("@SNIPPET@", text).replace("@DIRECTORY@", str(directory))
    (directory / "nginx.conf").write_text(configuration)
    return [NGINX, "-p", directory, "-c", directory / "nginx.conf"]


def caddy(directory: Path, text: str, _) -> list:
    (directory / "Caddyfile").write_text(AROUND_CADDY.replace("@SNIPPET@", text))
    return [CADDY, "run", "--config", directory / "Caddyfile"]


def traefik(directory: Path, text: str, port: int) -> list:
    (directory / "dynamic.yml").write_text(text)
    [strategy] = re.findall(r"entryPoints\.NAME\.http\.aliasHeadersStrategy: (\w+)", text)
    return [
        TRAEFIK,
        f"--entryPoints.web.address=127.0.0.1:{port}",
        f"--entryPoints.web.http.aliasHeadersStrategy={strategy}",
        f"--providers.file.filename={directory}/dynamic.yml",
        "--global.checkNewVersion=false",
    ]


PROXIES = {"nginx": nginx, "Caddy": caddy, "Traefik": traefik}


@dataclass
class Protected:
    """The bare server: its public address, at the proxy, and its own; and the scope of its project."""

    url: str
    direct: str
    scope: str


@pytest.fixture(scope="module", params=PROXIES)
def protected(request, untether, tmp_path_factory):
    name, directory = request.param, tmp_path_factory.mktemp("forward")
    slug, port, upstream = name.lower(), free_port(), free_port()
    server = Protected(f"http://127.0.0.1:{port}/mcp", f"http://127.0.0.1:{upstream}/mcp", f"{slug}.read")
    untether.add_project(server.url, slug)
    text = snippet(Person.owner(untether).open(f"/projects/{slug}").text, name)
    assert UPSTREAM in text
    command = PROXIES[name](directory, text.replace(UPSTREAM, f"http://127.0.0.1:{upstream}"), port)
    environment = os.environ | {"PORT": str(upstream), "HOME": str(directory)}
    processes = []
    try:
        with (directory / "server.log").open("wb") as log:
            bare = [sys.executable, Path(__file__).with_name("bare_server.py")]
            for program in (bare, command):
                process = subprocess.Popen(program, env=environment, cwd=directory, stdout=log, stderr=log)
                processes.append(process)
        log = directory / "server.log"
        until("the bare server answers without a token", lambda: status(server.direct, log, processes) == 200)
        until("the proxy asks for a token", lambda: status(server.url, log, processes) == 401)
        yield server
    finally:
        for process in processes:
            process.terminate()
            process.wait(timeout=15)


def status(url: str, log: Path, processes: list[subprocess.Popen]) -> int | None:
    assert all(process.poll() is None for process in processes), log.read_text()
    try:
        return httpx2.post(url, json=PING, headers={"Accept": ACCEPTED}, timeout=5).status_code
    except httpx2.TransportError:
        return None


def received(server: Protected, token: str, sent: dict[str, str]) -> list[list[str]]:
    """The headers that reach the bare server when a client sends these through the proxy."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "headers", "arguments": {}}}
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": ACCEPTED,
        "MCP-Protocol-Version": "2025-11-25",
    }
    answer = httpx2.post(server.url, headers=headers | sent, json=message, timeout=20)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["result"]["content"][0]["text"])


def test_a_client_connects_calls_and_is_refused_after_a_revoke(protected, ana, owner):
    app = SdkClient(protected.url, ana)
    assert app.call("ping") == "pong"
    assert ana.consents == 1
    row = owner.connection_of(ana.email)
    assert row.status == "Active"
    owner.revoke(row)
    assert bearer_is_refused(protected.url, app.storage.tokens.access_token)
    app.person = None
    with pytest.raises((ConsentNeeded, BaseExceptionGroup)) as wanted:
        app.call("ping")
    assert [type(error) for error in flattened(wanted.value)] == [ConsentNeeded]
    app.person = ana
    assert app.call("ping") == "pong"


def test_the_server_learns_who_is_calling_and_not_the_token(protected, untether):
    zoe = Person(untether.public, f"zoe.{secrets.token_hex(4)}@acme.example", "Zoë Ruiz".encode())
    app = SdkClient(protected.url, zoe)
    seen = {name: value for name, value in json.loads(app.call("headers"))}
    assert seen["x-untether-email"] == zoe.email
    assert unquote(seen["x-untether-name"]) == "Zoë Ruiz"
    assert seen["x-untether-client-id"] == app.storage.client.client_id
    assert seen["x-untether-scope"] == protected.scope
    assert seen["x-untether-subject"] and seen["x-untether-connection"]
    assert "authorization" not in seen
    # Its own address, as without a proxy: the SDKs refuse names that they do not know.
    assert seen["host"] == urlsplit(protected.direct).netloc


def test_identity_headers_from_outside_never_arrive(protected, ana):
    app = SdkClient(protected.url, ana)
    app.call("ping")
    token = app.storage.tokens.access_token
    for name, value in SPOOFS.items():
        seen = received(protected, token, {name: value})
        about = [pair for pair in seen if "untether" in pair[0].lower()]
        # None of Untether's: nginx and Traefik pass on what nobody asked them to set.
        about = [pair for pair in about if pair[0].lower() != "x-untether-else"]
        assert SPOOFED not in str(about), f"{name}: {about}"
        assert sorted(name for name, _ in about) == [
            "x-untether-client-id",
            "x-untether-connection",
            "x-untether-email",
            "x-untether-name",
            "x-untether-scope",
            "x-untether-subject",
        ]


def test_a_stranger_finds_the_way_to_a_token(protected, untether):
    refused = httpx2.post(protected.url, json=PING)
    origin, path = protected.url.removesuffix("/mcp"), urlsplit(protected.url).path
    metadata = f"{origin}/.well-known/oauth-protected-resource{path}"
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}", scope="{protected.scope}"'
    document = httpx2.get(metadata)
    assert document.json()["resource"] == protected.url
    assert document.json()["authorization_servers"] == [f"{untether.public}/oauth"]
    assert document.headers["access-control-allow-origin"] == "*"


def test_what_is_not_the_mcp_server_is_not_there(protected):
    origin = protected.url.removesuffix("/mcp")
    for path in ("/", "/other", "/.untether", "/.well-known/oauth-protected-resource"):
        assert httpx2.get(f"{origin}{path}").status_code == 404, path


def test_nothing_passes_while_untether_is_away(protected, untether, ana):
    app = SdkClient(protected.url, ana)
    app.call("ping")
    untether.stop()
    try:
        headers = {"Authorization": f"Bearer {app.storage.tokens.access_token}"}
        assert httpx2.get(protected.url, headers=headers).status_code in (500, 502)
    finally:
        untether.start()
    app.person = None
    assert app.call("ping") == "pong"
