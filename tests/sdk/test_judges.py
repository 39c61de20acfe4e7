"""Strict OAuth clients that know nothing of MCP, and the MCP conformance suite, judge the server."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from clients import AppProcess
from hosts import NODE
from person import Person
from untether import free_port, until

HERE = Path(__file__).parent
JUDGES = {
    "oauth4webapi": [NODE, HERE / "judges/oauth4webapi.mjs"],
    "openid_client": [NODE, HERE / "judges/openid_client.mjs"],
    "authlib": [sys.executable, HERE / "judges/authlib_client.py"],
}
CONFORMANCE = HERE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
RESOURCE = "http://127.0.0.1:49158/mcp"


@pytest.fixture(scope="module")
def project(untether):
    return untether.add_project(RESOURCE)


@pytest.fixture(scope="module", params=list(JUDGES))
def judge(request, untether, project, tmp_path_factory):
    process = AppProcess(JUDGES[request.param], tmp_path_factory.mktemp(request.param) / "judge.log")
    settings = {
        "issuer": f"{untether.public}/oauth",
        "resource": RESOURCE,
        "scope": "search.read",
        "introspection": project["introspection"],
    }
    process.order("start", None, **settings)
    yield process
    process.close()


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_the_whole_flow_passes_a_strict_client(judge, method, untether, project, ana):
    found = judge.order("flow", ana.decide, method=method)
    assert found["registered"] == method
    assert found["scope"] == "search.read" and found["rotated"]
    assert found["refused"] == [400, "invalid_grant"]
    assert found["unknown"] == {"active": False}
    known = found["known"]
    assert known["active"] and known["aud"] == RESOURCE and known["iss"] == f"{untether.public}/oauth"
    assert known["username"] == ana.email and known["scope"] == "search.read"
    assert 0 < known["exp"] - known["iat"] <= 3600


@pytest.mark.parametrize("judge", ["oauth4webapi", "openid_client"], indirect=True)
def test_a_denial_is_an_error_with_the_issuer(judge, untether, ana):
    found = judge.order("denial", lambda address: ana.decide(address, "deny"))
    assert found == {"error": "access_denied", "iss": f"{untether.public}/oauth"}


def test_the_conformance_suite_for_authorization_servers(untether, project, ana, tmp_path):
    """Its `authorization` command prints an address and listens for the person's browser."""
    port = free_port()
    client = untether.add_client("search", "Conformance", f"http://127.0.0.1:{port}/callback")
    output = tmp_path / "output"
    with output.open("wb") as log:
        suite = subprocess.Popen(
            [
                *(NODE, CONFORMANCE, "authorization", "--url", f"{untether.public}/oauth"),
                *("--client-id", client["client"]["client_id"], "--resource", RESOURCE, "--port", str(port)),
            ],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
        )
    try:
        address = until("the suite wants a browser", lambda: _address(suite, output, untether), seconds=60)
        httpx2.get(ana.decide(address), timeout=20)
        assert suite.wait(timeout=60) == 0, output.read_text()
    finally:
        suite.kill()
    said = output.read_text()
    assert "0 failed" in said, said


def _address(suite: subprocess.Popen, output: Path, untether) -> str | None:
    said = output.read_text()
    assert suite.poll() is None, said
    start = f"{untether.public}/oauth/authorize?"
    return next((word for word in said.split() if word.startswith(start)), None)
