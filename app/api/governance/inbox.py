"""The inbox as server-sent events: what is open at first, then whatever changes of it.

A verdict given in this process is told at once; whatever else happens, in other processes on the database too, within `LOOK_S`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from app.api.caller import Viewing
from app.api.governance.views import View
from app.api.sse import HEARTBEAT_S
from app.encoding import dumps, plain
from governance.approval import Approval
from governance.wakes import EVERY

router = APIRouter(prefix="/governance/inbox", tags=["approvals"])
LOOK_S = 1.0


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(view: Viewing, role: str | None = None) -> StreamingResponse:
    """Events `open` (an approval, when it is asked, reminded, escalated or voted on) and `closed` ({id, status, decided_by}, when it
    is over). Begins with all that is open, then `ready`. `role`: only what is asked of it."""
    return StreamingResponse(_frames(view, role), headers={"Cache-Control": "no-store"}, media_type="text/event-stream")


async def _frames(view: View, role: str | None) -> AsyncIterator[bytes]:
    known: dict[str, Any] = {}
    loop, ready = asyncio.get_running_loop(), False
    beat = loop.time()
    floors = view.floors
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
