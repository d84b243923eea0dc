"""A specialist's finding held against its tool calls: no claim without a successful call behind it, no typed figure.

Pure functions over messages. `problems` says what is wrong, in sentences the model can act on; `collect` makes the StepResult.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from governance.numerals import strike
from graphs.claims import typed, wrong_with
from graphs.ground import Ground
from graphs.plan import Step, StepError, StepResult
from graphs.wire import Finding


def calls_of(messages: Sequence[AnyMessage]) -> dict[str, dict[str, Any]]:
    """Every tool call that got an answer, by its id: {kind, tool, result | error, …}."""
    return {m.tool_call_id: m.artifact for m in messages if isinstance(m, ToolMessage) and isinstance(m.artifact, dict)}


def products_of(finding: Finding, messages: Sequence[AnyMessage]) -> dict[str, dict[str, Any]]:
    """The products a finding names that a successful call really made."""
    calls = calls_of(messages)
    made = {}
    for item in finding.products:
        call = calls.get(item.call_id)
        if call and call["kind"] == "ok" and call["product"] == item.product:
            made[item.product] = call["result"]
    return made


def problems(
    finding: Finding, messages: Sequence[AnyMessage], *, produces: Sequence[str], goal: str = "", today: str = ""
) -> list[str]:
    """Why a finding cannot be accepted; empty if it can. `today` is an ISO date."""
    made, calls = products_of(finding, messages), calls_of(messages)
    wrong = [
        f"product {item.product!r} is not the result of a successful call {item.call_id!r}"
        for item in finding.products
        if item.product not in made
    ]
    if finding.status == "complete":
        wrong += [f"it is called complete but lacks the product {p!r}" for p in produces if p not in made]
    deeds = frozenset(call["product"] for call in calls.values() if call["kind"] == "ok" and call.get("effect"))
    ground = Ground(made, goal, today, deeds, tuple(call["error"] for call in calls.values() if call["kind"] != "ok"))
    for name, texts in (("headline", [finding.headline]), ("caveat", finding.caveats), ("gap", finding.gaps)):
        wrong += [f"the {name} {text!r} types a figure: say it in words" for text in texts if typed(text, ground)]
    for claim in finding.claims:
        wrong += wrong_with(claim, ground)
    return wrong


_KINDS: Mapping[str, str] = {
    "rejected": "rejected",
    "answered": "rejected",
    "expired": "expired",
    "deny": "denied",
    "denied": "denied",
}


def collect(step: Step, attempt: int, thread_id: str, values: Mapping[str, Any], seconds: float) -> StepResult:
    """The result of a finished attempt from its graph's final state."""
    messages: list[AnyMessage] = values.get("messages", [])
    finding = values.get("structured_response")
    calls = tuple(
        {"call_id": id, **{k: v for k, v in call.items() if k != "result"}} for id, call in calls_of(messages).items()
    )
    head: dict[str, Any] = dict(step_id=step.id, specialist=step.specialist, produces=step.produces)
    head.update(attempt=attempt, thread_id=thread_id, calls=calls, seconds=seconds)
    head.update(usage=usage_of(messages), model=model_of(messages))
    if not isinstance(finding, Finding):
        said = strike(str(messages[-1].content)[:200]) if messages else ""
        error = StepError(kind="junk", message=f"it ended without a finding: {said!r}")
        return StepResult(status="failed", error=error, **head)
    data = products_of(finding, messages)
    said_all: dict[str, Any] = dict(
        data=data,
        headline=finding.headline,
        claims=tuple(claim.model_dump() for claim in finding.claims),
        caveats=tuple(finding.caveats),
        gaps=tuple(finding.gaps),
    )
    if all(product in data for product in step.produces):
        return StepResult(status="succeeded", **said_all, **head)
    errors = [call for call in calls if call["kind"] != "ok"]
    failed = "junk" if not errors else "unable" if all(call.get("final") for call in errors) else "tool"
    kind = next((_KINDS[call["kind"]] for call in errors if call["kind"] in _KINDS), failed)
    missing = ", ".join(p for p in step.produces if p not in data)
    why = "; ".join(dict.fromkeys(call["error"] for call in errors) or finding.gaps) or "no reason given"
    error = StepError(kind=kind, message=f"no {missing}: {why}")
    return StepResult(status="skipped" if kind in ("rejected", "expired") else "failed", error=error, **said_all, **head)


def model_of(messages: Sequence[AnyMessage]) -> str:
    """What the model that answered last calls itself."""
    said = (m.response_metadata.get("model_name") for m in reversed(messages) if isinstance(m, AIMessage))
    return str(next(filter(None, said), ""))


def usage_of(messages: Sequence[AnyMessage]) -> dict[str, int]:
    """Model calls and tokens of an attempt."""
    said = [m for m in messages if isinstance(m, AIMessage)]
    spent = [m.usage_metadata for m in said if m.usage_metadata]
    return {
        "model_calls": len(said),
        "input_tokens": sum(u["input_tokens"] for u in spent),
        "output_tokens": sum(u["output_tokens"] for u in spent),
    }
