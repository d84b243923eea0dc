"""The orchestrator: intake → plan → review → execute ⇄ ask/apply → verify → report. The whole composition on one screen.

Nodes are thin: each hands the services and the state to the module of its name. Built by `build_orchestrator(services)` for the
application, and by `studio.py` for LangGraph Studio; nothing is built on import.
"""

import asyncio
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from governance.approval import Approval
from governance.kill_switch import whose_switch
from graphs import execute as executing
from graphs import intake as reading
from graphs import verify as verifying
from graphs.answer import Answer
from graphs.caller import caller_of
from graphs.dry_run import set_aside
from graphs.events import captured_writer, now
from graphs.markdown import to_markdown
from graphs.plan import Plan, StepResult, diff_of
from graphs.planner import NoPlan, edited, from_workflow, left_to_spend, make_plan, planner_context, reuse
from graphs.replies import reply_of
from graphs.report import report as write_report
from graphs.scheduler import plan_event
from graphs.services import Services
from graphs.spending import OutOfBudget
from graphs.state import State, results_of
from graphs.step import more_for


def build_orchestrator(services: Services, checkpointer: Any = None, only: str | None = None) -> Any:
    """The compiled graph; `only` keeps it to what one specialist makes.

    Input: {"messages": [goal]}; pauses: `clarify`, `review`, `ask`; output: `answer` and a message.
    """

    def thread_of(config: RunnableConfig) -> str:
        return str(config.get("configurable", {}).get("thread_id", ""))

    async def intake(state: State, config: RunnableConfig) -> dict[str, Any]:
        caller = caller_of(config, services.settings)
        return await reading.intake(services, state, caller, thread_of(config), captured_writer(), only)

    def clarify(state: State) -> dict[str, Any]:  # nothing but the interrupt
        question = state.get("question") or {}
        action = {"name": "ask_user", "args": {"question": question.get("question"), "options": question.get("options", [])}}
        config = {"action_name": "ask_user", "allowed_decisions": ["respond"]}
        return {"decisions": interrupt({"action_requests": [action], "review_configs": [config]})}

    def answered(state: State) -> dict[str, Any]:
        said = reply_of(state.get("decisions")).message
        goal = f"{state.get('goal', '')} ({said})" if said else state.get("goal", "")
        return {"status": "answered", "goal": goal, "decisions": None, "messages": [HumanMessage(said or "(no answer)")]}

    async def plan(state: State, config: RunnableConfig) -> dict[str, Any]:
        caller, write, thread = caller_of(config, services.settings), captured_writer(), thread_of(config)
        await asyncio.to_thread(services.engine.refresh)
        request: dict[str, Any] = {**state["request"]}
        id = state["execution_id"]
        request["dry_run"] = bool(state.get("dry_run"))
        request["version"] = await asyncio.to_thread(services.domain.version, services.resources)
        if services.unpriced and services.unpriced not in request.get("notes", []):
            request["notes"] = [*request.get("notes", []), services.unpriced]
            write({"event": "note", "at": now(), "execution_id": id, "text": services.unpriced})
        await services.executions.create(id, thread, caller, state["goal"], request, services.today().isoformat())
        if config.get("configurable", {}).get("review_plan"):
            request["review"] = True  # kept: the config of a resume does not say it
        feedback = tuple(str(n) for n in request.get("feedback", ()))
        about: dict[str, Any] = dict(user_request=state["goal"], dry_run=request["dry_run"])
        try:
            if request.get("workflow") and not feedback:
                made = await from_workflow(services, caller, id, request)
            else:
                made = await make_plan(services, caller, id, thread, request, write, feedback=feedback)
        except OutOfBudget as error:
            more = await more_for(services, replace(planner_context(services, caller, id, thread, write), **about), error)
            if more.verdict != "no":  # the same request comes back here, and its planner's thread goes on
                return {"status": "unpaid", "waiting": list(more.ids), "unpaid": True}
            await services.finish(id, "finished", "refused")
            said = f"No plan could be made: {error}{'; ' * bool(more.why)}{more.why}"
            return {"status": "declined", "waiting": [], "unpaid": False, "messages": [AIMessage(said)]}
        except NoPlan as error:
            await services.finish(id, "finished", "refused")
            said = f"No plan could be made: {error}"
            return {"status": "declined", "waiting": [], "unpaid": False, "messages": [AIMessage(said)]}
        refused = Plan.model_validate(state["plan"]) if state.get("plan") else None  # by the user's review
        if refused:
            made = made.model_copy(update={"rev": refused.rev + 1, "parent_rev": refused.rev, "cause": "review"})
        await services.executions.add_revision(id, made, services.engine.version)
        taken = await reuse(services, made, request, id)
        for result in taken.values():
            await services.executions.adopt(id, thread, result)
        diff = {"added": made.ids(), "dropped": refused.ids() if refused else []}
        write({**plan_event(made, made.parent_rev, diff), "execution_id": id})
        results = {step: result.model_dump(mode="json") for step, result in taken.items()}
        planned = {"status": "planned", "request": request, "waiting": [], "unpaid": False, "results": results, "seq": 1}
        return {**planned, "plan": made.model_dump(mode="json")}

    def review(state: State) -> dict[str, Any]:  # nothing but the interrupt
        if not state["request"].get("review"):
            return {"decisions": None}
        action = {"name": "review_plan", "args": {"plan": state["plan"]}}
        allowed = {"action_name": "review_plan", "allowed_decisions": ["approve", "edit", "reject"]}
        return {"decisions": interrupt({"action_requests": [action], "review_configs": [allowed]})}

    async def reviewed(state: State, config: RunnableConfig) -> dict[str, Any]:
        reply, request = reply_of(state.get("decisions")), state["request"]
        wrong: list[str] = []
        if reply.verdict == "reject":
            wrong = [f"the user refused the plan: {reply.message or 'no reason given'}"]
        elif reply.verdict == "edit":
            given = (reply.args or {}).get("plan")
            plan = Plan.model_validate(state["plan"])
            caller = caller_of(config, services.settings)
            left = await left_to_spend(services, caller, state["execution_id"])
            revised, wrong = edited(given, plan, services, caller, left)
            if not wrong:
                await services.executions.add_revision(state["execution_id"], revised, services.engine.version)
                captured_writer()(
                    {**plan_event(revised, plan.rev, diff_of(plan, revised)), "execution_id": state["execution_id"]}
                )
                made = {product for step in revised.steps for product in step.produces}  # what was edited out is not asked for
                request = {**request, "products": [p for p in request["products"] if p in made]}
                await services.executions.amend(state["execution_id"], state["goal"], dict(request))
                return {"status": "planned", "decisions": None, "request": request, "plan": revised.model_dump(mode="json")}
        if wrong:
            return {
                "status": "replan",
                "decisions": None,
                "request": {**request, "feedback": [*request.get("feedback", []), *wrong]},
            }
        return {"status": "planned", "decisions": None}

    async def execute(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> dict[str, Any]:
        info = runtime.execution_info
        checkpoint = info.checkpoint_id if info else ""
        caller = caller_of(config, services.settings)
        return await executing.execute(services, state, caller, thread_of(config), checkpoint, captured_writer())

    async def prepare(state: State, config: RunnableConfig) -> dict[str, Any]:
        rows: list[Approval] = [await services.approvals.resolve(id) for id in state["waiting"] if not whose_switch(id)]
        open_rows = [row for row in rows if row.status == "pending"]
        if any(row.thread_id == thread_of(config) for row in open_rows):  # a copied thread's are the original's
            await services.executions.leave(state["execution_id"], "waiting")
        held = [] if open_rows else await executing.held(services, rows, captured_writer())
        if any(row.thread_id == thread_of(config) for row in held):
            await services.executions.leave(state["execution_id"], "waiting")
        later = state.get("held_back", {})
        if not state["waiting"]:
            later = await executing.still_held(services, state)
        if later and not rows and await executing.owned(services, state, thread_of(config)):
            await services.executions.leave(state["execution_id"], "waiting")
        pauses = open_rows or held or (later and not rows)
        payload = executing.question(open_rows or held, later) if pauses else None
        if payload is None and (stopped := await services.approvals.stopped((), state["waiting"])):
            payload = await executing.question_of_switch(services, state["execution_id"], thread_of(config), stopped)
            captured_writer()(
                {"event": "note", "at": now(), "execution_id": state["execution_id"], "text": f"It waits: {stopped}"}
            )
        return {"waiting": [row.id for row in open_rows] or state["waiting"], "question": payload}

    def ask(state: State) -> dict[str, Any]:  # nothing but the interrupt
        return {"decisions": interrupt(state["question"]) if state.get("question") else None}

    async def apply(state: State, config: RunnableConfig) -> dict[str, Any]:
        return await executing.apply(
            services, state, caller_of(config, services.settings), thread_of(config), captured_writer()
        )

    async def verify(state: State, config: RunnableConfig) -> dict[str, Any]:
        caller, plan, results = caller_of(config, services.settings), *_typed(state)
        id, thread = state["execution_id"], thread_of(config)
        version, write = state["request"]["version"], captured_writer()
        return {"issues": await verifying.verify(services, caller, id, thread, plan, results, write, version)}

    async def report(state: State, config: RunnableConfig) -> dict[str, Any]:
        caller, plan, results = caller_of(config, services.settings), *_typed(state)
        id, thread, write = state["execution_id"], thread_of(config), captured_writer()
        execution = await services.executions.get(id)
        today = execution.today if execution else services.today().isoformat()
        request, issues = dict(state["request"]), state.get("issues", [])
        answer: Answer = await write_report(services, caller, id, thread, request, plan, results, issues, today, write)
        await services.answers.keep(id, answer)
        if state["status"] == "cancelled":
            await services.finish(id, "cancelled")
        else:
            await services.finish(id, "finished", "success" if answer.status == "complete" else answer.status)
        message = AIMessage(to_markdown(answer), additional_kwargs={"answer_status": answer.status, "execution_id": id})
        status = "cancelled" if state["status"] == "cancelled" else "failed" if answer.status == "failed" else "reported"
        return {"answer": answer.model_dump(mode="json"), "status": status, "messages": [message]}

    graph = StateGraph(State)
    nodes: tuple[Any, ...] = (intake, clarify, answered, plan, review, reviewed, execute, prepare, ask, apply, verify, report)
    for node in nodes:
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "intake")
    to: dict[Hashable, str] = {"goal": "plan", "clarify": "clarify", "queued": "prepare", "steered": "execute"}
    to.update({"next": "intake", "end": END})
    ends = ("declined", "cancelled", "explained")
    graph.add_conditional_edges(
        "intake", lambda s: s["status"] if s["status"] not in ends else "next" if s.get("queued") else "end", to
    )
    graph.add_edge("clarify", "answered")
    graph.add_edge("answered", "intake")
    after: dict[Hashable, str] = {"planned": "review", "unpaid": "prepare", "declined": END}
    graph.add_conditional_edges("plan", lambda s: s["status"], after)
    graph.add_edge("review", "reviewed")
    graph.add_conditional_edges("reviewed", lambda s: "plan" if s["status"] == "replan" else "execute", ["plan", "execute"])
    graph.add_conditional_edges("execute", lambda s: "prepare" if s["status"] == "waiting" else "verify", ["prepare", "verify"])
    graph.add_edge("prepare", "ask")
    graph.add_edge("ask", "apply")
    graph.add_conditional_edges("apply", lambda s: "plan" if s.get("unpaid") else "execute", ["plan", "execute"])
    graph.add_edge("verify", "report")
    graph.add_conditional_edges("report", lambda s: "intake" if s.get("queued") else END, ["intake", END])
    return graph.compile(checkpointer=checkpointer, name=only or "orchestrator")


def _typed(state: State) -> tuple[Plan, dict[str, StepResult]]:
    """Plan and results, without what was only simulated, in the plan's order: that in which they ended is chance, and no answer is
    to depend on it."""
    plan = Plan.model_validate(state["plan"])
    results = results_of(state)
    place = {id: number for number, id in enumerate(plan.ids())}
    return plan, set_aside(dict(sorted(results.items(), key=lambda item: place.get(item[0], len(place)))))
