"""Server-sent events: a run's part of its thread's log as the classic protocol streams it. Used by the runs' routers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse

from app.encoding import dumps
from app.runs.log import END, Event
from app.runs.modes import MODES
from app.service import Service

HEARTBEAT_S = 5.0
ALWAYS = frozenset({"metadata", "error"})


def frame(event: Event, *, with_id: bool) -> bytes:
    """One event on the wire."""
    tail = f"\nid: {event.seq}\n\n".encode() if with_id else b"\n\n"
    return b"event: " + event.event.encode() + b"\ndata: " + event.data + tail


def stream_run(
    service: Service,
    thread_id: str,
    run_id: str,
    after: int,
    *,
    headers: Mapping[str, str],
    with_ids: bool,
    only: Collection[str] | None = None,
    cancel: bool = False,
) -> StreamingResponse:
    """The run's events behind `after`, to its end. `only` keeps to some modes; with `cancel` the run stops when the client goes."""
    wanted = {name.removesuffix("-tuple") for name in only or MODES} | ALWAYS

    async def frames() -> AsyncIterator[bytes]:
        done = False
        try:
            async for batch in beating(service.log.follow(thread_id, after, run_id=run_id)):
                if batch is None:
                    yield b": heartbeat\n\n"
                    continue
                done = batch[-1].event == END
                chosen = [one for one in batch if mode_of(one.event) in wanted]
                if chosen:
                    yield b"".join(frame(one, with_id=with_ids) for one in chosen)
        finally:
            if cancel and not done:
                service.later(service.worker.leave(thread_id, run_id))

    return StreamingResponse(frames(), headers={"Cache-Control": "no-store", **headers}, media_type="text/event-stream")


def nothing(headers: Mapping[str, str]) -> StreamingResponse:
    """A stream that ends at once."""

    async def none() -> AsyncIterator[bytes]:
        return
        yield b""  # what makes it a generator

    return StreamingResponse(none(), headers={"Cache-Control": "no-store", **headers}, media_type="text/event-stream")


def slow_json(
    work: Callable[[], Awaitable[Any]], *, headers: Mapping[str, str], gone: Callable[[], None] | None = None
) -> StreamingResponse:
    """A JSON answer that takes its time: the headers go at once, white space keeps the connection alive, the value comes last.

    `gone` is called if the client leaves before it.
    """

    async def parts() -> AsyncIterator[bytes]:
        task, done = asyncio.ensure_future(work()), False
        try:
            while not (await asyncio.wait({task}, timeout=HEARTBEAT_S))[0]:
                yield b"\n"
            yield dumps(task.result())
            done = True
        finally:
            task.cancel()
            if gone and not done:
                gone()

    return StreamingResponse(parts(), headers=dict(headers), media_type="application/json")


async def beating(source: AsyncGenerator[list[Event], None]) -> AsyncIterator[list[Event] | None]:
    """What `Log.follow` gives, and None whenever nothing came for a while."""
    async with aclosing(source):
        async for batch in source:
            yield batch or None


def mode_of(event: str) -> str:
    """The stream mode that an event belongs to: of `messages/partial` and `values|node:1` the first word."""
    return event.partition("|")[0].partition("/")[0]
