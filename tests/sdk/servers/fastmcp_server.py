"""A real MCP server on fastmcp, protected by Untether with the verifier that fastmcp brings along."""

import os

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier


def main():
    base = f"http://127.0.0.1:{os.environ['PORT']}"
    verifier = IntrospectionTokenVerifier(
        introspection_url=os.environ["INTROSPECTION_ENDPOINT"],
        client_id=os.environ["INTROSPECTION_ID"],
        client_secret=os.environ["INTROSPECTION_SECRET"],
        client_auth_method=os.environ.get("INTROSPECTION_METHOD", "client_secret_basic"),
        audience=f"{base}/mcp",
        required_scopes=[os.environ["SCOPE"]],
        cache_ttl_seconds=int(os.environ.get("CACHE_SECONDS", "0")) or None,
    )
    server = FastMCP("Fast", auth=RemoteAuthProvider(verifier, [os.environ["ISSUER"]], base_url=base))

    @server.tool
    def ping() -> str:
        """Answers pong."""
        return "pong"

    server.run(
        "http",
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        path="/mcp",
        show_banner=False,
        log_level="WARNING",
        stateless_http=True,
        json_response=True,
    )


if __name__ == "__main__":
    main()
