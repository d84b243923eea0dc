"""The execute node, and `ask` and `apply` beside it: the plan runs here and pauses here (`plan_work.py` revises it).

`execute` never interrupts: a second pause would be handed the first one's answer. When only waiting steps are left it returns
with `waiting`; `ask` holds nothing but the interrupt; `apply` records the votes of the authenticated caller.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from langchain_core.messages import AnyMessage

from governance.approval import Approval, Verdict, VoteRefused
from governance.identity import Caller
from governance.kill_switch import whose_switch
from graphs.events import Emit, now
from graphs.executions import Execution
from graphs.plan import TERMINAL, Plan, StepResult
from graphs.plan_work import PlanWork
from graphs.reminders import keep_reminding, remind
from graphs.replies import VERDICTS, replies_of
from graphs.scheduler import Scheduler, next_attempt, plan_event
from graphs.services import Services
from graphs.state import State
from graphs.trace import Products
from graphs.waits import Held

LOOK_S = 1.0


async def execute(
    services: Services, state: State, caller: Caller, thread_id: str, checkpoint_id: str, emit: Emit
) -> dict[str, Any]:
    """One entry: claim (or fork) the execution, run what can run, leave with results and what still waits."""
    await asyncio.to_thread(services.engine.refresh)
    results = {id: StepResult.model_validate(result) for id, result in state.get("results", {}).items()}
    kept = [id for id, result in results.items() if result.status == "succeeded"]
    execution = await services.executions.enter(
        state["execution_id"], thread_id, state["seq"], checkpoint_id, kept, asks=caller
    )
    await services.budgets.recover(execution.id)  # what a dead process left reserved: this one holds the execution now
    forked = execution.id != state["execution_id"]
    plan = Plan.model_validate(state["plan"])
    if forked:
        await services.executions.add_revision(execution.id, plan, services.engine.version)
    tag = execution.id
    tell: Emit = lambda event: emit({"execution_id": tag, **event})  # noqa: E731
    plan, made, open_attempts = await _recover(services, execution, plan, results)
    if state["seq"] > 1:  # whoever watches from here on has not seen the plan
        tell(plan_event(plan, plan.parent_rev, {"added": [], "dropped": []}))
    if state["seq"] == 1:
        for result in results.values():
            told = {"specialist": result.specialist, "attempt": result.attempt, "reused": result.reused}
            tell({"event": "step", "rev": plan.rev, "step": result.step_id, "status": result.status, "at": now(), **told})
    stopped: Callable[[], bool] = lambda: execution.status == "stopping" or execution.id in services.cancelled  # noqa: E731
    if state["seq"] > 1:
        await remind(services, execution.id, tell)  # what became due while nobody ran this, though nothing may run now either
    products = Products(services.registry.manifests())
    with services.approvals.subscribe(execution.id) as wake:
        begun = {*results, *open_attempts}
        work = PlanWork(services, execution, tell, set(plan.ids()) | set(results), wake, products, made, begun=begun)
        alarms = [keep_reminding(services, execution.id, tell)]
        if any(step.wait for step in plan.steps):
            alarms.append(keep_waking(services, execution.id, wake))
        reminders = asyncio.gather(*alarms)
        scheduler = Scheduler(
            plan,
            work,
            results,
            open_attempts,
            wake,
            stopped,
            services.settings.concurrency,
            services.settings.rows,
            tell,
            services.budgets.limits.replan_at is not None,
        )
        try:
            await scheduler.run()
        finally:
            reminders.cancel()
            await asyncio.gather(reminders, return_exceptions=True)
    waiting = list(dict.fromkeys(id for ids in scheduler.waiting.values() for id in ids))  # steps may wait for the same
    held_back = dict(scheduler.held)
    cancelled = stopped()
    if cancelled:
        services.cancelled.discard(execution.id)
        await services.approvals.void(execution.id, None, "the run was stopped")
        waiting, held_back = [], {}
    # Not yet "waiting" or "cancelled": until this node's checkpoint is written a crash leads back here, which is no fork, and
    # what was stopped is to stay so (see `enter`).
    await services.executions.leave(execution.id, "stopping" if cancelled else "running")
    return {
        "execution_id": execution.id,
        "goal": work.execution.goal,
        "request": {**state.get("request", {}), **work.execution.request},
        "messages": unsaid(state.get("messages", []), work.said),
        "seq": state["seq"] + 1,
        "plan": scheduler.plan.model_dump(mode="json"),
        "results": {id: result.model_dump(mode="json") for id, result in scheduler.results.items()},
        "steps": await _steps(services, execution.id, scheduler),
        "waiting": waiting,
        "held_back": held_back,
        "status": "waiting" if waiting or held_back else "cancelled" if cancelled else "executed",
    }


def unsaid(messages: list[AnyMessage], said: list[AnyMessage]) -> list[AnyMessage]:
    """What the thread does not hold yet: a message to a waiting thread came in by its input."""
    last = messages[-1] if messages else None
    return said[1:] if said and last and last.type == "human" and last.text == said[0].text else said


async def keep_waking(services: Services, execution_id: str, wake: asyncio.Event) -> None:
    """Wake the scheduler when a wait is over: looked at every `LOOK_S`, for waits begin, and events come to other processes."""
    while True:
        if await services.waits.over(execution_id):
            wake.set()
        await asyncio.sleep(LOOK_S)


async def _recover(
    services: Services, execution: Execution, plan: Plan, results: dict[str, StepResult]
) -> tuple[Plan, int, dict[str, int]]:
    """After a crash or a pause: the newest committed plan, what finished since, and the attempts to go on with."""
    plans = await services.executions.plans(execution.id)
    newest = plans[-1] if plans else plan
    for id in set(results) - set(newest.ids()):  # a steer took its ground away, and the crash came before that was kept
        if results[id].status == "succeeded":
            del results[id]
    made = sum(one.cause == "failure" for one in plans)
    open_attempts: dict[str, int] = {}
    for attempt in await services.executions.attempts(execution.id):
        if attempt.result is None:
            open_attempts[attempt.step_id] = attempt.attempt
            continue
        step = next((s for s in newest.steps if s.id == attempt.step_id), None)
        following = next_attempt(step, attempt.result) if step else None
        if following:
            open_attempts[attempt.step_id] = following
        elif attempt.status in TERMINAL and not (step is None and attempt.result.status == "succeeded"):
            open_attempts.pop(attempt.step_id, None)
            results[attempt.step_id] = attempt.result
    return newest, made, open_attempts


async def _steps(services: Services, execution_id: str, scheduler: Scheduler) -> dict[str, dict[str, Any]]:
    """What Studio and a snapshot show of each step: status, specialist, and every attempt with its child thread."""
    shown: dict[str, dict[str, Any]] = {}
    for id, status in scheduler.status.items():
        step = next((s for s in scheduler.plan.steps if s.id == id), None)
        waits = list(scheduler.waiting.get(id, ()))
        shown[id] = {"title": step.title if step else "", "status": status, "attempts": [], "waiting_for": waits}
    for attempt in await services.executions.attempts(execution_id):
        head = {"attempt": attempt.attempt, "specialist": attempt.specialist, "thread_id": attempt.thread_id}
        shown.setdefault(attempt.step_id, {"title": "", "status": "superseded", "attempts": [], "waiting_for": []})
        shown[attempt.step_id]["attempts"].append({**head, "status": attempt.status})
    return shown


async def held(services: Services, rows: list[Approval], emit: Emit) -> list[Approval]:
    """Those of the approvals that were given and that the kill switch holds; says so."""
    ids = await services.approvals.undecided([row.id for row in rows])
    waiting = [row for row in rows if row.id in ids]
    if waiting:
        tools = ", ".join(dict.fromkeys(row.tool for row in waiting))
        text = f"{tools}: approved, and waits: {await services.approvals.stopped(waiting)}"
        emit({"event": "note", "at": now(), "execution_id": rows[0].execution_id, "text": text})
    return waiting


async def still_held(services: Services, state: State) -> dict[str, str]:
    """The steps that wait for a time or an event, if every one of them still does: else there is something to go on with."""
    plan, held = Plan.model_validate(state["plan"]), state.get("held_back", {})
    stands = [await services.waits.may_start(state["execution_id"], plan.step(id)) for id in held]
    return held if all(isinstance(one, Held) for one in stands) else {}


async def owned(services: Services, state: State, thread_id: str) -> bool:
    """Is the execution this thread's own? A copied thread's is the original's."""
    found = await services.executions.get(state["execution_id"])
    return found is not None and found.thread_id == thread_id


