"""A bare OAuth client on plain HTTP: what the SDKs send, one request at a time."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx2

from person import Person, parameters
from untether import Untether

REDIRECT = "http://127.0.0.1:49152/callback"


@dataclass
class Tokens:
    access: str
    refresh: str

    @classmethod
    def of(cls, response: httpx2.Response) -> "Tokens":
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        body = response.json()
        return cls(body["access_token"], body["refresh_token"])


class App:
    """A public client that registered itself."""

    def __init__(self, untether: Untether, resource: str, name: str = "Wire"):
        self.untether = untether
        self.resource = resource
        self.http = httpx2.Client(base_url=untether.public, timeout=20)
        registered = self.http.post(
            "/oauth/register",
            json={"client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"},
        )
        assert registered.status_code == 201, f"{registered.status_code} {registered.text}"
        self.client_id = registered.json()["client_id"]

    def authorize_url(self, verifier: str, state: str = "state") -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "state": state,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            "resource": self.resource,
        }
        return f"{self.untether.public}/oauth/authorize?{urlencode(query)}"

    def connect(self, person: Person) -> Tokens:
        """The whole flow: consent, code, tokens."""
        verifier = secrets.token_urlsafe(48)
        answer = parameters(person.decide(self.authorize_url(verifier)))
        return Tokens.of(self.token(self.exchange_fields(answer["code"], verifier)))

    def exchange_fields(self, code: str, verifier: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }

    def refresh_fields(self, refresh: str) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": self.client_id}

    def token(self, fields: dict[str, str]) -> httpx2.Response:
        return self.http.post("/oauth/token", data=fields)

    def refresh(self, refresh: str) -> httpx2.Response:
        return self.token(self.refresh_fields(refresh))


class Introspection:
    """What an MCP server asks about each token it is shown."""

    def __init__(self, untether: Untether, project: dict):
        credential = project["introspection"]
        self.endpoint = credential["endpoint"].replace(untether.public, untether.base)
        self.auth = (credential["client_id"], credential["client_secret"])
        self.http = httpx2.Client(auth=self.auth, timeout=20)

    def __call__(self, token: str) -> dict:
        answer = self.http.post(self.endpoint, data={"token": token})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()
