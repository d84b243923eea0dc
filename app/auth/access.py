"""Before every operation: who calls (401), how often (429), and whether what the path names is theirs to reach (404).

A dependency of the whole application (`app/main.py`), so that no router can forget it. In local mode everybody on this machine
is one person, and nothing is asked.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from langchain_core.runnables import RunnableConfig

from app.api.answers import Serving
from app.api.errors import Refused
from app.auth.reach import Deed, may, reaches_all
from app.db.assistants import AssistantMissing
from app.runs.making import ThreadMissing
from app.service import Service
from governance.identity import Caller
from graphs.caller import local_caller
from graphs.part_threads import is_part

OPEN = ("/ok", "/ready", "/info", "/docs", "/auth/sign-in", "/auth/callback", "/events/{name}")  # an event is signed
READING_POSTS = ("/search", "/count", "/history", "/state/checkpoint", "/versions")
MAKES_RUNS = tuple(f"/threads/{{thread_id}}/{end}" for end in ("runs", "runs/stream", "runs/wait", "commands", "stream/events"))
"""These may make the thread, so whose it is is asked in the transaction that makes the run, or when it is there to be followed."""


async def admit(request: Request, service: Serving) -> None:
    """Raises `Refused` (429), `NotSignedIn`, `NotAdmitted`, `ProviderUnavailable`, `ThreadMissing`."""
    request.state.caller, request.state.session = None, None
    path: str = request.scope["route"].path
    if service.ways is None or path in OPEN:
        return
    known = await service.ways.known(request.method, request.headers, request.cookies)
    caller = known.caller
    if wait := service.rates.wait(caller):
        raise Refused(429, f"too many requests: try again in {wait} s", {"Retry-After": str(wait)})
    request.state.caller, request.state.session = caller, known.session
    deed: Deed = "read" if request.method == "GET" or path.endswith(READING_POSTS) else "write"
    thread_id = request.path_params.get("thread_id")
    if thread_id and not (path in MAKES_RUNS and request.method == "POST"):
        await reached(service, caller, thread_id, deed)
    if assistant_id := request.path_params.get("assistant_id"):
        await _assistant_reached(service, caller, assistant_id, deed)


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


async def begun_elsewhere(service: Service, caller: Caller | None, thread_id: str) -> bool:
    """Is it a thread that was begun without the service (`clearance run`)? Where people sign in it is nobody's to take by its id."""
    if caller is None or is_part(thread_id):  # which nobody gets
        return False
    try:
        await service.threads.owner(thread_id)
    except ThreadMissing:
        place: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        return await service.saver.aget_tuple(place) is not None
    return False


async def _assistant_reached(service: Service, caller: Caller, id: str, deed: Deed) -> None:
    """An organisation's assistants are its people's to use and its admins' to change; a graph's own is everybody's, as it is.

    Raises `AssistantMissing` for one that is not there, and the same for another organisation's; `Refused` (403).
    """
    try:
        row = await service.assistants.get(str(UUID(id)))
    except ValueError:
        return  # a graph's name, or the route says what is wrong with it
    check_usable(caller, row)
    if deed == "write":
        if row["org"] is None:
            raise Refused(403, "a graph's own assistant is everybody's and stays as it is: make one of your organisation's")
        check_manages(caller)


def check_usable(caller: Caller | None, row: Mapping[str, Any]) -> None:
    """Raises `AssistantMissing` for an assistant of another organisation."""
    if caller and row["org"] not in (None, caller.org):
        raise AssistantMissing(f"Assistant with ID {row['assistant_id']} not found")


def check_manages(caller: Caller | None) -> None:
    """Raises `Refused` (403) for who does not manage what the whole organisation uses."""
    if caller and not reaches_all(caller, "write"):
        raise Refused(403, "assistants are the whole organisation's: only an admin may make, change or delete them")


async def _caller(request: Request) -> Caller | None:
    found: Caller | None = request.state.caller
    return found


Calling = Annotated[Caller | None, Depends(_caller)]
"""Who signed in; None in local mode."""


def acting(caller: Caller | None, service: Service) -> Caller:
    """Whose what is made becomes: the caller's, in local mode the local person's."""
    return caller or local_caller(service.settings)
