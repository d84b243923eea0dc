"""Executions: the snapshot of one, for a page that is loaded again and for whoever comes late; and stopping one."""

from fastapi import APIRouter

from app.api.answers import Serving
from app.api.asking import make_run
from app.api.bodies import RunCreate
from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.governance.shapes import CancelShape, ExecutionShape, SteerBody, SteerShape, UsedShape
from graphs.executions import OPEN
from graphs.usage import used

router = APIRouter(prefix="/governance/executions", tags=["executions"])


@router.get("/{execution_id}")
async def get_execution(floors: Floors, view: Viewing, execution_id: str) -> ExecutionShape:
    """How an execution stands: plans, steps with their tries, approvals, effects."""
    found = await view.execution(execution_id)
    await floors.approvals.expire()
    sight = view.sight_of(found.requester)
    return ExecutionShape(
        id=found.id,
        thread_id=found.thread_id if view.reaches("read", found.requester) else None,
        requester=found.requester.user,
        goal=found.goal,
        status=found.status,
        plans=await view.plan_shapes(found),
        attempts=[view.attempt_shape(one, sight) for one in await floors.executions.attempts(execution_id)],
        approvals=[view.approval_shape(row) for row in await floors.approvals.of_execution(execution_id, superseded=True)],
        effects=[await view.effect_shape(row, found) for row in await floors.effects.for_execution(execution_id)],
        usage=UsedShape(**await used(floors.db, execution_id)),
    )


@router.post("/{execution_id}/cancel", status_code=202)
async def cancel(service: Serving, floors: Floors, caller: Calling, view: Viewing, execution_id: str) -> CancelShape:
    """Stop an execution, running or waiting; what was done stays, open approvals are void. Only for who asked for it, or an admin.

    One that waits has no run to stop: a run is made on its thread that ends it, whose id is told.
    """
    found = await view.execution(execution_id)
    if found.requester.user != caller.user and (view.local or not view.reaches("write", found.requester)):
        raise Refused(403, f"{caller.user} may not stop what {found.requester.user} asked for")
    if found.status == "waiting":
        said = {"messages": [{"role": "user", "content": "cancel"}]}
        made = await make_run(service, caller, found.thread_id, RunCreate(assistant_id="orchestrator", input=said))
        return CancelShape(execution_id=execution_id, run_id=made.run_id)
    if found.status != "running":
        raise Refused(409, f"execution {execution_id} is {found.status}: there is nothing to stop")
    await floors.executions.stop(execution_id)
    floors.cancelled.add(execution_id)
    floors.approvals.wake(execution_id)
    return CancelShape(execution_id=execution_id, run_id=None)


@router.post("/{execution_id}/steers", status_code=202)
async def steer(floors: Floors, caller: Calling, view: Viewing, execution_id: str, body: SteerBody) -> SteerShape:
    """Say something to an execution that runs or waits: its plan is looked at again, or it is answered why not."""
    found = await view.execution(execution_id)
    if found.requester.user != caller.user:
        raise Refused(403, f"{caller.user} may not change what {found.requester.user} asked for")
    if found.status not in OPEN:
        raise Refused(409, f"execution {execution_id} is {found.status}: there is nothing to change")
    await floors.executions.say(execution_id, caller, body.text)
    floors.approvals.wake(execution_id)
    return SteerShape(execution_id=execution_id, text=body.text)
