"""A person at a browser behind the SSO proxy, who clicks what the pages offer."""

from urllib.parse import parse_qs, urlsplit

import httpx2

from pages import Form, Row, rows, soup
from untether import OWNER, Untether


class AccessDenied(Exception):
    """The person pressed Deny, so the app was sent back without a code."""


class Person:
    """Every request carries the identity headers that the proxy would add."""

    def __init__(self, base: str, email: str, name: str):
        self.email = email
        self.origin = base
        self.consents = 0
        self.http = httpx2.Client(
            base_url=base,
            headers={"X-Forwarded-Email": email, "X-Forwarded-Preferred-Username": name},
            timeout=20,
        )

    @classmethod
    def owner(cls, untether: Untether) -> "Person":
        return cls(untether.public, OWNER, "Olga Owner")

    def open(self, address: str, **query: str) -> httpx2.Response:
        response = self.http.get(address, params=query or None)
        assert response.status_code == 200, f"{response.url}: {response.status_code} {response.text[:2000]}"
        return response

    def submit(self, form: Form, fields: list[tuple[str, str]]) -> httpx2.Response:
        """Sends a form as a browser does: with the origin of the page it stands on."""
        assert form.method == "post", form
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        return self.http.post(form.action, data=data, headers={"Origin": self.origin})

    def decide(self, authorize_url: str, decision: str = "allow") -> str:
        """Reads the consent page and presses a button; returns where the browser is sent.

        There may be nothing to decide: then it is sent on at once.
        """
        page = self.http.get(authorize_url)
        if page.status_code == 303:
            return page.headers["location"]
        assert page.status_code == 200, f"{page.url}: {page.status_code} {page.text[:2000]}"
        form = Form.find(page.text, str(page.url), has_button="Allow")
        assert set(form.buttons) == {("decision", "allow"), ("decision", "deny")}, form.buttons
        answer = self.submit(form, form.filled(decision=decision))
        assert answer.status_code == 303, f"consent answered {answer.status_code}: {answer.text[:2000]}"
        self.consents += decision == "allow"
        return answer.headers["location"]

    def allow(self, authorize_url: str) -> dict[str, str]:
        """Presses Allow; returns what the app finds in the query of its redirect URI."""
        return parameters(self.decide(authorize_url, "allow"))

    def deny(self, authorize_url: str) -> dict[str, str]:
        return parameters(self.decide(authorize_url, "deny"))

    def connections(self, **filters: str) -> list[Row]:
        """The rows on the list of connections."""
        page = self.open("/connections", view="list", per="100", **filters)
        return rows(page.text, str(page.url))

    def connection_of(self, email: str, **filters: str) -> Row:
        """The one row that this person connected."""
        found = [row for row in self.connections(**filters) if email in row.cells["Connected by"]]
        assert len(found) == 1, f"{len(found)} connections of {email}: {[row.text for row in found]}"
        return found[0]

    def revoke(self, row: Row, reason: str = "") -> httpx2.Response:
        """Follows the row's Revoke link and confirms; the list says what happened."""
        answer = self.confirm(row.revoke_link, reason)
        assert answer.status_code == 303, f"revoke answered {answer.status_code}: {answer.text[:2000]}"
        return self.open(answer.headers["location"])

    def block(self, client_id: str):
        """Blocks the client for everyone, on its page."""
        page = self.open(f"/clients/{client_id}/block")
        self.press(Form.find(page.text, str(page.url), has_button="Block client"))

    def unblock(self, client_id: str):
        page = self.open(f"/clients/{client_id}")
        [form] = soup(page.text).select(".blocks form")
        self.press(Form.read(form, str(page.url)))

    def press(self, form: Form):
        answer = self.submit(form, form.fields)
        assert answer.status_code == 303, f"{form.action} answered {answer.status_code}: {answer.text[:2000]}"

    def confirm(self, revoke_link: str, reason: str = "") -> httpx2.Response:
        page = self.open(revoke_link)
        form = Form.find(page.text, str(page.url), has_button="Revoke access")
        assert urlsplit(form.action).path == "/connections/revoke", form.action
        return self.submit(form, form.filled(reason=reason))


def parameters(location: str) -> dict[str, str]:
    """The query of a redirect, where nothing may stand twice."""
    query = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values()), location
    return {name: values[0] for name, values in query.items()}
