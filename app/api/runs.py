"""Runs on a thread: made, streamed, waited for, joined, stopped."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from app.api.answers import RUN, RunId, Serving, ThreadId, answer, empty, shown
from app.api.asking import Made, make_run
from app.api.bodies import RunCreate, RunsCancel
from app.api.caller import Playing
from app.api.errors import STREAMED, Refused
from app.api.sse import nothing, slow_json, stream_run
from app.auth.access import Calling, reached
from app.rollback import refuse_behind_effects
from app.runs.making import ThreadMissing
from app.runs.queue import RunMissing
from app.runs.spec import ACTIVE
from app.service import Service

router = APIRouter(tags=["runs"])
NOTHING_TO_CANCEL = (
    "No matching runs to cancel. Please verify the thread ID and run IDs are correct, "
    "and the runs haven't been deleted or completed."
)
After = Annotated[str | None, Header(alias="Last-Event-ID")]


@router.post("/threads/{thread_id}/runs")
async def create(service: Serving, caller: Calling, thread_id: ThreadId, body: RunCreate) -> Response:
    """Make a run and return at once."""
    made = await make_run(service, caller, thread_id, body)
    return answer(shown(made.row, RUN), headers=made.headers())


@router.post("/threads/{thread_id}/runs/stream", responses=STREAMED)
async def create_and_stream(
    service: Serving, caller: Calling, played: Playing, thread_id: ThreadId, body: RunCreate
) -> Response:
    """Make a run and follow it."""
    return streamed(service, await make_run(service, caller, thread_id, body, played=played), body)


@router.post("/threads/{thread_id}/runs/wait")
async def create_and_wait(service: Serving, caller: Calling, thread_id: ThreadId, body: RunCreate) -> Response:
    """Make a run and wait for its thread's values."""
    return waited(service, await make_run(service, caller, thread_id, body), body)


@router.get("/threads/{thread_id}/runs")
async def of_thread(
    service: Serving,
    thread_id: ThreadId,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    status: str | None = None,
) -> Response:
    """The thread's runs, the newest first."""
    await service.threads.get(thread_id)
    rows = await service.queue.of_thread(thread_id, status=status, limit=limit, offset=offset)
    return answer([shown(row, RUN) for row in rows])


@router.get("/threads/{thread_id}/runs/{run_id}")
async def get(service: Serving, thread_id: ThreadId, run_id: RunId) -> Response:
    """A run."""
    return answer(shown(await service.queue.get(thread_id, run_id), RUN))


@router.delete("/threads/{thread_id}/runs/{run_id}", status_code=204)
async def delete(service: Serving, thread_id: ThreadId, run_id: RunId) -> Response:
    """Delete a run; one that is going on is stopped first."""
    if not await service.queue.delete(thread_id, run_id):
        await service.worker.cancel(thread_id, run_id, "interrupt", wait=True)
        await service.queue.delete(thread_id, run_id)
    else:
        service.log.dropped(thread_id, run_id, "interrupted")
    return empty()


@router.get("/threads/{thread_id}/runs/{run_id}/join")
async def join(service: Serving, thread_id: ThreadId, run_id: RunId) -> Response:
    """Wait for a run; the thread's values, as `wait` answers them."""
    row = await service.queue.get(thread_id, run_id)
    made = Made(run_id, thread_id, row, 0)
    return slow_json(lambda: result_of(service, thread_id, run_id), headers=made.headers("join"))


