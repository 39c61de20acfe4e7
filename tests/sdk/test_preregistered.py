"""Clients that an administrator made beforehand, with the Python SDK: public and confidential."""

import httpx2
import pytest
from mcp.shared.auth import OAuthClientInformationFull

from sdk_client import REDIRECT, SdkClient, Storage, bearer_is_refused

AUTHENTICATION = {"public": "none", "basic": "client_secret_basic", "post": "client_secret_post"}


@pytest.fixture(params=list(AUTHENTICATION))
def registered(request, untether, search_server, ana):
    """An app that was given its client ID, and where there is one its secret, by an administrator."""
    made = untether.add_client("search", f"Console {request.param}", REDIRECT, confidential=request.param != "public")
    assert made["client"]["redirect_uris"] == [REDIRECT]
    assert bool(made.get("client_secret")) == (request.param != "public")
    client = OAuthClientInformationFull(
        client_id=made["client"]["client_id"],
        client_secret=made.get("client_secret"),
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method=AUTHENTICATION[request.param],
    )
    return SdkClient(search_server.url, ana, storage=Storage(client=client))


def test_a_client_made_beforehand_connects_refreshes_and_is_revoked(registered, search_server, ana, owner):
    given = registered.storage.client.client_id
    assert registered.call("ping") == "pong"
    registered.person = None
    registered.forget_expiry()
    assert registered.call("ping") == "pong"
    assert registered.storage.client.client_id == given, "the SDK registered a client of its own"

    row = owner.connection_of(ana.email)
    assert row.name.startswith("Console ")
    owner.revoke(row)
    assert bearer_is_refused(search_server.url, registered.storage.tokens.access_token)


@pytest.mark.parametrize("registered", ["basic", "post"], indirect=True)
def test_a_confidential_client_without_its_secret_gets_nothing(registered, untether):
    registered.call("ping")
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": registered.storage.tokens.refresh_token,
        "client_id": registered.storage.client.client_id,
    }
    answer = httpx2.post(f"{untether.base}/oauth/token", data=fields)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    registered.person = None
    registered.forget_expiry()
    assert registered.call("ping") == "pong", "the refused attempt spent the refresh token"
