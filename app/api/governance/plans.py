"""The plan of an execution, edited step by step: while it waits to be looked at, and while it is carried out."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import Serving
from app.api.asking import make_run
from app.api.bodies import RunCreate
from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.runs.making import ThreadMissing
from app.service import Service
from governance.identity import Caller
from graphs.editing import edited_step_by_step
from graphs.executions import OPEN, Execution
from graphs.plan import Plan, diff_of
from graphs.plan_edits import Change, reason_of
from graphs.planner import left_to_spend, problems
from graphs.services import Services

router = APIRouter(prefix="/governance/executions", tags=["executions"])


class PlanEditBody(BaseModel):
    """What is changed of the revision `base`, the newest, and why."""

    model_config = ConfigDict(extra="forbid")
    base: int = Field(ge=1, le=2**31 - 1)
    changes: list[Change] = Field(min_length=1, max_length=50)
    reason: str = Field(min_length=1, max_length=1000)


class PlanEditedShape(BaseModel):
    """The plan as it is to be. `edit_id`: the execution takes it up, and tells the revision, or why not. `run_id`: it waited for the
    plan to be looked at, and this run goes on with it. Steps that were changed are added anew, under ids of their own."""

    execution_id: str
    edit_id: int | None
    run_id: str | None
    plan: Plan
    diff: dict[Literal["added", "dropped"], list[str]]


class PlanEditShape(BaseModel):
    """An edit, and what came of it: null until it was taken up."""

    id: int
    user: str
    base: int
    changes: list[Change]
    reason: str
    answer: str | None
    created: str


@router.post("/{execution_id}/plan", status_code=202)
async def edit_plan(
    service: Serving, floors: Floors, caller: Calling, view: Viewing, execution_id: str, body: PlanEditBody
) -> PlanEditedShape:
    """Change steps that have not begun: settings, specialist, or leave them out. For who asked for the execution.

    409 if `base` is not the newest revision or a step has begun, 422 if the plan could not run so. A plan that waits to be looked at
    (a run with `config.configurable.review_plan`) runs as it was edited.
    """
    found = await view.execution(execution_id)
    if found.requester.user != caller.user:
        raise Refused(403, f"{caller.user} may not change what {found.requester.user} asked for")
    if found.status not in OPEN:
        raise Refused(409, f"execution {execution_id} is {found.status}: there is nothing to change")
    plan, made = await _made(floors, found, caller, body)
    edit_id, run_id = None, None
    if asked := await _review(service, found):
        run_id = await _looked_at(service, caller, found, asked, made)
    else:
        edit_id = await floors.plan_edits.ask(execution_id, caller, body.base, body.changes, body.reason)
        floors.approvals.wake(execution_id)
    diff: Any = diff_of(plan, made)
    return PlanEditedShape(execution_id=execution_id, edit_id=edit_id, run_id=run_id, plan=made, diff=diff)


@router.get("/{execution_id}/edits")
async def list_edits(floors: Floors, view: Viewing, execution_id: str) -> list[PlanEditShape]:
    """The edits that were asked for while the plan was carried out, oldest first."""
    await view.execution(execution_id)
    names = ("id", "base", "changes", "reason", "answer", "created")
    every = await floors.plan_edits.of(execution_id)
    return [PlanEditShape(user=one.caller.user, **{name: getattr(one, name) for name in names}) for one in every]


async def _made(floors: Services, found: Execution, caller: Caller, body: PlanEditBody) -> tuple[Plan, Plan]:
    """The newest revision and the one that the edit makes of it. Raises `Refused` (409, 422)."""
    plans = await floors.executions.plans(found.id)
    if not plans or plans[-1].rev != body.base:
        stands = f"revision {plans[-1].rev} is the newest" if plans else "there is no plan yet"
        raise Refused(409, f"base: {stands}, not {body.base}: look at it again")
    begun = {one.step_id for one in await floors.executions.attempts(found.id)}
    if late := sorted({change.step for change in body.changes} & begun):
        raise Refused(409, f"changes: {', '.join(late)} began already: only what has not begun can be changed")
    used = {id for plan in plans for id in plan.ids()} | begun
    made, wrong = edited_step_by_step(plans[-1], body.changes, reason_of(caller, body.reason), used, floors)
    left = await left_to_spend(floors, found.requester, found.id)
    if wrong := wrong or problems(made, floors, found.requester, [], used - set(plans[-1].ids()), left):
        raise Refused(422, f"changes: {'; '.join(wrong)}")
    return plans[-1], made


async def _review(service: Service, found: Execution) -> str:
    """The interrupt by which a plan waits to be looked at; empty if it does not."""
    try:
        row = await service.threads.get(found.thread_id)
    except ThreadMissing:  # begun in a terminal
        return ""
    raised = [one for several in row["interrupts"].values() for one in several]
    return next((str(one["id"]) for one in raised if _asks_for_review(one.get("value"))), "")


def _asks_for_review(value: Any) -> bool:
    requests = value.get("action_requests", []) if isinstance(value, dict) else []
    return any(request.get("name") == "review_plan" for request in requests)


async def _looked_at(service: Service, caller: Caller, found: Execution, asked: str, made: Plan) -> str:
    """Answer the review with the edited plan, by a run that streams as the thread's last one did; its id."""
    [last] = await service.queue.of_thread(found.thread_id, status=None, limit=1, offset=0)
    edit = {"name": "review_plan", "args": {"plan": made.model_dump(mode="json")}}
    answer = {asked: {"decisions": [{"type": "edit", "edited_action": edit}]}}
    streamed = {"stream_mode": last["kwargs"]["stream_mode"], "stream_resumable": last["kwargs"].get("resumable", False)}
    body = RunCreate(assistant_id=last["assistant_id"], command={"resume": answer}, multitask_strategy="reject", **streamed)
    return (await make_run(service, caller, found.thread_id, body)).run_id
