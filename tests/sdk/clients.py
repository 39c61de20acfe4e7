"""The clients of the matrix, all with the same few verbs, whatever they are written in."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from hosts import NODE, Browser, inspector, mcp_remote
from person import Person

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FIRST_MAJOR = HERE.parent / ".venv-1/bin/python"
APPS = {
    "python_1": [FIRST_MAJOR, HERE / "apps/python_sdk.py"],
    "python_2": [sys.executable, HERE / "apps/python_sdk.py"],
    "typescript_1": [NODE, HERE / "apps/typescript_sdk.mjs", "1"],
    "typescript_2": [NODE, HERE / "apps/typescript_sdk.mjs", "2"],
    "fastmcp": [sys.executable, HERE / "apps/fastmcp_client.py"],
    "rmcp": [ROOT / "target/debug/rmcp-application"],
}


class Refused(Exception):
    """The client gave up, with these words."""


class AppProcess:
    """A process that can be an application again and again, each time remembering nothing."""

    def __init__(self, command: list, log: Path):
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=15)

    def send(self, message: dict):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def order(self, verb: str, browse, **arguments):
        """Does one thing; `browse` takes the person to an address and says where that led."""
        self.send({"do": verb, "with": arguments})
        while True:
            line = self.process.stdout.readline()
            assert line, f"the application ended:\n{self.log.read_text()[-4000:]}"
            said = json.loads(line)
            if "open" in said:
                self.send({"landed": browse(said["open"])})
            elif "failed" in said:
                raise Refused(said["failed"])
            else:
                return said["done"]


@dataclass
class Kept:
    """What a client keeps for the next time."""

    client_id: str
    access_token: str
    refresh_token: str


class App:
    """An application on one of the SDKs, with this person at the browser."""

    def __init__(self, process: AppProcess, url: str, person: Person, name: str, **options):
        self.process = process
        self.person = person
        self.opened = 0
        self.decision = "allow"
        self._order("start", url=url, name=name, **options)

    def _order(self, verb: str, **arguments):
        return self.process.order(verb, self._browse, **arguments)

    def _browse(self, address: str) -> str:
        self.opened += 1
        return self.person.decide(address, self.decision)

    def will(self, decision: str):
        self.decision = decision

    def call(self, tool: str) -> str:
        return self._order("call", tool=tool)

    def wear_out(self):
        """The access token has run out, as far as the client knows."""
        self._order("wear_out")

    def forget(self):
        """The tokens are lost, and the client is not."""
        self._order("forget")

    def kept(self) -> Kept:
        return Kept(**self._order("kept"))


class Host:
    """A program that people run, started anew for each call; it keeps its state in files."""

    def __init__(self, url: str, person: Person, directory: Path):
        self.url = url
        self.directory = directory
        self.browser = Browser(person, directory)
        self.will = self.browser.will

    @property
    def opened(self) -> int:
        return self.browser.opened

    def wear_out(self):
        with self._tokens() as tokens:
            tokens["access_token"] = "worn-out"

    def kept(self) -> Kept:
        with self._tokens() as tokens:
            return Kept(self._client_id(), tokens["access_token"], tokens["refresh_token"])


class McpRemote(Host):
    def call(self, tool: str) -> str:
        return anyio.run(self._call, tool)

    async def _call(self, tool: str) -> str:
        try:
            async with mcp_remote(self.url, self.browser) as session:
                result = await session.call_tool(tool)
        except Exception as error:
            raise Refused((self.directory / "host.log").read_text()) from error
        return "".join(block.text for block in result.content if block.type == "text")

    def forget(self):
        self._file("tokens").unlink()

    @contextmanager
    def _tokens(self):
        with stored(self._file("tokens")) as tokens:
            yield tokens

    def _client_id(self) -> str:
        return json.loads(self._file("client_info").read_text())["client_id"]

    def _file(self, what: str) -> Path:
        [found] = self.directory.glob(f"mcp-remote/*/*_{what}.json")
        return found


class Inspector(Host):
    def call(self, tool: str) -> str:
        done = inspector(self.url, self.browser, tool, "--format", "json")
        if done.returncode != 0:
            raise Refused(done.stderr)
        return "".join(block["text"] for block in json.loads(done.stdout)["result"]["content"])

    def forget(self):
        with self._secrets() as (secrets, name):
            del secrets[name]

    @contextmanager
    def _tokens(self):
        with self._secrets() as (secrets, name):
            tokens = json.loads(secrets[name])
            yield tokens
            secrets[name] = json.dumps(tokens)

    @contextmanager
    def _secrets(self):
        """What is kept secret, and which of that are the tokens."""
        with stored(self.directory / ".mcp-inspector/secrets.json") as kept:
            [name] = [name for name in kept["secrets"] if ":tokens:" in name]
            yield kept["secrets"], name

    def _client_id(self) -> str:
        kept = json.loads((self.directory / ".mcp-inspector/storage/oauth.json").read_text())
        server = kept["servers"][self.url]
        return server["byIssuer"][server["activeIssuer"]]["clientInformation"]["client_id"]


@contextmanager
def stored(path: Path):
    """The content of a JSON file; what is changed in it is written back."""
    content = json.loads(path.read_text())
    before = json.dumps(content)
    yield content
    if json.dumps(content) != before:
        path.write_text(json.dumps(content))


HOSTS = {"mcp_remote": McpRemote, "inspector": Inspector}
