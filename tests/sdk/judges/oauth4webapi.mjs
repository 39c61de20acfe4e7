// oauth4webapi reads every answer strictly by the RFCs and throws at the first that strays.
import * as oauth from "oauth4webapi";

import { browse, obey } from "../apps/lines.mjs";

const REDIRECT = "http://127.0.0.1:49155/callback";
const plain = { [oauth.allowInsecureRequests]: true };
const AUTHENTICATION = {
    none: () => oauth.None(),
    client_secret_basic: (secret) => oauth.ClientSecretBasic(secret),
    client_secret_post: (secret) => oauth.ClientSecretPost(secret),
};

async function discover(issuer) {
    const answer = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain });
    return oauth.processDiscoveryResponse(issuer, answer);
}

async function register(server, method) {
    const answer = await oauth.dynamicClientRegistrationRequest(
        server,
        {
            client_name: `oauth4webapi ${method}`,
            redirect_uris: [REDIRECT],
            token_endpoint_auth_method: method,
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
        },
        plain,
    );
    return oauth.processDynamicClientRegistrationResponse(answer);
}

/** The error that this throws; it is one if nothing is thrown. */
async function thrownBy(act) {
    try {
        await act();
    } catch (error) {
        return error;
    }
    throw new Error("nothing was refused");
}

class Judge {
    constructor({ issuer, resource, scope, introspection }) {
        this.issuer = new URL(issuer);
        this.resource = resource;
        this.scope = scope;
        this.introspection = introspection;
    }

    /** Registration, code, refresh, introspection and revocation with this authentication method. */
    async flow({ method }) {
        const server = await discover(this.issuer);
        const client = await register(server, method);
        const authentication = AUTHENTICATION[method](client.client_secret);
        const { parameters, verifier } = await this.authorize(server, client);
        const tokens = await oauth.processAuthorizationCodeResponse(
            server,
            client,
            await oauth.authorizationCodeGrantRequest(
                server,
                client,
                authentication,
                parameters,
                REDIRECT,
                verifier,
                plain,
            ),
        );
        const known = await this.introspect(server, tokens.access_token);
        const fresh = await this.refresh(server, client, authentication, tokens.refresh_token);
        const revoked = await oauth.revocationRequest(server, client, authentication, fresh.refresh_token, plain);
        await oauth.processRevocationResponse(revoked);
        const unknown = await this.introspect(server, fresh.access_token);
        const refused = await thrownBy(() => this.refresh(server, client, authentication, fresh.refresh_token));
        return {
            registered: client.token_endpoint_auth_method,
            scope: tokens.scope,
            rotated: fresh.refresh_token !== tokens.refresh_token,
            known,
            unknown,
            refused: [refused.status, refused.error],
        };
    }

    /** What the person's refusal brings to the client. */
    async denial() {
        const server = await discover(this.issuer);
        const client = await register(server, "none");
        const error = await thrownBy(() => this.authorize(server, client));
        return { error: error.error, iss: error.cause.get("iss") };
    }

    async authorize(server, client) {
        const verifier = oauth.generateRandomCodeVerifier();
        const state = oauth.generateRandomState();
        const address = new URL(server.authorization_endpoint);
        address.search = new URLSearchParams({
            response_type: "code",
            client_id: client.client_id,
            redirect_uri: REDIRECT,
            scope: this.scope,
            state,
            code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
            code_challenge_method: "S256",
            resource: this.resource,
        });
        const landed = await browse(address);
        return { parameters: oauth.validateAuthResponse(server, client, landed, state), verifier };
    }

    async refresh(server, client, authentication, token) {
        const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, plain);
        return oauth.processRefreshTokenResponse(server, client, answer);
    }

    async introspect(server, token) {
        const { client_id, client_secret } = this.introspection;
        const caller = { client_id };
        const authentication = oauth.ClientSecretBasic(client_secret);
        const answer = await oauth.introspectionRequest(server, caller, authentication, token, plain);
        return oauth.processIntrospectionResponse(server, caller, answer);
    }
}

await obey((settings) => new Judge(settings));
