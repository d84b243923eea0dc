"""A specialist as a LangGraph graph: LangChain's `create_agent` with Act around every tool call and Evidence around the model.

`Act` takes a call through the gateway from proposal to outcome, and interrupts where people must decide; `Evidence` lets no finding
pass that its calls do not bear out. Built once for each specialist; what differs from step to step comes as `StepContext`.
Called by `step.py`, and by `langgraph.json` through `studio.py`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from governance.amounts import spend_of
from governance.approvals import Approvals
from governance.kill_switch import RULE as SWITCH
from governance.kill_switch import until_off
from governance.numerals import strike
from graphs.context import StepContext
from graphs.spending import OutOfBudget, Spending
from models.retry import RetryModel
from tools.calls import ProposedCall
from tools.gateway import Gateway
from tools.registry import NoClearance, Tool

ROWS_FOR_MODELS = 40
REPAIRS = 2


class StepFailure(Exception):
    """A step cannot go on; `kind` as in `StepError`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def shell(tool: Tool) -> StructuredTool:
    """The tool as models see it: name, description, schema. Calling it raises: only the gateway runs tools."""

    async def refuse(**arguments: Any) -> str:
        raise NoClearance(f"{tool.name} is called through the gateway only")

    # a JSON schema, not the model: LangChain's subset of a model drops what marks an argument as a product's reference
    schema = tool.args.model_json_schema()
    return StructuredTool(name=tool.name, description=tool.description, args_schema=schema, coroutine=refuse)


def digest(call_id: str, result: dict[str, Any]) -> str:
    """A tool result as a model reads it: whole but for rows beyond the first, which are counted."""
    shown = {key: result.get(key) for key in ("title", "scope", "as_of", "figures", "columns", "highlights", "caveats")}
    rows = [{k: v for k, v in row.items() if k != "records"} for row in result.get("rows", [])]
    shown["figures"] = {k: {n: f[n] for n in ("value", "unit", "label")} for k, f in (result.get("figures") or {}).items()}
    content = {"call_id": call_id, "product": result.get("product", ""), **shown, "row_count": len(rows)}
    return json.dumps({**content, "rows": rows[:ROWS_FOR_MODELS]}, ensure_ascii=False)


class Limits(AgentMiddleware[Any, Any, Any]):
    """Stops an endless loop cleanly: too many model calls, too many tool calls, or the same call again and again."""

    def __init__(self, model_calls: int, tool_calls: int) -> None:
        super().__init__()
        self.model_calls, self.tool_calls = model_calls, tool_calls

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        said = [m for m in request.messages if isinstance(m, AIMessage)]
        calls = [json.dumps([c["name"], c["args"]], sort_keys=True, default=str) for m in said for c in m.tool_calls]
        if len(said) >= self.model_calls:
            raise StepFailure("loop", f"stopped after {len(said)} model calls without a finding")
        if len(calls) > self.tool_calls:
            raise StepFailure("loop", f"stopped after {len(calls)} tool calls without a finding")
        if calls and calls.count(calls[-1]) > REPAIRS + 1:
            raise StepFailure(
                "loop", f"stopped: the same call was made {calls.count(calls[-1])} times: {strike(calls[-1][:200])}"
            )
        granted = request.runtime.context.granted
        return await handler(request.override(tools=[t for t in request.tools if getattr(t, "name", "") in granted]))


class Evidence(AgentMiddleware[Any, Any, Any]):
    """Holds a finding against the calls behind it, in the model's own node: one that does not stand is handed back."""

    def __init__(self, response: type[BaseModel]) -> None:
        super().__init__()
        self.response = response.__name__

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        answer = await handler(request)
        finding, context = answer.structured_response, request.runtime.context
        if finding is None:
            return answer
        beside = any(call["name"] != self.response for m in answer.result if isinstance(m, AIMessage) for call in m.tool_calls)
        wrong = ["it came beside other calls: wait for their results first"] if beside else []
        wrong = wrong or context.check(finding, [*request.messages, *answer.result])
        if not wrong:
            return answer
        if sum(m.status == "error" and m.name == self.response for m in tool_messages(request.messages)) >= REPAIRS:
            raise StepFailure("junk", f"the finding was refused {REPAIRS + 1} times: {strike('; '.join(wrong))}")
        return ModelResponse(result=void(answer.result, self.response, wrong))


