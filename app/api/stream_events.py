"""A thread's events as streams that outlive its runs: by the event protocol, and in the classic form."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from app.api.answers import Serving, ThreadId
from app.api.bodies import EventStream
from app.api.errors import Refused
from app.api.protocol_events import CHANNELS, Wanted, Wording
from app.api.sse import ALWAYS, beating, frame, mode_of
from app.auth.access import Calling, reached
from app.encoding import dumps
from app.runs.log import END, Event
from app.runs.making import ThreadMissing
from app.runs.modes import MODES
from app.runs.queue import RunMissing
from app.service import Service
from governance.identity import Caller

router = APIRouter(tags=["thread streams"])
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
OF_MODE = {
    "run_modes": frozenset(MODES) | ALWAYS,
    "lifecycle": ALWAYS,
    "state_update": frozenset({"values", "updates"}),
}
ThreadMode = Literal["run_modes", "lifecycle", "state_update"]


@router.post("/threads/{thread_id}/stream/events")
async def events(service: Serving, caller: Calling, thread_id: ThreadId, body: EventStream) -> Response:
    """The thread's whole history behind `since`, then what comes, over all its runs; also of a thread that is still to be made."""
    wording = Wording(wanted(body), lambda run_id: _run(service, thread_id, run_id))

    async def frames() -> AsyncIterator[bytes]:
        theirs = False
        async for batch in beating(service.log.follow(thread_id, body.since or 0)):
            if batch is None:
                yield b": heartbeat\n\n"
                continue
            theirs = theirs or await _theirs(service, caller, thread_id)
            if theirs:
                said = [one for entry in batch if (one := await wording.frame(entry))]
                if said:
                    yield b"".join(said)

    return StreamingResponse(frames(), headers=HEADERS, media_type="text/event-stream")


@router.get("/threads/{thread_id}/stream")
async def join(
    service: Serving,
    thread_id: ThreadId,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    stream_mode: Annotated[list[ThreadMode] | None, Query()] = None,
) -> Response:
    """The events of all its runs, as the runs were asked to stream them, and each run's end.

    Last-Event-ID: what comes behind it, -1: all there is, absent: only what is still to come.
    """
    await service.threads.get(thread_id)
    modes = frozenset[str]().union(*(OF_MODE[mode] for mode in stream_mode or ("run_modes",)))
    after = _after(last_event_id)
    if after is None:
        last = service.log.last(thread_id)
        after = last if last is not None else await service.log.place(thread_id)

    async def frames() -> AsyncIterator[bytes]:
        async for batch in beating(service.log.follow(thread_id, after)):
            if batch is None:
                yield b": heartbeat\n\n"
                continue
            said = [one for one in map(_with_end, batch) if mode_of(one.event) in modes]
            if said:
                yield b"".join(frame(one, with_id=True) for one in said)

    return StreamingResponse(frames(), headers=HEADERS, media_type="text/event-stream")


def wanted(body: EventStream) -> Wanted:
    """What the body subscribes to. Raises `Refused` (400) for no channel, or one that there is not."""
    if not isinstance(body.channels, list) or not body.channels:
        raise Refused(400, "channels is required and must be a non-empty array")
    if unknown := unsupported(body.channels):
        raise Refused(
            400,
            f"channels contains unsupported entries: {', '.join(unknown)}. Allowed: {', '.join(CHANNELS)}, or any `custom:<name>`.",
        )
    return Wanted(frozenset(body.channels), body.namespaces, body.depth)


def unsupported(channels: list[Any]) -> list[str]:
    """Those that are no channel."""
    return [str(one) for one in channels if one not in CHANNELS and not (isinstance(one, str) and one.startswith("custom:"))]


async def _theirs(service: Service, caller: Caller | None, thread_id: str) -> bool:
    """May they read it? One who may not is told no more than that of a thread that nobody has made."""
    try:
        await reached(service, caller, thread_id, "read")
    except ThreadMissing:
        return False
    return True


async def _run(service: Service, thread_id: str, run_id: str) -> dict[str, Any] | None:
    try:
        return await service.queue.get(thread_id, run_id)
    except RunMissing:
        return None


def _after(last_event_id: str | None) -> int | None:
    try:
        return None if last_event_id is None else max(0, int(last_event_id))
    except ValueError:
        raise Refused(422, f"Last-Event-ID: {last_event_id!r} is not the id of an event") from None


def _with_end(entry: Event) -> Event:
    """A run's end as the classic form tells it."""
    if entry.event != END:
        return entry
    data = {"status": "run_done", "run_id": entry.run_id}
    return Event(entry.seq, entry.thread_id, entry.run_id, "metadata", dumps(data))
