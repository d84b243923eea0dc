"""The service's log, on standard error: lines for people, or one JSON object a line for machines (CLEARANCE_LOG_FORMAT=json).

Every line says which request and which run it belongs to. `configure` is called by whoever starts a process, `Requests` is mounted by
`app/main.py`, `during` is entered by who carries a run out. The log is no audit: that is the ledger (docs/audit.md).
"""

import logging
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings

_about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
_requests = logging.getLogger("clearance.requests")
_GIVEN = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_PEOPLE = "%(asctime)s %(levelname)s %(name)s: %(message)s%(said)s"


def configure(settings: Settings) -> None:
    """Send every logger's lines to standard error, in the settings' format and from their level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_tell)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"},
            reserved_attrs=[*_STANDARD, "said"],
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
        if settings.log_format == "json"
        else logging.Formatter(_PEOPLE)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())


_STANDARD = (*vars(logging.makeLogRecord({})), "message", "asctime", "color_message")


def _tell(record: logging.LogRecord) -> bool:
    """Put what is said beside the message, and what it is about, where both formats find it."""
    for name, value in (_about.get() or {}).items():
        setattr(record, name, value)
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD and name != "said"}
    record.said = "".join(f" {name}={value}" for name, value in extra.items())
    return True


@contextmanager
def during(**about: str) -> Iterator[None]:
    """What is logged in here, and in tasks begun in here, is about this."""
    token = _about.set({**(_about.get() or {}), **about})
    try:
        yield
    finally:
        _about.reset(token)


class Requests:
    """ASGI middleware: a line a request (at level info), and an id for it in `X-Request-ID`, the client's own if it sent one.

    The line has the path without its query, which may hold what is nobody else's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex.encode()
        status, began = 0, time.perf_counter()

        async def telling(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", request_id)]}
            await send(message)

        with during(request_id=request_id.decode()):
            try:
                await self._app(scope, receive, telling)
            finally:
                if _requests.isEnabledFor(logging.INFO):
                    ms = round((time.perf_counter() - began) * 1000, 1)
                    _requests.info("%s %s", scope["method"], scope["path"], extra={"status": status, "ms": ms})
