"""Which paused executions can go on: their people have decided, their time or event has come. Asked by the service, which then does.

What waits for people costs nothing meanwhile: it is one query over the rows of paused executions, whatever their number of steps.
"""

from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select

from database import Database
from governance.approvals import Approvals
from governance.asking import TOOL
from governance.clock import Clock, stamp
from governance.identity import Caller
from governance.kill_switch import until_off
from governance.tables import approvals
from graphs.tables import attempts, executions, step_waits


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
    open = (approvals.c.status == "pending") & (approvals.c.expires_at > at)
    answered = exists().where(waiting, ~exists().where(of_step & open))
    shared = and_(approvals.c.execution_id == executions.c.id, approvals.c.step_id == "")  # a budget that is asked for
    unpaid = exists().where(shared) & ~exists().where(attempts.c.execution_id == executions.c.id)
    decided_on = ~exists().where(shared & open) & or_(answered, unpaid)
    query = (
        select(executions.c.id, executions.c.thread_id, executions.c.requester, came.label("came"))
        .where(executions.c.status == "waiting", or_(came, decided_on))
        .order_by(executions.c.created)
        .limit(limit)
    )
    rows = await db.run(lambda c: c.execute(query).all(), durable=False)
    found = []
    for row in rows:
        requester = Caller.from_dict(row.requester)
        if row.came or await _answered(db, decided, row.id, requester.org):
            found.append(Ready(row.id, row.thread_id, requester))
    return found


async def _answered(db: Database, decided: Approvals, execution_id: str, org: str) -> bool:
    """Is there a waiting step of whose approvals none waits, neither for people nor for the kill switch to be off?

    A step that was dropped has none but void ones. One without any waits for a budget, which is no longer asked for here, or for
    the switch; so may one all of whose approvals are used up. Where nothing was begun, the plan waited for a budget.
    """
    mine = attempts.c.execution_id == execution_id
    begun = await db.run(lambda c: c.execute(select(attempts.c.step_id, attempts.c.status).where(mine)).all(), durable=False)
    rows = await decided.of_execution(execution_id)
    held = set(await decided.undecided([row.id for row in rows]))
    stopped = bool(await decided.undecided([until_off(org)]))
    for step in {row.step_id for row in begun if row.status == "waiting_approval"}:
        own = [row for row in rows if row.step_id == step]
        asked = [row for row in own if row.status != "void" or row.tool == TOOL]
        if own and not asked:
            continue
        said = any(row.status != "consumed" for row in asked)
        if not held & {row.id for row in asked} and (said or not stopped):
            return True
    return not begun
