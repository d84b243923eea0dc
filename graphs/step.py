"""Carries out one attempt of one step: a specialist's graph on a thread of its own, started, adopted or resumed.

An attempt never raises for what its specialist does wrong: it ends as a typed `StepResult`. The scheduler calls `attempt`;
`ask` runs a role outside the plan (intake, planner, verifier, reporter) in the same way.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, Interrupt

from governance.asking import Answer
from governance.numerals import strike
from graphs import brief
from graphs.agent import StepFailure
from graphs.context import StepContext
from graphs.events import Emit, child_context, now
from graphs.executions import Execution, step_thread
from graphs.findings import calls_of, collect, model_of, problems, usage_of
from graphs.plan import Step, StepError, StepResult
from graphs.role_usage import Ended
from graphs.scheduler import Waiting
from graphs.services import Services
from graphs.spending import Left, OutOfBudget, spender
from graphs.trace import Products
from graphs.wire import Wire
from graphs.working_time import WorkingTime
from models.retry import ModelUnavailable

TOKEN_SECONDS = 0.05
RAISES = 50  # of one attempt: an end to what asks for ever smaller amounts


@dataclass(frozen=True)
class StepRunner:
    """Attempts of one execution's steps. They share `time`, which knows which of them are at work."""

    services: Services
    execution: Execution
    emit: Emit
    products: Products
    time: WorkingTime = field(default_factory=WorkingTime)

    async def attempt(self, step: Step, number: int, specialist: str, done: Mapping[str, StepResult]) -> StepResult | Waiting:
        """Start, adopt or resume attempt `number` of a step."""
        executions, id = self.services.executions, self.execution.id
        fresh = await executions.start(id, self.execution.thread_id, step.id, number, specialist)
        began = time.monotonic()
        context = self._context(step, number, specialist, done)
        outcome = await self._afforded(step, number, specialist, context, began, fresh)
        if isinstance(outcome, Waiting):
            await executions.mark(id, step.id, number, "waiting_approval")
        else:
            outcome = outcome if outcome.usage else await self._counted(outcome)
            await executions.mark(id, step.id, number, outcome.status, outcome)
        return outcome

    async def _afforded(
        self, step: Step, number: int, specialist: str, context: StepContext, began: float, fresh: bool
    ) -> StepResult | Waiting:
        """The attempt, gone on with whenever a budget was raised for it; waiting while people are asked to."""
        for _ in range(RAISES):
            try:
                return await self._tried(step, number, specialist, context, began, fresh)
            except OutOfBudget as failure:
                fresh, reason = False, str(failure)
                answer = await more_for(self.services, context, failure)
                if answer.verdict == "wait":
                    return Waiting(answer.ids)
                if answer.verdict == "no":
                    reason = f"{reason}; {answer.why}" if answer.why else reason
                    break
        return self._failed(step, number, specialist, "budget", reason, began)

    async def _tried(
        self, step: Step, number: int, specialist: str, context: StepContext, began: float, fresh: bool
    ) -> StepResult | Waiting:
        """Whatever it does wrong as a result. Raises `OutOfBudget` alone."""
        try:
            async with self.time.spent(self.services.budgets, spender(context)), asyncio.timeout(step.timeout):
                return await self._drive(step, number, specialist, context, began, fresh)
        except TimeoutError:
            return self._failed(step, number, specialist, "timeout", f"no result within {step.timeout:g} s", began)
        except StepFailure as failure:
            return self._failed(step, number, specialist, failure.kind, str(failure), began)
        except OutOfBudget:
            raise
        except ModelUnavailable as failure:
            return self._failed(step, number, specialist, "model", str(failure), began)
        except GraphRecursionError:
            return self._failed(step, number, specialist, "loop", "it did not come to an end", began)
        except Exception as failure:  # a specialist may fail in any way: its siblings must go on, and the plan must know
            self.services.log.exception("step %s failed", step.id)
            return self._failed(step, number, specialist, "raised", strike(f"{type(failure).__name__}: {failure}"), began)

    async def _drive(
        self, step: Step, number: int, specialist: str, context: StepContext, began: float, fresh: bool
    ) -> StepResult | Waiting:
        thread = step_thread(self.execution.id, step.id, number)
        agent = self.services.agent(specialist)
        config = self.services.config(thread)
        seen = Standing() if fresh else await stand(agent, config)
        start: Any
        if not seen.begun:
            if why := await self.services.suspensions.why(self.execution.requester.org, specialist):
                raise StepFailure("unable", why)  # it would say so again: the step's fallbacks are asked
            granted = step.model_copy(update={"tools": tuple(context.granted)})
            task = brief.for_specialist(self.execution.goal, granted, context.agent, self.services.registry)
            start = {"messages": [task]}
        elif seen.interrupts:
            ids = asked(seen)
            if await self.services.approvals.undecided(ids):
                return Waiting(ids)
            start = Command(resume={one.id: "the approvals table decides" for one in seen.interrupts})
        else:
            start = None  # a crash left it between two nodes
        if seen.unfinished:
            left = self.services.left(context)
            seen = await relay(agent, start, config, context, tokens=self.services.streams(specialist), left=left)
        if seen.interrupts:
            return Waiting(asked(seen))
        done_by = step.model_copy(update={"specialist": specialist})
        result = collect(done_by, number, thread, seen.values, round(time.monotonic() - began, 3))
        return result.model_copy(update={"labels": context.trace.after(seen.values.get("messages", []))})

    async def _counted(self, failed: StepResult) -> StepResult:
        """A failed attempt, with what the calls used that its thread knows of: they are paid for all the same."""
        saved = await self.services.saver.aget_tuple(self.services.config(failed.thread_id))
        messages = saved.checkpoint["channel_values"].get("messages", []) if saved else []
        return failed.model_copy(update={"usage": usage_of(messages), "model": model_of(messages)})

    def _context(self, step: Step, number: int, specialist: str, done: Mapping[str, StepResult]) -> StepContext:
        inputs = {}
        for ref in step.inputs.values():
            source, _, product = ref.partition(".")
            if source in done and product in done[source].data:
                inputs[ref] = done[source].data[product]
        granted = frozenset(self.services.granted(specialist, step))
        return StepContext(
            caller=self.execution.requester,
            execution_id=self.execution.id,
            step_id=step.id,
            agent=specialist,
            thread_id=self.execution.thread_id,
            attempt=number,
            granted=granted,
            planned=None if step.tainted else granted,
            trace=self.products.handed([*step.inputs.values(), *filter(None, [step.item_of])], done),
            inputs=inputs,
            item=step.item,
            item_of=step.item_of or "",
            resources=self.services.resources,
            today=self.services.date_of(self.execution.today),
            user_request=self.execution.goal,
            dry_run=bool(self.execution.request.get("dry_run")),
            check=partial(problems, produces=step.produces, goal=self.execution.goal, today=self.execution.today),
            emit=self.emit,
            asks_to_spend=self.services.asking.asks("spend"),
        )

    def _failed(self, step: Step, number: int, specialist: str, kind: Any, message: str, began: float) -> StepResult:
        thread = step_thread(self.execution.id, step.id, number)
        return StepResult(
            step_id=step.id,
            status="failed",
            specialist=specialist,
            produces=step.produces,
            attempt=number,
            thread_id=thread,
            error=StepError(kind=kind, message=message[:500]),
            seconds=round(time.monotonic() - began, 3),
        )


