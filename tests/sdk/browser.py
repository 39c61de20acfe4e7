#!/usr/bin/env python3
"""The program that BROWSER names: takes one address, allows the connection, and goes where it is sent.

PERSON_EMAIL says who is signed in at the SSO proxy, UNTETHER_BASE where the pages are. The folder
BROWSER_DIRECTORY has the file `decision`, read at each start: with `away` nobody is there, and the
address is only noted, in `opened`.
"""

import os
import sys
from pathlib import Path

import httpx2

from person import Person, parameters
from untether import until


def arrives(location: str) -> httpx2.Response | None:
    """A host may open the browser before it listens; a person would simply reload."""
    try:
        return httpx2.get(location, timeout=20)
    except httpx2.ConnectError:
        return None


def main():
    address, directory = sys.argv[1], Path(os.environ["BROWSER_DIRECTORY"])
    decision = (directory / "decision").read_text()
    with (directory / "opened").open("a") as opened:
        opened.write(f"{address}\n")
    if decision == "away":
        return
    person = Person(os.environ["UNTETHER_BASE"], os.environ["PERSON_EMAIL"], "Ana Ruiz")
    location = person.decide(address, decision)
    landed = until("the host listens on its redirect URI", lambda: arrives(location), seconds=20, pause=0.1)
    if "code" in parameters(location):
        landed.raise_for_status()


if __name__ == "__main__":
    main()
