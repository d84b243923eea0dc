"""The chat page, served from its committed build in `app/static` (made of `ui/`). Mounted by `app/main.py` behind all operations.

The page loads nothing from elsewhere and runs nothing but its own files: the headers say so to the browser.
"""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.build import STATIC

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Page(StaticFiles):
    """The build's files. Those under assets/ have a hash in their name and are kept by browsers; others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)  # an operation that there is not, which is no wrong way to get a file
        answer = await super().get_response(path, scope)
        answer.headers.update(HEADERS)
        answer.headers["Cache-Control"] = FOR_EVER if path.startswith("assets/") and answer.status_code < 400 else ASK_AGAIN
        return answer


def install(app: FastAPI) -> None:
    """Serve the page at `/`, for whatever no operation answers."""
    app.mount("/", Page(directory=STATIC, html=True), name="page")
