"""Verdicts on their way to the runs that wait for them. Used by the service, for its own graphs.

A person's verdict is committed in the approvals table and nowhere else. A run that is going on is woken by it; for a thread that is
paused, a run is made that goes on, once: it names the interrupt, and one that was answered is no longer there to be named. What is
to be delivered is read from the tables, right after a vote and every few seconds, so that nothing is lost with a process between a
verdict and its run, or when a run ends just as it is given. Approvals that ran out of time go the same way, and effects that the
kill switch held.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from app.db.tables import threads
from app.runs.queue import Queue, StaleResume, ThreadBusy, ThreadMissing
from app.runs.spec import NewRun, Spec
from app.runs.worker import Worker
from database import Database, DatabaseUnavailable
from governance.approval import UnknownApproval
from governance.approvals import Approvals
from governance.clock import now, stamp
from governance.identity import Caller
from governance.tables import approvals

LOOK_S = 3.0
POINT = ("checkpoint_id", "checkpoint_ns", "checkpoint_map")
logger = logging.getLogger("clearance")


@dataclass(frozen=True)
class Pause:
    """What a paused thread waits for: the approvals that each of its interrupts asked."""

    thread_id: str
    at: str
    asked: dict[str, list[str]]


class Verdicts:
    """Makes the runs that decided approvals wait for."""

    def __init__(self, db: Database, store: Approvals, queue: Queue, worker: Worker) -> None:
        self._db, self._store, self._queue, self._worker = db, store, queue, worker
        self._pauses: dict[str, Pause] = {}

    async def keep(self) -> None:
        """Deliver what there is, now and every few seconds, until cancelled."""
        while True:
            try:
                await self.deliver()
            except DatabaseUnavailable as error:  # tried again at the next round
                logger.warning("verdicts could not be delivered: %s", error)
            await asyncio.sleep(LOOK_S)

    async def deliver(self) -> None:
        """Make a run on each thread that is paused for approvals of which one was decided."""
        for pause in await self._db.run(self._moved, durable=False):
            decided = [id for id, asked in pause.asked.items() if await self._decided(pause.thread_id, asked)]
            if decided:
                await self._go_on(pause.thread_id, {id: {"decisions": []} for id in decided})

    def _moved(self, c: Connection) -> list[Pause]:
        """The pauses that ask what is no longer simply open. Thousands may wait: each is read once, and then looked up by key."""
        query = select(threads.c.thread_id, threads.c.state_updated_at).where(threads.c.status == "interrupted")
        paused = {row.thread_id: row.state_updated_at for row in c.execute(query)}
        self._pauses = {id: one for id, one in self._pauses.items() if paused.get(id) == one.at}
        new = [id for id in paused if id not in self._pauses]
        for some in batched(new):
            read = select(threads.c.thread_id, threads.c.state_updated_at, threads.c.interrupts)
            for row in c.execute(read.where(threads.c.thread_id.in_(some))):
                self._pauses[row.thread_id] = Pause(row.thread_id, row.state_updated_at, _asked(row.interrupts))
        ids = [id for one in self._pauses.values() for asked in one.asked.values() for id in asked]
        still = (approvals.c.status == "pending") & (approvals.c.expires_at > stamp(now()))
        open = {
            id for some in batched(ids) for id in c.scalars(select(approvals.c.id).where(approvals.c.id.in_(some), still)).all()
        }
        return [one for one in self._pauses.values() if any(id not in open for asked in one.asked.values() for id in asked)]

    async def _decided(self, thread_id: str, ids: list[str]) -> bool:
        """Was one of those that the thread itself asked decided? A copied thread shows the approvals of another."""
        try:
            [first, *_] = await self._store.get(ids)
        except UnknownApproval:
            return False
        return first.thread_id == thread_id and len(await self._store.undecided(ids)) < len(ids)

    async def _go_on(self, thread_id: str, resume: dict[str, Any]) -> None:
        """A run as the thread's last one was, in the name of the same caller. It casts no vote: the table has them."""
        last = next(iter(await self._queue.of_thread(thread_id, status=None, limit=1, offset=0)), None)
        if last is None:
            return
        spec = Spec.from_dict(last["kwargs"])
        configurable = {name: value for name, value in (spec.config.get("configurable") or {}).items() if name not in POINT}
        config = {**spec.config, "configurable": configurable}
        new = NewRun(
            thread_id=thread_id,
            assistant_id=last["assistant_id"],
            graph_id=last["graph_id"],
            spec=replace(spec, input=None, command={"resume": resume}, config=config),
            strategy="reject",
            metadata=last["metadata"],
            owner=Caller.from_dict(spec.caller) if spec.caller else Caller("local"),
        )
        try:
            made = await self._queue.create(new, claim=self._worker.has_room)
        except (ThreadBusy, StaleResume, ThreadMissing):
            return  # somebody else was quicker
        if made.claim:
            self._worker.start(made.claim)


def _asked(interrupts: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Interrupt -> the approvals it asks; other interrupts ask none."""
    values = {one["id"]: one["value"] for several in interrupts.values() for one in several}
    return {id: value["approvals"] for id, value in values.items() if isinstance(value, dict) and value.get("approvals")}


def batched(ids: list[str]) -> Iterator[list[str]]:
    """So many that a statement can name them."""
    return (ids[at : at + 500] for at in range(0, len(ids), 500))
