"""Real proxies in front of a server without any code for OAuth, with what the page of its project gives to paste."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from certificates import Authority
from pages import snippet
from person import Person
from untether import Untether, free_port, until

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPTED = "application/json, text/event-stream"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CADDY = shutil.which("caddy") or "/usr/bin/caddy"
TRAEFIK = Path(sys.executable).with_name("traefik")
# Where the page has the address of the MCP server, which it cannot know.
UPSTREAM = "http://127.0.0.1:8000"
# Where nginx finds whom to believe on Debian. The others read the variable of the same purpose.
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
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
    @AUTHORITY@
}
@SNIPPET@
"""
CADDY_AUTHORITY = """
    auto_https disable_redirects
    skip_install_trust
    pki {
        ca local {
            root {
                cert @CERTIFICATE@
                key @KEY@
            }
        }
    }
"""
TRAEFIK_CERTIFICATES = """
tls:
  certificates: [{ certFile: @CERTIFICATE@, keyFile: @KEY@ }]
"""


def around_nginx(directory: Path, text: str):
    """Writes a whole configuration with this text in it."""
    configuration = AROUND_NGINX.replace("@SNIPPET@", text).replace("@DIRECTORY@", str(directory))
    (directory / "nginx.conf").write_text(configuration)


def nginx(directory: Path, text: str, _, authority: Authority | None) -> list:
    if authority:
        certificate, key = authority.issue(directory)
        assert text.count(TRUSTED) == 1
        text = text.replace(TRUSTED, str(authority.certificate))
        place = "# ssl_certificate and ssl_certificate_key: those of localhost"
        assert text.count(place) == 1
        text = text.replace(place, f"ssl_certificate {certificate}; ssl_certificate_key {key};")
    around_nginx(directory, text)
    return [NGINX, "-p", directory, "-c", directory / "nginx.conf"]


def caddy(directory: Path, text: str, _, authority: Authority | None) -> list:
    own = ""
    if authority:
        own = CADDY_AUTHORITY.replace("@CERTIFICATE@", str(authority.certificate)).replace("@KEY@", str(authority.key))
    (directory / "Caddyfile").write_text(AROUND_CADDY.replace("@AUTHORITY@", own).replace("@SNIPPET@", text))
    return [CADDY, "run", "--config", directory / "Caddyfile"]


def traefik(directory: Path, text: str, port: int, authority: Authority | None) -> list:
    dynamic = directory / "dynamic"
    dynamic.mkdir()
    (dynamic / "pasted.yml").write_text(text)
    if authority:
        certificate, key = authority.issue(directory)
        own = TRAEFIK_CERTIFICATES.replace("@CERTIFICATE@", str(certificate)).replace("@KEY@", str(key))
        (dynamic / "certificates.yml").write_text(own)
    [strategy] = re.findall(r"entryPoints\.NAME\.http\.aliasHeadersStrategy: (\w+)", text)
    return [
        TRAEFIK,
        f"--entryPoints.web.address=127.0.0.1:{port}",
        f"--entryPoints.web.http.aliasHeadersStrategy={strategy}",
        f"--providers.file.directory={dynamic}",
        "--global.checkNewVersion=false",
    ]


PROXIES = {"nginx": nginx, "Caddy": caddy, "Traefik": traefik}


@dataclass
class Protected:
    """The bare server: its public address, at the proxy, and its own; and the slug of its project."""

    url: str
    direct: str
    slug: str

    @property
    def scope(self) -> str:
        return f"{self.slug}.read"


@contextmanager
def protecting(untether: Untether, proxy: str, directory: Path, authority: Authority | None = None, asks: str = "", door: str = ""):
    """A bare server behind this proxy, which `asks` for a scope, and goes to Untether through a `door`.

    With an authority the proxy speaks TLS, to both sides.
    """
    slug = proxy.lower() + ("-asks" if asks else "-door" if door else "")
    port, upstream = free_port(), free_port()
    origin = f"https://localhost:{port}" if authority else f"http://127.0.0.1:{port}"
    server = Protected(f"{origin}/mcp", f"http://127.0.0.1:{upstream}/mcp", slug)
    untether.add_project(server.url, slug)
    text = snippet(Person.owner(untether).open(f"/projects/{slug}").text, proxy)
    assert UPSTREAM in text
    text = text.replace(UPSTREAM, f"http://127.0.0.1:{upstream}")
    if door:
        text = text.replace(untether.public, door)
    if asks:
        text, places = re.subn(rf"/forward-auth/{slug}(?![/\w-])", rf"\g<0>?scope={asks}", text)
        assert places == 1
    command = PROXIES[proxy](directory, text, port, authority)
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
