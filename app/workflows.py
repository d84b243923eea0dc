"""Keeping a run's plan as a workflow: what the command and the route have in common."""

from collections.abc import Iterable, Mapping

from governance.identity import Caller
from graphs.plan import Wait
from graphs.planner import accepted
from graphs.services import Services
from graphs.workflows import Workflow, workflow_of


class UnknownRun(LookupError):
    """There is no such execution in the caller's organisation."""


async def save_workflow(
    services: Services, caller: Caller, name: str, run: str, parameters: Iterable[str], waits: Mapping[str, Wait]
) -> Workflow:
    """The saved version. Raises `UnknownRun`, `BadWorkflow`."""
    found = await services.executions.get(run)
    if found is None or found.requester.org != caller.org:
        raise UnknownRun(f"there is no execution {run[:100]}")
    plans = await services.executions.plans(run)
    known = {name for plan in plans for step in plan.steps for name in accepted(step, services)} & set(services.domain.settings)
    made = workflow_of(name, found.request, plans, [*parameters], waits, sorted(known), run)
    return await services.workflows.save(caller, made)
