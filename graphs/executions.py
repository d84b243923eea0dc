"""Executions: one carrying-out of a plan, constant over pauses, resumes and crashes. The rows are the authority on who asked.

Called by the orchestrator's nodes (create, enter, leave), by the scheduler (attempts, revisions) and by the application (show).
Each revision of a plan and the end of each attempt is recorded in the ledger too, in the same transaction: a row that was changed
since shows (`governance/agreement.py`).
"""

import os
import socket
import uuid
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from database import Database
from governance.decisions import Decisions, Phase, Record
from governance.digest import digest
from governance.effects import standing
from governance.identity import Caller
from governance.tables import insert_new
from graphs.events import now
from graphs.part_threads import part_thread
from graphs.plan import Plan, StepResult
from graphs.tables import attempts, executions, revisions, steers

OPEN = ("running", "waiting", "stopping")
ExecutionOutcome = Literal["success", "partial", "failed", "refused"]
"""How a goal came out: all of it answered, some, nothing; or it was not carried out, for it could not be planned or is none of ours."""
RUN = ("running", "stopping")  # under way: a process holds it, or did when it died
LEASED = "leased/"
leased: ContextVar[bool] = ContextVar("leased", default=False)
"""Does this task hold a lease of its run? Then another holder of an execution that had one too has lost it, though its process may
live. The application's worker sets it."""
_MARK = update(attempts).where(
    attempts.c.execution_id == bindparam("of"),
    attempts.c.step_id == bindparam("step"),
    attempts.c.attempt == bindparam("number"),
)


class AlreadyRunning(RuntimeError):
    """The same execution is being run elsewhere; running it twice would run its steps twice."""


@dataclass(frozen=True)
class Execution:
    """One row of `executions`."""

    id: str
    thread_id: str
    requester: Caller
    goal: str
    request: dict[str, Any]
    today: str
    status: str
    seq: int
    checkpoint_id: str | None
    forked_from: str | None


@dataclass(frozen=True)
class Attempt:
    """One row of `step_attempts`; `result` once it ended."""

    step_id: str
    attempt: int
    specialist: str
    thread_id: str
    status: str
    result: StepResult | None


@dataclass(frozen=True)
class Steer:
    """Something a user said while an execution ran or waited."""

    id: int
    caller: Caller
    text: str


class EffectsStand(RuntimeError):
    """To go back here would go back behind something that was done; the message says what, and what to do."""


def step_thread(execution_id: str, step_id: str, attempt: int) -> str:
    """The thread of one step attempt: its identity, whatever the order in which steps run."""
    return part_thread(execution_id, step_id, attempt)


def _owner() -> str:
    return f"{LEASED if leased.get() else ''}{socket.gethostname()}:{os.getpid()}:{_born(os.getpid())}"


def _alive(lease: str | None) -> bool:
    """Is the holder of a lease another process that still runs? A holder on another machine is taken to be alive."""
    if not lease or lease == _owner():
        return False
    if leased.get() and lease.startswith(LEASED):
        return False
    host, pid, born = lease.removeprefix(LEASED).rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return not born or born == _born(int(pid))


def _refuse_alive(row: Mapping[Any, Any]) -> None:
    """Raise `AlreadyRunning` if another process holds the execution of this row."""
    if row["status"] in RUN and _alive(row["lease"]):
        raise AlreadyRunning(f"thread {row['thread_id']} is being run by {row['lease']}: wait for it, or stop that process")


def _refuse_standing(c: Connection, id: str, kept: Collection[str]) -> None:
    """Raise `EffectsStand` if this execution, or a fork of it, did something beyond the steps kept that nobody undid."""
    if rows := standing(c, id, kept):
        named = ", ".join(dict.fromkeys(f"{row.tool} in step {row.step_id}" for row in rows))
        raise EffectsStand(
            f"execution {id} went on from here and changed something that still stands ({named}): undo it first "
            f"(`clearance undo {id} --reason …`), or go on from where the thread is now"
        )
    for fork in c.scalars(select(executions.c.id).where(executions.c.forked_from == id)).all():
        _refuse_standing(c, fork, kept)


