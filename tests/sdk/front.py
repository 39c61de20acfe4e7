"""Stands where the SSO proxy stands, and notes what passes.

A person's login is the header that a proxy would add; whoever asks for a page without one is led to
the login page, as a proxy does.
"""

import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Front:
    """`exchanges` is everything since the last `forget`.

    With a context it speaks TLS. The next request to a path in `trouble` does not reach the program: it gets that status and JSON.
    """

    def __init__(self, context: ssl.SSLContext | None = None):
        self.context = context
        self.exchanges: list[Exchange] = []
        self.trouble: dict[str, tuple[int, dict]] = {}
        self.program_port = 0
        self.server = self._server()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if context:
            self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @contextmanager
    def showing(self, context: ssl.SSLContext):
        """Shows other certificates to whoever comes meanwhile."""
        own, self.context = self.context, context
        try:
            yield
        finally:
            self.context = own

    def forget(self):
        self.exchanges = []

    def to(self, path: str, method: str = "POST") -> list[Exchange]:
        return [one for one in self.exchanges if one.path == path and one.method == method]

    def grants(self, kind: str) -> list[Exchange]:
        """Requests to the token endpoint of this grant type."""
        return [one for one in self.to("/oauth/token") if one.form["grant_type"] == kind]

    def discovery(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.path.startswith("/.well-known/oauth-authorization-server")]

    def forward(self, method: str, target: str, headers: dict[str, str], body: bytes):
        """The program's answer: status, headers, body."""
        program = HTTPConnection("127.0.0.1", self.program_port, timeout=30)
        try:
            program.request(method, target, body, headers)
            answer = program.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            program.close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes):
        parts = urlsplit(target)
        if parts.path == "/oauth/authorize" and "x-forwarded-email" not in headers:
            status, given, content = 302, [("Location", "/login")], b""
        elif parts.path in self.trouble:
            status, document = self.trouble.pop(parts.path)
            given, content = [("Content-Type", "application/json")], json.dumps(document).encode()
        else:
            status, given, content = self.forward(method, target, headers, body)
        query = dict(parse_qsl(parts.query))
        self.exchanges.append(Exchange(method, parts.path, query, headers, body, status, content))
        return status, given, content

    def _server(front) -> ThreadingHTTPServer:
        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                if front.context:
                    # The handshake is the handler's, so that it keeps nobody else waiting.
                    connection = front.context.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                return connection, address

        return Server(("127.0.0.1", 0), front._handler())

    def _handler(front):
        class Handler(BaseHTTPRequestHandler):
            # With a context, every request is a connection of its own, and sees the certificate of its time.
            protocol_version = "HTTP/1.0" if front.context else "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {
                    name.lower(): value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP
                }
                status, given, content = front.answer(self.command, self.path, headers, body)
                self.send_response_only(status)
                for name, value in given:
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_OPTIONS = do_DELETE = pass_on

        return Handler
