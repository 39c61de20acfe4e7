"""Real MCP servers that Untether protects, each in a process of its own."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from hosts import NODE
from untether import Untether, free_port, until
from wire import Introspection

HERE = Path(__file__).parent / "servers"
PROGRAMS = {
    "python_sdk": [sys.executable, HERE / "python_sdk.py"],
    "fastmcp": [sys.executable, HERE / "fastmcp_server.py"],
    "typescript_sdk": [NODE, HERE / "typescript_sdk.mjs"],
}


@dataclass
class McpServer:
    """An MCP server under test, and how to ask Untether what a token of its own is worth."""

    url: str
    tool: str
    introspect: Introspection | None

    def answers(self, text: str, email: str) -> bool:
        """Whether this is what the tool says to that person."""
        return text == "pong" if self.tool == "ping" else email in text


@contextmanager
def serving(untether: Untether, slug: str, kind: str, directory: Path, **settings: str):
    """Runs a server of this kind as a project of its own; `settings` go to its environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    project = untether.add_project(url, slug)
    credential = project["introspection"]
    environment = os.environ | {
        "PORT": str(port),
        "ISSUER": f"{untether.public}/oauth",
        "SCOPE": f"{slug}.read",
        "INTROSPECTION_ENDPOINT": credential["endpoint"],
        "INTROSPECTION_ID": credential["client_id"],
        "INTROSPECTION_SECRET": credential["client_secret"],
        **settings,
    }
    with running(PROGRAMS[kind], environment, url, directory):
        yield McpServer(url, "ping", Introspection(untether, project))


@contextmanager
def running(command: list, environment: dict[str, str], url: str, directory: Path):
    """Runs an MCP server, from when it asks for a token at `url`."""
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=directory)
    try:
        until("the MCP server listens", lambda: _listens(process, url, log), seconds=60)
        yield
    finally:
        process.terminate()
        process.wait(timeout=15)


def _listens(process: subprocess.Popen, url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx2.post(url, json={}, timeout=5).status_code == 401
    except httpx2.TransportError:
        return False
