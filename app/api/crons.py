"""Crons: runs by a schedule, on one thread or each on its own."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import CronId, Serving, ThreadId, answer, empty, page
from app.api.asking import assistant_of, spec_of
from app.api.bodies import CronCount, CronCreate, CronPatch, CronSearch, RunCreate
from app.api.errors import Refused
from app.auth.access import Calling, acting, reached
from app.db.crons import shown
from app.service import Service
from governance.identity import Caller

router = APIRouter(tags=["crons"])
OWN = {"schedule", "timezone", "end_time", "enabled", "on_run_completed", "metadata"}


@router.post("/threads/{thread_id}/runs/crons")
async def create_on_thread(service: Serving, caller: Calling, thread_id: ThreadId, body: CronCreate) -> Response:
    """Runs on a thread by a schedule."""
    if body.on_run_completed:
        raise Refused(422, "on_run_completed: the thread is yours and stays; leave it out")
    await service.threads.get(thread_id)
    return await _create(service, caller, thread_id, body)


@router.post("/runs/crons")
async def create(service: Serving, caller: Calling, body: CronCreate) -> Response:
    """Runs by a schedule, each on a thread of its own, which goes with its end unless it is to be kept."""
    return await _create(service, caller, None, body)


@router.post("/runs/crons/search")
async def search(service: Serving, caller: Calling, body: CronSearch) -> Response:
    """Crons by assistant, thread and metadata; the newest first."""
    rows, total = await _found(service, caller, body, body.enabled, body.limit, body.offset, body.sort_by, body.sort_order)
    found = [shown(row) for row in rows]
    if body.select:
        found = [{name: value for name, value in row.items() if name in body.select} for row in found]
    return page(found, total, body.offset)


@router.post("/runs/crons/count")
async def count(service: Serving, caller: Calling, body: CronCount) -> Response:
    """How many crons a search finds."""
    return answer((await _found(service, caller, body, None, 1, 0, None, None))[1])


@router.get("/runs/crons/{cron_id}")
async def get(service: Serving, caller: Calling, cron_id: CronId) -> Response:
    """A cron."""
    return answer(shown(await service.crons.get(cron_id, caller, "read")))


@router.patch("/runs/crons/{cron_id}")
async def change(service: Serving, caller: Calling, cron_id: CronId, body: CronPatch) -> Response:
    """Change when it fires, whether it does, and what its runs are asked."""
    given = body.model_dump(exclude_unset=True, mode="json")
    own = {name: value for name, value in given.items() if name in OWN and (value is not None or name == "end_time")}
    asked = {name: value for name, value in given.items() if name not in OWN and value is not None}
    if "metadata" in own:
        asked["metadata"] = own["metadata"]
    there = await service.crons.get(cron_id, caller, "write")
    if asked:
        await _check(service, caller, RunCreate.model_validate({**there["payload"], **asked}), there["thread_id"])
    row = await service.crons.change(cron_id, caller, asked, **own)
    service.crons_changed.set()
    return answer(shown(row))


@router.delete("/runs/crons/{cron_id}", status_code=204)
async def delete(service: Serving, caller: Calling, cron_id: CronId) -> Response:
    """It fires no more. Runs that it made stay."""
    await service.crons.delete(cron_id, caller)
    return empty()


async def _create(service: Service, caller: Caller | None, thread_id: str | None, body: CronCreate) -> Response:
    payload = body.model_dump(exclude=OWN - {"metadata"}, exclude_none=True, mode="json")
    assistant_id = await _check(service, caller, body, thread_id)
    row = await service.crons.create(
        acting(caller, service),
        caller,
        assistant_id=assistant_id,
        thread_id=thread_id,
        schedule=body.schedule,
        timezone=body.timezone,
        end_time=body.end_time.isoformat() if body.end_time else None,
        enabled=body.enabled,
        on_run_completed=body.on_run_completed or ("keep" if thread_id else "delete"),
        payload=payload,
        metadata=body.metadata or {},
    )
    service.crons_changed.set()
    return answer(shown(row))


async def _check(service: Service, caller: Caller | None, body: RunCreate, thread_id: str | None) -> str:
    """The assistant's id. Raises what a run of this would be refused with."""
    assistant = await assistant_of(service, body.assistant_id, caller)
    spec_of(service, assistant, body, temporary=thread_id is None)
    return str(assistant["assistant_id"])


async def _found(
    service: Service,
    caller: Caller | None,
    body: CronCount,
    enabled: bool | None,
    limit: int,
    offset: int,
    sort_by: str | None,
    order: str | None,
) -> tuple[list[dict[str, Any]], int]:
    if body.thread_id:
        await reached(service, caller, body.thread_id, "read")
    return await service.crons.search(
        caller,
        metadata=body.metadata or {},
        equal={"assistant_id": body.assistant_id, "thread_id": body.thread_id, "enabled": enabled},
        limit=limit,
        offset=offset,
        sort_by=sort_by or "created_at",
        descending=order != "asc",
    )
