"""Every client with every server: connect, call, refresh, be revoked, consent again, be blocked.

The steps of a client with a server build on each other and run in this order; each is a test of its
own, so that the report shows which cell of the matrix broke. A client is a class, so that two
workers can share the table.
"""

import json
import re
from dataclasses import dataclass, field

import pytest

from clients import APPS, HOSTS, App, Host, Refused
from front import Exchange, Front
from mcp_servers import McpServer
from person import Person
from sdk_client import bearer_is_refused

SERVERS = ["python_sdk", "fastmcp", "typescript_sdk", "own"]
SCOPES = {"python_sdk": "python-sdk.read", "fastmcp": "fastmcp.read", "typescript_sdk": "typescript-sdk.read"}

OUR_WORDS = "the person said no"
BLOCKED = "is blocked here by an administrator"


@dataclass
class Habits:
    """What this client does its own way, as far as the program is concerned.

    `revisions`: MCP-Protocol-Version when it looks for the metadata. `method` and `application_type`:
    what it registers. `denied`: what it makes of our words when the person says no. `refreshes`:
    whether it tries the refresh token of a revoked connection before it asks the person. `insists`:
    whether it asks the person, too, when a refresh has said that the client is blocked. `previews`:
    whether it fetches the consent page itself, without the person's login, before it opens a browser.
    """

    revisions: set[str | None]
    redirect: str
    method: str | None = "none"
    application_type: str | None = "native"
    state: bool = True
    denied: str = OUR_WORDS
    blocked: str = BLOCKED
    refreshes: bool = True
    insists: bool = False
    previews: bool = False
    scope_if_none_is_known: str | None = None


@dataclass
class Cell:
    """A client with a server, and the person who uses them."""

    server_kind: str
    client: App | Host
    server: McpServer
    person: Person
    owner: Person
    front: Front
    seen: dict[str, list[Exchange]] = field(default_factory=dict)

    def watch(self, step: str):
        """What passes from now on is kept under this name."""
        self.front.forget()
        self.seen[step] = self.front.exchanges

    def asked(self, step: str, path: str, method: str = "POST") -> list[Exchange]:
        return [one for one in self.seen[step] if (one.path, one.method) == (path, method)]

    def is_refused(self, words: str):
        with pytest.raises(Refused, match=words):
            self.client.call(self.server.tool)

    def works(self) -> bool:
        return self.server.answers(self.client.call(self.server.tool), self.person.email)

    def connection(self, **filters: str):
        return self.owner.connection_of(self.person.email, **filters)


@pytest.fixture(scope="class", params=SERVERS)
def cell(request, fronted, front, servers, processes, tmp_path_factory):
    kind, server = request.cls.client, servers(request.param)
    person = Person(fronted.public, f"ana.{kind}.{request.param}@acme.example", "Ana Ruiz")
    if kind in HOSTS:
        client = HOSTS[kind](server.url, person, tmp_path_factory.mktemp(kind))
    else:
        client = App(processes(kind), server.url, person, kind)
    return Cell(request.param, client, server, person, Person.owner(fronted), front)


