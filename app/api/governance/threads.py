"""Threads as a list needs them: title, a word for how each stands, what waits for whom, how far it is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.api.answers import Serving
from app.api.caller import Floors, Viewing
from app.api.governance.views import View
from app.auth import access
from app.db.thread_list import Listed, list_threads
from governance.approval import Approval

router = APIRouter(prefix="/governance/threads", tags=["executions"])
Standing = Literal["needs_you", "waiting", "running", "done", "failed", "stopped", "declined", "new"]


class ThreadShape(BaseModel):
    """One thread. `status`: needs_you is what the caller has to answer or to decide; waiting is for other people, a time or an event;
    declined is a goal that was not taken up. `approvals` are open, `yours` of them the caller's to decide. `done` of `steps` of the
    newest plan have succeeded. `answer` is how whole the newest answer is."""

    thread_id: str
    title: str
    status: Standing
    owner: str
    approvals: int
    yours: int
    done: int
    steps: int
    execution_id: str | None
    answer: Literal["complete", "partial", "failed"] | None
    created_at: str
    updated_at: str


class ThreadsShape(BaseModel):
    """A page of the list; `next` is the `offset` of the next page, null at its end."""

    threads: list[ThreadShape]
    next: int | None


@router.get("")
async def list_(
    service: Serving,
    floors: Floors,
    view: Viewing,
    signed_in: access.Calling,
    q: Annotated[str, Query(max_length=200, description="text in the title, whatever its case")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> ThreadsShape:
    """The threads that the caller may read, the newest change first."""
    found = await list_threads(service.db, signed_in, q.strip(), limit + 1, offset)
    page = found[:limit]
    open_: dict[str, list[Approval]] = {one.thread_id: [] for one in page}
    rows = await floors.approvals.open_of_threads(list(open_), view.caller.org)
    for row in rows:
        open_[row.thread_id].append(row)
    asked = {row.id for row in await view.asked(rows)}
    shapes = [_shape(view, one, open_[one.thread_id], asked) for one in page]
    return ThreadsShape(threads=shapes, next=offset + limit if len(found) > limit else None)


def _shape(view: View, one: Listed, rows: list[Approval], asked: set[str]) -> ThreadShape:
    yours = sum(row.id in asked for row in rows)
    return ThreadShape(
        thread_id=one.thread_id,
        title=one.title,
        status="needs_you" if yours else _standing(one, own=view.local or one.owner == view.caller.user),
        owner=one.owner,
        approvals=len(rows),
        yours=yours,
        done=one.done,
        steps=one.steps,
        execution_id=one.execution_id,
        answer=one.outcome,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _standing(one: Listed, *, own: bool) -> Standing:
    """How a thread stands on which nobody is asked for an approval that is the caller's to give."""
    if one.status == "busy":
        return "running"
    if one.status == "error":
        return "failed"
    if one.status == "interrupted":
        questions = any(map(_question, one.asks))
        return "stopped" if not one.asks else "needs_you" if questions and own else "waiting"
    if one.execution in ("cancelled", "replaced"):
        return "stopped"
    if one.outcome:
        return "failed" if one.outcome == "failed" else "done"
    return "declined" if one.graph else "new"


def _question(asked: Any) -> bool:
    """Is it for whoever holds the thread to answer? Not approvals, the kill switch, a time or an event."""
    if not isinstance(asked, dict) or "action_requests" not in asked:
        return True
    names = {request.get("name") for request in asked["action_requests"]}
    return bool(names & {"ask_user", "review_plan"})
