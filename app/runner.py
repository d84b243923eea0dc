"""Runs goals in this process: what the command line calls, and what a service without a network looks like.

`open_runner(settings)` composes services and graph; `Runner` starts, resumes, votes and tells how things stand. An `Outcome` is
one run's result in the shape of `--json`.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.types import Command

from app.acts import Acts, UnknownExecution
from app.live import find
from app.progress import Progress, progress_of
from governance.approval import Approval
from governance.effects import undone_steps
from governance.identity import Caller
from graphs.answer import Answer
from graphs.caller import local_caller
from graphs.events import silent
from graphs.executions import OPEN, AlreadyRunning
from graphs.markdown import to_markdown
from graphs.orchestrator import build_orchestrator
from graphs.plan import Plan, StepResult
from graphs.reminders import remind
from graphs.report import Evidence, qualified, sentence
from graphs.services import Services, open_services
from graphs.state import WorkflowRun
from graphs.step import unfinished
from graphs.usage import used
from graphs.wire import Claim
from settings import Settings

OnEvent = Callable[[dict[str, Any]], None]


class UnknownThread(LookupError):
    """There is no such thread in this home."""


class NothingWaits(RuntimeError):
    """The thread has nothing to resume."""


@dataclass(frozen=True)
class Outcome:
    """How a thread stands after a run. `message` is the question or the reason when there is no answer."""

    thread_id: str
    run_id: str
    execution_id: str
    status: str  # success | interrupted | clarify | declined | failed
    answer: Answer | None
    message: str
    choices: tuple[str, ...]
    plan: dict[str, Any] | None
    steps: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    effects: list[dict[str, Any]]
    citations: list[dict[str, Any]]
    usage: dict[str, Any]
    model: str
    waits_for: str = ""  # approvals | plan | answer | event
    held_back: tuple[str, ...] = ()  # steps that wait for a time or an event, and for what
    so_far: tuple[str, ...] = ()  # what finished steps found, while others wait
    dry_run: bool = False
    stopped: str = ""  # why what was approved does not happen now: the kill switch
    may_go_on: bool = False  # nothing that some waiting step, or the plan, waits for is open any more

    @property
    def waits_for_plan(self) -> bool:
        return self.waits_for == "plan"

    def as_json(self) -> dict[str, Any]:
        """One JSON-ready object; `answer` is Markdown. `complete` is true only of an answer that lacks nothing asked for."""
        body = asdict(self)
        body["answer"] = to_markdown(self.answer) if self.answer else self.message
        body["complete"] = self.answer is not None and self.answer.status == "complete"
        body["missing"] = list(self.answer.missing) if self.answer else []
        return body


class Runner:
    """One process's way to run goals. Threads of different ids may run at once; the same one twice raises `AlreadyRunning`."""

    def __init__(self, services: Services, graph: Any) -> None:
        self.services, self.graph = services, graph
        self.model_name = services.model_name("reporter")
        self.offline = self.model_name.startswith("offline")
        self.caller = local_caller(services.settings)
        self.acts = Acts(services, self.caller)
        self._driven: set[str] = set()

    async def run(
        self,
        goal: str,
        *,
        thread_id: str | None = None,
        new_thread: bool = False,
        on_event: OnEvent = silent,
        review: bool = False,
        stop_at_plan: bool = False,
        dry_run: bool = False,
        workflow: WorkflowRun | None = None,
    ) -> Outcome:
        """Take a goal or a workflow as far as it goes: an answer, a question, approvals that wait. In a dry run effects are simulated.

        `thread_id` names a thread that is there, unless `new_thread` says that the caller chose the id (to find the thread again
        after a crash). Raises `UnknownThread`.
        """
        thread = thread_id or str(uuid.uuid4())
        if thread_id and not new_thread and not (await self.graph.aget_state(self._config(thread))).created_at:
            raise UnknownThread(
                f"there is no thread {thread} in {self.services.settings.home}: leave --thread out to start one"
            )
        if thread in self._driven:
            return await self.steer(thread, goal)
        before = ["execute"] if stop_at_plan else None
        given = {"messages": [HumanMessage(goal)], "dry_run": dry_run, "workflow": workflow}
        return await self._drive(thread, given, on_event, review=review, interrupt_before=before)

    async def steer(self, thread_id: str, text: str) -> Outcome:
        """Say something to a thread that this process is running: its scheduler changes the plan, or answers why not."""
        id = str((await self._state(thread_id)).values.get("execution_id") or "")
        if not id or not (found := await self.services.executions.get(id)) or found.status not in OPEN:
            raise AlreadyRunning(f"thread {thread_id} is still reading its goal: say it again when its plan is there")
        await self.services.executions.say(id, self.caller, text)
        self.services.approvals.wake(id)
        return await self.outcome(thread_id)

    async def resume(
        self,
        thread_id: str,
        *,
        answer: str | None = None,
        decisions: list[dict[str, Any]] | None = None,
        on_event: OnEvent = silent,
    ) -> Outcome:
        """Go on: after a crash, with votes given meanwhile, with decisions, or with the answer to a question."""
        state = await self._state(thread_id)
        if not unfinished(state):
            return await self.outcome(thread_id)
        command: Any = None
        if state.interrupts:
            first = state.interrupts[0]
            if answer is None and decisions is None and _asked(state.interrupts) in ("ask_user", "review_plan"):
                return await self.outcome(thread_id)
            given = (
                decisions if decisions is not None else [{"type": "respond", "message": answer}] if answer is not None else []
            )
            command = Command(resume={first.id: {"decisions": given}})
        return await self._drive(thread_id, command, on_event)

    async def vote(
        self,
        approval_id: str,
        verdict: Any,
        *,
        message: str = "",
        args: dict[str, Any] | None = None,
        voter: Caller | None = None,
    ) -> Approval:
        """Record a vote in the approvals table; wakes a live run of this process."""
        return await self.services.approvals.vote(approval_id, voter or self.caller, verdict, message=message, args=args)

    async def cancel(self, thread_id: str) -> Outcome:
        """Stop a thread's execution, running or waiting. What was done stays; open approvals are void."""
        state = await self._state(thread_id)
        execution_id = state.values.get("execution_id", "")
        found = await self.services.executions.get(execution_id) if execution_id else None
        if not found or found.thread_id != thread_id:  # a copy of a thread still names the original's
            return await self.outcome(thread_id)
        if found.status == "waiting":
            return await self._drive(thread_id, {"messages": [HumanMessage("cancel")]}, silent)
        if found.status == "running":
            await self.services.executions.stop(execution_id)
            self.services.cancelled.add(execution_id)
            self.services.approvals.wake(execution_id)
        return await self.outcome(thread_id)

    async def plan(self, goal: str) -> Plan | Outcome:
        """Plan and stop: nothing is carried out."""
        outcome = await self.run(goal, stop_at_plan=True)
        return Plan.model_validate(outcome.plan) if outcome.plan else outcome

    async def progress_of(self, execution_id: str) -> Progress:
        """How each step of an execution stands, whoever carries it out. Raises `UnknownExecution`."""
        found = await self.services.executions.get(execution_id)
        held = found is not None and (
            found.thread_id in self._driven or await self.services.executions.held_elsewhere(execution_id)
        )
        told = await progress_of(self.services, found, held=held) if found else None
        if told is None:
            raise UnknownExecution(f"there is no execution {execution_id} in {self.services.settings.home}")
        return told

    async def pending(self, thread_id: str) -> list[Approval]:
        """The thread's open approvals; what is due is reminded or escalated first."""
        state = await self._state(thread_id)
        execution_id = state.values.get("execution_id") or "-"
        await remind(self.services, execution_id, silent)
        return await self.services.approvals.pending(execution_id=execution_id)

    async def inbox(self) -> list[Approval]:
        """The open approvals of the caller's organisation; what is over expires first, what is due is reminded or escalated."""
        approvals, org = self.services.approvals, self.caller.org
        await approvals.expire()
        await approvals.remind(org=org)
        await approvals.escalate(org=org)
        return await approvals.pending(org=org)

    async def outcome(self, thread_id: str, run_id: str = "") -> Outcome:
        """How the thread stands now."""
        state = await self._state(thread_id)
        values, execution_id = state.values, str(state.values.get("execution_id") or "")
        answer = Answer.model_validate(values["answer"]) if values.get("answer") else None
        asked = list(values.get("waiting", []))
        rows = await self.services.approvals.of_execution(execution_id) if execution_id else []
        rows.sort(
            key=lambda row: asked.index(row.id) if row.id in asked else -1
        )  # the question's order, for decisions by index
        effects = [asdict(row) for row in await self.services.effects.for_execution(execution_id)] if execution_id else []
        question, options = "", ()
        status = _status(values, bool(state.interrupts), unfinished(state), answer)
        if status == "clarify" and values.get("question"):
            question, options = values["question"].get("question", ""), tuple(values["question"].get("options", ()))
        if not question and not answer:
            said = [m for m in values.get("messages", []) if isinstance(m, AIMessage)]
            question = str(said[-1].content) if said and status in ("declined", "failed") else ""
        results = values.get("results", {})
        undone = await self._undone(execution_id)
        shown = [{"id": id, **step, "result": results.get(id)} for id, step in values.get("steps", {}).items()]
        shown = [{**step, "status": "compensated"} if step["id"] in undone else step for step in shown]
        waits = _waits(values)
        return Outcome(
            thread_id=thread_id,
            run_id=run_id,
            execution_id=execution_id,
            status=status,
            answer=answer,
            message=question,
            choices=options,
            plan=values.get("plan") or None,
            steps=shown,
            approvals=[approval_json(row) for row in rows],
            effects=effects,
            citations=[c.model_dump(mode="json") for c in answer.citations] if answer else [],
            usage=await used(self.services.db, execution_id),
            model=self.model_name,
            waits_for=_waits_for(state.interrupts),
            held_back=tuple(f"{_title(values, id)}: waits {waits}" for id, waits in values.get("held_back", {}).items()),
            so_far=() if answer else _so_far(results),
            dry_run=bool(values.get("request", {}).get("dry_run")),
            stopped=await self.services.approvals.stopped(rows, [id for ids in waits for id in ids]),
            may_go_on=await self._may_go_on(waits),
        )

    async def _may_go_on(self, waits: list[list[str]]) -> bool:
        """Is there a waiting step, or a plan, all of whose approvals are decided, and not stopped?"""
        open = set(await self.services.approvals.undecided({id for ids in waits for id in ids}))
        return any(not open & set(ids) for ids in waits)

    async def _undone(self, execution_id: str) -> frozenset[str]:
        """The steps of an execution of whose effects nothing stands any more."""
        effects = self.services.effects
        return undone_steps(await effects.for_execution(execution_id), await effects.undoing(execution_id))

    def _config(self, thread_id: str, **more: Any) -> Any:
        return {"configurable": {"thread_id": thread_id, "langgraph_auth_user": self.caller, **more}, "recursion_limit": 200}

    async def _state(self, thread_id: str) -> Any:
        state = await self.graph.aget_state(self._config(thread_id))
        if not state.created_at:
            raise UnknownThread(f"there is no thread {thread_id} in {self.services.settings.home}")
        return state

    async def _drive(
        self, thread: str, given: Any, on_event: OnEvent, *, review: bool = False, interrupt_before: Any = None
    ) -> Outcome:
        if thread in self._driven:  # the lease of an execution only tells processes apart
            raise AlreadyRunning(f"thread {thread} is being run by this process: wait for it, or stop it")
        self._driven.add(thread)
        try:
            run_id = await self._carry_out(thread, given, on_event, review=review, interrupt_before=interrupt_before)
        finally:
            self._driven.discard(thread)
        return await self.outcome(thread, run_id)

    async def _carry_out(self, thread: str, given: Any, on_event: OnEvent, *, review: bool, interrupt_before: Any) -> str:
        """Run the graph to its end or next pause; the run's id."""
        run_id = uuid.uuid4()
        config = {**self._config(thread, review_plan=review), "run_id": run_id}
        stream = self.graph.astream(given, config, stream_mode="custom", durability="sync", interrupt_before=interrupt_before)
        async for event in stream:
            on_event(event)
        return str(run_id)


