"""Reads what a page shows, as far as the tests look: forms, and the rows of the list of connections."""

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

IDENTIFIER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def words(element: Tag | None) -> str:
    return " ".join(element.get_text(" ").split()) if element else ""


def soup(text: str) -> BeautifulSoup:
    page = BeautifulSoup(text, "html.parser")
    # Where a line may break is no space between words.
    for place in page("wbr"):
        place.decompose()
    page.smooth()
    return page


@dataclass
class Form:
    """A form as a browser without scripts would send it."""

    action: str
    method: str
    fields: list[tuple[str, str]]
    buttons: list[tuple[str, str]]

    @classmethod
    def find(cls, html: str, url: str, has_button: str) -> "Form":
        """The one form on the page with a button of this name."""
        found = [
            form
            for form in soup(html).find_all("form")
            if any(has_button == words(button) for button in form.find_all("button"))
        ]
        assert len(found) == 1, f"{len(found)} forms with a button {has_button!r} on {url}:\n{html[:3000]}"
        return cls.read(found[0], url)

    @classmethod
    def read(cls, form: Tag, url: str) -> "Form":
        fields = []
        for control in form.find_all(["input", "textarea", "select"]):
            name, kind = control.get("name"), control.get("type", "text")
            if not name or control.has_attr("disabled") or kind in ("submit", "button", "image", "reset"):
                continue
            if kind in ("checkbox", "radio") and not control.has_attr("checked"):
                continue
            if control.name == "select":
                chosen = control.find("option", selected=True) or control.find("option")
                fields.append((name, chosen.get("value", words(chosen)) if chosen else ""))
            elif control.name == "textarea":
                fields.append((name, control.get_text()))
            else:
                fields.append((name, control.get("value", "on" if kind in ("checkbox", "radio") else "")))
        buttons = [(button.get("name", ""), button.get("value", "")) for button in form.find_all("button")]
        action = urljoin(url, form.get("action") or url)
        return cls(action, form.get("method", "get").lower(), fields, buttons)

    def filled(self, **changes: str) -> list[tuple[str, str]]:
        """The fields to send, with some of them filled in or added."""
        kept = [(name, value) for name, value in self.fields if name not in changes]
        return kept + list(changes.items())


def snippet(html: str, name: str) -> str:
    """What the page of a project has to paste, as a person copies it."""
    [block] = [block for block in soup(html).find_all("details") if words(block.summary) == name]
    return block.pre.code.get_text()


@dataclass
class Row:
    """One connection as the list shows it: its cells by their column's label."""

    cells: dict[str, str]
    text: str
    revoke_link: str | None = None
    identifiers: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.cells["Connection name"]

    @property
    def status(self) -> str:
        """The word alone, without what may stand beside it."""
        return re.search(r"Active|Expired|Revoked", self.cells["Status"]).group()


def rows(html: str, url: str) -> list[Row]:
    """The connections on a page in the list view."""
    found = []
    for table in soup(html).find_all("table"):
        labels = [words(label) for label in table.select("thead th")]
        for line in table.select("tbody tr"):
            cells = dict(zip(labels, map(words, line.find_all(["th", "td"]))))
            link = next((a for a in line.find_all("a", href=True) if words(a).startswith("Revoke")), None)
            identifiers = list(dict.fromkeys(IDENTIFIER.findall(str(line))))
            found.append(Row(cells, words(line), urljoin(url, link["href"]) if link else None, identifiers))
    return found
