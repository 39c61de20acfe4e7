"""Clients that do not register: because they have a document at an address, or because nobody may."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certificates import Authority
from clients import APPS, HOSTS, App, Refused
from front import Front
from untether import Untether


class Documents:
    """Publishes client documents at https://localhost, with a certificate of its own."""

    def __init__(self, directory: Path):
        authority = Authority(directory)
        self.certificate = authority.certificate
        self.published: dict[str, bytes] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.socket = authority.context(directory).wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def publish(self, name: str, redirect_uri: str) -> str:
        """Publishes the document of a public client; answers its address, which is the client ID."""
        address = f"https://localhost:{self.server.server_port}/{name}.json"
        document = {
            "client_id": address,
            "client_name": name,
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
        }
        self.published[f"/{name}.json"] = json.dumps(document).encode()
        return address

    def _handler(documents):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                content = documents.published[self.path]
                self.send_response_only(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    documents = Documents(tmp_path_factory.mktemp("documents"))
    yield documents
    documents.close()


@pytest.fixture(scope="module", params=["documents", "closed"])
def untether(request, documents, tmp_path_factory):
    """An installation that takes client documents, and one where only administrators make clients."""
    front = Front()
    settings = {"CA_FILE": str(documents.certificate), "CLIENT_DOCUMENT_PRIVATE_HOSTS": "localhost"}
    if request.param == "closed":
        settings = {"REGISTRATION": "off", "CLIENT_DOCUMENTS": "off"}
    program = Untether(tmp_path_factory.mktemp("untether"), public=front.url, **settings)
    program.front, front.program_port = front, program.port
    try:
        yield program.start()
    finally:
        program.close()
        front.close()


@pytest.mark.parametrize("untether", ["documents"], indirect=True)
@pytest.mark.parametrize("kind", APPS)
def test_a_client_with_a_document_never_registers(kind, untether, documents, own_server, processes, ana):
    """The document names no port, and the client listens on one (RFC 8252 §7.3)."""
    host = "localhost" if kind == "fastmcp" else "127.0.0.1"
    address = documents.publish(kind, f"http://{host}/callback")
    untether.front.forget()
    app = App(processes(kind), own_server.url, ana, kind, document=address)
    assert ana.email in app.call("whoami")
    app.wear_out()
    assert ana.email in app.call("whoami")
    assert untether.front.to("/oauth/register") == []
    assert {one.form["client_id"] for one in untether.front.to("/oauth/token")} == {address}
    assert [row.status for row in ana.connections()] == ["Active"]


@pytest.mark.parametrize("untether", ["closed"], indirect=True)
@pytest.mark.parametrize("kind", [*APPS, *HOSTS])
def test_where_nobody_may_register_a_client_gives_up(kind, untether, own_server, processes, ana, tmp_path):
    """The Python SDK tries `/register` at the MCP server instead of the authorization server."""
    untether.front.forget()
    if kind in HOSTS:
        client = HOSTS[kind](own_server.url, ana, tmp_path)
    else:
        client = App(processes(kind), own_server.url, ana, kind)
    with pytest.raises(Refused, match="(?i)regist"):
        client.call("whoami")
    assert client.opened == 0
    tried = [(one.path, one.status) for one in untether.front.exchanges if "register" in one.path]
    assert tried == [("/register", 404)] * (kind.startswith("python") or kind == "fastmcp")
