"""Every client with every server: connect, call, refresh, be revoked, consent again.

The steps of a client with a server build on each other and run in this order; each is a test of its
own, so that the report shows which cell of the matrix broke. A client is a class, so that two
workers can share the table.
"""

from dataclasses import dataclass

import pytest

from clients import APPS, HOSTS, App, Host, Refused
from front import Front
from mcp_servers import McpServer
from person import Person
from sdk_client import bearer_is_refused

SERVERS = ["python_sdk", "fastmcp", "typescript_sdk", "own"]

# What a client makes of our words when the person says no.
OUR_WORDS = {"fastmcp": "Access was denied by the authorization server"}


@dataclass
class Cell:
    """A client with a server, and the person who uses them."""

    kind: str
    client: App | Host
    server: McpServer
    person: Person
    owner: Person
    front: Front

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
    return Cell(kind, client, server, person, Person.owner(fronted), front)


class Row:
    client: str

    def test_connect(self, cell):
        cell.front.forget()
        assert cell.works()
        assert cell.client.opened == 1
        assert cell.connection().status == "Active"
        asked = [one for one in cell.front.to("/oauth/authorize", "GET") if one.status == 200]
        assert [one.query["resource"] for one in asked] == [cell.server.url]

    def test_call(self, cell):
        """The token is used again: nothing is asked of a person or of the token endpoint."""
        cell.front.forget()
        assert cell.works()
        assert cell.client.opened == 1
        assert cell.front.to("/oauth/token") == []

    def test_refresh(self, cell):
        before = cell.client.kept()
        cell.client.wear_out()
        cell.front.forget()
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
        with pytest.raises(Refused, match=OUR_WORDS.get(cell.kind, "the person said no")):
            cell.client.call(cell.server.tool)
        assert cell.client.opened == 2
        assert cell.connection(status="revoked").identifiers == row.identifiers
        assert not [row for row in cell.owner.connections() if cell.person.email in row.text]

    def test_consent_again(self, cell):
        cell.client.will("allow")
        assert cell.works()
        assert cell.client.opened == 3
        assert cell.connection().identifiers != cell.connection(status="revoked").identifiers


class TestPython1(Row):
    client = "python_1"


class TestPython2(Row):
    client = "python_2"


class TestTypeScript1(Row):
    client = "typescript_1"


class TestTypeScript2(Row):
    client = "typescript_2"


class TestFastmcp(Row):
    client = "fastmcp"


class TestMcpRemote(Row):
    client = "mcp_remote"


class TestInspector(Row):
    client = "inspector"
