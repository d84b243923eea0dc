"""The inbox: approvals, listed and decided. The table is the authority; a vote is the caller's own."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.governance.shapes import ApprovalDetail, ApprovalShape, VoteBody
from governance.approval import Status, VoteRefused

router = APIRouter(prefix="/governance/approvals", tags=["approvals"])


@router.get("")
async def list_approvals(
    floors: Floors,
    caller: Calling,
    view: Viewing,
    status: Status = "pending",
    role: str | None = None,
    execution_id: str | None = None,
) -> list[ApprovalShape]:
    """The open approvals that the caller sees, oldest first; of an execution also those with another status. `role`: asked of it."""
    store = floors.approvals
    await store.expire()
    await store.remind(org=caller.org)
    await store.escalate(org=caller.org)
    if execution_id is not None:
        rows = [row for row in await store.of_execution(execution_id, superseded=True) if row.org == caller.org]
    elif status == "pending":
        rows = await store.pending(org=caller.org)
    else:
        raise Refused(422, f"status: {status} is listed for one execution only: name it in execution_id")
    wanted = [row for row in rows if row.status == status and role in (None, *row.approvers)]
    return [view.approval_shape(row) for row in await view.seen(wanted)]


@router.get("/decided")
async def list_decided(
    floors: Floors, caller: Calling, view: Viewing, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[ApprovalShape]:
    """Those of the organisation's newest decided approvals that the caller sees, the newest first; expired and void ones too."""
    await floors.approvals.expire()
    return [view.approval_shape(row) for row in await view.seen(await floors.approvals.decided(caller.org, limit))]


@router.get("/{approval_id}")
async def get_approval(floors: Floors, view: Viewing, approval_id: str) -> ApprovalDetail:
    """One approval, as it was asked, with the plan and the evidence behind it; `superseded_by` names what an edit made of it."""
    await floors.approvals.expire()
    return await view.approval_detail(await view.approval(approval_id))


@router.post("/{approval_id}/votes")
async def vote(floors: Floors, caller: Calling, view: Viewing, approval_id: str, body: VoteBody) -> ApprovalShape:
    """Vote as the caller; the approval that results, of an edit the new one. Wakes a run of this process that waits for it.

    A vote on what the caller does not see is refused, and that recorded, as any other; the answer is that of an unknown id.
    """
    if (body.args is None) == (body.verdict == "edit"):
        raise Refused(422, "args: the new arguments, given with edit and only with it")
    try:
        row = await floors.approvals.vote(approval_id, caller, body.verdict, message=body.message, args=body.args)
    except VoteRefused:
        await view.approval(approval_id)
        raise
    return view.approval_shape(row)
