"""A real nginx with a login in front: who the login names gets in, and nobody can name themselves."""

import re
import subprocess
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from person import Person
from proxies import NGINX, around_nginx
from untether import OWNER, Untether, free_port, until
from wire import App

ANA = "ana@acme.example"
BEN = "ben@acme.example"
SIGNED_IN = {"Cookie": "session=ana"}  # what the login gave Ana's browser
SPOOFS = {
    "the_header_itself": {"X-Forwarded-Email": OWNER},
    "an_underscore_variant": {"X_Forwarded_Email": OWNER},
    "a_dotted_variant": {"X.Forwarded.Email": OWNER},
    "a_group_that_owns": {"X-Forwarded-Groups": "owners"},
    "an_underscore_group": {"X_Forwarded_Groups": "owners"},
}


def example() -> str:
    """What the README gives for nginx in front of Untether."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    return re.search(r"```nginx\n(server \{\n    listen 443 ssl;\n    server_name untether\..*?\n\}\n)```", readme, re.S)[1]


class Login(BaseHTTPRequestHandler):
    """A gateway like oauth2-proxy: it knows a person by the cookie that it once gave them, and sends others to sign in."""

    def do_GET(self):
        # A body that is announced comes, or this waits for it.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/oauth2/start"):
            self.send_response(302)
            back = self.headers["X-Auth-Request-Redirect"]
            self.send_header("Location", f"https://sso.example/login?{urlencode({'back': back})}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        session = SimpleCookie(self.headers.get("Cookie")).get("session")
        known = session and f"{session.value}@acme.example" in (ANA, BEN, OWNER)
        self.send_response(200 if known else 401)
        if known:
            self.send_header("X-Auth-Request-Email", f"{session.value}@acme.example")
            self.send_header("X-Auth-Request-Preferred-Username", session.value.capitalize())
            self.send_header("X-Auth-Request-Groups", "staff")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quiet: pytest shows what matters."""


@pytest.fixture(scope="module", params=["off", "on"], ids=["strict_nginx", "nginx_passing_underscores"])
def proxied(request, tmp_path_factory):
    """Untether, public at nginx; owners are a person and a group."""
    directory = tmp_path_factory.mktemp("proxy")
    login = ThreadingHTTPServer(("127.0.0.1", 0), Login)
    threading.Thread(target=login.serve_forever, daemon=True).start()
    port = free_port()
    program = Untether(directory, public=f"http://127.0.0.1:{port}", OWNERS=f"{OWNER},group:owners")
    server = example()
    for there, here in {
        # The worst case for Untether: a proxy that passes look-alike names on.
        "listen 443 ssl;": f"listen 127.0.0.1:{port}; underscores_in_headers {request.param};",
        "http://127.0.0.1:8080": f"http://127.0.0.1:{program.port}",
        "http://127.0.0.1:4180": f"http://127.0.0.1:{login.server_port}",
    }.items():
        assert there in server
        server = server.replace(there, here)
    around_nginx(directory, server)
    program.start()
    nginx = subprocess.Popen([NGINX, "-p", directory, "-c", directory / "nginx.conf"])
    try:
        with httpx2.Client(base_url=program.public) as http:
            until("nginx passes requests on", lambda: passes_on(http))
        yield program
    finally:
        nginx.terminate()
        nginx.wait(timeout=15)
        login.shutdown()
        login.server_close()
        program.close()


def passes_on(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def get(untether: Untether, path: str, headers: dict[str, str]) -> httpx2.Response:
    return httpx2.get(f"{untether.public}{path}", headers=headers, timeout=20)


def signed_in(untether: Untether, email: str) -> Person:
    """A person with a session at the login, whose browser claims to be someone else besides."""
    person = Person(untether.public, "claimed@acme.example", "Claimed Name")
    person.http.cookies.set("session", email.split("@")[0])
    return person


def test_the_login_says_who_it_is(proxied):
    page = get(proxied, "/connections", SIGNED_IN)
    assert page.status_code == 200 and ANA in page.text


def test_without_a_login_a_browser_is_sent_to_sign_in_and_back_to_the_whole_address(proxied):
    for path in ("/connections", "/oauth/authorize?client_id=x&state=y%26z&scope=a+b"):
        answer = get(proxied, path, {"X-Forwarded-Email": OWNER})
        assert answer.status_code == 302
        assert parse_qs(urlsplit(answer.headers["location"]).query) == {"back": [path]}


@pytest.fixture(scope="module")
def secret_row(proxied):
    """The name of a connection that owners see and Ana does not."""
    App(proxied, f"{proxied.public}/mcp", name="Bank robot").connect(signed_in(proxied, BEN))
    return signed_in(proxied, OWNER).connection_of(BEN).name


@pytest.mark.parametrize("spoof", SPOOFS)
def test_a_browser_cannot_name_itself(proxied, secret_row, spoof):
    page = get(proxied, "/connections?view=list", SIGNED_IN | SPOOFS[spoof])
    assert secret_row not in page.text and OWNER not in page.text
    assert page.status_code == 401 or (page.status_code == 200 and ANA in page.text), page.text[:2000]


def test_clients_and_servers_reach_their_endpoints_without_a_login(proxied):
    metadata = get(proxied, "/.well-known/oauth-authorization-server/oauth", {})
    assert metadata.status_code == 200 and metadata.json()["issuer"] == f"{proxied.public}/oauth"
    own = get(proxied, "/.well-known/oauth-protected-resource/mcp", {})
    assert own.json()["resource"] == f"{proxied.public}/mcp"
    unknown = get(proxied, "/.well-known/nothing", {})
    assert unknown.status_code == 404 and unknown.headers["content-type"].startswith("application/json")


def test_a_person_behind_nginx_connects_an_app(proxied):
    app = App(proxied, f"{proxied.public}/mcp")
    person = signed_in(proxied, ANA)
    tokens = app.connect(person)
    assert app.refresh(tokens.refresh).status_code == 200
    assert [ANA in row.cells["Connected by"] for row in person.connections()] == [True]


def test_a_peer_that_is_no_trusted_proxy_is_nobody(tmp_path):
    program = Untether(tmp_path, TRUSTED_PROXIES="127.0.0.2/32")
    try:
        program.start()
        for headers in ({"X-Forwarded-Email": OWNER}, {}):
            answer = httpx2.get(f"{program.base}/connections", headers=headers)
            assert answer.status_code in (401, 403) and OWNER not in answer.text
    finally:
        program.close()


@pytest.mark.parametrize("networks", ["", "0.0.0.0/0", "::/0"])
def test_serve_refuses_to_start_when_every_peer_would_be_trusted_or_none(tmp_path, networks):
    program = Untether(tmp_path, TRUSTED_PROXIES=networks)
    try:
        with pytest.raises(RuntimeError, match="untether exited with [1-9]") as refused:
            program.start()
        assert "UNTETHER_TRUSTED_PROXIES" in str(refused.value)
    finally:
        program.close()
