"""The execute node, and `ask` and `apply` beside it: the plan runs here, pauses here and is revised here.

`execute` never interrupts: a second pause would be handed the first one's answer. When only waiting steps are left it returns
with `waiting`; `ask` holds nothing but the interrupt; `apply` records the votes of the authenticated caller.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from governance.approval import Approval, Verdict, VoteRefused
from governance.identity import Caller
from graphs.events import Emit, now
from graphs.executions import Execution
from graphs.plan import TERMINAL, Plan, Step, StepResult
from graphs.planner import NoPlan, make_plan
from graphs.scheduler import RETRIABLE, Scheduler, Waiting, plan_event
from graphs.services import Services
from graphs.state import State
from graphs.step import StepRunner
from models.retry import ModelUnavailable


@dataclass
class PlanWork:
    """What the scheduler asks of the outside, for one execution."""

    services: Services
    execution: Execution
    emit: Emit
    used: set[str]
    made: int = 0

    async def attempt(self, step: Step, attempt: int, specialist: str, done: Mapping[str, StepResult]) -> StepResult | Waiting:
        return await StepRunner(self.services, self.execution, self.emit).attempt(step, attempt, specialist, done)

    async def undecided(self, approvals: Iterable[str]) -> list[str]:
        return await self.services.approvals.undecided(tuple(approvals))

    async def revise(self, plan: Plan, done: Mapping[str, StepResult], failed: StepResult) -> Plan | None:
        if self.made >= self.services.settings.revisions:
            self.emit({"event": "note", "at": now(), "text": f"{self.made} revisions were made; no further one is tried"})
            return None
        own, requester = self.execution, self.execution.requester
        lost = frozenset(product for step in plan.steps if step.id == failed.step_id for product in step.produces)
        try:
            revised = await make_plan(
                self.services,
                requester,
                own.id,
                own.thread_id,
                own.request,
                self.emit,
                plan=plan,
                done=done,
                failed=failed,
                used=frozenset(self.used - set(plan.ids())),
            )
        except (NoPlan, ModelUnavailable) as error:
            self.emit({"event": "note", "at": now(), "text": f"no revision could be made after {failed.step_id}: {error}"})
            return None
        if not set(revised.ids()) - set(plan.ids()):
            self.emit({"event": "note", "at": now(), "text": f"nobody else can make {', '.join(sorted(lost))}"})
            return None
        self.made += 1
        dropped = sorted(set(plan.ids()) - set(revised.ids()))
        await self.expanded(revised)  # first: a crash between the two must not leave a step of this plan without its approval
        await self.services.approvals.void(own.id, dropped, f"plan revision {revised.rev} dropped the step")
        return revised

    async def expanded(self, plan: Plan) -> None:
        self.used.update(plan.ids())
        await self.services.executions.add_revision(self.execution.id, plan)


async def execute(services: Services, state: State, thread_id: str, checkpoint_id: str, emit: Emit) -> dict[str, Any]:
    """One entry: claim (or fork) the execution, run what can run, leave with results and what still waits."""
    execution = await services.executions.enter(state["execution_id"], thread_id, state["seq"], checkpoint_id)
    forked = execution.id != state["execution_id"]
    plan = Plan.model_validate(state["plan"])
    results = {id: StepResult.model_validate(result) for id, result in state.get("results", {}).items()}
    if forked:
        await services.executions.add_revision(execution.id, plan)
    tag = execution.id
    tell: Emit = lambda event: emit({"execution_id": tag, **event})  # noqa: E731
    plan, made, open_attempts = await _recover(services, execution, plan, results)
    if state["seq"] > 1:  # whoever watches from here on has not seen the plan
        tell(plan_event(plan, plan.parent_rev, {"added": [], "dropped": []}))
    work = PlanWork(services, execution, tell, set(plan.ids()) | set(results), made)
    with services.approvals.subscribe(execution.id) as wake:
        scheduler = Scheduler(
            plan,
            work,
            results,
            open_attempts,
            wake,
            lambda: execution.id in services.cancelled,
            services.settings.concurrency,
            services.settings.rows,
            tell,
        )
        await scheduler.run()
    waiting = [id for ids in scheduler.waiting.values() for id in ids]
    cancelled = execution.id in services.cancelled
    if cancelled:
        services.cancelled.discard(execution.id)
        await services.approvals.void(execution.id, None, "the run was stopped")
        waiting = []
    # Not yet "waiting": until this node's checkpoint is written a crash leads back here, which is no fork (see `enter`).
    await services.executions.leave(execution.id, "cancelled" if cancelled else "running")
    return {
        "execution_id": execution.id,
        "seq": state["seq"] + 1,
        "plan": scheduler.plan.model_dump(mode="json"),
        "results": {id: result.model_dump(mode="json") for id, result in scheduler.results.items()},
        "steps": await _steps(services, execution.id, scheduler),
        "waiting": waiting,
        "status": "waiting" if waiting else "cancelled" if cancelled else "executed",
    }


async def _recover(
    services: Services, execution: Execution, plan: Plan, results: dict[str, StepResult]
) -> tuple[Plan, int, dict[str, int]]:
    """After a crash or a pause: the newest committed plan, what finished since, and the attempts to go on with."""
    plans = await services.executions.plans(execution.id)
    newest = plans[-1] if plans else plan
    made = sum(one.cause == "failure" for one in plans)
    open_attempts: dict[str, int] = {}
    for attempt in await services.executions.attempts(execution.id):
        if attempt.result is None:
            open_attempts[attempt.step_id] = attempt.attempt
            continue
        step = next((s for s in newest.steps if s.id == attempt.step_id), None)
        tries = step.attempts + len(step.fallbacks) if step else 0
        kind = attempt.result.error.kind if attempt.result.error else ""
        if attempt.result.status == "failed" and kind in RETRIABLE and attempt.attempt < tries:
            open_attempts[attempt.step_id] = attempt.attempt + 1
        elif attempt.status in TERMINAL:
            open_attempts.pop(attempt.step_id, None)
            results[attempt.step_id] = attempt.result
    return newest, made, open_attempts


async def _steps(services: Services, execution_id: str, scheduler: Scheduler) -> dict[str, dict[str, Any]]:
    """What Studio and a snapshot show of each step: status, specialist, and every attempt with its child thread."""
    shown: dict[str, dict[str, Any]] = {}
    for id, status in scheduler.status.items():
        step = next((s for s in scheduler.plan.steps if s.id == id), None)
        shown[id] = {"title": step.title if step else "", "status": status, "attempts": []}
    for attempt in await services.executions.attempts(execution_id):
        head = {"attempt": attempt.attempt, "specialist": attempt.specialist, "thread_id": attempt.thread_id}
        shown.setdefault(attempt.step_id, {"title": "", "status": "superseded", "attempts": []})
        shown[attempt.step_id]["attempts"].append({**head, "status": attempt.status})
    return shown


def question(rows: list[Approval]) -> dict[str, Any]:
    """The interrupt's payload: one action request for each open approval, batched."""
    allowed = ["approve", "edit", "reject", "respond"]
    return {
        "action_requests": [{"name": r.tool, "args": r.args, "description": describe(r)} for r in rows],
        "review_configs": [{"action_name": r.tool, "allowed_decisions": allowed} for r in rows],
        "approvals": [r.id for r in rows],
    }


