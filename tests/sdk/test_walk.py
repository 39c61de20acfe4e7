"""From an unprotected MCP server to a connection of a colleague's host, by what the screens say alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from hosts import NODE, Browser, inspector
from sdk_client import bearer_is_refused
from test_snippets import PYTHON_PING
from untether import OWNER, free_port, until

UNPROTECTED = """from mcp.server.mcpserver import MCPServer

mcp = MCPServer("Search")
"""
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPTED = "application/json, text/event-stream"


class Administrator:
    """Whoever runs the MCP server, with a shell and Chromium."""

    def __init__(self, untether, directory: Path):
        self.untether = untether
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.environment = dict(os.environ)
        self.process = None

    def does(self, step: str, *given: str) -> dict:
        """A step on the screens; answers with what they took along."""
        walk = [NODE, Path(__file__).with_name("walk.mjs"), self.untether.public, OWNER, step, *given]
        done = subprocess.run(walk, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def serves(self, beginning: str):
        """Starts the server anew, with its own tool below `beginning`."""
        self.stops()
        start = f'mcp.run("streamable-http", port={self.port}, stateless_http=True, json_response=True)\n'
        (self.directory / "server.py").write_text(beginning + PYTHON_PING + start)
        with (self.directory / "server.log").open("ab") as log:
            command = [sys.executable, self.directory / "server.py"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def stops(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=15)

    def status(self) -> int | None:
        """What the server says to a call without a token."""
        try:
            return httpx2.post(self.url, json=PING, headers={"Accept": ACCEPTED}, timeout=5).status_code
        except httpx2.TransportError:
            return None


@pytest.fixture
def olga(untether, tmp_path):
    administrator = Administrator(untether, tmp_path)
    yield administrator
    administrator.stops()


def test_an_unprotected_server_becomes_one_that_colleagues_connect_to(olga, ana, owner, tmp_path):
    olga.serves(UNPROTECTED)
    until("the server answers everyone", lambda: olga.status() == 200, seconds=60)

    taken = olga.does("add", "Search", olga.url)
    olga.environment |= dict(line.split("=", 1) for line in taken["settings"].splitlines())
    olga.serves(taken["snippet"])
    until("the server asks for a token", lambda: olga.status() == 401, seconds=60)

    fields = olga.does("client", "Search")["instructions"].splitlines()
    told = dict(field.split(": ", 1) for field in fields)
    assert told["URL"] == olga.url
    browser = Browser(ana, tmp_path)
    identity = ("--client-id", told["Client ID (Authentication)"])
    called = inspector(told["URL"], browser, "ping", *identity)
    assert called.returncode == 0 and "pong" in called.stdout, called
    assert browser.opened == 1

    [row] = [row for row in olga.does("rows")["rows"] if ana.email in row]
    assert "MCP Inspector#" in row and "Active" in row, row
    tokens = json.loads((tmp_path / ".mcp-inspector/secrets.json").read_text())["secrets"]
    [token] = [json.loads(kept)["access_token"] for name, kept in tokens.items() if ":tokens:" in name]
    assert not bearer_is_refused(olga.url, token)
    owner.revoke(owner.connection_of(ana.email))
    assert bearer_is_refused(olga.url, token)
    assert inspector(told["URL"], browser, "ping", *identity, "--stored-auth-only").returncode != 0
