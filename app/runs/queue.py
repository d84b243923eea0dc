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

from sqlalchemy import ColumnElement, Connection, Float, bindparam, delete, func, insert, literal, or_, select, update

from app.auth.reach import Owner, may
from app.db.clock import new_id, stamp
from app.db.tables import events, runs, threads
from app.runs.deliveries import owe
from app.runs.keeping import lighten
from app.runs.lease import LEASE_S, LeaseLost
from app.runs.log import NEW_EVENTS, Event
from app.runs.spec import ACTIVE, Action, Claim, Ending, NewRun, Spec
from database import Database
from governance.identity import Caller
from governance.tables import insert_new
from graphs.part_threads import is_part

ATTEMPTS = 3
# what every run needs is put together once: that takes longer than to carry it out
_ACTIVE_OF = select(runs.c.run_id, runs.c.status).where(runs.c.thread_id == bindparam("of_thread"), runs.c.status.in_(ACTIVE))
_LOCK = select(threads).where(threads.c.thread_id == bindparam("of_thread")).with_for_update()
_CHANGE_THREAD = update(threads).where(threads.c.thread_id == bindparam("of_thread"))
_NEW_RUN = insert(runs)
_OURS = (runs.c.run_id == bindparam("of_run")) & (runs.c.worker == bindparam("of_worker"))
_HELD = _OURS & (runs.c.attempt == bindparam("of_attempt")) & (runs.c.status == "running")
_CHANGE_HELD, _DELETE_HELD = update(runs).where(_HELD), delete(runs).where(_HELD)
KEPT_S = 60.0
SKIP = 10_000
"""How far an attempt after a crash begins behind the log's end: more than are ever published and not yet written, so that no
number that a client has seen is given twice."""


class ThreadMissing(LookupError):
    """There is no such thread."""


class ThreadReserved(ValueError):
    """A thread of this id is none that a client may have."""


class ThreadBusy(RuntimeError):
    """The thread is held by a run, and the request was to be rejected then."""


class StaleResume(RuntimeError):
    """The command answers an interrupt that does not wait."""


class RunMissing(LookupError):
    """There is no such run on this thread."""


