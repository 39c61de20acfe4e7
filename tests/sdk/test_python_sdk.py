"""The Python SDK's client, which registers itself, against a real MCP server and Untether's own."""

import pytest

from sdk_client import ConsentNeeded, SdkClient, bearer_is_refused, flattened, refresh_answer


def test_a_revoked_connection_is_refused_at_once_and_only_a_new_consent_helps(server, untether, ana, owner):
    app = SdkClient(server.url, ana)
    assert server.answers(app.call(server.tool), ana.email)
    assert app.answer["iss"] == f"{untether.public}/oauth"
    old = app.storage.tokens

    row = owner.connection_of(ana.email)
    assert row.status == "Active" and row.name.startswith("Python SDK#")
    said = owner.revoke(row, reason="laptop lost")
    assert f"Revoked {row.name}. Python SDK stays registered." in said.text
    assert not [row for row in owner.connections() if ana.email in row.text], "the default list still shows it"

    assert bearer_is_refused(server.url, old.access_token)
    if server.introspect:
        assert server.introspect(old.access_token) == {"active": False}
    refused = refresh_answer(untether, app.storage, old.refresh_token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")

    app.person = None
    with pytest.raises((ConsentNeeded, BaseExceptionGroup)) as wanted:
        app.call(server.tool)
    assert [type(error) for error in flattened(wanted.value)] == [ConsentNeeded]

    app.person = ana
    assert server.answers(app.call(server.tool), ana.email)
    assert ana.consents == 2
    fresh = owner.connection_of(ana.email)
    assert fresh.status == "Active" and fresh.identifiers != row.identifiers
    ended = owner.connection_of(ana.email, status="revoked")
    assert ended.status == "Revoked" and ended.name == row.name and ended.revoke_link is None
    assert bearer_is_refused(server.url, old.access_token), "the new consent brought the old token back"


def test_a_refresh_keeps_the_connection_and_asks_nobody(server, ana, owner):
    app = SdkClient(server.url, ana)
    app.call(server.tool)
    before = app.storage.tokens
    app.person = None
    app.forget_expiry()
    assert server.answers(app.call(server.tool), ana.email)
    assert app.storage.tokens.access_token != before.access_token
    assert app.storage.tokens.refresh_token != before.refresh_token
    assert owner.connection_of(ana.email).status == "Active"


def test_deny_sends_the_app_away_without_a_connection(server, untether, ana, owner):
    app = SdkClient(server.url, ana, decision="deny")
    with pytest.raises(BaseException) as denied:
        app.call(server.tool)
    assert [str(error) for error in flattened(denied.value)] == ["access_denied"]
    assert app.answer["iss"] == f"{untether.public}/oauth" and "code" not in app.answer
    assert not [row for row in owner.connections() if ana.email in row.text]


def test_revoking_one_connection_leaves_the_same_persons_other_device_alone(search_server, ana, owner):
    laptop, desktop = SdkClient(search_server.url, ana), SdkClient(search_server.url, ana)
    laptop.call("ping")
    [lost] = [row for row in owner.connections() if ana.email in row.text]
    desktop.call("ping")
    owner.revoke(lost)
    assert bearer_is_refused(search_server.url, laptop.storage.tokens.access_token)
    desktop.person = None
    assert desktop.call("ping") == "pong"
    desktop.forget_expiry()
    assert desktop.call("ping") == "pong"


def test_a_token_of_one_server_is_worth_nothing_at_the_other(search_server, own_server, ana):
    search, own = SdkClient(search_server.url, ana), SdkClient(own_server.url, ana)
    search.call("ping")
    own.call("whoami")
    assert bearer_is_refused(own_server.url, search.storage.tokens.access_token)
    assert bearer_is_refused(search_server.url, own.storage.tokens.access_token)
    assert search_server.introspect(own.storage.tokens.access_token) == {"active": False}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_own_server_lists_what_the_page_lists_in_both_protocol_eras(own_server, mode, ana):
    app = SdkClient(own_server.url, ana, mode=mode)
    listed = app.call("list_connections")
    [row] = ana.connections()
    assert row.name in listed
