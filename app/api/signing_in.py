"""`/auth`: signing in and out at a browser, and who one is. The flow itself is `app/auth/browser.py`'s."""

import re
from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from app.api.answers import Serving
from app.api.errors import Refused
from app.api.guard import LOOPBACK_ORIGIN
from app.auth.access import Calling, acting
from app.auth.sessions import SIGNING_IN
from app.auth.ways import COOKIE
from app.service import Service

router = APIRouter(prefix="/auth", tags=["signing in"])
SIGNING_IN_COOKIE = "clearance_signing_in"
CALLBACK = "/auth/callback"


class Me(BaseModel):
    """Who one is. A page sends `csrf_token` as the header x-csrf-token with all but GETs; null where no session says who calls."""

    user: str
    org: str
    roles: tuple[str, ...]
    person: bool
    mode: str
    csrf_token: str | None
    expires_at: str | None


class Ended(BaseModel):
    """Where the browser goes to end the identity provider's session too."""

    url: str


@router.get("/me")
async def me(request: Request, service: Serving, caller: Calling) -> Me:
    """Who calls, as what."""
    who, session = acting(caller, service), request.state.session
    return Me(
        user=who.user,
        org=who.org,
        roles=who.roles,
        person=who.person,
        mode=service.mode,
        csrf_token=session.proof if session else None,
        expires_at=session.expires_at if session else None,
    )


@router.get("/sign-in", status_code=303, response_class=RedirectResponse)
async def sign_in(request: Request, service: Serving, page: str = "/docs") -> Response:
    """To the identity provider, and back to a page of this service."""
    if service.ways is None or service.ways.browsers is None:
        raise Refused(404, "nobody signs in at a browser here: CLEARANCE_SIGN_IN does not list oidc")
    base = _base(request, service)
    url, secret = await service.ways.browsers.begin(base + CALLBACK, page)
    answer = RedirectResponse(url, 303)
    _set(answer, SIGNING_IN_COOKIE, secret, SIGNING_IN, base, "/auth")
    return answer


@router.get("/callback", status_code=303, response_class=RedirectResponse)
async def callback(request: Request, service: Serving) -> Response:
    """The way back from the identity provider, which begins a session."""
    if service.ways is None or service.ways.browsers is None:
        raise Refused(404, "nobody signs in at a browser here: CLEARANCE_SIGN_IN does not list oidc")
    base = _base(request, service)
    kept = request.cookies.get(SIGNING_IN_COOKIE, "")
    made = await service.ways.browsers.finish(kept, dict(request.query_params))
    await service.ways.signed_in(made.caller)
    if before := request.cookies.get(COOKIE):
        await service.ways.browsers.sessions.close(before)
    answer = RedirectResponse(made.page, 303)
    answer.delete_cookie(SIGNING_IN_COOKIE, path="/auth")
    _set(answer, COOKIE, made.secret, service.ways.browsers.sessions.lasting, base, "/")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, response: Response, service: Serving) -> Ended:
    """End the session of this browser; `url` ends the identity provider's."""
    if request.state.session is None or service.ways is None or service.ways.browsers is None:
        raise Refused(409, "no session of a browser says who calls: there is none to end")
    url = await service.ways.browsers.end(request.cookies[COOKIE], _base(request, service) + "/docs")
    response.delete_cookie(COOKIE, path="/")
    return Ended(url=url)


def _base(request: Request, service: Service) -> str:
    """The service's own address, as browsers know it. Raises `Refused` where nobody said it: a Host header is anybody's to write."""
    if service.settings.public_url:
        return service.settings.public_url.rstrip("/")
    own = f"http://{request.headers.get('host', '')}"
    if not re.fullmatch(LOOPBACK_ORIGIN, own):
        raise Refused(422, "set CLEARANCE_PUBLIC_URL to the address at which browsers reach this service")
    return own


def _set(answer: Response, name: str, secret: str, lasting: timedelta, base: str, path: str) -> None:
    """A cookie that no page can read, and that other sites' pages send along only when they are left for one of ours."""
    same_site: Literal["lax"] = "lax"
    seconds = int(lasting.total_seconds())
    answer.set_cookie(
        name, secret, max_age=seconds, path=path, secure=base.startswith("https://"), httponly=True, samesite=same_site
    )
