"""Paused threads go on by themselves: when their people have decided, over HTTP, in a terminal or elsewhere, when a timer is over, when
an event came. A process that dies between a verdict and what follows from it loses nothing: the rows still say that it can go on.

The run that is made asks for what the thread's last run asked (stream modes, config), and acts for whoever asked for the execution.
Started by `app/service.py`, one loop a process; the thread's row lets only one of several processes make the run.
"""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from app.db.tables import runs, threads
from app.runs.making import StaleResume, ThreadBusy, ThreadMissing
from app.runs.queue import Queue
from app.runs.spec import NewRun, Spec
from app.runs.worker import Worker
from database import Database, DatabaseUnavailable
from graphs.ready import Ready
from graphs.services import Services

LOOK_S = 1.0
REST_S = 60.0
POINT = ("checkpoint_id", "checkpoint_ns", "checkpoint_map")  # where that run began: this one begins where the thread stands
logger = logging.getLogger("clearance")


async def keep_going_on(db: Database, services: Services, queue: Queue, worker: Worker) -> None:
    """Look until cancelled. What does not get on by being gone on with is left alone for longer and longer."""
    rest: dict[str, tuple[float, float]] = {}  # execution -> when it may be tried again (monotonic), seconds it rested
    while True:
        try:
            for one in await services.ready():
                again, rested = rest.get(one.execution_id, (0.0, LOOK_S / 2))
                if time.monotonic() >= again:
                    rest[one.execution_id] = (time.monotonic() + 2 * rested, min(2 * rested, REST_S))
                    await _go_on(db, queue, worker, one)
        except DatabaseUnavailable as error:  # the next look may come through
            logger.warning("paused threads could not be looked at: %s", error)
        rest = {id: (again, rested) for id, (again, rested) in rest.items() if again + rested > time.monotonic()}
        await asyncio.sleep(LOOK_S)


async def _go_on(db: Database, queue: Queue, worker: Worker, one: Ready) -> None:
    """Make the run that goes on with a thread; nothing, if the thread is none of this service's or another process was first."""
    thread = select(threads.c.interrupts, threads.c.metadata).where(threads.c.thread_id == one.thread_id)
    last = (
        select(runs).where(runs.c.thread_id == one.thread_id).order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(1)
    )
    here, before = await db.run(
        lambda c: (c.execute(thread).one_or_none(), c.execute(last).mappings().one_or_none()), durable=False
    )
    if here is None or before is None or not here.interrupts:
        return
    ids = [waits["id"] for several in here.interrupts.values() for waits in several]
    command: dict[str, Any] = {"resume": {id: {"decisions": []} for id in ids}}
    spec = Spec.from_dict(before["kwargs"])
    configurable = {name: value for name, value in (spec.config.get("configurable") or {}).items() if name not in POINT}
    config = {**spec.config, "configurable": configurable}
    spec = replace(spec, input=None, command=command, config=config, temporary=False)
    new = NewRun(one.thread_id, before["assistant_id"], before["graph_id"], spec, strategy="reject", owner=one.requester)
    try:
        made = await queue.create(new, claim=worker.has_room)
    except (ThreadBusy, ThreadMissing, StaleResume):
        return
    logger.info("thread goes on", extra={"thread_id": one.thread_id, "run_id": made.row["run_id"]})
    if made.claim:
        worker.start(made.claim)
    else:
        worker.offer()