@dataclass(frozen=True)
class Created:
    """A run that was made. `claim` is set if this process holds it already; `told` are active runs that are to stop."""

    row: dict[str, Any]
    claim: Claim | None
    told: tuple[str, ...]
    dropped: tuple[str, ...]
    last_seq: int


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

    async def create(self, new: NewRun, *, claim: bool) -> Created:
        """Make a run; with `claim` this process takes it in the same transaction if it may start now.

        Raises `ThreadMissing`, `ThreadBusy` (strategy reject), `StaleResume`.
        """
        return await self._db.run(lambda c: self._create(c, new, claim), durable=False)

    def insert(self, c: Connection, new: NewRun) -> Created:
        """Make a run in a transaction of the caller's; whoever has room takes it later. Raises as `create`, before it writes."""
        return self._create(c, new, claim=False)

    async def claim(self, *, limit: int, expired: bool = True, dead: bool = False) -> list[Claim]:
        """Take runs that may start: pending and due on a thread that nobody holds, and with `expired` those whose lease ran out.

        `dead` says that no other process can be alive: every lease but one's own ran out. A run whose attempts are used up is
        not taken (`exhausted`).
        """
        return await self._db.run(lambda c: self._claim(c, limit, expired=expired, dead=dead), durable=False)

    async def exhausted(self) -> list[Claim]:
        """Take the runs whose lease ran out in their last attempt, so that they can be ended as failed."""
        return await self._db.run(
            lambda c: self._take(c, self._expired(c, False) & (runs.c.attempt >= ATTEMPTS), 100), durable=False
        )

    async def prolong(self, run_ids: Sequence[str]) -> dict[str, Action | None]:
        """Renew the leases of these runs of ours; the ids still held, with what was asked of them meanwhile."""
        own = runs.c.run_id.in_(run_ids) & (runs.c.worker == self.worker) & (runs.c.status == "running")

        def work(c: Connection) -> dict[str, Action | None]:
            change = update(runs).where(own).values(leased_until=_now(c) + LEASE_S).returning(runs.c.run_id, runs.c.cancel)
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
            ended = c.execute(_DELETE_HELD, held) if rollback else c.execute(_CHANGE_HELD, {**held, **values})
            if ended.rowcount != 1:
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
                c.execute(NEW_EVENTS, [one.row() for one in written])
            more = self._stand(c, claim.thread_id, ending, written[-1].seq)
            return self._claim(c, 1, thread_id=claim.thread_id) if more and go_on else []

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
            _lock(c, thread_id)
            here = (runs.c.run_id == run_id) & (runs.c.thread_id == thread_id)
            status = c.execute(select(runs.c.status).where(here)).scalar_one_or_none()
            if status == "running":
                c.execute(update(runs).where(here).values(cancel=action))
                return "told"
            if status != "pending":
                raise RunMissing(run_id)
            self._drop(c, [run_id], action)
            self._settle(c, thread_id)
            return "ended"

        return await self._db.run(work, durable=False)

    async def delete(self, thread_id: str, run_id: str) -> bool:
        """Delete a run that is not running; False if it runs (cancel it first). Raises `RunMissing`."""

        def work(c: Connection) -> bool:
            _lock(c, thread_id)
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

    def _create(self, c: Connection, new: NewRun, claim: bool) -> Created:
        at = stamp()
        thread = _lock(c, new.thread_id) if new.thread_id else None
        active: list[tuple[str, str]] = []
        made = None
        if thread is None:
            if new.thread_id and not new.make_thread:
                raise ThreadMissing(new.thread_id)
            made = new_thread(new.thread_id, new.thread_metadata, at, new.owner)
            if not insert_new(c, threads, made):  # another request made it meanwhile
                thread, made = _lock(c, str(new.thread_id)), None
        if thread is None:
            assert made is not None
            thread = made
        else:
            if new.spec.caller and not may(new.owner, "write", Owner(thread["org"], thread["owner"])):
                raise ThreadMissing(new.thread_id)
            active = [(run_id, status) for run_id, status in c.execute(_ACTIVE_OF, {"of_thread": new.thread_id})]
        if active and new.strategy == "reject":
            raise ThreadBusy(
                "Thread is already running a task. Wait for it to finish or choose a different multitask strategy."
            )
        if not active:
            _refuse_stale(new.spec, thread["interrupts"])
        dropped, told = (
            [id for id, status in active if status == "pending"],
            [id for id, status in active if status == "running"],
        )
        if new.strategy in ("interrupt", "rollback"):
            self._drop(c, dropped, new.strategy)
            if told:
                c.execute(update(runs).where(runs.c.run_id.in_(told)).values(cancel=new.strategy))
        else:
            dropped, told = [], []
        taken = claim and not active and not new.after
        run_id, thread_id = new_id(), str(thread["thread_id"])
        ids = {"graph_id": new.graph_id, "assistant_id": new.assistant_id}
        row = dict(
            run_id=run_id,
            thread_id=thread_id,
            assistant_id=new.assistant_id,
            graph_id=new.graph_id,
            status="running" if taken else "pending",
            multitask_strategy=new.strategy,
            metadata={**new.base_metadata, **thread["metadata"], **new.metadata, **ids},
            kwargs=new.spec.as_dict(),
            stateless=new.stateless,
            not_before=time.time() + new.after if new.after else None,
            attempt=1 if taken else 0,
            worker=self.worker if taken else None,
            cancel=None,
            error=None,
            created_at=at,
            updated_at=at,
        )
        if taken and c.dialect.name != "sqlite":
            c.execute(_NEW_RUN.values(leased_until=_now(c) + LEASE_S), row)
        else:
            c.execute(_NEW_RUN, {**row, "leased_until": time.time() + LEASE_S if taken else None})
        config = {**new.spec.config, "configurable": public(new.spec.config.get("configurable") or {})}
        change = dict(status="busy", config=config, updated_at=at)
        if not active:  # while another run holds the thread, its state is that run's graph's
            change["metadata"] = {**thread["metadata"], **ids}
        c.execute(_CHANGE_THREAD, {"of_thread": thread_id, **change})
        alone = c.dialect.name == "sqlite" or not new.spec.resumable
        held = _claimed(row, thread["last_seq"], alone=alone) if taken else None
        return Created({**row, "status": "pending"}, held, tuple(told), tuple(dropped), thread["last_seq"])

    def _claim(
        self, c: Connection, limit: int, *, thread_id: str | None = None, expired: bool = True, dead: bool = False
    ) -> list[Claim]:
        held, earlier = runs.alias("held"), runs.alias("earlier")
        here = held.c.thread_id == runs.c.thread_id
        free = ~select(held.c.run_id).where(here, held.c.status == "running").exists()
        first = ~(
            select(earlier.c.run_id)
            .where(earlier.c.thread_id == runs.c.thread_id, earlier.c.status == "pending", earlier.c.run_id < runs.c.run_id)
            .where(or_(earlier.c.not_before.is_(None), earlier.c.not_before <= _now(c)))
            .exists()
        )
        due = or_(runs.c.not_before.is_(None), runs.c.not_before <= _now(c))
        able: ColumnElement[bool] = (runs.c.status == "pending") & due & free & first
        if thread_id:
            able = able & (runs.c.thread_id == thread_id)
        elif expired:
            able = or_(able, self._expired(c, dead) & (runs.c.attempt < ATTEMPTS))
        return self._take(c, able, limit)

    def _take(self, c: Connection, able: ColumnElement[bool], limit: int) -> list[Claim]:
        found = select(runs.c.run_id).where(able).order_by(runs.c.run_id).limit(limit).with_for_update(skip_locked=True)
        values: dict[str, Any] = dict(status="running", worker=self.worker, attempt=runs.c.attempt + 1, updated_at=stamp())
        take = update(runs).where(runs.c.run_id.in_(found)).values(**values, leased_until=_now(c) + LEASE_S)
        rows = [dict(row) for row in c.execute(take.returning(runs)).mappings()]
        if not rows:
            return []
        held = threads.c.thread_id.in_([row["thread_id"] for row in rows])
        of = {
            t.thread_id: t for t in c.execute(select(threads.c.thread_id, threads.c.last_seq, threads.c.metadata).where(held))
        }
        claims = []
        for row in rows:  # the thread shows by which graph its state is to be read
            thread = of[row["thread_id"]]
            ids = {"graph_id": row["graph_id"], "assistant_id": row["assistant_id"]}
            change = update(threads).where(threads.c.thread_id == thread.thread_id)
            seq = thread.last_seq + (SKIP if row["attempt"] > 1 else 0)  # a holder before, if it lives, cannot write any more
            c.execute(change.values(metadata={**thread.metadata, **ids}, status="busy", last_seq=seq))
            claims.append(_claimed(row, seq, alone=c.dialect.name == "sqlite"))
        return claims

    def _expired(self, c: Connection, dead: bool) -> ColumnElement[bool]:
        over = runs.c.worker != self.worker if dead else runs.c.leased_until < _now(c)
        return (runs.c.status == "running") & over

    def _drop(self, c: Connection, run_ids: Sequence[str], action: Action) -> None:
        """End runs that have not begun."""
        if run_ids and action == "rollback":
            c.execute(delete(runs).where(runs.c.run_id.in_(run_ids)))
        elif run_ids:
            own = runs.c.run_id.in_(run_ids)
            for run_id, asked in c.execute(select(runs.c.run_id, runs.c.kwargs).where(own)).all():
                if asked.get("webhook"):
                    owe(c, run_id, asked["webhook"], Ending("interrupted"))
            c.execute(update(runs).where(own).values(status="interrupted", updated_at=stamp()))

    def _stand(self, c: Connection, thread_id: str, ending: Ending, seq: int) -> bool:
        """Record how a thread stands after a run; says whether another run waits for it."""
        more, at = c.execute(_ACTIVE_OF, {"of_thread": thread_id}).first() is not None, stamp()
        values = dict(
            of_thread=thread_id,
            status="busy" if more else ending.thread_status,
            values=ending.values,
            interrupts=ending.interrupts,
            error=ending.error,
            updated_at=at,
            state_updated_at=at,
            last_seq=seq,
        )
        c.execute(_CHANGE_THREAD, values)
        return more

    def _settle(self, c: Connection, thread_id: str) -> None:
        """A thread whose queue became empty is no longer busy."""
        more = select(runs.c.run_id).where(runs.c.thread_id == thread_id, runs.c.status.in_(ACTIVE)).limit(1)
        if c.execute(more).first() is None:
            waits = c.execute(select(threads.c.interrupts).where(threads.c.thread_id == thread_id)).scalar_one_or_none()
            change = update(threads).where(threads.c.thread_id == thread_id, threads.c.status == "busy")
            c.execute(change.values(status="interrupted" if waits else "idle"))


