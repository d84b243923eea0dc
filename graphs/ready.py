"""Which paused executions can go on: their people have decided or said something, their time or event has come. Asked by the service,
which then does.

What waits for people costs nothing meanwhile: it is one query over the rows of paused executions, whatever their number of steps.
"""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import and_, exists, or_, select

from database import Database
from governance.approvals import Approvals
from governance.clock import Clock, stamp
from governance.identity import Caller
from governance.kill_switch import halted
from governance.tables import approvals
from graphs.tables import attempts, executions, plan_edits, revisions, steers, step_waits

PAST = ("void", "superseded", "consumed")
"""An approval that answers nothing: its step was dropped, it was edited, or it was used, and the step now waits for something else."""


@dataclass(frozen=True)
class Ready:
    """A paused execution of which a step may go on now; `requester` is whom it acts for."""

    execution_id: str
    thread_id: str
    requester: Caller


async def ready(db: Database, decided: Approvals, clock: Clock, limit: int = 100) -> list[Ready]:
    """The oldest `limit` of them. What an approval allows and the kill switch stops is not among them until it is released."""
    at = stamp(clock())
    own = step_waits.c.execution_id == executions.c.id
    over = or_(step_waits.c.due <= at, step_waits.c.arrived.is_not(None))
    came = exists().where(own, step_waits.c.taken.is_(None), over)
    waiting = and_(attempts.c.execution_id == executions.c.id, attempts.c.status == "waiting_approval")
    of_step = and_(approvals.c.execution_id == attempts.c.execution_id, approvals.c.step_id == attempts.c.step_id)
    asked = and_(approvals.c.status == "pending", approvals.c.expires_at > at)
    answer = approvals.c.status.not_in(PAST)
    answered = exists().where(waiting, exists().where(of_step, answer), ~exists().where(of_step, asked))
    idle = and_(
        ~exists().where(approvals.c.execution_id == executions.c.id, asked),
        ~exists().where(own, step_waits.c.taken.is_(None)),
    ).label("idle")  # it waits for nobody: a budget was raised, or the kill switch held what needs no approval
    unheard = (exists().where(of.c.execution_id == executions.c.id, of.c.answer.is_(None)) for of in (steers, plan_edits))
    planned = exists().where(revisions.c.execution_id == executions.c.id)  # before there is a plan nothing is heard
    told = and_(planned, or_(*unheard))
    can = or_(came, told).label("can")
    columns = (executions.c.id, executions.c.org, executions.c.thread_id, executions.c.requester, can, idle)
    query = (
        select(*columns)
        .where(executions.c.status == "waiting", or_(came, told, answered, idle))
        .order_by(executions.c.created)
        .limit(limit)
    )
    rows = await db.run(lambda c: c.execute(query).all(), durable=False)
    found = []
    for row in rows:
        stopped = await db.run(partial(halted, org=row.org), durable=False)
        if row.can or (row.idle and not stopped) or await _answered(db, decided, row.id):
            found.append(Ready(row.id, row.thread_id, Caller.from_dict(row.requester)))
    return found


async def _answered(db: Database, decided: Approvals, execution_id: str) -> bool:
    """Is there a waiting step of whose approvals none waits, neither for people nor for the kill switch to be off?"""
    own = (attempts.c.execution_id == execution_id) & (attempts.c.status == "waiting_approval")
    waiting = set(await db.run(lambda c: c.scalars(select(attempts.c.step_id).where(own)).all(), durable=False))
    rows = [row for row in await decided.of_execution(execution_id) if row.step_id in waiting and row.status not in PAST]
    held = set(await decided.undecided([row.id for row in rows]))
    return bool({row.step_id for row in rows} - {row.step_id for row in rows if row.id in held})
