"""Executions: the snapshot of one, for a page that is loaded again and for whoever comes late."""

from fastapi import APIRouter

from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.shapes import ApprovalShape, AttemptShape, EffectShape, ExecutionShape

router = APIRouter(prefix="/governance/executions", tags=["executions"])


@router.get("/{execution_id}")
async def get_execution(floors: Floors, caller: Calling, execution_id: str) -> ExecutionShape:
    """How an execution stands: plans, steps with their tries, approvals, effects."""
    found = await floors.executions.get(execution_id)
    if found is None or found.requester.org != caller.org:
        raise Refused(404, f"there is no execution {execution_id}")
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
