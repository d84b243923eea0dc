"""The guard before every request: only the pages that may call do; in local mode, where nobody signs in, only this machine does.

A foreign web page can send requests to loopback: by name resolution (the Host header is then not ours) or as a simple
cross-site POST (the Origin header is then foreign). Both are refused. JSON sent as text/plain is read as JSON, except where the body is
a file.
"""

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_ORIGIN = r"https?://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?"
HEALTH = "/ok"
"""Asked by whatever watches the process, by whatever address it has."""
_HOST = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")


class Guard:
    """ASGI middleware. `origins` are the pages elsewhere that may call, such as LangGraph Studio's; `local`: nobody signs in;
    `public_url` is where browsers reach the service, if that is known: then it is called by that name, or from this machine;
    `files` are paths whose body is a file."""

    def __init__(
        self, app: ASGIApp, origins: Iterable[str], *, local: bool, public_url: str = "", files: Collection[str] = ()
    ) -> None:
        own = urlsplit(public_url)
        self._files = files
        self._app, self._local, self._name = app, local, own.netloc.lower()
        self._origins = frozenset({*origins, *([f"{own.scheme}://{self._name}"] if public_url else ())})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # not offered: nothing is asked of who opens one
            return await send({"type": "websocket.close", "code": 1008, "reason": "there are no WebSockets: use the streams"})
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        if wrong := self._wrong(headers, scope["path"]):
            return await JSONResponse({"detail": wrong}, 403)(scope, receive, send)
        if scope["path"] not in self._files and headers.get(b"content-type", b"").lower().startswith(b"text/plain"):
            kept = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope = {**scope, "headers": [*kept, (b"content-type", b"application/json")]}
        await self._app(scope, receive, send)

    def _wrong(self, headers: dict[bytes, bytes], path: str) -> str:
        host, origin = headers.get(b"host", b"").decode("latin-1"), headers.get(b"origin", b"").decode("latin-1")
        asks = self._local or (self._name and path != HEALTH)
        if asks and not _HOST.fullmatch(host.lower()) and host.lower() != self._name:
            name = self._name or "127.0.0.1 or localhost"
            return f"the host {host[:100]!r} is not this service: call it by {name}"
        if origin and origin not in self._origins and not re.fullmatch(LOOPBACK_ORIGIN, origin):
            return f"pages of {origin[:100]} may not call: add it to CLEARANCE_ORIGINS"
        return ""
