"""A server without any code for OAuth, behind a real proxy with what the page of its project gives to paste."""

import json
import secrets
from contextlib import closing
from urllib.parse import unquote, urlsplit

import httpx2
import pytest

from front import Front
from person import Person
from proxies import ACCEPTED, PING, PROXIES, Protected, protecting
from sdk_client import SdkClient, assert_asks_a_person, bearer_is_refused, status_of_bearer
from wire import App

SPOOFED = "root@acme.example"
SPOOFS = {
    f"X{separator}Untether{separator}{name}": SPOOFED
    for separator in "-_."
    for name in ("Subject", "Email", "Name", "Client-Id", "Scope", "Connection", "Else")
}


@pytest.fixture(scope="module", params=PROXIES)
def protected(request, untether, tmp_path_factory):
    with protecting(untether, request.param, tmp_path_factory.mktemp("forward")) as server:
        yield server


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
    assert_asks_a_person(app, "ping")
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


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_client_whose_token_lacks_a_scope_is_told_which(proxy, untether, ana, tmp_path):
    with protecting(untether, proxy, tmp_path, asks="more.write") as server:
        token = App(untether, server.url).connect(ana).access
        refused = httpx2.post(server.url, json=PING, headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge and "more.write" in challenge, challenge


def test_what_is_not_the_mcp_server_is_not_there(protected):
    origin = protected.url.removesuffix("/mcp")
    for path in ("/", "/other", f"/.untether-{protected.slug}", "/.none", "/.well-known/oauth-protected-resource"):
        assert httpx2.get(f"{origin}{path}").status_code == 404, path


@pytest.mark.parametrize("proxy", ["nginx", "Caddy"])
def test_a_page_in_untethers_place_lets_nobody_pass(proxy, untether, ana, tmp_path):
    with closing(Front()) as door:
        door.program_port = untether.port
        with protecting(untether, proxy, tmp_path, door=door.url) as server:
            token = App(untether, server.url).connect(ana).access
            assert status_of_bearer(server.url, token) == 200
            door.trouble[f"/forward-auth/{server.slug}"] = (200, {})
            assert status_of_bearer(server.url, token) == 502
            assert status_of_bearer(server.url, token) == 200


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
