// openid-client, as its users configure it: discovery, registration and the flow in a few calls.
import * as client from "openid-client";

import { browse, obey } from "../apps/lines.mjs";

const REDIRECT = "http://127.0.0.1:49156/callback";
const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };
const AUTHENTICATION = {
    none: client.None,
    client_secret_basic: client.ClientSecretBasic,
    client_secret_post: client.ClientSecretPost,
};

class Judge {
    constructor({ issuer, resource, scope, introspection }) {
        this.issuer = new URL(issuer);
        this.resource = resource;
        this.scope = scope;
        this.introspection = introspection;
    }

    async flow({ method }) {
        const config = await client.dynamicClientRegistration(
            this.issuer,
            { client_name: `openid-client ${method}`, redirect_uris: [REDIRECT], token_endpoint_auth_method: method },
            AUTHENTICATION[method](),
            options,
        );
        const tokens = await this.authorize(config);
        const known = await this.introspect(tokens.access_token);
        const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
        await client.tokenRevocation(config, fresh.refresh_token);
        const unknown = await this.introspect(fresh.access_token);
        const refused = await client.refreshTokenGrant(config, fresh.refresh_token).catch((error) => error);
        return {
            registered: config.clientMetadata().token_endpoint_auth_method,
            scope: tokens.scope,
            rotated: fresh.refresh_token !== tokens.refresh_token,
            known,
            unknown,
            refused: [refused.status, refused.error],
        };
    }

    async denial() {
        const config = await client.dynamicClientRegistration(
            this.issuer,
            { client_name: "openid-client", redirect_uris: [REDIRECT], token_endpoint_auth_method: "none" },
            client.None(),
            options,
        );
        const error = await this.authorize(config).catch((error) => error);
        return { error: error.error, iss: error.cause.get("iss") };
    }

    async authorize(config) {
        const verifier = client.randomPKCECodeVerifier();
        const state = client.randomState();
        const address = client.buildAuthorizationUrl(config, {
            redirect_uri: REDIRECT,
            scope: this.scope,
            state,
            code_challenge: await client.calculatePKCECodeChallenge(verifier),
            code_challenge_method: "S256",
            resource: this.resource,
        });
        const landed = await browse(address);
        return client.authorizationCodeGrant(config, landed, { pkceCodeVerifier: verifier, expectedState: state });
    }

    async introspect(token) {
        const { client_id, client_secret } = this.introspection;
        const caller = await client.discovery(
            this.issuer,
            client_id,
            client_secret,
            client.ClientSecretPost(client_secret),
            options,
        );
        return client.tokenIntrospection(caller, token);
    }
}

await obey((settings) => new Judge(settings));