def _born(pid: int) -> str:
    """When a process started, as the kernel counts: numbers are used again, and soon so in a restarted container.

    Empty where the system does not say (then the number alone must do), "dead" for a process that only waits to be reaped.
    """
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "dead" if state == "Z" else rest[18]


class Executions:
    """The executions of one application database. `decisions` are those of the same database; without, its heads stay unsigned."""

    def __init__(self, db: Database, decisions: Decisions | None = None) -> None:
        self._db = db
        self._decisions = decisions or Decisions(db)

    async def create(self, id: str, thread_id: str, requester: Caller, goal: str, request: dict[str, Any], today: str) -> None:
        """A new execution; nothing happens if the id is known already (a crash ran the node again)."""
        row = dict(
            id=id,
            thread_id=thread_id,
            org=requester.org,
            requester=requester.as_dict(),
            goal=goal,
            request=request,
            today=today,
            status="running",
            seq=0,
            created=now(),
        )

        def work(c: Connection) -> None:
            if self._get(c, id) is None:
                c.execute(insert(executions).values(**row))

        await self._db.run(work)

    async def get(self, id: str) -> Execution | None:
        return await self._db.run(lambda c: self._get(c, id))

    async def enter(
        self, id: str, thread_id: str, seq: int, checkpoint_id: str, kept: Collection[str] = (), *, asks: Caller | None = None
    ) -> Execution:
        """Claim an execution for one run of the execute node, or fork it.

        `seq` and `checkpoint_id` say where in the thread's history the node stands. The row moves only forward: the first
        entry, a re-entry after a crash (same checkpoint) and the next entry after a pause (seq + 1) are this execution's own;
        anything else (an older checkpoint, another thread, an execution that ended) is a fork and gets an id of its own.
        One that is "stopping" stays so: who enters it again ends it. A fork on another thread is `asks`'s, who made its run: no
        state that names an execution makes anybody act as who asked for that one.
        Raises `AlreadyRunning` when another process holds it; `EffectsStand` when a fork would go back behind an effect that stands,
        of the execution or of an earlier fork of it, on this thread or a copy: one of a step whose result is not among those `kept`.
        """

        def work(c: Connection) -> Execution:
            lock = select(executions).where(executions.c.id == id).with_for_update()
            row = c.execute(lock).mappings().one()
            same = row["thread_id"] == thread_id and row["status"] in OPEN
            crashed = same and row["status"] in RUN and row["seq"] == seq and row["checkpoint_id"] == checkpoint_id
            onward = same and row["seq"] + 1 == seq
            if not (crashed or onward):
                _refuse_standing(c, id, kept)
                if asks is None or row["thread_id"] == thread_id:
                    return self._fork(c, dict(row), thread_id, seq, checkpoint_id)
                if asks.org != row["org"]:
                    raise KeyError(f"there is no execution {id}")
                return self._fork(c, {**row, "requester": asks.as_dict()}, thread_id, seq, checkpoint_id)
            _refuse_alive(row)
            status = "stopping" if row["status"] == "stopping" else "running"
            moved = dict(seq=seq, checkpoint_id=checkpoint_id, status=status, lease=_owner())
            c.execute(update(executions).where(executions.c.id == id).values(**moved))
            return self._get_or_fail(c, id)

        return await self._db.run(work)

    async def held_elsewhere(self, id: str) -> bool:
        """Does another process carry it out now?"""
        lease = select(executions.c.lease).where(executions.c.id == id, executions.c.status == "running")
        return _alive(await self._db.run(lambda c: c.execute(lease).scalar_one_or_none()))

    async def under_way(self) -> list[str]:
        """Those, of every organisation, that a process which lives carries out now."""
        query = select(executions.c.id, executions.c.lease).where(executions.c.status.in_(RUN))
        rows = await self._db.run(lambda c: c.execute(query).all())
        return [id for id, lease in rows if lease == _owner() or _alive(lease)]

    async def leave(self, id: str, status: str, outcome: ExecutionOutcome | None = None) -> None:
        """Record how an execution stands after a node, with its outcome if it came to one, and give the lease back. An attempt that
        its end cut off is cancelled."""
        await self._db.run(lambda c: self._leave(c, id, status, outcome))

    async def stop(self, id: str) -> None:
        """Say that a running execution is to end. Committed before its steps are told, so that no crash starts it again."""
        change = update(executions).where(executions.c.id == id, executions.c.status == "running").values(status="stopping")
        await self._db.run(lambda c: c.execute(change))

    async def stopping(self, ids: Collection[str]) -> set[str]:
        """Those of these executions that are to end."""
        query = select(executions.c.id).where(executions.c.id.in_(ids), executions.c.status == "stopping")
        return set(await self._db.run(lambda c: c.scalars(query).all(), durable=False))

    async def ensure_idle(self, id: str) -> None:
        """Raise `AlreadyRunning` if another process runs the execution."""
        query = select(executions).where(executions.c.id == id)
        _refuse_alive(await self._db.run(lambda c: c.execute(query).mappings().one()))

    async def add_revision(self, execution_id: str, plan: Plan, policy_version: str) -> None:
        """Commit a revision before any of its steps starts, and record its digest and the policies that it was held against.

        A revision that is there already stays as it is.
        """

        def work(c: Connection) -> None:
            key = and_(revisions.c.execution_id == execution_id, revisions.c.rev == plan.rev)
            if c.execute(select(revisions.c.rev).where(key)).first() is None:
                told = plan.model_dump(mode="json")
                c.execute(insert(revisions).values(execution_id=execution_id, rev=plan.rev, plan=told, created=now()))
                more: dict[str, Any] = dict(policy_version=policy_version, result_digest=digest(told))
                more["reasons"] = (plan.reason,) if plan.cause == "review" else ()
                self._record(c, execution_id, "plan", plan.cause, "plan", plan.rev, "planner", **more)

        await self._db.run(work)

    async def adopt(self, execution_id: str, parent: str, result: StepResult) -> None:
        """Record that a step takes over the result of an earlier execution's step, which `result.reused` names."""
        row = dict(
            execution_id=execution_id,
            step_id=result.step_id,
            attempt=result.attempt,
            specialist=result.specialist,
            thread_id=result.thread_id,
            parent_thread_id=parent,
            status=result.status,
            result=result.model_dump(mode="json"),
            started=now(),
            ended=now(),
            seconds=0.0,
        )

        def work(c: Connection) -> None:
            if insert_new(c, attempts, row):
                self._end(c, execution_id, result)

        await self._db.run(work)

    async def amend(self, id: str, goal: str, request: dict[str, Any]) -> None:
        """The goal and the request as the user has changed them while it ran."""
        change = update(executions).where(executions.c.id == id).values(goal=goal, request=request)
        await self._db.run(lambda c: c.execute(change))

    async def say(self, id: str, caller: Caller, text: str) -> None:
        """Keep what a user said to a running or waiting execution; the scheduler takes it up."""
        row = dict(execution_id=id, caller=caller.as_dict(), text=text, created=now())
        await self._db.run(lambda c: c.execute(insert(steers), row))

    async def said(self, id: str) -> list[Steer]:
        """What users said and nobody has taken up, oldest first."""
        query = select(steers).where(steers.c.execution_id == id, steers.c.answer.is_(None)).order_by(steers.c.id)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all())
        return [Steer(row["id"], Caller.from_dict(row["caller"]), row["text"]) for row in rows]

    async def take_up(self, steer: Steer, answer: str) -> None:
        """Say what came of it."""
        change = update(steers).where(steers.c.id == steer.id).values(answer=answer)
        await self._db.run(lambda c: c.execute(change))

    async def plans(self, execution_id: str) -> list[Plan]:
        """All revisions, oldest first."""
        query = select(revisions.c.plan).where(revisions.c.execution_id == execution_id).order_by(revisions.c.rev)
        rows = await self._db.run(lambda c: c.execute(query).scalars().all())
        return [Plan.model_validate(row) for row in rows]

    async def start(self, execution_id: str, parent: str, step_id: str, attempt: int, specialist: str) -> bool:
        """Record that an attempt starts. Says whether it is new, so that its thread cannot have begun; else nothing happens."""
        row = dict(
            execution_id=execution_id,
            step_id=step_id,
            attempt=attempt,
            specialist=specialist,
            thread_id=step_thread(execution_id, step_id, attempt),
            parent_thread_id=parent,
            status="running",
            started=now(),
        )
        return await self._db.run(lambda c: insert_new(c, attempts, row))

    async def mark(self, execution_id: str, step_id: str, attempt: int, status: str, result: StepResult | None = None) -> None:
        """Record an attempt's status, and its result once it ended. If a power cut takes it back, the thread still says it."""

        def work(c: Connection) -> None:
            key = {"of": execution_id, "step": step_id, "number": attempt}
            values: dict[str, Any] = {"status": status}
            if result is not None:
                values.update(result=result.model_dump(mode="json"), ended=now(), seconds=result.seconds)
                self._end(c, execution_id, result)
            c.execute(_MARK, {**key, **values})

        await self._db.run(work, durable=False)

    async def attempts(self, execution_id: str) -> list[Attempt]:
        """Every attempt, in the order in which they started."""
        query = select(attempts).where(attempts.c.execution_id == execution_id).order_by(attempts.c.id)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all())
        return [
            Attempt(
                row["step_id"],
                row["attempt"],
                row["specialist"],
                row["thread_id"],
                row["status"],
                StepResult.model_validate(row["result"]) if row["result"] else None,
            )
            for row in rows
        ]

    async def of_thread(self, thread_id: str) -> list[Execution]:
        """Those that a thread's goals came to, oldest first."""
        query = select(executions.c.id).where(executions.c.thread_id == thread_id, executions.c.status != "declined")

        def work(c: Connection) -> list[Execution]:
            return [self._get_or_fail(c, id) for id in c.scalars(query.order_by(executions.c.created)).all()]

        return await self._db.run(work)

    async def threads_under(self, thread_id: str) -> list[str]:
        """The threads of all steps that a thread's executions started."""
        query = select(attempts.c.thread_id).where(attempts.c.parent_thread_id == thread_id)
        return await self._db.run(lambda c: list(c.execute(query).scalars()))

    def _end(self, c: Connection, id: str, result: StepResult) -> None:
        """Record how an attempt ended, and by which model."""
        reasons = (f"taken over from {result.reused}",) if result.reused else ()
        more = dict(model=result.model or None, reasons=reasons, error=result.error.message if result.error else None)
        self._record(c, id, "step", result.status, result.step_id, result.attempt, result.specialist, **more)

    def _record(
        self, c: Connection, id: str, phase: Phase, outcome: str, step: str, number: int, agent: str, **more: Any
    ) -> None:
        who = Caller.from_dict(c.execute(select(executions.c.requester).where(executions.c.id == id)).scalar_one())
        head = (phase, outcome, who.org, id, step, "", agent, who.user, "", str(number), "")
        self._decisions.add(c, Record(*head, **more))

    def _leave(self, c: Connection, id: str, status: str, outcome: ExecutionOutcome | None) -> None:
        ended = None if status in OPEN else now()
        values = dict(status=status, outcome=outcome, lease=None, ended=ended)
        c.execute(update(executions).where(executions.c.id == id).values(**values))
        if ended:
            cut_off = and_(attempts.c.execution_id == id, attempts.c.ended.is_(None))
            c.execute(update(attempts).where(cut_off).values(status="cancelled", ended=ended))

    def _fork(self, c: Connection, row: dict[str, Any], thread_id: str, seq: int, checkpoint_id: str) -> Execution:
        old, row["id"] = row["id"], str(uuid.uuid4())
        row.update(thread_id=thread_id, seq=seq, checkpoint_id=checkpoint_id, forked_from=old)
        row.update(status="running", lease=_owner(), created=now(), ended=None, outcome=None)
        c.execute(insert(executions).values(**row))
        return self._get_or_fail(c, row["id"])

    def _get(self, c: Connection, id: str) -> Execution | None:
        row = c.execute(select(executions).where(executions.c.id == id)).mappings().one_or_none()
        if row is None:
            return None
        names = ("id", "thread_id", "goal", "request", "today", "status", "seq", "checkpoint_id", "forked_from")
        return Execution(requester=Caller.from_dict(row["requester"]), **{name: row[name] for name in names})

    def _get_or_fail(self, c: Connection, id: str) -> Execution:
        found = self._get(c, id)
        if found is None:
            raise KeyError(f"there is no execution {id}")
        return found
