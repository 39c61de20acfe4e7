"""What a real server does while nobody asks it to: it writes down what was used, and removes what is due."""

import pytest

from untether import until
from wire import App, Introspection

HOUR = 3_600_000
RESOURCE = "https://search.acme.example/mcp"


@pytest.fixture(scope="module")
def introspect(untether):
    return Introspection(untether, untether.add_project(RESOURCE))


def of(person) -> str:
    return f"(SELECT id FROM people WHERE email = '{person.email}')"


def test_a_use_is_written_down_while_it_runs_and_when_it_ends(untether, introspect, ana):
    token = App(untether, RESOURCE).connect(ana).access
    its = f"WHERE person_id = {of(ana)}"

    def used() -> int:
        [(at,)] = untether.database.rows(f"SELECT last_used_at FROM connection {its}")
        return at

    for goes_on in [lambda: None, untether.stop]:
        untether.database.execute(f"UPDATE connection SET last_used_at = last_used_at - {HOUR} {its}")
        before = used()
        assert introspect(token)["active"]
        goes_on()
        until("the use is written down", lambda: used() > before)
    untether.start()


def test_what_is_due_is_removed(untether, introspect, ana, owner):
    App(untether, RESOURCE).connect(ana)
    owner.revoke(owner.connection_of(ana.email))
    [(connection,)] = untether.database.rows(f"SELECT id FROM connection WHERE person_id = {of(ana)}")
    untether.stop()
    untether.database.execute(*(
        f"UPDATE {table} SET revoked_at = revoked_at - {100 * 24 * HOUR} WHERE id = '{connection}'"
        for table in ("connection", "connection_revocation")
    ))
    untether.start()
    left = f"SELECT 1 FROM connection WHERE id = '{connection}'"
    until("the row is gone", lambda: untether.database.rows(left) == [])
