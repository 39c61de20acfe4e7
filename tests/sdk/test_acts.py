"""An act on everything that matches ends each connection once, whatever happens to the process meanwhile."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages import Form, soup, words
from person import Person
from untether import Untether, until
from wire import App, Introspection

CONNECTIONS = 20_000
KILLS = 3
EVERYTHING = "/connections/revoke-matching"


@pytest.fixture
def untether(tmp_path):
    program = Untether(tmp_path)
    try:
        yield program.start()
    finally:
        program.close()


class Act:
    """Everything that there is, about to be revoked by the owner."""

    def __init__(self, untether: Untether):
        self.untether = untether
        self.owner = Person.owner(untether)
        project = untether.add_project("https://search.example/mcp")
        self.introspect = Introspection(untether, project)
        self.tokens = App(untether, project["project"]["resource"]).connect(self.owner)
        self.multiply()
        page = self.owner.open(EVERYTHING)
        form = Form.find(page.text, str(page.url), has_button="Revoke access")
        self.form, self.fields = form, form.filled(count=f"{CONNECTIONS:,}", reason="the laptops are gone")

    def multiply(self):
        """Copies the only connection past the program: to connect so often would take an hour."""
        copies = CONNECTIONS - 1
        self.untether.database.execute(
            f"""
            INSERT INTO connection (id, person_id, client_id, project_id, name, scopes,
                authorized_at, connected_at, last_used_at,
                folded, person_folded, client_folded, project_folded)
            WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {copies})
            SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT),
                person_id, client_id, project_id, name || n, scopes,
                authorized_at - {copies} + n - 1, connected_at, last_used_at,
                folded || n, person_folded, client_folded, project_folded
            FROM copy, connection
            """,
            f"UPDATE connection_count SET active = active + {copies}",
            f"UPDATE connection_total SET active = active + {copies}",
        )

    def confirm(self) -> str:
        """Sends the form; answers the address of the page that shows progress."""
        answer = self.owner.submit(self.form, self.fields)
        assert answer.status_code == 303, f"{answer.status_code} {answer.text[:2000]}"
        return answer.headers["location"]

    def progress(self) -> tuple[int, int, bool]:
        """How many it has ended, how many it found ended, and whether it has finished."""
        [(ended, skipped, finished)] = self.untether.database.rows("SELECT ended, skipped, finished_at FROM bulk_act")
        return ended, skipped, finished is not None

    def has_ended(self, count: int) -> bool:
        ended, skipped, _ = self.progress()
        return ended + skipped >= count

    def finishes(self):
        # An act that nobody works on is gone on with after 10 to 15 seconds.
        until("the act has finished", lambda: self.progress()[2], seconds=60, pause=0.2)

    def shown(self, path: str) -> tuple[str, str]:
        """The heading and the sentence of the page that shows progress."""
        shown = soup(self.owner.open(path).text).select_one("#act")
        return words(shown.h1), words(shown.p)

    def check(self):
        """Every connection has ended, once, and says so everywhere."""
        read = self.untether.database.rows
        assert read("SELECT COUNT(*) FROM connection WHERE revoked_at IS NULL") == [(0,)]
        events = "SELECT COUNT(*), COUNT(DISTINCT connection_id) FROM audit_event WHERE action = 'connection.revoked'"
        assert read(events) == [(CONNECTIONS, CONNECTIONS)]
        assert read("SELECT COUNT(*) FROM audit_event WHERE action = 'matching.revoked'") == [(1,)]
        assert read("SELECT active, expired, revoked FROM connection_count") == [(0, 0, CONNECTIONS)]
        assert set(read("SELECT active, expired, revoked FROM connection_total")) == {(0, 0, CONNECTIONS)}
        assert read("SELECT COUNT(*) FROM bulk_act_batch") == [(0,)]
        assert self.introspect(self.tokens.access) == {"active": False}


@pytest.mark.timeout(240)
def test_an_act_whose_process_is_killed_goes_on_and_ends_each_connection_once(untether):
    act = Act(untether)
    page = act.confirm()
    for kill in range(1, KILLS + 1):
        mark = CONNECTIONS * kill // (KILLS + 2)
        until(f"{mark} have ended", lambda: act.has_ended(mark), seconds=60, pause=0.001)
        untether.kill()
        untether.database.settle()
        ended, skipped, finished = act.progress()
        assert mark <= ended < CONNECTIONS and skipped == 0 and not finished, "the kill missed the act"
        revoked = "SELECT COUNT(*) FROM connection WHERE revoked_at IS NOT NULL"
        assert untether.database.rows(revoked) == [(ended,)], "a batch is whole or not there"
        untether.start()
        heading, sentence = act.shown(page)
        assert heading == f"Revoking {CONNECTIONS:,} connections"
        assert re.fullmatch(rf"[\d,]+ of {CONNECTIONS:,} revoked so far\.", sentence), sentence
        assert act.confirm() == page, "the same form begins nothing new"
    act.finishes()
    assert act.progress() == (CONNECTIONS, 0, True)
    act.check()
    assert act.shown(page) == (
        f"Revoked {CONNECTIONS:,} connections",
        f"Revoked {CONNECTIONS:,} connections. Clients stay registered.",
    )


@pytest.mark.timeout(180)
def test_commands_during_an_act_take_turns_with_it_and_nothing_is_ended_twice(untether):
    act = Act(untether)
    page = act.confirm()
    until("the act is under way", lambda: act.has_ended(1), seconds=30, pause=0.001)
    with ThreadPoolExecutor() as pool:
        revoking = pool.submit(untether.command, "revoke", "--project", "search", "--reason", "by command")
        sweeps = 0
        while not act.progress()[2]:
            swept = untether.command("sweep")["swept"]
            assert not any(swept.values()), "nothing is due"
            sweeps += 1
        by_command = revoking.result()["count"]
    ended, skipped, _ = act.progress()
    assert sweeps > 0 and by_command > 0 and ended > 0, "they did not meet: nothing was proved"
    assert (ended + skipped, skipped) == (CONNECTIONS, by_command)
    act.check()
    reasons = "SELECT COUNT(*) FROM audit_event WHERE action = 'connection.revoked' AND reason = 'by command'"
    assert untether.database.rows(reasons) == [(by_command,)]
    assert act.shown(page) == (
        f"Revoked {ended:,} connections",
        f"Revoked {ended:,} connections. Clients stay registered. {by_command:,} had been revoked before.",
    )
