"""authlib, whose server half has checks of its own for metadata (RFC 8414) and registrations (RFC 7591)."""

import sys
from pathlib import Path

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7591 import ClientMetadataClaims
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

sys.path.insert(0, str(Path(__file__).parents[1] / "apps"))
from lines import browse, run  # noqa: E402

REDIRECT = "http://127.0.0.1:49157/callback"


def judged(document: dict) -> dict:
    """The metadata after authlib's checks, which know no exception for loopback: they see https."""
    https = {
        name: value.replace("http://127.0.0.1", "https://127.0.0.1", 1) if isinstance(value, str) else value
        for name, value in document.items()
    }
    AuthorizationServerMetadata(https).validate()
    return document


class Judge:
    def __init__(self, issuer: str, resource: str, scope: str, introspection: dict):
        self.resource = resource
        self.scope = scope
        self.introspection = introspection
        answer = httpx.get(get_well_known_url(issuer, external=True))
        self.server = judged(answer.raise_for_status().json())

    def register(self, method: str) -> dict:
        asked = {
            "client_name": f"authlib {method}",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        answer = httpx.post(self.server["registration_endpoint"], json=asked)
        registered = answer.raise_for_status().json()
        ClientMetadataClaims(registered, {}).validate()
        return registered

    def client(self, registered: dict) -> OAuth2Client:
        return OAuth2Client(
            registered["client_id"],
            registered.get("client_secret"),
            token_endpoint_auth_method=registered["token_endpoint_auth_method"],
            revocation_endpoint_auth_method=registered["token_endpoint_auth_method"],
            scope=self.scope,
            redirect_uri=REDIRECT,
            code_challenge_method="S256",
        )

    async def authorize(self, client: OAuth2Client) -> dict:
        verifier = "a-verifier-of-at-least-forty-three-characters-long"
        address, state = client.create_authorization_url(
            self.server["authorization_endpoint"], code_verifier=verifier, resource=self.resource
        )
        landed = await browse(address)
        return client.fetch_token(
            self.server["token_endpoint"], authorization_response=landed, state=state, code_verifier=verifier
        )

    async def flow(self, method: str) -> dict:
        registered = self.register(method)
        with self.client(registered) as client:
            tokens = dict(await self.authorize(client))
            known = self.introspect(tokens["access_token"])
            fresh = client.refresh_token(self.server["token_endpoint"], tokens["refresh_token"])
            revoked = client.revoke_token(
                self.server["revocation_endpoint"], fresh["refresh_token"], token_type_hint="refresh_token"
            )
            revoked.raise_for_status()
            unknown = self.introspect(fresh["access_token"])
            try:
                client.refresh_token(self.server["token_endpoint"], fresh["refresh_token"])
                refused = None
            except OAuthError as error:
                refused = [400, error.error]
        return {
            "registered": registered["token_endpoint_auth_method"],
            "scope": tokens["scope"],
            "rotated": fresh["refresh_token"] != tokens["refresh_token"],
            "known": known,
            "unknown": unknown,
            "refused": refused,
        }

    def introspect(self, token: str) -> dict:
        with OAuth2Client(self.introspection["client_id"], self.introspection["client_secret"]) as caller:
            answer = caller.introspect_token(self.server["introspection_endpoint"], token)
        return answer.raise_for_status().json()


if __name__ == "__main__":
    run(Judge)