class Together(AgentMiddleware[Any, Any, Any]):
    """Several wrappers of the model call as one, outermost first.

    LangChain traces each middleware's hook apart and goes to a thread twice for that, with tracing or without: two milliseconds
    a step for the three of an agent.
    """

    def __init__(self, *parts: AgentMiddleware[Any, Any, Any]) -> None:
        super().__init__()
        self.parts = parts

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        for part in reversed(self.parts):
            handler = partial(part.awrap_model_call, handler=handler)
        return await handler(request)


class Act(AgentMiddleware[Any, Any, Any]):
    """One call from proposal to outcome, through the gateway, in a task of its own beside its message's other calls.

    LangGraph runs an interrupted or killed task again from its start. That is safe: the gateway knows the action by its digest,
    so it asks once and acts once. The verdict comes from the approvals table; what a resume brings along is ignored.
    """

    def __init__(self, gateway: Gateway, approvals: Approvals, tools: Sequence[Tool]) -> None:
        super().__init__()
        self.gateway, self.approvals = gateway, approvals
        self.products = {tool.name: tool.produces for tool in tools}
        self.manifests = {tool.name: tool.manifest for tool in tools}

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        call: Any = request.tool_call
        context: StepContext = request.runtime.context  # type: ignore[assignment]  # typed None where a server types it
        proposed = proposal(call, context, request.state["messages"])
        clearing = await self.gateway.propose(proposed)
        stopped = {"approvals": [until_off(context.caller.org)], "call_id": call["id"]}
        while clearing.rules == (SWITCH,):  # nobody is asked, and nothing fails for it: the step waits until it is off
            interrupt(stopped)
            clearing = await self.gateway.propose(proposed)
        tell(context, call, "decided", outcome=clearing.outcome, rules=list(clearing.rules), preview=preview(clearing.args))
        if clearing.rules == ("budget",):
            raise OutOfBudget(clearing.text, "tool_calls", 1)
        if clearing.rules == ("over-budget",) and context.asks_to_spend:
            amount = spend_of(self.manifests[call["name"]], clearing.args)
            raise OutOfBudget(clearing.text, "spend", amount)
        if clearing.outcome in ("deny", "invalid"):
            text = f"{'not allowed' if clearing.outcome == 'deny' else 'invalid call'}: {clearing.text}"
            return refusal(call, text, clearing.outcome)
        while True:
            if clearing.approval_id and (refused := await self._refused(call, clearing.approval_id)):
                return refused
            tell(context, call, "started")
            outcome = await self.gateway.act(proposed, clearing)
            id = clearing.approval_id
            if outcome.rule == SWITCH and not id:
                interrupt(stopped)  # it went on in between
            elif outcome.status != "denied" or not id or not await self.approvals.undecided([id]):
                break  # else it went on in between, and `_refused` waits for it
        tell(context, call, "done" if outcome.status == "ok" else "failed", outcome=outcome.status, ms=outcome.ms)
        if outcome.status != "ok" or outcome.result is None:
            return refusal(call, outcome.error or "the tool gave no result", outcome.status, final=outcome.final)
        result = {"product": self.products.get(call["name"], ""), **outcome.result}
        artifact = {"kind": "ok", "tool": call["name"], "product": result["product"], "result": result}
        artifact.update(effect=outcome.effect, approval_id=outcome.approval_id, ms=outcome.ms, args=dict(outcome.args))
        artifact["derived"] = context.trace.derives(outcome.args)
        if outcome.effect == "simulated":
            needs = f"{clearing.needs} ({clearing.text})" if clearing.needs else ""
            artifact.update(would_need=needs, records=list(outcome.records))
        return ToolMessage(digest(call["id"] or "", result), tool_call_id=call["id"], name=call["name"], artifact=artifact)

    async def _refused(self, call: Any, approval_id: str) -> ToolMessage | None:
        """What people said instead of yes; None if they said yes. Interrupts while they have said nothing, and while the kill
        switch holds what they agreed to."""
        while await self.approvals.undecided([approval_id]):
            interrupt({"approvals": [approval_id], "call_id": call["id"]})
        row = await self.approvals.resolve(approval_id)
        if row.status in ("approved", "consumed"):
            return None
        if row.status == "answered":
            return refusal(call, f"the approver answered instead of approving: {row.message}", "answered")
        if row.status == "expired":
            return refusal(call, "nobody decided in time, so it was not done", "expired")
        why = f": {row.message}" if row.message else ""
        return refusal(call, f"{row.status}{row.by_whom}{why}", "rejected")


