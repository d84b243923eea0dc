"""Verify: every result against its promises and the other results; conflicts and gaps are named, never smoothed over.

Code checks first (what is missing, what was tried, which years do not match); then the verifier role, which may recount cited
records through its tool and adds what it sees.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from governance.identity import Caller
from graphs.agent import StepFailure
from graphs.brief import message
from graphs.context import StepContext
from graphs.events import Emit
from graphs.plan import Plan, StepResult
from graphs.services import Services
from graphs.step import ask
from graphs.wire import Issue, Verdict
from models.retry import ModelUnavailable


def code_checks(plan: Plan, results: Mapping[str, StepResult]) -> list[Issue]:
    """What code alone can say of the results."""
    issues = []
    for step in plan.steps:
        result = results.get(step.id)
        if result is None:
            issues.append(Issue(step=step.id, severity="gap", text=f"{step.title} was not carried out"))
        elif result.status == "failed":
            why = result.error.message if result.error else "no reason given"
            issues.append(Issue(step=step.id, severity="error", text=f"{step.title} failed: {why}"))
        elif result.status == "skipped" and result.error and result.error.kind == "upstream":
            issues.append(Issue(step=step.id, severity="gap", text=f"{step.title} could not start: {result.error.message}"))
    current = set(plan.ids())
    for id, result in results.items():
        if id not in current and result.status == "failed":
            why = result.error.message if result.error else "no reason given"
            text = f"{result.specialist} failed and the plan was revised: {why}"
            issues.append(Issue(step=id, severity="note", text=text))
    return issues


async def verify(
    services: Services,
    caller: Caller,
    execution_id: str,
    thread_id: str,
    plan: Plan,
    results: Mapping[str, StepResult],
    emit: Emit,
) -> list[dict[str, Any]]:
    """Issues, most serious first, as dicts."""
    issues = code_checks(plan, results)
    inputs = {  # in an order of their own: that of the results is the one they happened to end in
        f"{id}.{product}": data
        for id, r in sorted(results.items())
        for product, data in r.data.items()
        if r.status == "succeeded"
    }
    if inputs:
        shown = [
            {
                "step": ref.partition(".")[0],
                "product": ref.partition(".")[2],
                "ref": ref,
                "scope": d["scope"],
                "as_of": d["as_of"],
            }
            for ref, d in inputs.items()
        ]
        task = message("Check these results.", {"role": "verifier", "results": shown, "checks": [i.text for i in issues]})
        tools = frozenset(services.specialist("verifier").tools)
        context = StepContext(
            caller,
            execution_id,
            "verify",
            "verifier",
            thread_id,
            granted=tools,
            inputs=inputs,
            resources=services.resources,
            emit=emit,
        )
        thread = str(uuid.uuid5(uuid.NAMESPACE_URL, f"clearance/{execution_id}/verify/{len(results)}"))
        try:
            said = await ask(services, "verifier", thread, task, context)
            assert isinstance(said.value, Verdict)
            issues += said.value.issues
        except (StepFailure, ModelUnavailable) as failure:
            issues.append(Issue(step="verify", severity="note", text=f"the verifier gave no verdict: {failure}"))
    order = {"error": 0, "conflict": 1, "gap": 2, "note": 3}
    unique = {(i.step, i.text): i for i in issues}
    return [i.model_dump() for i in sorted(unique.values(), key=lambda i: order[i.severity])]