@router.get("/threads/{thread_id}/runs/{run_id}/stream", responses=STREAMED)
async def join_stream(
    service: Serving,
    thread_id: ThreadId,
    run_id: RunId,
    last_event_id: After = None,
    stream_mode: Annotated[list[str] | None, Query()] = None,
    cancel_on_disconnect: bool = False,
) -> Response:
    """Follow a run. Last-Event-ID: what comes behind it, -1: all of it, absent: only what is still to come."""
    row = await service.queue.get(thread_id, run_id)
    headers = Made(run_id, thread_id, row, 0).headers("stream")
    after = await _place(service, row, last_event_id)
    if after is None:
        return nothing(headers)
    return stream_run(
        service,
        thread_id,
        run_id,
        after,
        headers=headers,
        with_ids=bool(row["kwargs"]["resumable"]),
        only=[mode for mode in stream_mode or () if mode] or None,  # the Python SDK sends an empty one for none
        cancel=cancel_on_disconnect,
    )


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", status_code=202)
async def cancel(
    service: Serving,
    thread_id: ThreadId,
    run_id: RunId,
    wait: bool = False,
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> Response:
    """Stop a run, with `rollback` as if it had never been; with `wait` answer when it has ended."""
    if action == "rollback":
        await refuse_behind_effects(service, thread_id, [run_id])
    try:
        await service.worker.cancel(thread_id, run_id, action, wait=wait)
    except RunMissing:
        raise Refused(404, NOTHING_TO_CANCEL) from None
    return empty(200 if wait else 202)


@router.post("/runs/cancel", status_code=204)
async def cancel_many(
    service: Serving, caller: Calling, body: RunsCancel, action: Literal["interrupt", "rollback"] = "interrupt"
) -> Response:
    """Stop these runs of a thread, or all of these status."""
    if not body.thread_id:
        raise Refused(422, "thread_id: name the thread whose runs are to stop")
    try:
        await reached(service, caller, body.thread_id, "write")
    except ThreadMissing:
        raise Refused(404, NOTHING_TO_CANCEL) from None
    stopped = 0
    asked = ACTIVE if body.status in (None, "all") else (body.status,)
    ids = body.run_ids
    if ids is None:
        rows = [row for one in asked for row in await service.queue.of_thread(body.thread_id, status=one, limit=1000, offset=0)]
        ids = [row["run_id"] for row in rows]
    if action == "rollback":
        await refuse_behind_effects(service, body.thread_id, ids)
    for run_id in ids:
        try:
            await service.worker.cancel(body.thread_id, run_id, action)
            stopped += 1
        except RunMissing:
            continue
    if not stopped:
        raise Refused(404, NOTHING_TO_CANCEL)
    return empty()


def streamed(service: Service, made: Made, body: RunCreate) -> Response:
    """The stream of a run that was just made."""
    return stream_run(
        service,
        made.thread_id,
        made.run_id,
        made.after,
        headers=made.headers("stream"),
        with_ids=body.stream_resumable,
        cancel=body.on_disconnect == "cancel",
    )


def waited(service: Service, made: Made, body: RunCreate) -> Response:
    """The result of a run that was just made."""
    stop = (
        (lambda: service.later(service.worker.leave(made.thread_id, made.run_id))) if body.on_disconnect == "cancel" else None
    )
    return slow_json(lambda: result_of(service, made.thread_id, made.run_id), headers=made.headers("join"), gone=stop)


async def result_of(service: Service, thread_id: str, run_id: str) -> Any:
    """Wait for a run's end: the thread's values, with what waits or what went wrong."""
    ending = await service.worker.end_of(thread_id, run_id)
    if ending is not None:
        return ending.result()
    try:
        row, run = await service.threads.get(thread_id), await service.queue.get(thread_id, run_id)
    except (ThreadMissing, RunMissing):
        return None
    waiting = [one for several in row["interrupts"].values() for one in several]
    if run["error"]:
        return {"__error__": run["error"]}
    if waiting and isinstance(row["values"], dict):
        return {**row["values"], "__interrupt__": waiting}
    return row["values"]


async def _place(service: Service, row: dict[str, Any], last_event_id: str | None) -> int | None:
    """Behind which event of the log a join goes on; None if there is nothing to come."""
    thread_id, active = row["thread_id"], row["status"] in ACTIVE
    if last_event_id is None:
        if not active:
            return None
        last = service.log.last(thread_id)
        return last if last is not None else await service.log.place(thread_id)
    try:
        asked = int(last_event_id)
    except ValueError:
        raise Refused(422, f"Last-Event-ID: {last_event_id!r} is not the id of an event") from None
    first, last = await service.log.ends_of(row["run_id"])
    if not active and (last is None or asked >= last):
        return None  # its log was deleted, or there is nothing behind its end
    return max(asked, first or 0)