async def more_for(services: Services, context: StepContext, failure: OutOfBudget) -> Answer:
    """Ask for what a call lacked. A dry run asks nobody."""
    if context.dry_run or failure.lack is None:
        return Answer("no")
    told = dict(agent=context.agent, thread_id=context.thread_id, request=context.user_request)
    return await services.asking.more(context.caller, spender(context), failure.lack, **told)


def unfinished(seen: Any) -> bool:
    """Has a thread something left to run?

    `next` does not say: it leaves out a node whose writes were saved but, because of a crash, not yet made into a checkpoint.
    """
    return bool(seen.tasks)


@dataclass(frozen=True)
class Standing:
    """How a specialist's thread stands: its values, what it is interrupted with. By default it has not begun."""

    values: Mapping[str, Any] = field(default_factory=dict)
    interrupts: tuple[Interrupt, ...] = ()
    begun: bool = False
    unfinished: bool = True


def asked(seen: Standing) -> tuple[str, ...]:
    """The approvals that a thread waits for, in the order of its message's calls: these ran at once and stopped in any order."""
    messages = seen.values.get("messages", [])
    calls = [call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    place = {id: number for number, id in enumerate(calls)}
    in_order = sorted(seen.interrupts, key=lambda one: place.get(one.value.get("call_id"), 0))
    return tuple(id for one in in_order for id in one.value["approvals"])


async def stand(agent: Any, config: RunnableConfig) -> Standing:
    """Look a thread up in its checkpoints."""
    seen = await agent.aget_state(config)
    begun = bool(seen.created_at)
    return Standing(seen.values, tuple(seen.interrupts), begun, not begun or unfinished(seen))


async def relay(
    agent: Any, start: Any, config: RunnableConfig, context: StepContext, *, tokens: bool, left: Left | None = None
) -> Standing:
    """Run a specialist's graph and pass its progress on as root events: costs and how the budgets stand, tokens if its model
    streams (coalesced).

    Answers with how it stands now, which the stream says as well as the checkpoints.
    """
    values: Mapping[str, Any] = {}
    interrupts: tuple[Interrupt, ...] = ()
    text, sent = "", time.monotonic()
    head = {"step": context.step_id, "attempt": context.attempt, "role": context.agent}
    modes = ["updates", "values", *(["messages"] if tokens else [])]
    async for mode, chunk in agent.astream(start, config, context=context, stream_mode=modes, durability="sync"):
        if mode == "messages":
            part = chunk[0]
            if isinstance(part, AIMessageChunk) and isinstance(part.content, str):
                text += part.content
            if text and time.monotonic() - sent > TOKEN_SECONDS:
                context.emit({"event": "token", **head, "text": text})
                text, sent = "", time.monotonic()
        elif mode == "values":
            values = chunk
        elif "__interrupt__" in chunk:
            interrupts = (*interrupts, *chunk["__interrupt__"])
        elif isinstance(chunk.get("model"), dict):
            spent = usage_of(chunk["model"].get("messages", []))
            budgets = {"budgets": await left()} if left else {}
            context.emit({"event": "cost", **head, **spent, **budgets, "at": now()})
    if text:
        context.emit({"event": "token", **head, "text": text})
    return Standing(values, interrupts, True, bool(interrupts))


@dataclass(frozen=True)
class Said:
    """What a role outside the plan answered: its wire object, its tool calls by id, and what it cost."""

    value: Wire
    calls: dict[str, dict[str, Any]]
    usage: dict[str, int]


async def ask(services: Services, role: str, thread_id: str, task: HumanMessage, context: StepContext) -> Said:
    """Run a core role on its own thread; adopted if it finished before, resumed if a crash cut it off.

    Raises `StepFailure` when it gives no answer of its type.
    """
    return await asyncio.create_task(_ask(services, role, thread_id, task, context), context=child_context())


async def _ask(services: Services, role: str, thread_id: str, task: HumanMessage, context: StepContext) -> Said:
    agent, config = services.agent(role), services.config(thread_id)
    seen = await stand(agent, config)
    began = time.monotonic() if seen.unfinished else None
    if seen.unfinished:
        start = None if seen.begun else {"messages": [task]}
        try:
            seen = await relay(agent, start, config, context, tokens=services.streams(role), left=services.left(context))
        except (StepFailure, ModelUnavailable):
            said_so_far = (await stand(agent, config)).values.get("messages", [])
            await services.role_usage.keep(context, thread_id, said_so_far, "failed", _since(began))
            raise
    messages, value = seen.values.get("messages", []), seen.values.get("structured_response")
    ended: Ended = "failed" if value is None else "succeeded"
    await services.role_usage.keep(context, thread_id, messages, ended, _since(began))
    if value is None:
        said = strike(str(messages[-1].content)[:200]) if messages else ""
        raise StepFailure("junk", f"the {role} gave no {services.specialist(role).response.__name__}: {said!r}")
    return Said(value, calls_of(messages), usage_of(messages))


def _since(began: float | None) -> float | None:
    return None if began is None else round(time.monotonic() - began, 3)