def describe(row: Approval) -> str:
    return f"Step {row.step_id}, {row.agent}: {row.tool} waits for {' or '.join(row.approvers)}. {' '.join(row.reasons)}"


async def apply(services: Services, state: State, caller: Caller, thread_id: str, emit: Emit) -> dict[str, Any]:
    """Record a client's decisions as votes of the authenticated caller, by index. The table decides, not the answer.

    A vote that does not count is told as a note, and the question stays open. On a copied thread no vote counts: the approvals
    are the original's, and the fork that `execute` makes asks for its own.
    """

    def refused(text: str) -> None:
        services.log.warning("%s", text)
        emit({"event": "note", "at": now(), "execution_id": state["execution_id"], "text": text})

    answer = state.get("decisions")
    decisions = answer.get("decisions", []) if isinstance(answer, dict) else answer if isinstance(answer, list) else []
    for id, decision in zip(state.get("waiting", []), decisions, strict=False):
        row = await services.approvals.resolve(id)
        if row.status != "pending" or not isinstance(decision, dict):
            continue  # decided elsewhere meanwhile
        if row.thread_id != thread_id:
            refused(f"{row.tool} was asked on another thread: this one is a copy and asks again")
            continue
        said = str(decision.get("type"))
        verdict = {"accept": "approve", "response": "respond", "ignore": "reject"}.get(said, said)
        if verdict not in ("approve", "edit", "reject", "respond"):
            refused(f"a decision of the unknown type {said!r} on {row.tool} was not counted")
            continue
        edited = decision.get("edited_action") or decision.get("editedAction") or decision.get("args") or {}
        args = edited.get("args", edited) if verdict == "edit" else None
        try:
            await services.approvals.vote(
                row.id, caller, cast(Verdict, verdict), message=str(decision.get("message") or ""), args=args
            )
        except VoteRefused as error:
            refused(str(error))
    return {"decisions": None}
