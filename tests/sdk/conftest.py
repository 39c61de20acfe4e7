"""Fixtures: an installation per test module, a real MCP server that it protects, and who uses them."""

import secrets
from contextlib import ExitStack

import pytest

from certificates import Authority
from clients import APPS, AppProcess
from front import Front
from mcp_servers import McpServer, serving
from person import Person
from untether import Untether


# What takes longest begins first, so that no worker goes on with it when the others have nothing left.
LONGEST = ["test_quirks.py", "test_crash.py", "TestMcpRemote", "TestInspector", "test_hosts.py", "test_acts.py"]


def pytest_collection_modifyitems(items):
    def place(item) -> int:
        within = [place for place, name in enumerate(LONGEST) if f"{name}::" in item.nodeid]
        return within[0] if within else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def authority(tmp_path_factory):
    """Whom every program of a run trusts, and nobody else: none of them speaks to the outside, and to
    read everybody's authorities for each HTTP client took a sixth of the time."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.certificate))
        yield authority


@pytest.fixture(scope="module")
def untether(tmp_path_factory):
    program = Untether(tmp_path_factory.mktemp("untether"))
    try:
        yield program.start()
    finally:
        program.close()


@pytest.fixture(scope="module")
def search_server(untether, tmp_path_factory):
    """The Python SDK's own server, in a process of its own."""
    with serving(untether, "search", "python_sdk", tmp_path_factory.mktemp("search")) as server:
        yield server


@pytest.fixture(scope="module")
def own_server(untether):
    """The MCP server that Untether itself is; it asks no one but itself."""
    return McpServer(f"{untether.public}/mcp", "whoami", None)


@pytest.fixture(params=["search_server", "own_server"], ids=["python_server", "own_server"])
def server(request) -> McpServer:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def front():
    front = Front()
    yield front
    front.close()


@pytest.fixture(scope="session")
def fronted(front, tmp_path_factory):
    """One installation for all that looks at what passes; each test has a person of its own."""
    program = Untether(tmp_path_factory.mktemp("untether"), public=front.url)
    front.program_port = program.port
    try:
        yield program.start()
    finally:
        program.close()


@pytest.fixture(scope="session")
def servers(fronted, tmp_path_factory):
    """The servers by kind, started when first asked for."""
    running = {"own": McpServer(f"{fronted.public}/mcp", "whoami", None)}
    with ExitStack() as stack:

        def of(kind: str) -> McpServer:
            if kind not in running:
                slug = kind.replace("_", "-")
                running[kind] = stack.enter_context(serving(fronted, slug, kind, tmp_path_factory.mktemp(kind)))
            return running[kind]

        yield of


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """The processes of applications by kind, started when first asked for."""
    running = {}

    def of(kind: str) -> AppProcess:
        if kind not in running:
            running[kind] = AppProcess(APPS[kind], tmp_path_factory.mktemp(kind) / "app.log")
        return running[kind]

    yield of
    for process in running.values():
        process.close()


@pytest.fixture
def ana(untether):
    """A person of this test's own, so that the tests of a module do not see each other's rows."""
    return Person(untether.public, f"ana.{secrets.token_hex(4)}@acme.example", "Ana Ruiz")


@pytest.fixture
def owner(untether):
    return Person.owner(untether)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the program's own log beside a failure."""
    outcome = yield
    report = outcome.get_result()
    given = getattr(item, "funcargs", {})
    program = given.get("untether") or given.get("fronted")
    if report.failed and program is not None:
        report.sections.append(("untether log (end)", program.log_text()[-4000:]))
