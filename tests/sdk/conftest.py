"""Fixtures: an installation per test module, a real MCP server that it protects, and who uses them."""

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from person import Person
from untether import Untether, free_port, until
from wire import Introspection


@dataclass
class McpServer:
    """An MCP server under test, and how to ask Untether what a token of its own is worth."""

    url: str
    tool: str
    introspect: Introspection | None

    def answers(self, text: str, email: str) -> bool:
        """Whether this is what the tool says to that person."""
        return text == "pong" if self.tool == "ping" else email in text


@pytest.fixture(scope="module")
def untether(tmp_path_factory):
    program = Untether(tmp_path_factory.mktemp("untether"))
    try:
        yield program.start()
    finally:
        program.close()


@pytest.fixture(scope="module")
def search_server(untether, tmp_path_factory):
    """The Python SDK's own server, in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    project = untether.add_project(url)
    credential = project["introspection"]
    environment = os.environ | {
        "PORT": str(port),
        "ISSUER": f"{untether.public}/oauth",
        "INTROSPECTION_ENDPOINT": credential["endpoint"],
        "INTROSPECTION_ID": credential["client_id"],
        "INTROSPECTION_SECRET": credential["client_secret"],
    }
    log = tmp_path_factory.mktemp("search") / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("mcp_server.py")], env=environment, stdout=output, stderr=output
        )
    try:
        until("the MCP server listens", lambda: _listens(process, url, log))
        yield McpServer(url, "ping", Introspection(untether, project))
    finally:
        process.terminate()
        process.wait(timeout=15)


def _listens(process: subprocess.Popen, url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx2.get(url, timeout=5).status_code == 401
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="module")
def own_server(untether):
    """The MCP server that Untether itself is; it asks no one but itself."""
    return McpServer(f"{untether.public}/mcp", "whoami", None)


@pytest.fixture(params=["search_server", "own_server"], ids=["python_server", "own_server"])
def server(request) -> McpServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def ana(untether):
    """A person of this test's own, so that the tests of a module do not see each other's rows."""
    return Person(untether.public, f"ana.{secrets.token_hex(4)}@acme.example", "Ana Ruiz")


@pytest.fixture
def owner(untether):
    return Person.owner(untether)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the program's own log beside a failure."""
    outcome = yield
    report = outcome.get_result()
    program = item.funcargs.get("untether") if hasattr(item, "funcargs") else None
    if report.failed and program is not None:
        report.sections.append(("untether log (end)", program.log_text()[-4000:]))