def proposal(call: dict[str, Any] | Any, context: StepContext, messages: Sequence[AnyMessage]) -> ProposedCall:
    """The call with all that the policy is to know; `messages` are those before it."""
    return ProposedCall(
        caller=context.caller,
        agent=context.agent,
        tool=call["name"],
        args=call["args"],
        call_id=call["id"] or "",
        execution_id=context.execution_id,
        step_id=context.step_id,
        attempt=context.attempt,
        thread_id=context.thread_id,
        granted=context.granted,
        context_labels=context.trace.labels,
        planned=context.planned,
        trace=context.trace.before(messages),
        inputs=context.inputs,
        item=context.item,
        item_of=context.item_of,
        resources=context.resources,
        today=context.today,
        user_request=context.user_request,
        dry_run=context.dry_run,
    )


def refusal(call: dict[str, Any] | Any, text: str, kind: str, *, final: bool = False) -> ToolMessage:
    """What the model is told when a call did not run; `kind` tells code why, `final` that the same call would end the same."""
    artifact = {"kind": kind, "tool": call["name"], "error": text, "final": final}
    return ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error", artifact=artifact)


def preview(args: Mapping[str, Any], limit: int = 200) -> str:
    """The arguments on one line, for showing progress."""
    text = ", ".join(f"{name}={value}" for name, value in args.items() if value not in (None, [], ""))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def void(messages: Sequence[BaseMessage], response: str, wrong: Sequence[str]) -> list[BaseMessage]:
    """The messages with the response tool's as an error: the finding does not count."""
    text = f"the {response} was not accepted: {'; '.join(wrong)}"
    refused = {"content": text, "status": "error"}
    return [m.model_copy(update=refused) if isinstance(m, ToolMessage) and m.name == response else m for m in messages]


def tool_messages(messages: Sequence[AnyMessage]) -> list[ToolMessage]:
    return [m for m in messages if isinstance(m, ToolMessage)]


def tell(context: StepContext, call: Any, phase: str, **more: Any) -> None:
    head = {"event": "tool", "step": context.step_id, "attempt": context.attempt, "call_id": call["id"], "tool": call["name"]}
    context.emit({**head, "phase": phase, **more})


def build_agent(
    name: str,
    model: BaseChatModel,
    tools: Sequence[Tool],
    prompt: str,
    response: type[BaseModel],
    gateway: Gateway,
    approvals: Approvals,
    *,
    model_calls: int,
    tool_calls: int,
    checkpointer: Any = None,
    spending: Spending | None = None,
) -> Any:
    """A specialist's graph. Inputs: messages with one brief; output: `structured_response` of type `response`."""
    return create_agent(
        model,
        [shell(tool) for tool in tools],
        system_prompt=prompt,
        response_format=ToolStrategy(response),
        middleware=[
            Act(gateway, approvals, tools),
            Together(Evidence(response), Limits(model_calls, tool_calls), RetryModel(), *([spending] if spending else [])),
        ],
        context_schema=StepContext,
        checkpointer=checkpointer,
        name=name,
    )
