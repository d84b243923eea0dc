"""Threads as a list shows them: title, how far the newest execution is, what is asked. Called by `app/api/governance/threads.py`, and
by the stream that tells which of them changed (`inbox.py` beside it).

A page takes five statements, however many threads are on it; the threads' values, which hold whole results, are not read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from app.auth.reach import reaches_all
from app.db.tables import threads
from database import Database
from governance.identity import Caller
from graphs.plan import Plan, needs
from graphs.tables import answers, attempts, executions, revisions

TITLE = 300


@dataclass(frozen=True)
class Listed:
    """One thread. `status` is the thread's own; `execution` its newest, whose `outcome` is its answer's status, if there is one.

    `done` of `steps` of the newest plan have succeeded. `asks`: what its interrupts ask, as they were raised.
    """

    thread_id: str
    title: str
    status: str
    owner: str
    graph: str
    created_at: str
    updated_at: str
    asks: tuple[Any, ...] = ()
    execution_id: str | None = None
    execution: str = ""
    outcome: str | None = None
    done: int = 0
    steps: int = 0


async def list_threads(db: Database, caller: Caller | None, text: str, limit: int, offset: int) -> list[Listed]:
    """Those that the caller may read (None: all) whose title has this text, the newest change first."""
    return await db.run(lambda c: _listed(c, caller, text, limit, offset), durable=False)


async def changed_threads(db: Database, caller: Caller | None, since: str, limit: int) -> list[tuple[str, str, str]]:
    """Id, status and time of the change of those that the caller may read (None: all) and that changed at `since` or later, the
    newest first."""
    query = _theirs(select(threads.c.thread_id, threads.c.status, threads.c.updated_at), caller)
    query = query.where(threads.c.updated_at >= since).order_by(threads.c.updated_at.desc()).limit(limit)
    return await db.run(lambda c: [(row.thread_id, row.status, row.updated_at) for row in c.execute(query)], durable=False)


def _theirs(query: Select[Any], caller: Caller | None) -> Select[Any]:
    """Of the threads, those that the caller may read."""
    if caller:
        query = query.where(threads.c.org == caller.org)
        if not reaches_all(caller, "read"):
            query = query.where(threads.c.owner == caller.user)
    return query


def _listed(c: Connection, caller: Caller | None, text: str, limit: int, offset: int) -> list[Listed]:
    rows = _page(c, caller, text, limit, offset)
    newest = _newest(c, [row.thread_id for row in rows])
    far = _far(c, [one.id for one in newest.values()])
    return [_one(row, newest.get(row.thread_id), far) for row in rows]


def _page(c: Connection, caller: Caller | None, text: str, limit: int, offset: int) -> Sequence[Row[Any]]:
    first = (
        select(executions.c.goal)
        .where(executions.c.thread_id == threads.c.thread_id)
        .order_by(executions.c.created, executions.c.id)
        .limit(1)
    )
    said = threads.c.metadata["goal"].as_string()
    # a thread that no client named and no goal was taken up on has little in its values
    goal = func.coalesce(func.nullif(said, ""), first.scalar_subquery(), threads.c["values"]["goal"].as_string(), "")
    title = func.substr(goal, 1, TITLE)
    shown = ("thread_id", "status", "owner", "metadata", "interrupts", "created_at", "updated_at")
    query = _theirs(select(title.label("title"), *(threads.c[name] for name in shown)), caller)
    if text:
        query = query.where(title.icontains(text, autoescape=True))
    return c.execute(query.order_by(threads.c.updated_at.desc(), threads.c.thread_id).limit(limit).offset(offset)).all()


def _newest(c: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The newest execution of each thread: its id, its status and its answer's."""
    place = func.row_number().over(
        partition_by=executions.c.thread_id, order_by=(executions.c.created.desc(), executions.c.id.desc())
    )
    ranked = select(executions.c.id, executions.c.thread_id, executions.c.status, place.label("place"))
    last = ranked.where(executions.c.thread_id.in_(ids)).subquery()
    query = select(last, answers.c.status.label("outcome")).outerjoin(answers, answers.c.execution_id == last.c.id)
    return {row.thread_id: row for row in c.execute(query.where(last.c.place == 1))}


def _far(c: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many steps of each execution's newest plan have succeeded, and how many it has."""
    top = select(revisions.c.execution_id, func.max(revisions.c.rev).label("rev")).where(revisions.c.execution_id.in_(ids))
    last = top.group_by(revisions.c.execution_id).subquery()
    same = (revisions.c.execution_id == last.c.execution_id) & (revisions.c.rev == last.c.rev)
    ended = select(attempts.c.execution_id, attempts.c.step_id).distinct()
    succeeded: dict[str, set[str]] = defaultdict(set)
    for id, step in c.execute(ended.where(attempts.c.execution_id.in_(ids), attempts.c.status == "succeeded")):
        succeeded[id].add(step)
    plans = c.execute(select(revisions.c.execution_id, revisions.c.plan).join(last, same))
    return {id: _done(Plan.model_validate(plan), succeeded[id]) for id, plan in plans}


def _done(plan: Plan, succeeded: set[str]) -> tuple[int, int]:
    """A repeated step that is still whole once all it needs is there had no row to do: it leaves no attempt."""
    done = sum(step.id in succeeded or bool(step.for_each and set(needs(step)) <= succeeded) for step in plan.steps)
    return done, len(plan.steps)


def _one(row: Row[Any], newest: Row[Any] | None, far: dict[str, tuple[int, int]]) -> Listed:
    done, steps = far.get(newest.id, (0, 0)) if newest else (0, 0)
    return Listed(
        thread_id=row.thread_id,
        title=row.title,
        status=row.status,
        owner=row.owner,
        graph=str(row.metadata.get("graph_id") or ""),
        created_at=row.created_at,
        updated_at=row.updated_at,
        asks=tuple(one.get("value") for raised in row.interrupts.values() for one in raised),
        execution_id=newest.id if newest else None,
        execution=newest.status if newest else "",
        outcome=newest.outcome if newest else None,
        done=done,
        steps=steps,
    )
