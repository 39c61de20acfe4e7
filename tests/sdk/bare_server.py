"""A real MCP server on the Python SDK that knows nothing of OAuth and believes every request.

It tells which headers it was sent. Run as a program with PORT in its environment.
"""

import json
import os

from mcp.server.mcpserver import Context, MCPServer


def main():
    server = MCPServer("Bare", log_level="WARNING")

    @server.tool()
    def ping() -> str:
        """Answers pong."""
        return "pong"

    @server.tool()
    def headers(context: Context) -> str:
        """Answers every header of this request, as pairs."""
        return json.dumps(context.request_context.request.headers.items())

    port = int(os.environ["PORT"])
    server.run("streamable-http", host="127.0.0.1", port=port, stateless_http=True, json_response=True)


if __name__ == "__main__":
    main()
