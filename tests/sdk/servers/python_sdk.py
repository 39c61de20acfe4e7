"""A real MCP server on the Python SDK, protected by Untether: it introspects every token it is shown.

Run as a program, with its settings in the environment, so that it lives in a process of its own.
"""

import os

import httpx2
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer


class Introspected(TokenVerifier):
    """Asks the authorization server; keeps nothing between two requests."""

    def __init__(self, endpoint: str, client_id: str, client_secret: str):
        self.endpoint = endpoint
        self.http = httpx2.AsyncClient(auth=(client_id, client_secret))

    async def verify_token(self, token: str) -> AccessToken | None:
        answer = await self.http.post(self.endpoint, data={"token": token})
        answer.raise_for_status()
        found = answer.json()
        if not found["active"]:
            return None
        return AccessToken(
            token=token,
            client_id=found["client_id"],
            scopes=found["scope"].split(),
            expires_at=found["exp"],
            resource=found["aud"],
            subject=found["sub"],
        )


def main():
    port = int(os.environ["PORT"])
    server = MCPServer(
        "Search",
        log_level="WARNING",
        token_verifier=Introspected(
            os.environ["INTROSPECTION_ENDPOINT"], os.environ["INTROSPECTION_ID"], os.environ["INTROSPECTION_SECRET"]
        ),
        auth=AuthSettings(
            issuer_url=os.environ["ISSUER"],
            resource_server_url=f"http://127.0.0.1:{port}/mcp",
            required_scopes=[os.environ["SCOPE"]],
            validate_token_resource=True,
        ),
    )

    @server.tool()
    def ping() -> str:
        """Answers pong."""
        return "pong"

    server.run("streamable-http", host="127.0.0.1", port=port, stateless_http=True, json_response=True)


if __name__ == "__main__":
    main()
