"""The inbox as server-sent events: what is open at first, then whatever changes of it, and which threads changed.

One such stream is all that a person's browser needs while nothing of theirs runs: what waits, and that a thread goes on, is told
here, and its own stream is then followed. A verdict given in this process is told at once; whatever else happens, in other processes
on the database too, within `LOOK_S`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from app.api.answers import Serving
from app.api.caller import Viewing
from app.api.governance.views import View
from app.api.sse import HEARTBEAT_S
from app.auth import access
from app.db.clock import stamp
from app.db.thread_list import changed_threads
from app.encoding import dumps, plain
from app.service import Service
from governance.approval import Approval
from governance.identity import Caller
from governance.wakes import EVERY

router = APIRouter(prefix="/governance/inbox", tags=["approvals"])
LOOK_S = 1.0
OVERLAP_S = 5.0  # the longest transaction that changes a thread is well under it
AT_ONCE = 500


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(service: Serving, view: Viewing, signed_in: access.Calling, role: str | None = None) -> StreamingResponse:
    """Events `open` (an approval, when it is asked, reminded, escalated or voted on) and `closed` ({id, status, decided_by}, when it
    is over). Begins with all that is open, then `ready`. `role`: only what is asked of it. From then on `thread` ({thread_id, status,
    updated_at}), when a thread that the caller may read was made, begins to run, stops, or is changed."""
    frames = _frames(view, role, Changes(service, signed_in))
    return StreamingResponse(frames, headers={"Cache-Control": "no-store"}, media_type="text/event-stream")


class Changes:
    """The changes of the threads that a caller (None: everybody) may read, each told once."""

    def __init__(self, service: Service, caller: Caller | None) -> None:
        self._service, self._caller = service, caller
        self._since = stamp(-OVERLAP_S)
        self._told: dict[str, str] = {}

    async def new(self) -> list[dict[str, str]]:
        """Those since the last time. A change may be seen a little after its own time, when its transaction ends: so looks overlap."""
        found = await changed_threads(self._service.db, self._caller, self._since, AT_ONCE)
        self._since = stamp(-OVERLAP_S)
        fresh = [(id, status, at) for id, status, at in found if self._told.get(id) != at]
        self._told = {id: at for id, _, at in found}
        return [{"thread_id": id, "status": status, "updated_at": at} for id, status, at in fresh]


async def _frames(view: View, role: str | None, threads: Changes) -> AsyncIterator[bytes]:
    known: dict[str, Any] = {}
    loop, ready = asyncio.get_running_loop(), False
    beat = loop.time()
    floors = view.floors
    await threads.new()  # what changed before is what the reader has read
    with floors.approvals.subscribe(EVERY) as changed:
        while True:
            changed.clear()
            rows = {row.id: row for row in await _open(view, role)}
            for id in [id for id in known if id not in rows]:
                del known[id]
                [over] = await floors.approvals.get([id])
                yield _frame("closed", {"id": id, "status": over.status, "decided_by": over.decided_by})
            for id, row in rows.items():
                shape = plain(view.approval_shape(row))
                if known.get(id) != shape:
                    known[id] = shape
                    yield _frame("open", shape)
            if not ready:
                ready = True
                yield _frame("ready", {"open": len(known)})
            for one in await threads.new():
                yield _frame("thread", one)
            if loop.time() - beat > HEARTBEAT_S:
                beat = loop.time()
                yield b": heartbeat\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), LOOK_S)


async def _open(view: View, role: str | None) -> list[Approval]:
    store = view.floors.approvals
    await store.expire()
    wanted = [row for row in await store.pending(org=view.caller.org) if role in (None, *row.approvers)]
    return await view.seen(wanted)


def _frame(event: str, body: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + dumps(body) + b"\n\n"
