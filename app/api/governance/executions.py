"""Executions: the snapshot of one, for a page that is loaded again and for whoever comes late; and stopping one."""

from fastapi import APIRouter

from app.api.answers import Serving
from app.api.asking import make_run
from app.api.bodies import RunCreate
from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.shapes import (
    ApprovalShape,
    AttemptShape,
    CancelShape,
    EffectShape,
    ExecutionShape,
    SteerBody,
    SteerShape,
)
from governance.identity import Caller
from graphs.executions import OPEN, Execution
from graphs.services import Services

router = APIRouter(prefix="/governance/executions", tags=["executions"])


@router.get("/{execution_id}")
async def get_execution(floors: Floors, caller: Calling, execution_id: str) -> ExecutionShape:
    """How an execution stands: plans, steps with their tries, approvals, effects."""
    found = await _own(floors, caller, execution_id)
    await floors.approvals.expire()
    approvals = await floors.approvals.of_execution(execution_id, superseded=True)
    return ExecutionShape(
        id=found.id,
        thread_id=found.thread_id,
        requester=found.requester.user,
        goal=found.goal,
        status=found.status,
        plans=[plan.model_dump(mode="json") for plan in await floors.executions.plans(execution_id)],
        attempts=[
            AttemptShape(
                step_id=one.step_id,
                attempt=one.attempt,
                specialist=one.specialist,
                status=one.status,
                result=one.result.model_dump(mode="json") if one.result else None,
            )
            for one in await floors.executions.attempts(execution_id)
        ],
        approvals=[ApprovalShape.of(row) for row in approvals],
        effects=[EffectShape.model_validate(row) for row in await floors.effects.for_execution(execution_id)],
    )


@router.post("/{execution_id}/cancel", status_code=202)
async def cancel(service: Serving, floors: Floors, caller: Calling, execution_id: str) -> CancelShape:
    """Stop an execution, running or waiting; what was done stays, open approvals are void. Only for who asked for it.

    One that waits has no run to stop: a run is made on its thread that ends it, whose id is told.
    """
    found = await _own(floors, caller, execution_id)
    if found.requester.user != caller.user:
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
async def steer(floors: Floors, caller: Calling, execution_id: str, body: SteerBody) -> SteerShape:
    """Say something to an execution that runs or waits: its plan is looked at again, or it is answered why not."""
    found = await _own(floors, caller, execution_id)
    if found.status not in OPEN:
        raise Refused(409, f"execution {execution_id} is {found.status}: there is nothing to change")
    if found.requester.user != caller.user:
        raise Refused(403, f"{caller.user} may not change what {found.requester.user} asked for")
    await floors.executions.say(execution_id, caller, body.text)
    floors.approvals.wake(execution_id)
    return SteerShape(execution_id=execution_id, text=body.text)


async def _own(floors: Services, caller: Caller, id: str) -> Execution:
    """An execution of the caller's organisation; another's does not exist for them."""
    found = await floors.executions.get(id)
    if found is None or found.requester.org != caller.org:
        raise Refused(404, f"there is no execution {id}")
    return found
