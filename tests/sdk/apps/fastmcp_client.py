"""An application on fastmcp's client, which opens the browser and listens for the redirect by itself."""

import webbrowser

import anyio
import httpx2
from fastmcp import Client
from fastmcp.client.auth import OAuth
from key_value.aio.stores.memory import MemoryStore
from lines import browse, run


class App:
    def __init__(self, url: str, name: str, client: dict | None = None, document: str | None = None):
        given = client or {}
        method = {"token_endpoint_auth_method": given["token_endpoint_auth_method"]} if client else None
        self.oauth = OAuth(
            url,
            client_name=name,
            token_storage=MemoryStore(),
            client_id=given.get("client_id"),
            client_secret=given.get("client_secret"),
            additional_client_metadata=method,
            client_metadata_url=document,
            callback_timeout=20,
        )
        self.client = Client(url, auth=self.oauth)
        webbrowser.open = self._open_browser

    def _open_browser(self, address: str) -> bool:
        self.tasks.start_soon(self._follow, address)
        return True

    async def _follow(self, address: str):
        """The browser arrives at the application's own listener, which may not be up yet."""
        landed = await browse(address)
        async with httpx2.AsyncClient() as http:
            while True:
                try:
                    await http.get(landed)
                    return
                except httpx2.ConnectError:
                    await anyio.sleep(0.05)

    async def call(self, tool: str) -> str:
        async with anyio.create_task_group() as self.tasks, self.client:
            result = await self.client.call_tool(tool)
            return "".join(block.text for block in result.content if block.type == "text")

    async def wear_out(self):
        """Makes the SDK believe that its access token has run out."""
        self.oauth.context.token_expiry_time = 1.0

    async def forget(self):
        """The tokens are lost, and the client is not."""
        client = await self.oauth.token_storage_adapter.get_client_info()
        await self.oauth.token_storage_adapter.clear()
        await self.oauth.token_storage_adapter.set_client_info(client)
        self.oauth.context.clear_tokens()

    async def kept(self) -> dict:
        tokens = await self.oauth.token_storage_adapter.get_tokens()
        client = await self.oauth.token_storage_adapter.get_client_info()
        return {
            "client_id": client.client_id,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
        }


if __name__ == "__main__":
    run(App)
