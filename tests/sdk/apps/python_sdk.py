"""An application on the Python SDK's client, of either major version: provider, storage, two handlers."""

from dataclasses import dataclass

from lines import consent, run
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

try:
    import httpx2 as httpx
    from mcp.client.client import Client
    from mcp.shared.auth import AuthorizationCodeResult
except ImportError:  # the first major version
    import httpx
    from mcp import ClientSession

    AuthorizationCodeResult = None

REDIRECT = "http://127.0.0.1:49153/callback"


@dataclass
class Storage:
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


class App:
    """`client` is what an administrator handed out: an ID, perhaps a secret and how to send it."""

    def __init__(self, url: str, name: str, client: dict | None = None, document: str | None = None):
        self.url = url
        self.storage = Storage()
        if client:
            self.storage.client = OAuthClientInformationFull(redirect_uris=[REDIRECT], **client)
        self.provider = OAuthClientProvider(
            server_url=url,
            client_metadata=OAuthClientMetadata(client_name=name, redirect_uris=[REDIRECT]),
            storage=self.storage,
            redirect_handler=self._open_browser,
            callback_handler=self._callback,
            client_metadata_url=document,
        )

    async def _open_browser(self, address: str):
        self.answer = await consent(address)

    async def _callback(self):
        if AuthorizationCodeResult:
            return AuthorizationCodeResult(**self.answer)
        return self.answer["code"], self.answer["state"]

    async def call(self, tool: str) -> str:
        async with httpx.AsyncClient(auth=self.provider, timeout=30) as http:
            result = await self._call(streamable_http_client(self.url, http_client=http), tool)
        return "".join(block.text for block in result.content if block.type == "text")

    async def _call(self, transport, tool: str):
        if AuthorizationCodeResult:
            async with Client(transport) as client:
                return await client.call_tool(tool)
        async with transport as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await session.call_tool(tool)

    async def wear_out(self):
        """Makes the SDK believe that its access token has run out."""
        self.provider.context.token_expiry_time = 1.0

    async def forget(self):
        """The tokens are lost, and the client is not."""
        self.storage.tokens = None
        self.provider.context.clear_tokens()

    async def kept(self) -> dict:
        return {
            "client_id": self.storage.client.client_id,
            "access_token": self.storage.tokens.access_token,
            "refresh_token": self.storage.tokens.refresh_token,
        }


if __name__ == "__main__":
    run(App)
