"""The snippets for proxies where everything speaks TLS: the clients' side, and the side of Untether."""

import secrets

import httpx2
import pytest

from certificates import Authority
from front import Front
from person import Person
from proxies import ACCEPTED, PING, PROXIES, protecting
from sdk_client import SdkClient, assert_asks_a_person, bearer_is_refused
from untether import Untether


@pytest.fixture(scope="module")
def secured(authority, tmp_path_factory):
    """What ends TLS in front of Untether."""
    front = Front(authority.context(tmp_path_factory.mktemp("front")))
    yield front
    front.close()


@pytest.fixture(scope="module")
def untether(secured, tmp_path_factory):
    program = Untether(tmp_path_factory.mktemp("untether"), public=secured.url)
    secured.program_port = program.port
    try:
        yield program.start()
    finally:
        program.close()


@pytest.fixture(scope="module", params=PROXIES)
def protected(request, untether, authority, tmp_path_factory):
    with protecting(untether, request.param, tmp_path_factory.mktemp("forward"), authority) as server:
        yield server


def test_a_client_connects_calls_and_is_refused_after_a_revoke(protected, ana, owner):
    app = SdkClient(protected.url, ana)
    assert app.call("ping") == "pong"
    row = owner.connection_of(ana.email)
    owner.revoke(row)
    assert bearer_is_refused(protected.url, app.storage.tokens.access_token)
    assert_asks_a_person(app, "ping")


def test_a_false_untether_lets_nobody_pass(protected, secured, ana, tmp_path):
    """Whoever stands in Untether's place with a certificate of somebody else, and would let all pass."""
    app = SdkClient(protected.url, ana)
    assert app.call("ping") == "pong"
    token = {"Authorization": f"Bearer {app.storage.tokens.access_token}"}
    strangers = Authority(tmp_path)
    with secured.showing(strangers.context(tmp_path)):
        answer = httpx2.post(protected.url, json=PING, headers=token | {"Accept": ACCEPTED})
        assert answer.status_code in (500, 502)
    app.person = None
    assert app.call("ping") == "pong"
