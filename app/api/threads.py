"""Threads: made, found, changed, copied, deleted."""

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import THREAD, Serving, ThreadId, answer, empty, page, shown
from app.api.bodies import Lifetime, ThreadCreate, ThreadPatch, ThreadSearch, ThreadsPrune
from app.auth.access import Calling, acting, begun_elsewhere, reached
from app.db.threads import ThreadExists
from app.retention import delete_thread, prune
from app.runs.making import ThreadMissing
from app.service import Service
from governance.identity import Caller

router = APIRouter(prefix="/threads", tags=["threads"])


@router.post("")
async def create(service: Serving, caller: Calling, body: ThreadCreate) -> Response:
    """A new thread."""
    owner = acting(caller, service)
    if body.thread_id and await begun_elsewhere(service, caller, body.thread_id):
        raise ThreadExists(f"Thread with ID {body.thread_id} already exists")
    row = await service.threads.create(body.thread_id, body.metadata or {}, keep=body.if_exists == "do_nothing", owner=owner)
    await _live(service, row["thread_id"], body.ttl)
    return answer(shown(row, THREAD))


@router.post("/search")
async def search(service: Serving, caller: Calling, body: ThreadSearch) -> Response:
    """Threads by metadata, values and status; the newest first."""
    rows, total = await _found(service, caller, body)
    names = [name for name in THREAD if not body.select or name in body.select]
    return page([shown(row, names) for row in rows], total, body.offset)


@router.post("/count")
async def count(service: Serving, caller: Calling, body: ThreadSearch) -> Response:
    """How many threads a search finds."""
    return answer((await _found(service, caller, body.model_copy(update={"limit": 1, "offset": 0})))[1])


@router.post("/prune")
async def prune_several(service: Serving, caller: Calling, body: ThreadsPrune) -> Response:
    """Delete these threads, or their checkpoints but the newest; none that a run holds or waits on, none that is not the caller's."""
    done = 0
    for thread_id in dict.fromkeys(body.thread_ids):
        try:
            await reached(service, caller, thread_id, "write")
        except ThreadMissing:
            continue
        done += await prune(service, thread_id, body.strategy)
    return answer({"pruned_count": done})


@router.get("/{thread_id}")
async def get(service: Serving, thread_id: ThreadId) -> Response:
    """A thread, with the values it stands at."""
    return answer(shown(await service.threads.get(thread_id), THREAD))


@router.patch("/{thread_id}")
async def change(service: Serving, thread_id: ThreadId, body: ThreadPatch) -> Response:
    """Merge metadata into a thread's."""
    row = await service.threads.change(thread_id, body.metadata or {})
    await _live(service, thread_id, body.ttl)
    return answer(shown(row, THREAD))


@router.delete("/{thread_id}", status_code=204)
async def delete(service: Serving, thread_id: ThreadId) -> Response:
    """Delete a thread with its runs and checkpoints, those of its steps too; what runs is stopped."""
    await delete_thread(service, thread_id)
    return empty()


@router.post("/{thread_id}/copy")
async def copy(service: Serving, caller: Calling, thread_id: ThreadId) -> Response:
    """A thread of its own that begins where this one stands."""
    row = await service.threads.copy(thread_id, acting(caller, service))
    await service.saver.acopy_thread(thread_id, row["thread_id"])
    return answer(shown(row, THREAD))


async def _live(service: Service, thread_id: str, said: float | Lifetime | None) -> None:
    """Keep the thread as long as was said."""
    if said is not None:
        life = said if isinstance(said, Lifetime) else Lifetime(ttl=said)
        await service.lifetimes.say(thread_id, life.ttl, life.strategy)


async def _found(service: Service, caller: Caller | None, body: ThreadSearch) -> tuple[list[dict[str, object]], int]:
    return await service.threads.search(
        ids=body.ids or [],
        metadata=body.metadata or {},
        values=body.values or {},
        status=body.status,
        limit=body.limit,
        offset=body.offset,
        sort_by=body.sort_by or "created_at",
        descending=body.sort_order != "asc",
        caller=caller,
    )
