"""The queue: the rows of runs, from being asked for to their end. Every change of a run's status is one transaction here.

A thread is held by one run at a time (a partial unique index). What happens to a run that comes meanwhile is decided in the
transaction that inserts it. What a worker writes at a run's end is fenced by worker and attempt. On SQLite these commits
outlive the process but not a power cut, as the checkpoints do (`durable=False`).

A stateless run goes with its end where nobody elsewhere can follow it. On PostgreSQL one that was taken from the queue, or that may
be joined again, stays for a minute (`sweep`): who waits for it may be connected to another process.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, func, or_, select, update

from app.db.clock import stamp
from app.db.tables import events, runs, threads
from app.runs import claiming, making
from app.runs.deliveries import owe
from app.runs.keeping import lighten
from app.runs.lease import LEASE_S, LeaseLost
from app.runs.log import NEW_EVENTS, Event
from app.runs.spec import ACTIVE, Action, Claim, Ending, NewRun
from database import Database
from governance.prepared import Prepared

# what every run needs is put together once: that takes longer than to carry it out
_OURS = (runs.c.run_id == bindparam("of_run")) & (runs.c.worker == bindparam("of_worker"))
_HELD = _OURS & (runs.c.attempt == bindparam("of_attempt")) & (runs.c.status == "running")
_ENDED = ("status", "error", "updated_at", "worker", "leased_until", "cancel")
_CHANGE_HELD = Prepared(update(runs).where(_HELD).returning(runs.c.run_id), _ENDED)
_DELETE_HELD = Prepared(delete(runs).where(_HELD).returning(runs.c.run_id))
_ACTIVE = or_(*(runs.c.status == one for one in ACTIVE))
_MORE = select(runs.c.run_id).where(runs.c.thread_id == bindparam("of_thread"), _ACTIVE).exists()
_STAND = Prepared(
    making.CHANGE_THREAD.values(status=case((_MORE, "busy"), else_=bindparam("rest"))).returning(threads.c.status),
    ("values", "interrupts", "error", "updated_at", "state_updated_at", "last_seq"),
)
KEPT_S = 60.0


class RunMissing(LookupError):
    """There is no such run on this thread."""


@dataclass(frozen=True)
class Fence:
    """Who may end a run: this worker, in this attempt."""

    worker: str
    run_id: str
    attempt: int

    def held(self) -> ColumnElement[bool]:
        own = (runs.c.worker == self.worker) & (runs.c.attempt == self.attempt)
        return (runs.c.run_id == self.run_id) & own & (runs.c.status == "running")


class Queue:
    """The runs of one database, as `worker` (a name of this process) sees them."""

    def __init__(self, db: Database, worker: str) -> None:
        self._db, self.worker = db, worker
        self.owed = asyncio.Event()  # set when a webhook is to be sent

    async def create(self, new: NewRun, *, claim: bool) -> making.Created:
        """Make a run; with `claim` this process takes it in the same transaction if it may start now.

        Raises `ThreadMissing`, `ThreadBusy` (strategy reject), `StaleResume`.
        """
        return await self._db.run(lambda c: making.make(c, self.worker, new, claim), durable=False)

    def insert(self, c: Connection, new: NewRun, *, claim: bool = False) -> making.Created:
        """Make a run in a transaction of the caller's; without `claim` whoever has room takes it later. Raises as `create`, before it
        writes."""
        return making.make(c, self.worker, new, claim)

    async def claim(self, *, limit: int, expired: bool = True, dead: bool = False) -> list[Claim]:
        """Take runs that may start: pending and due on a thread that nobody holds, and with `expired` those whose lease ran out.

        `dead` says that no other process can be alive: every lease but one's own ran out. A run whose attempts are used up is
        not taken (`exhausted`).
        """
        return await self._db.run(lambda c: claiming.claim(c, self.worker, limit, expired=expired, dead=dead), durable=False)

    async def exhausted(self) -> list[Claim]:
        """Take the runs whose lease ran out in their last attempt, so that they can be ended as failed."""
        return await self._db.run(
            lambda c: claiming.take(
                c, self.worker, claiming.lost(c, self.worker, False) & (runs.c.attempt >= claiming.ATTEMPTS), 100
            ),
            durable=False,
        )

    async def prolong(self, run_ids: Sequence[str]) -> dict[str, Action | None]:
        """Renew the leases of these runs of ours; the ids still held, with what was asked of them meanwhile."""
        own = runs.c.run_id.in_(run_ids) & (runs.c.worker == self.worker) & (runs.c.status == "running")

        def work(c: Connection) -> dict[str, Action | None]:
            change = (
                update(runs).where(own).values(leased_until=claiming.now(c) + LEASE_S).returning(runs.c.run_id, runs.c.cancel)
            )
            return {run_id: cast("Action | None", cancel) for run_id, cancel in c.execute(change)}

        return await self._db.run(work, durable=False)

    async def holds(self, run_id: str, attempt: int) -> bool:
        """Does the row say that this attempt holds the run?"""
        fence = Fence(self.worker, run_id, attempt)
        query = select(runs.c.run_id).where(fence.held())
        return await self._db.run(lambda c: c.execute(query).first() is not None, durable=False, again=True)

    async def end(
        self, claim: Claim, ending: Ending, written: Sequence[Event], *, go_on: bool, rollback: bool = False
    ) -> list[Claim]:
        """Record how a run ended, how its thread stands, and what its log said; the thread's next run, taken if `go_on`.

        With `rollback` the run's row goes. It may be carried out again where nobody knows whether it was. Raises `LeaseLost` if
        another holds the run.
        """

        def work(c: Connection) -> list[Claim]:
            values = dict(
                status=ending.status, error=ending.error, updated_at=stamp(), worker=None, leased_until=None, cancel=None
            )
            held = {"of_run": claim.run_id, "of_worker": self.worker, "of_attempt": claim.attempt}
            ended = _DELETE_HELD.first(c, held) if rollback else _CHANGE_HELD.first(c, {**held, **values})
            if ended is None:
                if _ended(c, claim, ending, gone=rollback or claim.stateless):
                    return []
                raise LeaseLost(f"run {claim.run_id} is another's")
            if claim.spec.webhook and not rollback:
                owe(c, claim.run_id, claim.spec.webhook, ending)
            if claim.stateless:
                forget(c, claim.thread_id)
                return []
            if rollback:
                c.execute(delete(events).where(events.c.run_id == claim.run_id))
            elif written:
                NEW_EVENTS.run(c, [one.row() for one in written])
            more = self._stand(c, claim.thread_id, ending, written[-1].seq)
            return claiming.claim(c, self.worker, 1, thread_id=claim.thread_id) if more and go_on else []

        onward = await self._db.run(work, durable=False, again=True)
        if claim.spec.webhook:
            self.owed.set()
        return onward

    async def sweep(self) -> list[str]:
        """Forget the threads of stateless runs that ended a while ago; their ids, for the saver."""
        old, over = stamp(-KEPT_S), runs.c.status.not_in(ACTIVE)
        query = select(runs.c.thread_id).where(runs.c.stateless, runs.c.updated_at < old, over).limit(100)

        def work(c: Connection) -> list[str]:
            ids = list(c.scalars(query))
            for id in ids:
                forget(c, id)
            return ids

        return await self._db.run(work, durable=False)

    async def release(self, claim: Claim) -> None:
        """Give a run back unfinished, not counted as an attempt: this process ends, the next one goes on."""
        fence = Fence(self.worker, claim.run_id, claim.attempt)
        change = update(runs).where(fence.held())
        back = change.values(status="pending", worker=None, leased_until=None, attempt=runs.c.attempt - 1, updated_at=stamp())
        await self._db.run(lambda c: c.execute(back), durable=False)

    async def cancel(self, thread_id: str, run_id: str, action: Action) -> str:
        """Ask a run to stop: "told" if a worker holds it, "ended" if it had not begun. Raises `RunMissing` for any other."""

        def work(c: Connection) -> str:
            making.lock(c, thread_id)
            here = (runs.c.run_id == run_id) & (runs.c.thread_id == thread_id)
            status = c.execute(select(runs.c.status).where(here)).scalar_one_or_none()
            if status == "running":
                c.execute(update(runs).where(here).values(cancel=action))
                return "told"
            if status != "pending":
                raise RunMissing(run_id)
            making.drop(c, [run_id], action)
            self._settle(c, thread_id)
            return "ended"

        return await self._db.run(work, durable=False)

    async def delete(self, thread_id: str, run_id: str) -> bool:
        """Delete a run that is not running; False if it runs (cancel it first). Raises `RunMissing`."""

        def work(c: Connection) -> bool:
            making.lock(c, thread_id)
            here = (runs.c.run_id == run_id) & (runs.c.thread_id == thread_id)
            status = c.execute(select(runs.c.status).where(here)).scalar_one_or_none()
            if status is None:
                raise RunMissing(run_id)
            if status != "running":
                c.execute(delete(runs).where(here))
                c.execute(delete(events).where(events.c.run_id == run_id))
                self._settle(c, thread_id)
            return bool(status != "running")

        return await self._db.run(work, durable=False)

    async def lighten(self, thread_ids: Collection[str]) -> list[str]:
        """Let go what the logs of these threads no longer keep; those on which no run goes on or waits."""
        return await self._db.run(lambda c: lighten(c, thread_ids), durable=False)

    async def get(self, thread_id: str | None, run_id: str) -> dict[str, Any]:
        """A run's row. Raises `RunMissing`."""
        where = runs.c.run_id == run_id
        query = select(runs).where(where & (runs.c.thread_id == thread_id) if thread_id else where)
        row = await self._db.run(lambda c: c.execute(query).mappings().one_or_none(), durable=False)
        if row is None:
            raise RunMissing(run_id)
        return dict(row)

    async def of_thread(self, thread_id: str, *, status: str | None, limit: int, offset: int) -> list[dict[str, Any]]:
        """A thread's runs, the newest first."""
        where = runs.c.thread_id == thread_id
        query = select(runs).where(where & (runs.c.status == status) if status else where)
        query = query.order_by(runs.c.created_at.desc(), runs.c.run_id.desc()).limit(limit).offset(offset)
        return await self._db.run(lambda c: [dict(row) for row in c.execute(query).mappings()], durable=False)

    async def next_due(self) -> float | None:
        """Seconds until the next run that was asked for later is due; None: there is none."""
        query = select(func.min(runs.c.not_before)).where((runs.c.status == "pending") & runs.c.not_before.is_not(None))
        due = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return None if due is None else max(0.0, due - time.time())

    def _stand(self, c: Connection, thread_id: str, ending: Ending, seq: int) -> bool:
        """Record how a thread stands after a run; says whether another run waits for it."""
        at = stamp()
        values = dict(
            of_thread=thread_id,
            rest=ending.thread_status,
            values=ending.values,
            interrupts=ending.interrupts,
            error=ending.error,
            updated_at=at,
            state_updated_at=at,
            last_seq=seq,
        )
        return bool(_STAND.first(c, values) == ("busy",))

    def _settle(self, c: Connection, thread_id: str) -> None:
        """A thread whose queue became empty is no longer busy."""
        more = select(runs.c.run_id).where(runs.c.thread_id == thread_id, runs.c.status.in_(ACTIVE)).limit(1)
        if c.execute(more).first() is None:
            waits = c.execute(select(threads.c.interrupts).where(threads.c.thread_id == thread_id)).scalar_one_or_none()
            change = update(threads).where(threads.c.thread_id == thread_id, threads.c.status == "busy")
            c.execute(change.values(status="interrupted" if waits else "idle"))


def forget(c: Connection, thread_id: str) -> None:
    """Delete a thread's rows of the service; its checkpoints are the saver's."""
    for table in (events, runs, threads):
        c.execute(delete(table).where(table.c.thread_id == thread_id))


def _ended(c: Connection, claim: Claim, ending: Ending, *, gone: bool) -> bool:
    """Was this end recorded already, by a commit that nobody knew of? `gone`: the row went with it."""
    query = select(runs.c.status, runs.c.attempt, runs.c.worker).where(runs.c.run_id == claim.run_id)
    row = c.execute(query).one_or_none()
    return gone if row is None else (row.status, row.attempt, row.worker) == (ending.status, claim.attempt, None)
