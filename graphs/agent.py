"""A specialist as a LangGraph graph: LangChain's `create_agent` with Decide, Gate and Act around every tool call.

`Decide` and `Gate` are nodes of their own after the model (LangGraph runs an interrupted node again from its start, so the gate
holds nothing but its interrupt); `Act` is the one place where a tool runs, through the gateway. Built once for each specialist;
what differs from step to step comes as `StepContext`. Called by `step.py`, and by `langgraph.json` through `studio.py`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
from langchain.agents.middleware.types import PrivateStateAttr, ToolCallRequest
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from governance.approvals import Approvals
from graphs.context import StepContext
from models.retry import RetryModel
from tools.calls import Clearing, ProposedCall
from tools.gateway import Gateway
from tools.registry import NoClearance, Tool

ROWS_FOR_MODELS = 40
REPAIRS = 2


class StepFailure(Exception):
    """A step cannot go on; `kind` as in `StepError`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class StepState(AgentState[Any]):
    """An agent's state plus the gate: call id → {outcome, approval_id}."""

    gate: NotRequired[Annotated[dict[str, dict[str, Any]], PrivateStateAttr]]


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

    state_schema = StepState

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
            raise StepFailure("loop", f"stopped: the same call was made {calls.count(calls[-1])} times: {calls[-1][:200]}")
        granted = request.runtime.context.granted
        return await handler(request.override(tools=[t for t in request.tools if getattr(t, "name", "") in granted]))


class Decide(AgentMiddleware[Any, Any, Any]):
    """Policy for every call of the last message, and evidence for a finding, before anything runs."""

    state_schema = StepState

    def __init__(self, gateway: Gateway, response: type[BaseModel]) -> None:
        super().__init__()
        self.gateway, self.response = gateway, response.__name__

    @hook_config(can_jump_to=["tools", "end"])
    async def aafter_model(self, state: StepState, runtime: Runtime[StepContext]) -> dict[str, Any] | None:
        index, ai = last_ai(state["messages"])
        if ai is None:
            return None
        context = runtime.context
        calls = [call for call in ai.tool_calls if call["name"] != self.response]
        update: dict[str, Any] = {"gate": {}, "messages": []}
        finding = state.get("structured_response")
        if finding is not None:
            wrong = ["it came beside other calls: wait for their results first"] if calls else []
            wrong = wrong or context.check(finding, state["messages"])
            if wrong:
                update["structured_response"] = None
                update["messages"] += void(state["messages"][index:], self.response, wrong)
                if sum(m.status == "error" and m.name == self.response for m in tool_messages(state["messages"])) >= REPAIRS:
                    raise StepFailure("junk", f"the finding was refused {REPAIRS + 1} times: {'; '.join(wrong)}")
            else:
                return {"gate": {}, "jump_to": "end"}
        for call in calls:
            proposed = proposal(call, context)
            clearing = await self.gateway.propose(proposed)
            update["gate"][call["id"]] = clearing.as_dict()
            tell(context, call, "decided", outcome=clearing.outcome, rules=list(clearing.rules), preview=preview(clearing.args))
            if clearing.outcome in ("deny", "invalid"):
                text = f"{'not allowed' if clearing.outcome == 'deny' else 'invalid call'}: {clearing.text}"
                update["messages"].append(refusal(call, text, clearing.outcome))
        outcomes = {gate["outcome"] for gate in update["gate"].values()}
        if finding is None and outcomes == {"allow"} and len(calls) == len(ai.tool_calls):
            update["jump_to"] = "tools"
        return update


