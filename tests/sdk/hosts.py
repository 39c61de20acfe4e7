"""Real hosts, as people run them: mcp-remote (what Claude Desktop starts) and the MCP Inspector."""

import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from person import Person
from untether import free_port

PACKAGES = Path(__file__).resolve().parents[1] / "browser/node_modules"
[NODE] = PACKAGES.glob("node-linux-*/bin/node")
BROWSER = Path(__file__).with_name("browser.py")


class Browser:
    """The browser that a host opens, with this person in front of it, or nobody."""

    def __init__(self, person: Person, directory: Path):
        self.person = person
        self.directory = directory
        # mcp-remote would derive one from the server's address, and where another program has
        # that, it would listen elsewhere than it asks to be sent back to.
        self.callback_port = free_port()
        self.will("allow")

    def will(self, decision: str):
        """What the person does from now on: `allow`, `deny`, or be `away`."""
        (self.directory / "decision").write_text(decision)

    @property
    def opened(self) -> int:
        """How often the host has opened the browser so far."""
        notes = self.directory / "opened"
        return len(notes.read_text().split()) if notes.exists() else 0

    def environment(self) -> dict[str, str]:
        """For the host's process: a home of its own, and BROWSER naming our script."""
        script, log = self.directory / "browser", self.directory / "browser.log"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{BROWSER}" "$1" >>"{log}" 2>&1\n')
        script.chmod(0o755)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "BROWSER": str(script),
            "BROWSER_DIRECTORY": str(self.directory),
            "PERSON_EMAIL": self.person.email,
            "UNTETHER_BASE": str(self.person.http.base_url),
        }


@asynccontextmanager
async def mcp_remote(url: str, browser: Browser):
    """An MCP session with the server, through mcp-remote on standard input and output."""
    command = StdioServerParameters(
        command=str(NODE),
        args=[str(PACKAGES / "mcp-remote/dist/proxy.js"), url, str(browser.callback_port), "--transport", "http-only"],
        env=browser.environment() | {"MCP_REMOTE_CONFIG_DIR": str(browser.directory / "mcp-remote")},
    )
    with (browser.directory / "host.log").open("a") as log:
        async with Client(stdio_client(command, errlog=log), mode="legacy", read_timeout_seconds=30) as client:
            yield client


def inspector(url: str, browser: Browser, tool: str, *options: str) -> subprocess.CompletedProcess:
    """One tool call by the Inspector's command line, which listens for its redirect on a port of its own."""
    return subprocess.run(
        [
            *(NODE, PACKAGES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js", "--cli", url),
            *("--transport", "http", "--method", "tools/call", "--tool-name", tool, *options),
        ],
        env=browser.environment()
        | {
            "MCP_AUTO_OPEN_ENABLED": "true",
            "MCP_INSPECTOR_SECRET_STORE": "file",
            "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_port()}/oauth/callback",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
