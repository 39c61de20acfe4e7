"""Killed at any moment, the program loses nothing that it acknowledged and leaves nothing half done."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from dataclasses import dataclass

import httpx2
import pytest

from person import Person
from untether import POSTGRES, Untether
from wire import App, Introspection, Tokens

KILLS = 10 if POSTGRES else 50
CONNECTIONS = 40
REVOKES_A_ROUND = 8
REFRESHES_A_ROUND = 6


@dataclass
class Held:
    """A connection, with what the program has acknowledged about it."""

    id: str
    tokens: Tokens
    asked: bool = False
    acknowledged: bool = False


class World:
    """One installation, its connections, and what is asked of it while it dies."""

    def __init__(self, untether: Untether):
        self.untether = untether
        self.owner = Person.owner(untether)
        project = untether.add_project("https://search.example/mcp")
        self.introspect = Introspection(untether, project)
        self.app = App(untether, project["project"]["resource"])
        self.all: list[Held] = []
        self.faults: list[str] = []

    def top_up(self):
        """Connects through the real flow until there is enough to revoke."""
        known = {held.id for held in self.all}
        while sum(not held.asked for held in self.all) < CONNECTIONS:
            tokens = self.app.connect(self.owner)
            [new] = {id for (id,) in self.untether.database.rows("SELECT id FROM connection")} - known
            known.add(new)
            self.all.append(Held(new, tokens))
        row = next(row for row in self.owner.connections() if row.revoke_link)
        [shown] = [id for id in row.identifiers if id in known]
        self.revoke_link = row.revoke_link.replace(shown, "{id}")

    def revoke(self, held: Held):
        held.asked = True
        answer = self.owner.confirm(self.revoke_link.format(id=held.id))
        if answer.status_code == 303:
            held.acknowledged = True
        else:
            self.faults.append(f"revoke of {held.id}: {answer.status_code} {answer.text[:500]}")

    def refresh_until_killed(self, held: Held):
        while True:
            asked_before = held.asked
            answer = self.app.refresh(held.tokens.refresh)
            if answer.status_code == 200:
                held.tokens = Tokens.of(answer)
            elif asked_before or held.asked:
                return
            else:
                self.faults.append(f"refresh of {held.id}: {answer.status_code} {answer.text[:500]}")
                return

    def die(self, rng: random.Random):
        """Revokes and refreshes at once, until the process is killed somewhere among them.

        The kill comes after a random number of acknowledged revokes, a random part of the time
        that one takes into the next: a slow machine is hit in the middle too.
        """
        usable = [held for held in self.all if not held.asked]
        victims = rng.sample(usable, REVOKES_A_ROUND)
        refreshed = rng.sample(usable, REFRESHES_A_ROUND)
        before_the_kill = rng.randint(1, REVOKES_A_ROUND - 1)
        within_the_next = rng.random()
        reached, finished = Event(), Event()
        took = 0.0

        def revoke_one_by_one():
            nonlocal took
            try:
                for n, held in enumerate(victims, start=1):
                    began = time.monotonic()
                    self.revoke(held)
                    if n == before_the_kill:
                        took = time.monotonic() - began
                        reached.set()
            finally:
                reached.set()
                finished.set()

        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(revoke_one_by_one)]
            jobs += [pool.submit(self.refresh_until_killed, held) for held in refreshed]
            reached.wait()
            finished.wait(timeout=took * within_the_next)
            self.untether.kill()
        for job in jobs:
            if job.exception() and not isinstance(job.exception(), httpx2.TransportError):
                raise job.exception()
        self.untether.database.settle()
        return {held.id: held for held in victims + refreshed}.values()

    def check(self, touched):
        """What the database says, what the endpoints do, and what was acknowledged are one story."""
        assert not self.faults
        read = self.untether.database.rows
        revoked = {id for (id,) in read("SELECT id FROM connection WHERE revoked_at IS NOT NULL")}
        events = [id for (id,) in read("SELECT connection_id FROM audit_event WHERE action = 'connection.revoked'")]
        assert sorted(events) == sorted(revoked), "each revoked row has one audit event, and each event its row"
        assert revoked >= {held.id for held in self.all if held.acknowledged}, "an acknowledged revoke was lost"
        assert revoked <= {held.id for held in self.all if held.asked}, "a connection ended that nobody revoked"
        for held in touched:
            self.check_use(held, ended=held.id in revoked)

    def check_use(self, held: Held, ended: bool):
        introspected = self.introspect(held.tokens.access)
        answer = self.app.refresh(held.tokens.refresh)
        if ended:
            assert introspected == {"active": False}, held
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), held
        else:
            assert introspected["active"] is True, held
            held.tokens = Tokens.of(answer)
            assert self.introspect(held.tokens.access)["active"] is True, held


@pytest.mark.timeout(180)
def test_kill_9_at_any_moment_loses_no_acknowledged_revoke_and_spoils_no_other_connection(tmp_path):
    seed = int(os.environ.get("CRASH_SEED", time.time_ns() % 2**32))
    print(f"CRASH_SEED={seed}")
    rng = random.Random(seed)
    untether = Untether(tmp_path)
    try:
        world = World(untether.start())
        for _ in range(KILLS):
            world.top_up()
            touched = world.die(rng)
            untether.start()
            world.check(touched)
        world.check(world.all)
    finally:
        untether.close()
    acknowledged = sum(held.acknowledged for held in world.all)
    cut_short = sum(held.asked and not held.acknowledged for held in world.all)
    print(f"{KILLS} kills, {acknowledged} revokes acknowledged, {cut_short} cut short by the kill")
    assert acknowledged >= KILLS and cut_short >= KILLS // 4, "the kills missed the revokes: nothing was proved"