def new_thread(thread_id: str | None, metadata: dict[str, Any], at: str, owner: Caller) -> dict[str, Any]:
    """The row of a new thread. Raises `ThreadReserved` for the id that a part of a run may have."""
    if thread_id and is_part(thread_id):
        raise ThreadReserved(f"Invalid thread ID: {thread_id} is a UUID of version 8, as parts of runs have: choose another")
    row: dict[str, Any] = dict(thread_id=thread_id or new_id(), status="idle", metadata=metadata, config={}, values=None)
    row |= {"org": owner.org, "owner": owner.user}
    return {**row, "interrupts": {}, "error": None, "last_seq": 0, "created_at": at, "updated_at": at, "state_updated_at": at}


def forget(c: Connection, thread_id: str) -> None:
    """Delete a thread's rows of the service; its checkpoints are the saver's."""
    for table in (events, runs, threads):
        c.execute(delete(table).where(table.c.thread_id == thread_id))


def public(configurable: dict[str, Any]) -> dict[str, Any]:
    """What may be shown of a `configurable`: not who asked, nor what LangGraph keeps there."""
    return {name: value for name, value in configurable.items() if not name.startswith(("__", "langgraph_"))}


def _ended(c: Connection, claim: Claim, ending: Ending, *, gone: bool) -> bool:
    """Was this end recorded already, by a commit that nobody knew of? `gone`: the row went with it."""
    query = select(runs.c.status, runs.c.attempt, runs.c.worker).where(runs.c.run_id == claim.run_id)
    row = c.execute(query).one_or_none()
    return gone if row is None else (row.status, row.attempt, row.worker) == (ending.status, claim.attempt, None)


