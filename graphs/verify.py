"""Verify: every result against its promises and the other results; conflicts and gaps are named, never smoothed over.

Code checks first (what is missing, what was tried, which years do not match); then the verifier role, which may recount cited
records through its tool and adds what it sees.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from governance.identity import Caller
from graphs.agent import StepFailure
from graphs.brief import message
from graphs.claims import typed
from graphs.context import StepContext
from graphs.events import Emit
from graphs.ground import Ground
from graphs.part_threads import part_thread
from graphs.plan import Plan, StepResult
from graphs.services import Services
from graphs.step import ask
from graphs.trace import Products
from graphs.wire import Issue, Verdict
from models.retry import ModelUnavailable

MEANWHILE = (
    "Records were loaded while this was worked on: its figures may rest on different states of them. Ask again to be sure."
)


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


def problems(verdict: Any, messages: Any, *, ground: Ground, steps: frozenset[str]) -> list[str]:
    """Why a verdict cannot be accepted: an issue with a step that is not there, or with a number of the verifier's own."""
    issues = verdict.issues if isinstance(verdict, Verdict) else []
    wrong = [f"there is no step {issue.step!r}" for issue in issues if issue.step not in steps]
    return wrong + [
        f"the issue {issue.text!r} types a figure: say it in words" for issue in issues if typed(issue.text, ground)
    ]


def recounted(calls: Mapping[str, Mapping[str, Any]]) -> list[Issue]:
    """What the verifier's own tool calls found, whatever the verifier says of it: each row of their results is a mismatch."""
    found = []
    for call in calls.values():
        ref = next((str(value) for value in call.get("args", {}).values() if "." in str(value)), "")
        if call["kind"] == "ok" and call["result"]["rows"] and ref:
            name = ref.partition(".")[2].replace("_", " ")
            text = f"The evidence of {name} does not hold: some figures differ from the records they cite."
            found.append(Issue(step=ref.partition(".")[0], severity="error", text=text))
    return found


async def verify(
    services: Services,
    caller: Caller,
    execution_id: str,
    thread_id: str,
    plan: Plan,
    results: Mapping[str, StepResult],
    emit: Emit,
    version: str,
) -> list[dict[str, Any]]:
    """Issues, most serious first, as dicts. `version` is that of the domain's records when the plan was made."""
    issues = code_checks(plan, results)
    if version != await asyncio.to_thread(services.domain.version, services.resources):
        issues.append(Issue(step="verify", severity="conflict", text=MEANWHILE))
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
            trace=Products(services.registry.manifests()).handed(inputs, results),
            inputs=inputs,
            resources=services.resources,
            check=partial(problems, ground=Ground(inputs, said=tuple(i.text for i in issues)), steps=frozenset(results)),
            emit=emit,
        )
        thread = part_thread(execution_id, "verify", len(results))
        try:
            said = await ask(services, "verifier", thread, task, context)
            assert isinstance(said.value, Verdict)
            issues += [*said.value.issues, *recounted(said.calls)]
        except (StepFailure, ModelUnavailable) as failure:
            issues.append(Issue(step="verify", severity="note", text=f"the verifier gave no verdict: {failure}"))
    order = {"error": 0, "conflict": 1, "gap": 2, "note": 3}
    unique = {(i.step, i.text): i for i in issues}
    return [i.model_dump() for i in sorted(unique.values(), key=lambda i: order[i.severity])]
