"""No request body beyond a size: 413, by its declared length or as soon as what arrives exceeds it. Composed in `app/main.py`."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class TooLarge(HTTPException):
    """What arrived is larger than a body may be."""


class BodyLimit:
    """ASGI middleware. `most` is in bytes; `files` are paths whose body is a file, each with a limit of its own."""

    def __init__(self, app: ASGIApp, most: int, files: Mapping[str, int]) -> None:
        self._app, self._most, self._files = app, most, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = self._files.get(scope["path"], self._most)
        what = "file" if scope["path"] in self._files else "request's body"
        said = f"the {what} is larger than {most} bytes"
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            return await JSONResponse({"detail": said}, 413)(scope, receive, send)
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise TooLarge(413, said)
            return message

        try:
            await self._app(scope, counted, send)
        except TooLarge as error:  # where a middleware reads the body; the application answers it by itself
            await JSONResponse({"detail": error.detail}, 413)(scope, receive, send)