def _claimed(row: dict[str, Any], seq: int, *, alone: bool) -> Claim:
    """`alone`: nobody can follow it through another process."""
    return Claim(
        run_id=row["run_id"],
        thread_id=row["thread_id"],
        assistant_id=row["assistant_id"],
        graph_id=row["graph_id"],
        spec=Spec.from_dict(row["kwargs"]),
        metadata=row["metadata"],
        attempt=row["attempt"],
        first_seq=seq,
        stateless=row["stateless"] and alone,
        cancel=row["cancel"],
    )


def _lock(c: Connection, thread_id: str) -> dict[str, Any] | None:
    """A thread's row, locked until the transaction ends (on SQLite the whole database is)."""
    row = c.execute(_LOCK, {"of_thread": thread_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def _now(c: Connection) -> ColumnElement[float]:
    """Seconds since the epoch by the one clock that all workers share."""
    if c.dialect.name == "postgresql":
        return func.extract("epoch", func.clock_timestamp()).cast(Float)
    return literal(time.time(), Float)


def _refuse_stale(spec: Spec, waiting: dict[str, list[dict[str, Any]]]) -> None:
    """Raise `StaleResume` for an answer to an interrupt that does not wait on the thread's newest checkpoint."""
    resume = (spec.command or {}).get("resume")
    if not isinstance(resume, dict) or (spec.config.get("configurable") or {}).get("checkpoint_id"):
        return
    if not resume or not all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in resume):
        return  # a value, not answers by id
    ids = {one["id"] for several in waiting.values() for one in several}
    if gone := sorted(set(resume) - ids):
        raise StaleResume(f"no interrupt {', '.join(gone)} waits on this thread: read its state, and answer what waits now")
