"""Before every operation: who calls (401), how often (429), and whether what the path names is theirs to reach (404).

A dependency of the whole application (`app/main.py`), so that no router can forget it. In local mode everybody on this machine
is one person, and nothing is asked.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.api.answers import Serving
from app.api.errors import Refused
from app.auth.reach import Deed, may
from app.runs.queue import ThreadMissing
from app.service import Service
from governance.identity import Caller
from graphs.caller import local_caller

OPEN = ("/ok", "/ready", "/info", "/docs")
EVENTS = "/events/{name}"
READING_POSTS = ("/search", "/count", "/history", "/state/checkpoint")
MAKES_RUNS = tuple(f"/threads/{{thread_id}}/{end}" for end in ("runs", "runs/stream", "runs/wait", "commands", "stream/events"))
"""These may make the thread, so whose it is is asked in the transaction that makes the run, or when it is there to be followed."""


async def admit(request: Request, service: Serving) -> None:
    """Raises `Refused` (401, 429), `ThreadMissing`."""
    if not service.keys:
        request.state.caller = None
        return
    path: str = request.scope["route"].path
    if path in OPEN or path == EVENTS:  # an event is signed
        return
    caller = await _signed_in(request, service)
    if wait := service.rates.wait(caller):
        raise Refused(429, f"too many requests: try again in {wait} s", {"Retry-After": str(wait)})
    request.state.caller = caller
    deed: Deed = "read" if request.method == "GET" or path.endswith(READING_POSTS) else "write"
    if path.startswith("/assistants") and deed == "write" and not path.endswith("/versions") and "admin" not in caller.roles:
        raise Refused(403, "assistants are everybody's: only an admin may make, change or delete them")
    thread_id = request.path_params.get("thread_id")
    if thread_id and not (path in MAKES_RUNS and request.method == "POST"):
        await reached(service, caller, thread_id, deed)


async def reached(service: Service, caller: Caller | None, thread_id: str, deed: Deed) -> None:
    """Raises `ThreadMissing` for a thread that is not there, and the same for one that is not theirs to reach."""
    if caller is None:
        return
    try:
        id = str(UUID(thread_id))
    except ValueError:
        return  # the route says what is wrong with it
    if not may(caller, deed, await service.threads.owner(id)):
        raise ThreadMissing(f"Thread with ID {id} not found")


async def _signed_in(request: Request, service: Service) -> Caller:
    assert service.keys
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    secret = request.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
    caller = await service.keys.caller(secret) if secret else None
    if caller is None:
        raise Refused(401, "say who calls: a valid API key as x-api-key or as a bearer token", {"WWW-Authenticate": "Bearer"})
    return caller


def _caller(request: Request) -> Caller | None:
    found: Caller | None = request.state.caller
    return found


Calling = Annotated[Caller | None, Depends(_caller)]
"""Who calls; None in local mode."""


def acting(caller: Caller | None, service: Service) -> Caller:
    """Whose what is made becomes: the caller's, in local mode the local person's."""
    return caller or local_caller(service.settings)
