"""What real clients and servers do that the program must live with, beyond the rows of the matrix.

Where a client does something of its own, the test says which one does and which does not, so that a
new version with another habit is noticed.
"""

import re
import secrets

import httpx2
import pytest

from clients import APPS, HOSTS, App, Refused
from hosts import inspector
from mcp_servers import serving
from person import Person
from sdk_client import bearer_is_refused
from wire import App as WireApp

SDKS = ["python_1", "python_2", "typescript_1", "typescript_2"]
REDIRECTS = {"python": "http://127.0.0.1:49153/callback", "typescript": "http://127.0.0.1:49154/callback"}


@pytest.fixture
def ana(fronted):
    """A person at the installation whose traffic is seen."""
    return Person(fronted.public, f"ana.{secrets.token_hex(4)}@acme.example", "Ana Ruiz")


@pytest.fixture
def owner(fronted):
    return Person.owner(fronted)


@pytest.fixture
def make(fronted, servers, processes, ana, tmp_path):
    """A client of this kind, which knows nothing yet; by default with the Python SDK's server."""

    def client(kind: str, url: str | None = None, **options):
        url = url or servers("python_sdk").url
        if kind in HOSTS:
            return HOSTS[kind](url, ana, tmp_path)
        return App(processes(kind), url, ana, kind, **options)

    return client


@pytest.fixture
def given(fronted, servers):
    """Makes a client for this SDK as an administrator does, configured as its author does."""

    def client(kind: str, method: str | None) -> dict:
        servers("python_sdk")
        redirect = REDIRECTS[kind.split("_")[0]]
        made = fronted.add_client("python-sdk", f"{kind} {method}", redirect, confidential=method != "none")
        client = {"client_id": made["client"]["client_id"]}
        if method != "none":
            client["client_secret"] = made["client_secret"]
        if method:
            client["token_endpoint_auth_method"] = method
        return client

    return client


@pytest.mark.parametrize("kind", SDKS)
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_a_client_made_beforehand_proves_itself_each_way(kind, method, make, given, front):
    """Python sends its ID in the body beside Basic, TypeScript does not."""
    front.forget()
    app = make(kind, client=given(kind, method))
    assert app.call("ping") == "pong"
    app.wear_out()
    assert app.call("ping") == "pong"
    assert app.opened == 1 and not front.to("/oauth/register")
    for sent in front.to("/oauth/token"):
        assert sent.headers.get("authorization", "").startswith("Basic ") == (method == "client_secret_basic")
        assert ("client_secret" in sent.form) == (method == "client_secret_post")
        assert ("client_id" in sent.form) == (method != "client_secret_basic" or kind.startswith("python"))


@pytest.mark.parametrize("kind", ["python_1", "python_2"])
def test_python_with_a_secret_but_no_method_sends_no_secret_and_is_refused(kind, make, given, front):
    """So the configuration that the console shows must name the method."""
    front.forget()
    app = make(kind, client=given(kind, None))
    with pytest.raises(Refused, match="invalid_client"):
        app.call("ping")
    [sent] = front.to("/oauth/token")
    assert sent.status == 401
    assert "authorization" not in sent.headers and "client_secret" not in sent.form


@pytest.mark.parametrize("kind", [*APPS, *HOSTS])
def test_a_client_that_is_no_longer_known_registers_again_or_says_so(kind, make, front):
    """`invalid_client` at the token endpoint: both TypeScript SDKs forget who they were, rmcp tells the app."""
    client = make(kind)
    assert client.call("ping") == "pong"
    before = client.kept()
    client.wear_out()
    front.trouble["/oauth/token"] = (401, {"error": "invalid_client"})
    front.forget()
    if kind == "rmcp":
        with pytest.raises(Refused, match="invalid_client"):
            client.call("ping")
    assert client.call("ping") == "pong"
    registers_again = kind.startswith("typescript") or kind in HOSTS
    assert len(front.to("/oauth/register")) == registers_again
    assert (client.kept().client_id != before.client_id) == registers_again


@pytest.mark.parametrize("kind", [*APPS, *HOSTS])
@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_an_outage_at_the_token_endpoint_costs_a_consent_at_most(kind, error, make, front):
    """Python asks the person at once; the TypeScript SDKs try again later if the error says so."""
    client = make(kind)
    assert client.call("ping") == "pong"
    client.wear_out()
    front.trouble["/oauth/token"] = (503, {"error": error})
    front.forget()
    asks_at_once = kind.startswith("python") or kind == "fastmcp"
    forgets = asks_at_once or (error == "server_error" and kind not in ("inspector", "rmcp"))
    if not forgets:
        with pytest.raises(Refused):
            client.call("ping")
    assert client.call("ping") == "pong"
    assert client.opened == 1 + forgets and not front.to("/oauth/register")