def _waits(values: Mapping[str, Any]) -> list[list[str]]:
    """What each waiting step waits for, or the plan, if there is none yet."""
    steps = [list(step["waiting_for"]) for step in values.get("steps", {}).values() if step.get("waiting_for")]
    return steps or [ids for ids in [list(values.get("waiting", []))] if ids]


def _so_far(results: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """The first claim of each finished step, its figures filled in; the newest step first."""
    done = {id: StepResult.model_validate(result) for id, result in results.items()}
    evidence, lines = Evidence(done), []
    for result in done.values():
        for claim in result.claims[:1]:
            lines.append(sentence(Claim.model_validate(qualified(claim, result.step_id)), evidence).text)
    return tuple(reversed(lines))


def _title(values: dict[str, Any], step: str) -> str:
    return str(values.get("steps", {}).get(step, {}).get("title") or step)


def _waits_for(interrupts: Any) -> str:
    if not interrupts:
        return ""
    kinds = {"ask_user": "answer", "review_plan": "plan", "": "event"}
    return kinds.get(_asked(interrupts), "approvals")


def _asked(interrupts: Any) -> str:
    """The first action that an interrupt asks about; empty: no person is asked, a time or an event is awaited."""
    requests = interrupts[0].value["action_requests"]
    return str(requests[0]["name"]) if requests else ""


def _status(values: dict[str, Any], interrupted: bool, unfinished: bool, answer: Answer | None) -> str:
    said = values.get("status")
    if said == "clarify" or (interrupted and (values.get("question") or {}).get("question")):
        return "clarify"
    if interrupted or values.get("waiting"):
        return "interrupted"
    if said == "declined":
        return "declined"
    if unfinished:
        return "interrupted"
    return "success" if answer and answer.status != "failed" and said != "cancelled" else "failed"


def approval_json(row: Approval) -> dict[str, Any]:
    names = ("id", "status", "step_id", "agent", "tool", "message", "policy_version")
    body: dict[str, Any] = {name: getattr(row, name) for name in names}
    body.update(args=dict(row.args), provenance=dict(row.provenance), rules=list(row.rules), reasons=list(row.reasons))
    body.update(effect=row.effect, approvers=list(row.approvers), decided_by=list(row.decided_by), requester=row.requester.user)
    body.update(labels=list(row.labels), panels=[asdict(panel) for panel in row.panels])
    body["votes"] = [{"user": vote.user, "verdict": vote.verdict, "for": vote.behalf} for vote in row.votes]
    body["reminded_at"] = row.reminded_at.isoformat() if row.reminded_at else None
    body.update(escalated_at=row.escalated_at.isoformat() if row.escalated_at else None, escalated_to=list(row.further))
    return {**body, "thread_id": row.thread_id, "expires_at": row.expires_at.isoformat()}


@asynccontextmanager
async def open_runner(
    settings: Settings, *, model: BaseChatModel | Callable[[str], BaseChatModel] | None = None, **options: Any
) -> AsyncIterator[Runner]:
    """Compose services and graph over the home's own checkpoints. Where a service is live on the home it carries out what is asked,
    unless a model or anything else of the services is named."""
    live = await asyncio.to_thread(find, settings) if model is None and not options else None
    async with open_services(settings, model=model, **options) as services:
        graph = await asyncio.to_thread(build_orchestrator, services, services.saver)
        if live is None:
            yield Runner(services, graph)
            return
        from app.calling import open_client
        from app.served import ServedRunner  # it is a runner, too

        async with open_client(settings, live) as http:
            yield ServedRunner(services, graph, http)