class Gate(AgentMiddleware[Any, Any, Any]):
    """Nothing but the interrupt, then the verdicts from the approvals table: the resume value is ignored."""

    state_schema = StepState

    def __init__(self, approvals: Approvals) -> None:
        super().__init__()
        self.approvals = approvals

    async def aafter_model(self, state: StepState, runtime: Runtime[StepContext]) -> dict[str, Any] | None:
        asked = {id: gate["approval_id"] for id, gate in state.get("gate", {}).items() if gate["outcome"] == "approve"}
        if not asked:
            return None
        interrupt({"approvals": list(asked.values())})
        _, ai = last_ai(state["messages"])
        messages = []
        for call in ai.tool_calls if ai else []:
            if call["id"] not in asked:
                continue
            row = await self.approvals.resolve(asked[call["id"]])
            if row.status == "pending":
                raise StepFailure("raised", f"resumed before approval {row.id} was decided")
            if row.status == "answered":
                messages.append(refusal(call, f"the approver answered instead of approving: {row.message}", "answered"))
            elif row.status not in ("approved", "consumed"):
                by = f" by {', '.join(row.decided_by)}" if row.decided_by else ""
                why = f": {row.message}" if row.message else ""
                messages.append(refusal(call, f"{row.status}{by}{why}", "rejected"))
        return {"messages": messages} if messages else None


class Act(AgentMiddleware[Any, Any, Any]):
    """Runs a cleared call through the gateway; a call without clearance gets an error message."""

    state_schema = StepState

    def __init__(self, gateway: Gateway, tools: Sequence[Tool]) -> None:
        super().__init__()
        self.gateway, self.products = gateway, {tool.name: tool.produces for tool in tools}

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        call: Any = request.tool_call
        context: StepContext = request.runtime.context  # type: ignore[assignment]  # typed None where a server types it
        gate = request.state.get("gate", {}).get(call["id"])
        if gate is None or gate["outcome"] not in ("allow", "approve"):
            return refusal(dict(call), "no clearance", "deny")
        tell(context, call, "started")
        outcome = await self.gateway.act(proposal(call, context), Clearing.from_dict(gate))
        tell(context, call, "done" if outcome.status == "ok" else "failed", outcome=outcome.status, ms=outcome.ms)
        if outcome.status != "ok" or outcome.result is None:
            return refusal(dict(call), outcome.error or "the tool gave no result", outcome.status)
        result = {"product": self.products.get(call["name"], ""), **outcome.result}
        artifact = {"kind": "ok", "tool": call["name"], "product": result["product"], "result": result}
        artifact.update(effect=outcome.effect, approval_id=outcome.approval_id, ms=outcome.ms, args=dict(outcome.args))
        return ToolMessage(digest(call["id"] or "", result), tool_call_id=call["id"], name=call["name"], artifact=artifact)


def proposal(call: dict[str, Any] | Any, context: StepContext) -> ProposedCall:
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
        inputs=context.inputs,
        item=context.item,
        resources=context.resources,
        today=context.today,
        user_request=context.user_request,
    )


def refusal(call: dict[str, Any] | Any, text: str, kind: str) -> ToolMessage:
    """What the model is told when a call did not run; `kind` tells code why."""
    artifact = {"kind": kind, "tool": call["name"], "error": text}
    return ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error", artifact=artifact)


def preview(args: Mapping[str, Any], limit: int = 200) -> str:
    """The arguments on one line, for showing progress."""
    text = ", ".join(f"{name}={value}" for name, value in args.items() if value not in (None, [], ""))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def void(messages: Sequence[AnyMessage], response: str, wrong: Sequence[str]) -> list[ToolMessage]:
    """The response tool's message again, same id, as an error: the finding does not count."""
    text = f"the {response} was not accepted: {'; '.join(wrong)}"
    return [m.model_copy(update={"content": text, "status": "error"}) for m in tool_messages(messages) if m.name == response]


def tool_messages(messages: Sequence[AnyMessage]) -> list[ToolMessage]:
    return [m for m in messages if isinstance(m, ToolMessage)]


def last_ai(messages: Sequence[AnyMessage]) -> tuple[int, AIMessage | None]:
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, AIMessage):
            return index, message
    return 0, None


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
) -> Any:
    """A specialist's graph. Inputs: messages with one brief; output: `structured_response` of type `response`."""
    return create_agent(
        model,
        [shell(tool) for tool in tools],
        system_prompt=prompt,
        response_format=ToolStrategy(response),
        middleware=[
            Act(gateway, tools),
            Gate(approvals),
            Decide(gateway, response),
            Limits(model_calls, tool_calls),
            RetryModel(),
        ],
        context_schema=StepContext,
        checkpointer=checkpointer,
        name=name,
    )
