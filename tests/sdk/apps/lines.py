"""How the tests and an application talk: one JSON object a line, on standard input and output."""

import json
import sys
from urllib.parse import parse_qsl, urlsplit

import anyio


class Denied(Exception):
    """The person said no, and the application was sent back with an error."""


def tell(message: dict):
    print(json.dumps(message), flush=True)


async def hear() -> dict:
    line = await anyio.to_thread.run_sync(sys.stdin.readline)
    if not line:
        sys.exit()
    return json.loads(line)


async def browse(address: str) -> str:
    """Sends the person to this address; answers where the browser was sent back to."""
    tell({"open": address})
    return (await hear())["landed"]


async def consent(address: str) -> dict[str, str]:
    """What the application finds in the query of its redirect URI."""
    answer = dict(parse_qsl(urlsplit(await browse(address)).query))
    if "error" in answer:
        raise Denied(f"{answer['error']}: {answer.get('error_description', '')}")
    return answer


def flattened(error: BaseException) -> list[BaseException]:
    """The single errors inside the groups that task groups wrap around them."""
    if isinstance(error, BaseExceptionGroup):
        return [single for inner in error.exceptions for single in flattened(inner)]
    return [error]


async def obey(make):
    """`start` makes an application that remembers nothing; the other orders are its methods."""
    app = None
    while True:
        order = await hear()
        try:
            if order["do"] == "start":
                app = make(**order["with"])
                tell({"done": None})
            else:
                tell({"done": await getattr(app, order["do"])(**order["with"])})
        except Exception as error:
            reasons = [f"{type(single).__name__}: {single}" for single in flattened(error)]
            tell({"failed": "; ".join(reasons)})


def run(make):
    anyio.run(obey, make)
