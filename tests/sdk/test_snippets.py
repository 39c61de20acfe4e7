"""What the page of a project gives to paste into an MCP server, as it stands there, in real servers.

What it gives for proxies is run by test_forward_auth.py.
"""

import json
import os
import sys
import time
from pathlib import Path

import httpx2
import pytest

from hosts import NODE
from mcp_servers import running
from pages import snippet
from person import Person
from sdk_client import SdkClient, assert_asks_a_person, bearer_is_refused, status_of_bearer
from untether import free_port

INTROSPECT = "/oauth/introspect"
PYTHON_PING = '''

@mcp.tool()
def ping() -> str:
    """Answers pong."""
    return "pong"

'''
TYPESCRIPT_SERVER = """
import { serve } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { protect } from "./untether.ts";

const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "Mine", version: "1.0.0" });
    server.registerTool("ping", { description: "Answers pong." }, () => ({
        content: [{ type: "text", text: "pong" }],
    }));
    return server;
});
serve({ fetch: (request) => protect(request, handler), port: @PORT@, hostname: "127.0.0.1" });
"""


def python(directory: Path, text: str, port: int, transport: str) -> list:
    """The text, and below it what its administrator had: a tool, and the line that starts the server."""
    start = f'mcp.run("{transport}", host="127.0.0.1", port={port}, stateless_http=True, json_response=True)\n'
    (directory / "server.py").write_text(text + PYTHON_PING + start)
    return [sys.executable, directory / "server.py"]


def typescript(directory: Path, text: str, port: int, _) -> list:
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "node_modules").symlink_to(Path(__file__).with_name("node_modules"))
    (directory / "untether.ts").write_text(text)
    (directory / "server.ts").write_text(TYPESCRIPT_SERVER.replace("@PORT@", str(port)))
    return [NODE, "--disable-warning=ExperimentalWarning", directory / "server.ts"]


SERVERS = {
    "Python SDK": (python, "streamable-http"),
    "fastmcp": (python, "http"),
    "TypeScript SDK": (typescript, None),
}


@pytest.fixture(scope="module")
def untether(fronted):
    return fronted


@pytest.fixture(scope="module", params=SERVERS)
def server(request, untether, tmp_path_factory) -> str:
    """The address of a server that was pasted into, and started while Untether was away."""
    name, directory = request.param, tmp_path_factory.mktemp("pasted")
    program, transport = SERVERS[name]
    slug, port = "pasted-" + name.lower().replace(" ", "-"), free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    credential = untether.add_project(url, slug)["introspection"]
    page = Person.owner(untether).open(f"/projects/{slug}")
    command = program(directory, snippet(page.text, name), port, transport)
    environment = os.environ | {
        "UNTETHER_CREDENTIAL_ID": credential["client_id"],
        "UNTETHER_CREDENTIAL_SECRET": credential["client_secret"],
    }
    untether.stop()
    with running(command, environment, url, directory):
        untether.start()
        yield url


def test_a_client_connects_calls_and_is_refused_after_a_revoke(server, ana, owner):
    app = SdkClient(server, ana)
    assert app.call("ping") == "pong"
    row = owner.connection_of(ana.email)
    assert row.status == "Active"
    owner.revoke(row)
    assert bearer_is_refused(server, app.storage.tokens.access_token)
    assert_asks_a_person(app, "ping")
    app.person = ana
    assert app.call("ping") == "pong"


def test_a_token_of_another_server_is_refused(server, own_server, ana):
    app = SdkClient(own_server.url, ana)
    app.call("whoami")
    assert bearer_is_refused(server, app.storage.tokens.access_token)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_while_untether_cannot_say_a_token_is_not_called_a_bad_one(server, front, ana, status):
    app = SdkClient(server, ana)
    app.call("ping")
    token = app.storage.tokens.access_token
    front.trouble[INTROSPECT] = (status, {})
    assert status_of_bearer(server, token) in (500, 503)
    assert INTROSPECT not in front.trouble
    assert status_of_bearer(server, token) == 200


def test_a_clock_that_is_ahead_of_untethers_refuses_nobody(server, front, ana):
    app = SdkClient(server, ana)
    app.call("ping")
    token = app.storage.tokens.access_token
    [*_, answered] = front.to(INTROSPECT)
    said = json.loads(answered.answer)
    assert said["exp"] > time.time()
    front.trouble[INTROSPECT] = (200, said | {"exp": int(time.time()) - 7200})
    assert status_of_bearer(server, token) == 200
    assert INTROSPECT not in front.trouble
