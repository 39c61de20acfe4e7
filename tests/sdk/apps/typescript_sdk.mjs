// An application on the TypeScript SDK's client, of the major version that its argument names.
import { browse, obey } from "./lines.mjs";

const major = process.argv[2];
const { Client, StreamableHTTPClientTransport, UnauthorizedError } =
    major === "1"
        ? {
              ...(await import("@modelcontextprotocol/sdk/client/index.js")),
              ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
              ...(await import("@modelcontextprotocol/sdk/client/auth.js")),
          }
        : await import("@modelcontextprotocol/client");

const REDIRECT = "http://127.0.0.1:49154/callback";

class Denied extends Error {
    name = "Denied";
}

/** What the SDK asks of an application: where things are kept, and how a browser is opened. */
class Provider {
    redirectUrl = REDIRECT;

    constructor({ name, client, document }) {
        this.clientMetadataUrl = document;
        this.clientMetadata = {
            client_name: name,
            redirect_uris: [REDIRECT],
            token_endpoint_auth_method: client?.token_endpoint_auth_method ?? "none",
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
        };
        this.kept = { client: client && { redirect_uris: [REDIRECT], ...client } };
    }

    clientInformation() {
        return this.kept.client;
    }
    saveClientInformation(client) {
        this.kept.client = client;
    }
    tokens() {
        return this.kept.tokens;
    }
    saveTokens(tokens) {
        this.kept.tokens = tokens;
    }
    codeVerifier() {
        return this.kept.verifier;
    }
    saveCodeVerifier(verifier) {
        this.kept.verifier = verifier;
    }
    invalidateCredentials(scope) {
        if (scope === "all") this.kept = {};
        else delete this.kept[scope];
    }
    async redirectToAuthorization(address) {
        this.landed = await browse(address);
    }
}

class App {
    constructor({ url, ...options }) {
        this.url = new URL(url);
        this.provider = new Provider(options);
    }

    async call({ tool }) {
        for (let attempt = 1; ; attempt += 1) {
            const transport = new StreamableHTTPClientTransport(this.url, { authProvider: this.provider });
            const client = new Client({ name: "application", version: "1.0.0" });
            try {
                await client.connect(transport);
                const result = await client.callTool({ name: tool, arguments: {} });
                return result.content.map((block) => block.text).join("");
            } catch (error) {
                if (!(error instanceof UnauthorizedError) || attempt > 1) throw error;
                await this.finish(transport);
            } finally {
                await client.close();
            }
        }
    }

    async finish(transport) {
        const answer = this.provider.landed.searchParams;
        if (answer.has("error")) throw new Denied(`${answer.get("error")}: ${answer.get("error_description")}`);
        await transport.finishAuth(major === "1" ? answer.get("code") : answer);
    }

    /** To the SDK a token that the server refuses is one that has run out. */
    wear_out() {
        this.provider.kept.tokens.access_token = "worn-out";
    }

    /** The tokens are lost, and the client is not. */
    forget() {
        delete this.provider.kept.tokens;
    }

    kept() {
        const { client, tokens } = this.provider.kept;
        return {
            client_id: client.client_id,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
        };
    }
}

await obey((options) => new App(options));