class Row:
    client: str
    habits: Habits

    def test_connect(self, cell):
        cell.watch("connect")
        assert cell.works()
        assert cell.client.opened == 1
        assert cell.connection().status == "Active"

    def test_call(self, cell):
        """The token is used again: nothing is asked of a person or of the token endpoint."""
        cell.front.forget()
        assert cell.works()
        assert cell.client.opened == 1
        assert cell.front.to("/oauth/token") == []

    def test_refresh(self, cell):
        before = cell.client.kept()
        cell.client.wear_out()
        cell.watch("refresh")
        assert cell.works()
        assert [one.status for one in cell.front.grants("refresh_token")] == [200]
        assert cell.client.opened == 1
        after = cell.client.kept()
        assert after.access_token != before.access_token and after.refresh_token != before.refresh_token
        assert cell.connection().status == "Active"

    def test_revoked(self, cell):
        before, row = cell.client.kept(), cell.connection()
        cell.owner.revoke(row)
        assert bearer_is_refused(cell.server.url, before.access_token)
        cell.client.will("deny")
        cell.watch("revoked")
        cell.is_refused(self.habits.denied)
        assert cell.client.opened == 2
        assert cell.connection(status="revoked").identifiers == row.identifiers
        assert not [row for row in cell.owner.connections() if cell.person.email in row.text]

    def test_consent_again(self, cell):
        cell.client.will("allow")
        cell.watch("again")
        assert cell.works()
        assert cell.client.opened == 3
        assert cell.connection().identifiers != cell.connection(status="revoked").identifiers

    def test_blocked(self, cell):
        """Neither its refresh token nor the person's consent helps, and it shows why."""
        before = cell.client.kept()
        cell.owner.block(before.client_id)
        assert not [row for row in cell.owner.connections() if cell.person.email in row.text]
        assert bearer_is_refused(cell.server.url, before.access_token)
        cell.client.wear_out()
        cell.watch("blocked")
        cell.is_refused(self.habits.blocked if self.habits.insists else BLOCKED)
        [refresh] = cell.front.grants("refresh_token")
        assert refresh.status == 400
        said = json.loads(refresh.answer)
        assert said["error"] == "access_denied" and BLOCKED in said["error_description"]
        assert cell.client.opened == 3 + self.habits.insists

    def test_blocked_consent(self, cell):
        cell.client.forget()
        cell.watch("blocked again")
        cell.is_refused(self.habits.blocked)
        assert [one.status for one in cell.asked("blocked again", "/oauth/authorize", "GET")][-1] == 303
        assert not cell.asked("blocked again", "/oauth/authorize") and not cell.front.grants("authorization_code")

    def test_unblocked(self, cell):
        cell.owner.unblock(cell.asked("connect", "/oauth/token")[0].form["client_id"])
        assert cell.works()
        assert cell.connection().status == "Active"

    def test_finds_the_metadata_at_the_first_attempt(self, cell):
        found = [one for step in cell.seen.values() for one in step if one.path.startswith("/.well-known/oauth-auth")]
        assert {str(one) for one in found} == {"GET /.well-known/oauth-authorization-server/oauth 200"}
        assert {one.headers.get("mcp-protocol-version") for one in found} == self.habits.revisions

    def test_registers_once_in_its_own_way(self, cell):
        [registered] = cell.asked("connect", "/oauth/register")
        assert registered.json.get("token_endpoint_auth_method") == self.habits.method
        assert registered.json.get("application_type") == self.habits.application_type
        assert all(re.fullmatch(self.habits.redirect, uri) for uri in registered.json["redirect_uris"])
        assert not [step for step in ("refresh", "revoked") if cell.asked(step, "/oauth/register")]

    def test_names_the_server_in_every_request(self, cell):
        [code] = cell.asked("connect", "/oauth/token")
        [refresh] = cell.asked("refresh", "/oauth/token")
        authorize = self.shown(cell, "connect")
        assert {authorize.query["resource"], code.form["resource"], refresh.form["resource"]} == {cell.server.url}
        assert ("state" in authorize.query) == self.habits.state
        assert authorize.query.get("scope") == SCOPES.get(cell.server_kind, self.habits.scope_if_none_is_known)

    def test_proves_who_it_is(self, cell):
        """Without a method asked for, the client got a secret, and sends its ID in the body besides."""
        for step in ("connect", "refresh"):
            [asked] = cell.asked(step, "/oauth/token")
            assert asked.headers.get("authorization", "").startswith("Basic ") == (self.habits.method is None)
            assert asked.form["client_id"] == cell.client.kept().client_id and "client_secret" not in asked.form

    def test_after_a_revoke_it_asks_a_person(self, cell):
        attempts = [(one.form["grant_type"], one.status) for one in cell.asked("revoked", "/oauth/token")]
        assert attempts == [("refresh_token", 400)] * self.habits.refreshes
        assert self.shown(cell, "revoked").query["client_id"] == cell.client.kept().client_id

    def test_a_page_fetched_without_a_login_leads_to_the_login(self, cell):
        """Some clients fetch it to see whether they are still known; anything but a redirect stops them."""
        previews = [one.status for one in cell.asked("revoked", "/oauth/authorize", "GET")][:-1]
        assert previews == [302] * self.habits.previews

    def shown(self, cell, step) -> Exchange:
        """The consent page as the person got it."""
        [page] = [one for one in cell.asked(step, "/oauth/authorize", "GET") if one.status == 200]
        return page


NOWHERE = r"http://127\.0\.0\.1:\d+/callback"


class TestPython1(Row):
    client = "python_1"
    habits = Habits({"2025-11-25"}, NOWHERE, method=None, application_type=None, refreshes=False, insists=True)


class TestPython2(Row):
    client = "python_2"
    habits = Habits({"2026-07-28"}, NOWHERE, method=None, refreshes=False, insists=True)


class TestTypeScript1(Row):
    client = "typescript_1"
    habits = Habits({"2025-11-25"}, NOWHERE, application_type=None, state=False)


class TestTypeScript2(Row):
    client = "typescript_2"
    habits = Habits({"2025-11-25"}, NOWHERE, state=False)


class TestFastmcp(Row):
    client = "fastmcp"
    habits = Habits(
        {"2026-07-28"},
        r"http://localhost:\d+/callback",
        denied="Access was denied by the authorization server",
        blocked="Access was denied by the authorization server",
        refreshes=False,
        insists=True,
        previews=True,
    )


class TestMcpRemote(Row):
    client = "mcp_remote"
    habits = Habits(
        {None, "2025-11-25"},
        r"http://localhost:\d+/oauth/callback",
        previews=True,
        scope_if_none_is_known="openid email profile",
    )


class TestInspector(Row):
    client = "inspector"
    habits = Habits({"2025-11-25"}, r"http://127\.0\.0\.1:\d+/oauth/callback")


class TestRmcp(Row):
    client = "rmcp"
    habits = Habits({"2024-11-05"}, NOWHERE)
