"""Starts the real program on a database of its own, and stops, kills and commands it."""

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("UNTETHER_BIN", ROOT / "target/debug/untether"))
POSTGRES = os.environ.get("UNTETHER_TEST_POSTGRES_URL")
ENGINES = ["postgres"] if POSTGRES else ["sqlite"]
OWNER = "owner@acme.example"


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to whoever asks for any:
    so nobody is given it before it is used."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def until(what: str, check, seconds: float = 15.0, pause: float = 0.02):
    """Calls `check` until it answers something true, and returns that; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s still not: {what}")
        time.sleep(pause)


class Sqlite:
    """A database file in the test's own directory."""

    def __init__(self, directory: Path):
        self.path = directory / "untether.db"
        self.url = f"sqlite://{self.path}"

    def rows(self, query: str) -> list[tuple]:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def execute(self, *statements: str):
        """Changes rows past the program."""
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            with connection:
                for statement in statements:
                    connection.execute(statement)
        finally:
            connection.close()

    def settle(self):
        """Nothing to wait for: the killed process was the database."""

    def drop(self):
        """Nothing to do: the directory goes with the test."""


class Postgres:
    """A fresh database in the cluster that UNTETHER_TEST_POSTGRES_URL names."""

    def __init__(self):
        self.name = f"untether_{secrets.token_hex(6)}"
        self._as_administrator(f'CREATE DATABASE "{self.name}"')
        self.url = urlsplit(POSTGRES)._replace(path=f"/{self.name}").geturl()

    def _as_administrator(self, statement: str):
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(statement)

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def execute(self, *statements: str):
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def settle(self):
        """Waits until the sessions of a killed process have ended, one way or the other."""
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        until("the killed process has no session left", lambda: self.rows(others) == [(0,)])

    def drop(self):
        self._as_administrator(f'DROP DATABASE "{self.name}" WITH (FORCE)')


class Untether:
    """One installation: its settings and database, and the process that serves it."""

    def __init__(self, directory: Path, port: int | None = None, public: str | None = None, **settings: str):
        self.database = Postgres() if POSTGRES else Sqlite(directory)
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.public = public or self.base
        self.log = directory / "untether.log"
        self.process: subprocess.Popen | None = None
        given = {
            "LISTEN": f"127.0.0.1:{self.port}",
            "PUBLIC_URL": self.public,
            "DATABASE_URL": self.database.url,
            "ORGANIZATION": "Acme",
            "TRUSTED_PROXIES": "127.0.0.1/32",
            "OWNERS": OWNER,
            "REGISTRATIONS_PER_HOUR": "10000",
        }
        if POSTGRES:
            given["SECRET_KEY"] = secrets.token_hex(32)
        given |= settings
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNTETHER_")}
        self.environment = inherited | {f"UNTETHER_{name}": value for name, value in given.items()}

    def start(self) -> "Untether":
        """Starts serving and returns once the program says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve"], env=self.environment, stdout=log, stderr=log, cwd=self.log.parent
            )
        with httpx2.Client(base_url=self.base, timeout=5) as http:
            until("the program is ready", lambda: self._is_ready(http), pause=0.005)
        return self

    def _is_ready(self, http: httpx2.Client) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"untether exited with {self.process.returncode}:\n{self.log_text()}")
        try:
            return http.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def stop(self):
        """Asks the process to end, and fails if it does not."""
        self._end(signal.SIGTERM)

    def kill(self):
        """What a power cut does to the process: nothing of it runs after this."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=15)

    def close(self):
        try:
            self.stop()
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            self.database.drop()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def command(self, *arguments: str) -> dict:
        """Runs a command that prints JSON, against the live database."""
        done = subprocess.run(
            [BINARY, *arguments, "--json"],
            env=self.environment,
            cwd=self.log.parent,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, f"untether {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return json.loads(done.stdout)

    def add_project(self, resource: str, slug: str = "search") -> dict:
        """Registers an MCP server; answers the project with its introspection credential."""
        return self.command(
            *("project", "add", "--slug", slug, "--name", slug.capitalize(), "--resource", resource),
            *("--scope", f"{slug}.read=Read what is in {slug}"),
        )

    def add_client(self, project: str, name: str, redirect_uri: str, confidential: bool = False) -> dict:
        kind = ["--confidential"] if confidential else []
        return self.command(
            *("client", "add", "--project", project, "--name", name, "--redirect-uri", redirect_uri), *kind
        )
