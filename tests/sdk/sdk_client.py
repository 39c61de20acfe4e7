"""An application on the Python SDK's client, as its authors show it: provider, storage, two handlers."""

from dataclasses import dataclass, field

import anyio
import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from person import AccessDenied, Person
from untether import Untether

REDIRECT = "http://127.0.0.1:49153/callback"


class ConsentNeeded(Exception):
    """The SDK wants to open a browser, and nobody is there."""


@dataclass
class Storage(TokenStorage):
    """Where the SDK keeps what must outlive the process."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class SdkClient:
    """`person` is who sits at the browser; with None, a need for consent is an error."""

    url: str
    person: Person | None
    decision: str = "allow"
    storage: Storage = field(default_factory=Storage)
    mode: str = "auto"
    answer: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.provider = OAuthClientProvider(
            server_url=self.url,
            client_metadata=OAuthClientMetadata(
                client_name="Python SDK", redirect_uris=[REDIRECT], token_endpoint_auth_method="none"
            ),
            storage=self.storage,
            redirect_handler=self._open_browser,
            callback_handler=self._callback,
        )

    async def _open_browser(self, authorize_url: str) -> None:
        if self.person is None:
            raise ConsentNeeded(authorize_url)
        press = self.person.allow if self.decision == "allow" else self.person.deny
        self.answer = await anyio.to_thread.run_sync(press, authorize_url)

    async def _callback(self) -> AuthorizationCodeResult:
        if "error" in self.answer:
            raise AccessDenied(self.answer["error"])
        return AuthorizationCodeResult(**self.answer)

    def call(self, tool: str, arguments: dict | None = None) -> str:
        """Opens the MCP server, calls one tool and returns its text."""
        return anyio.run(self._call, tool, arguments or {})

    async def _call(self, tool: str, arguments: dict) -> str:
        async with httpx2.AsyncClient(auth=self.provider, timeout=30) as http:
            async with Client(streamable_http_client(self.url, http_client=http), mode=self.mode) as client:
                result = await client.call_tool(tool, arguments)
        assert not result.is_error, result
        return "".join(block.text for block in result.content if block.type == "text")

    def forget_expiry(self):
        """Makes the SDK believe that its access token has run out, so that it refreshes first."""
        self.provider.context.token_expiry_time = 1.0


def assert_asks_a_person(app: SdkClient, tool: str):
    """The application gets nowhere without a person at the browser, and says nothing else."""
    app.person = None
    with pytest.raises((ConsentNeeded, BaseExceptionGroup)) as wanted:
        app.call(tool)
    assert [type(error) for error in flattened(wanted.value)] == [ConsentNeeded]


def bearer_is_refused(url: str, access_token: str) -> bool:
    """Whether the MCP server itself answers this token with 401, without an SDK in between."""
    answer = answer_to_bearer(url, access_token)
    return answer.status_code == 401 and "bearer" in answer.headers["www-authenticate"].lower()


def status_of_bearer(url: str, access_token: str) -> int:
    """What the MCP server itself answers this token with."""
    return answer_to_bearer(url, access_token).status_code


def answer_to_bearer(url: str, access_token: str) -> httpx2.Response:
    return httpx2.post(
        url,
        headers={
            "Authorization": f"Bearer {access_token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        },
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        timeout=20,
    )


def refresh_answer(untether: Untether, storage: Storage, refresh_token: str) -> httpx2.Response:
    """What the token endpoint says to a refresh token of this client."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": storage.client.client_id}
    return httpx2.post(f"{untether.base}/oauth/token", data=fields, timeout=20)


def flattened(error: BaseException) -> list[BaseException]:
    """The single errors inside the groups that task groups wrap around them."""
    if isinstance(error, BaseExceptionGroup):
        return [single for inner in error.exceptions for single in flattened(inner)]
    return [error]
