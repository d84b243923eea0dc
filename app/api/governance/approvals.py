"""The inbox: approvals, listed and decided. The table is the authority; a vote is the caller's own."""

from fastapi import APIRouter

from app.api.answers import Serving
from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.shapes import ApprovalShape, VoteBody
from governance.approval import Approval, Status, UnknownApproval
from governance.identity import Caller
from graphs.services import Services

router = APIRouter(prefix="/governance/approvals", tags=["approvals"])


@router.get("")
async def list_approvals(
    floors: Floors, caller: Calling, status: Status = "pending", role: str | None = None, execution_id: str | None = None
) -> list[ApprovalShape]:
    """The organisation's open approvals, oldest first; of an execution also those with another status. `role`: asked of it."""
    store = floors.approvals
    await store.expire()
    await store.remind(org=caller.org)
    if execution_id is not None:
        rows = [row for row in await store.of_execution(execution_id, superseded=True) if row.org == caller.org]
    elif status == "pending":
        rows = await store.pending(org=caller.org)
    else:
        raise Refused(422, f"status: {status} is listed for one execution only: name it in execution_id")
    return [ApprovalShape.of(row) for row in rows if row.status == status and role in (None, *row.approvers)]


@router.get("/{approval_id}")
async def get_approval(floors: Floors, caller: Calling, approval_id: str) -> ApprovalShape:
    """One approval, as it was asked; `superseded_by` names what an edit made of it."""
    await floors.approvals.expire()
    return ApprovalShape.of(await _own(floors, caller, approval_id))


@router.post("/{approval_id}/votes")
async def vote(service: Serving, floors: Floors, caller: Calling, approval_id: str, body: VoteBody) -> ApprovalShape:
    """Vote as the caller; the approval that results, of an edit the new one. What waits for it goes on, also a paused thread."""
    if (body.args is None) == (body.verdict == "edit"):
        raise Refused(422, "args: the new arguments, given with edit and only with it")
    await _own(floors, caller, approval_id)
    row = await floors.approvals.vote(approval_id, caller, body.verdict, message=body.message, args=body.args)
    if service.verdicts:
        await service.verdicts.deliver()
    return ApprovalShape.of(row)


async def _own(floors: Services, caller: Caller, id: str) -> Approval:
    """An approval of the caller's organisation; another's does not exist for them."""
    [row] = await floors.approvals.get([id])
    if row.org != caller.org:
        raise UnknownApproval(f"there is no approval {id}")
    return row
