// A real MCP server on the TypeScript SDK, protected by Untether: it introspects every token it is shown.
import { serve } from "@hono/node-server";
import {
    createMcpHandler,
    getOAuthProtectedResourceMetadataUrl,
    McpServer,
    OAuthError,
    OAuthErrorCode,
    oauthMetadataResponse,
    requireBearerAuth,
} from "@modelcontextprotocol/server";

const { PORT, ISSUER, SCOPE, INTROSPECTION_ENDPOINT, INTROSPECTION_ID, INTROSPECTION_SECRET } = process.env;
const resource = new URL(`http://127.0.0.1:${PORT}/mcp`);

async function introspect(token) {
    const credentials = Buffer.from(`${INTROSPECTION_ID}:${INTROSPECTION_SECRET}`).toString("base64");
    const answer = await fetch(INTROSPECTION_ENDPOINT, {
        method: "POST",
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({ token }),
    });
    if (!answer.ok) throw new Error(`introspection answered ${answer.status}`);
    return answer.json();
}

const verifier = {
    async verifyAccessToken(token) {
        const found = await introspect(token);
        if (!found.active) throw new OAuthError(OAuthErrorCode.InvalidToken, "the token is not active");
        return {
            token,
            clientId: found.client_id,
            scopes: found.scope.split(" "),
            expiresAt: found.exp,
            resource: new URL(found.aud),
        };
    },
};

const gate = requireBearerAuth({
    verifier,
    requiredScopes: [SCOPE],
    expectedResource: resource,
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
});
const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "TypeScript", version: "1.0.0" });
    server.registerTool("ping", { description: "Answers pong." }, () => ({
        content: [{ type: "text", text: "pong" }],
    }));
    return server;
});
const issuer = new URL(ISSUER);
const metadata = await fetch(`${issuer.origin}/.well-known/oauth-authorization-server${issuer.pathname}`);
const documents = { oauthMetadata: await metadata.json(), resourceServerUrl: resource, scopesSupported: [SCOPE] };

async function answer(request) {
    const document = oauthMetadataResponse(request, documents);
    if (document) return document;
    if (new URL(request.url).pathname !== resource.pathname) return new Response(null, { status: 404 });
    const authInfo = await gate(request);
    return authInfo instanceof Response ? authInfo : handler.fetch(request, { authInfo });
}

serve({ fetch: answer, port: Number(PORT), hostname: "127.0.0.1" });