@pytest.mark.parametrize("kind", [*APPS])
def test_who_checks_that_the_answer_comes_from_this_server(kind, make):
    """RFC 9207: the first major versions take a code from anywhere."""
    app = make(kind)
    genuine = app.person.decide
    app.person.decide = lambda *arguments: re.sub("iss=[^&]*", "iss=http%3A%2F%2Fevil.example", genuine(*arguments))
    if kind in ("python_1", "typescript_1"):
        assert app.call("ping") == "pong"
    else:
        with pytest.raises(Refused, match="(?i)iss"):
            app.call("ping")


@pytest.mark.parametrize("kind", [*APPS])
def test_who_accepts_another_spelling_of_the_issuer(kind, make, fronted, tmp_path):
    """The resource metadata says localhost, the server 127.0.0.1: only one client of six lets that pass."""
    elsewhere = f"{fronted.public}/oauth".replace("127.0.0.1", "localhost")
    with serving(fronted, f"spelled-{kind}".replace("_", "-"), "python_sdk", tmp_path, ISSUER=elsewhere) as server:
        app = make(kind, server.url)
        if kind == "typescript_1":
            assert app.call("ping") == "pong"
        else:
            with pytest.raises(Refused, match="(?i)issuer"):
                app.call("ping")


@pytest.mark.parametrize(("kind", "status"), [("python_sdk", 403), ("fastmcp", 401), ("typescript_sdk", 403)])
def test_what_a_server_says_to_a_token_without_the_scope_it_needs(kind, status, fronted, ana, tmp_path):
    """fastmcp answers as if the token were unknown."""
    with serving(fronted, f"other-{kind}".replace("_", "-"), kind, tmp_path, SCOPE="other.write") as server:
        tokens = WireApp(fronted, server.url).connect(ana)
        answer = httpx2.post(
            server.url,
            headers={"Authorization": f"Bearer {tokens.access}", "Accept": "application/json, text/event-stream"},
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        )
    assert answer.status_code == status
    challenge = answer.headers["www-authenticate"]
    assert ('error="insufficient_scope"' in challenge) == (status == 403)
    assert ('scope="other.write"' in challenge) == (kind != "python_sdk")


def test_a_server_that_keeps_what_it_was_told_lets_a_revoked_token_pass(fronted, ana, owner, tmp_path):
    """fastmcp with `cache_ttl_seconds`; without it the revoke is true on the next call (the matrix)."""
    with serving(fronted, "cached", "fastmcp", tmp_path, CACHE_SECONDS="300") as server:
        tokens = WireApp(fronted, server.url).connect(ana)
        assert not bearer_is_refused(server.url, tokens.access)
        owner.revoke(owner.connection_of(ana.email))
        assert server.introspect(tokens.access) == {"active": False}
        assert not bearer_is_refused(server.url, tokens.access)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_fastmcp_introspects_with_its_credential_either_way(method, fronted, front, ana, tmp_path):
    slug = method.replace("_", "-")
    with serving(fronted, slug, "fastmcp", tmp_path, INTROSPECTION_METHOD=method) as server:
        tokens = WireApp(fronted, server.url).connect(ana)
        front.forget()
        assert not bearer_is_refused(server.url, tokens.access)
    asked = front.to("/oauth/introspect")
    assert asked and {one.status for one in asked} == {200}
    assert {one.form.get("token_type_hint") for one in asked} == {"access_token"}
    assert {"client_secret" in one.form for one in asked} == {method == "client_secret_post"}


@pytest.mark.parametrize("kind", ["python_sdk", "typescript_sdk", "fastmcp"])
def test_every_request_of_a_tool_call_is_introspected(kind, make, servers, front):
    app = make("python_2", servers(kind).url)
    app.call("ping")
    front.forget()
    app.call("ping")
    assert [one.status for one in front.to("/oauth/introspect")] == [200] * 3


def test_the_inspector_knows_where_everything_is_and_does_not_look_again(make, front):
    """So the paths of the endpoints must never move."""
    client = make("inspector")
    client.call("ping")
    client.wear_out()
    front.forget()
    client.call("ping")
    assert len(front.grants("refresh_token")) == 1 and front.discovery() == []


def test_the_inspector_that_signs_in_anew_leaves_its_old_connection_behind(make, front, owner, ana):
    """Its help promises a revocation request (RFC 7009); none comes."""
    client = make("inspector")
    client.call("ping")
    front.forget()
    done = inspector(client.url, client.browser, "ping", "--relogin")
    assert done.returncode == 0, done
    assert front.to("/oauth/revoke") == []
    assert [row.status for row in owner.connections() if ana.email in row.text] == ["Active", "Active"]
