"""No body that some database or client cannot hold: JSON without NaN, NUL, lone surrogates, endless numbers or nesting. Composed in
`app/main.py`.

Stored once, such a value would break every later search over its table. Refused (422) before anything reads it.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEEPEST = 100
LARGEST = 2**63 - 1
SUSPICIOUS = re.compile(rb"\\u0000|\d{19}")
"""Only what holds one of these, or many brackets, is looked at closely."""


class NotPlain(ValueError):
    """JSON that not everybody can hold; the message says why."""


class PlainJson:
    """ASGI middleware, below the limit of the body's size: a JSON body is read whole here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _says_json(scope["headers"]):
            return await self._app(scope, receive, send)
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None  # the client is gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            check(bytes(body))
        except NotPlain as error:
            return await JSONResponse({"detail": str(error)}, 422)(scope, receive, send)
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)


def _says_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """In whatever letters, and whichever of several: who reads the body may look at another of them."""
    return any(name == b"content-type" and b"json" in value.lower() for name, value in headers)


def check(body: bytes) -> None:
    """Raises `NotPlain`. An empty body is the route's to judge, which knows whether it needs one."""
    if not body:
        return
    try:
        value = orjson.loads(body)  # knows no NaN, no infinite number, no lone surrogate, and stops at a depth of its own
    except ValueError:
        raise NotPlain("Invalid JSON in request body") from None
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _refuse_deep([value])
    if SUSPICIOUS.search(body):
        json.loads(body, parse_int=_integer)
        _refuse_nul(value)


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -LARGEST <= (number := int(digits)) <= LARGEST:
        raise NotPlain(f"the number {digits[:20]}… in the request body has more than 64 bits: send it as text")
    return number


def _refuse_nul(value: Any) -> None:
    """Both names and values."""
    if isinstance(value, str) and "\0" in value:
        raise NotPlain("the request body holds the character NUL, which no database keeps in text")
    for one in (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_nul(one)


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        inner = (one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer))
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return
    raise NotPlain(f"the request body is nested deeper than {DEEPEST} levels")