def question(rows: list[Approval], held_back: Mapping[str, str]) -> dict[str, Any]:
    """The interrupt's payload: one action request for each open approval, batched, and what steps wait for besides people."""
    allowed = ["approve", "edit", "reject", "respond"]
    return {
        "action_requests": [{"name": r.tool, "args": r.args, "description": describe(r)} for r in rows],
        "review_configs": [{"action_name": r.tool, "allowed_decisions": allowed} for r in rows],
        "approvals": [r.id for r in rows],
        "waiting_external": [{"step": id, "waits": waits} for id, waits in held_back.items()],
    }


async def question_of_switch(services: Services, execution_id: str, thread_id: str, why: str) -> dict[str, Any]:
    """The payload where nothing waits for people, and an effect for the kill switch: whatever is answered, it looks again."""
    execution = await services.executions.get(execution_id)
    if execution and execution.thread_id == thread_id:  # not a copy of it
        await services.executions.leave(execution_id, "waiting")
    request = {"name": "kill_switch", "args": {"stopped": why}, "description": f"What would change something waits: {why}"}
    allowed = {"action_name": "kill_switch", "allowed_decisions": ["respond"]}
    return {"action_requests": [request], "review_configs": [allowed], "approvals": []}


def describe(row: Approval) -> str:
    return f"Step {row.step_id}, {row.agent}: {row.tool} waits for {row.waits_for()}. {' '.join(row.reasons)}"


async def apply(services: Services, state: State, caller: Caller, thread_id: str, emit: Emit) -> dict[str, Any]:
    """Record a client's decisions as votes of the authenticated caller, by index. The table decides, not the answer.

    A vote that does not count is told as a note, and the question stays open. On a copied thread no vote counts: the approvals
    are the original's, and the fork that `execute` makes asks for its own.
    """

    def refused(text: str) -> None:
        services.log.warning("%s", text)
        emit({"event": "note", "at": now(), "execution_id": state["execution_id"], "text": text})

    for id, reply in zip(state.get("waiting", []), replies_of(state.get("decisions")), strict=False):
        if whose_switch(id):
            continue  # nobody's vote releases it here
        row = await services.approvals.resolve(id)
        if row.status != "pending" or not reply.verdict:
            continue  # decided elsewhere meanwhile
        if row.thread_id != thread_id:
            refused(f"{row.tool} was asked on another thread: this one is a copy and asks again")
            continue
        if reply.verdict not in VERDICTS:
            refused(f"a decision of the unknown type {reply.verdict!r} on {row.tool} was not counted")
            continue
        verdict = cast(Verdict, reply.verdict)
        try:
            await services.approvals.vote(row.id, caller, verdict, message=reply.message, args=reply.args)
        except VoteRefused as error:
            refused(str(error))
    return {"decisions": None}
