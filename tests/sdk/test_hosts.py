"""Real hosts against a real MCP server and Untether's own: connect, be revoked, be refused, connect again."""

import anyio
import pytest

from hosts import Browser, inspector, mcp_remote
from untether import until


@pytest.fixture
def browser(ana, tmp_path):
    return Browser(ana, tmp_path)


@pytest.fixture(autouse=True)
def host_log(tmp_path):
    """Shown by pytest beside a failure."""
    yield
    for log in sorted(tmp_path.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")


def text(result) -> str:
    assert not result.is_error, result
    return "".join(block.text for block in result.content if block.type == "text")


def test_mcp_remote_is_cut_off_in_the_middle_of_a_session_and_asks_the_person_again(server, browser, ana, owner):
    async def session():
        async with mcp_remote(server.url, browser) as host:
            assert server.answers(text(await host.call_tool(server.tool, {})), ana.email)
            row = owner.connection_of(ana.email)
            owner.revoke(row)
            assert browser.opened == 1
            assert server.answers(text(await host.call_tool(server.tool, {})), ana.email)
            assert browser.opened == 2, "the call after the revoke went through without a new consent"
            assert owner.connection_of(ana.email).identifiers != row.identifiers
            assert owner.connection_of(ana.email, status="revoked").name == row.name

    anyio.run(session)


def test_mcp_remote_that_starts_after_a_revoke_gets_nowhere_without_a_consent(server, browser, ana, owner):
    called = []

    async def session():
        async with mcp_remote(server.url, browser) as host:
            called.append(text(await host.call_tool(server.tool, {})))

    async def session_with_nobody_there():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session)
            await anyio.to_thread.run_sync(until, "mcp-remote asks for a consent", lambda: browser.opened == 2)
            tasks.cancel_scope.cancel()

    anyio.run(session)
    owner.revoke(owner.connection_of(ana.email))
    browser.will("away")
    anyio.run(session_with_nobody_there)
    assert len(called) == 1


def test_mcp_remote_connects_once_and_comes_back_without_asking(search_server, browser, ana, owner):
    async def session():
        async with mcp_remote(search_server.url, browser) as host:
            assert text(await host.call_tool("ping", {})) == "pong"

    anyio.run(session)
    browser.will("away")
    anyio.run(session)
    assert browser.opened == 1
    assert owner.connection_of(ana.email).status == "Active"


def test_the_inspector_is_cut_off_until_the_person_consents_again(server, browser, ana, owner):
    first = inspector(server.url, browser, server.tool)
    assert first.returncode == 0 and (ana.email if server.tool == "whoami" else "pong") in first.stdout, first
    row = owner.connection_of(ana.email)
    again = inspector(server.url, browser, server.tool, "--stored-auth-only")
    assert again.returncode == 0, again

    owner.revoke(row)
    refused = inspector(server.url, browser, server.tool, "--stored-auth-only")
    assert refused.returncode != 0 and browser.opened == 1, refused

    second = inspector(server.url, browser, server.tool)
    assert second.returncode == 0 and browser.opened == 2, second
    assert owner.connection_of(ana.email).identifiers != row.identifiers


def test_a_host_that_is_denied_shows_our_words_and_gets_no_connection(search_server, browser, ana, owner):
    browser.will("deny")
    denied = inspector(search_server.url, browser, "ping")
    assert denied.returncode != 0 and "the person said no" in denied.stderr, denied
    assert browser.opened == 1
    assert not [row for row in owner.connections() if ana.email in row.text]
