"""Workflows: the plan of a run under a name, with versions and parameters, to be run again as it is.

`workflow_of` makes one of a run's request and plan, `filled` the request and plan of a new run of one, `compare` says what changed
between two versions. They are pure; the rows are `Workflows`'. Called by intake and the plan node (run), by the application (save).
A saved plan brings no rights: its steps are granted their tools anew, and it is held against the policies of the day it runs on.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, delete, func, insert, select

from database import Database
from governance.identity import Caller
from graphs.events import now
from graphs.plan import Frozen, Plan, Wait
from graphs.tables import workflows

NAME = r"^[a-z][a-z0-9-]{0,59}$"


class NoWorkflow(LookupError):
    """There is no workflow of this name, or no such version."""


class BadWorkflow(ValueError):
    """It cannot be saved or run like this; the message says why."""


class Parameter(Frozen):
    """A setting of the plan whose value each run may choose. `default` is what the saved run had; None: it must be said."""

    name: str
    default: str | None = None


class Workflow(Frozen):
    """One version. `request` and `plan` are those of the run it was saved from."""

    name: str = Field(pattern=NAME)
    version: int = 1
    goal: str
    parameters: tuple[Parameter, ...] = ()
    request: dict[str, Any]
    plan: Plan
    saved_by: str = ""
    saved_at: str = ""
    saved_from: str = Field("", description="the execution")


def workflow_of(
    name: str,
    request: Mapping[str, Any],
    plans: Sequence[Plan],
    parameters: Sequence[str],
    waits: Mapping[str, Wait],
    known: Sequence[str],
    execution_id: str,
) -> Workflow:
    """A workflow from a run. `known` are the settings that its tools take. Raises `BadWorkflow`.

    Kept is the newest revision that the goal, a person or a workflow made: the rows of repeated steps are found anew, and the
    detours around a failure were of that day.
    """
    if not re.match(NAME, name):
        raise BadWorkflow(f"{name!r} is no name for a workflow: small letters, digits and hyphens, a letter first, 60 at most")
    meant = [p for p in plans if p.cause in ("goal", "workflow", "review", "steer") and not any(s.parent for s in p.steps)]
    if not meant:
        raise BadWorkflow("the run has no plan yet: save it when it has")
    plan, settings = meant[-1], dict(request.get("settings", {}))
    if strange := sorted(set(parameters) - set(known)):
        raise BadWorkflow(f"{', '.join(strange)}: the plan's tools take no such setting; they take: {', '.join(sorted(known))}")
    if missing := sorted(set(waits) - set(plan.ids())):
        raise BadWorkflow(f"the plan has no step {', '.join(missing)}; it has: {', '.join(plan.ids())}")
    steps = tuple(step.model_copy(update={"wait": waits.get(step.id, step.wait), "tainted": False}) for step in plan.steps)
    kept = {key: request[key] for key in ("goal", "products", "exclude", "settings") if key in request}
    return Workflow(
        name=name,
        goal=str(request.get("goal", "")),
        parameters=tuple(Parameter(name=one, default=settings.get(one)) for one in dict.fromkeys(parameters)),
        request=kept,
        plan=Plan(cause="workflow", steps=steps, assumptions=plan.assumptions),
        saved_from=execution_id,
    )


def filled(workflow: Workflow, given: Mapping[str, str], taken: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], Plan]:
    """The request and the plan of a run with these values. `taken` says which settings each step's tools take. Raises `BadWorkflow`."""
    names = {one.name: one.default for one in workflow.parameters}
    if strange := sorted(set(given) - set(names)):
        has = ", ".join(names) or "none"
        raise BadWorkflow(f"the workflow {workflow.name} has no parameter {', '.join(strange)}; it has: {has}")
    values = {**names, **given}
    if missing := sorted(name for name, value in values.items() if not value):
        raise BadWorkflow(f"the workflow {workflow.name} needs a value for {', '.join(missing)}")
    said = {name: str(value) for name, value in values.items()}
    steps = tuple(
        step.model_copy(update={"settings": {**step.settings, **{n: v for n, v in said.items() if n in taken[step.id]}}})
        for step in workflow.plan.steps
    )
    goal = workflow.goal
    for name, value in said.items():
        if value == names[name]:
            continue
        was = re.compile(re.escape(str(names[name])), re.IGNORECASE) if names[name] else None
        told = was.sub(lambda _, value=value: value, goal) if was else goal  # type: ignore[misc]  # bound now, used now
        goal = told if told != goal else f"{goal} ({name.replace('_', ' ')}: {value})"
    asked = {**workflow.request, "goal": goal, "settings": {**workflow.request.get("settings", {}), **said}}
    reason = f"Workflow {workflow.name}, version {workflow.version}"
    return asked, workflow.plan.model_copy(update={"steps": steps, "reason": reason})


def compare(old: Workflow, new: Workflow) -> dict[str, Any]:
    """What is different: steps added, dropped and changed (by field: before, after), parameters, goal."""
    before, after = ({step.id: step.model_dump(mode="json") for step in one.plan.steps} for one in (old, new))
    changed = {
        id: {field: [before[id][field], value] for field, value in step.items() if before[id][field] != value}
        for id, step in after.items()
        if id in before and before[id] != step
    }
    parameters = [{one.name: one.default for one in version.parameters} for version in (old, new)]
    return {
        "from": old.version,
        "to": new.version,
        "added": [id for id in after if id not in before],
        "dropped": [id for id in before if id not in after],
        "changed": changed,
        "parameters": parameters if parameters[0] != parameters[1] else [],
        "goal": [old.goal, new.goal] if old.goal != new.goal else [],
    }


class Workflows:
    """The workflows of one application database; each belongs to an organisation."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def save(self, caller: Caller, workflow: Workflow) -> Workflow:
        """Keep it as the next version of its name; nothing saved is ever changed."""

        def work(c: Connection) -> Workflow:
            mine = (workflows.c.org == caller.org) & (workflows.c.name == workflow.name)
            last = c.execute(select(func.max(workflows.c.version)).where(mine)).scalar_one() or 0
            new = workflow.model_copy(update={"version": last + 1, "saved_by": caller.user, "saved_at": now()})
            row = dict(org=caller.org, name=new.name, version=new.version, body=new.model_dump(mode="json"))
            c.execute(insert(workflows), row)
            return new

        return await self._db.run(work)

    async def get(self, org: str, name: str, version: int | None = None) -> Workflow:
        """A version, or the newest one. Raises `NoWorkflow`."""
        query = select(workflows.c.body).where(workflows.c.org == org, workflows.c.name == name)
        query = query.where(workflows.c.version == version) if version else query.order_by(workflows.c.version.desc()).limit(1)
        body = await self._db.run(lambda c: c.execute(query).scalar_one_or_none())
        if body is None:
            raise NoWorkflow(f"there is no workflow {name}" + (f" of version {version}" if version else ""))
        return Workflow.model_validate(body)

    async def every(self, org: str) -> list[Workflow]:
        """The newest version of each, by name."""
        query = select(workflows.c.body).where(workflows.c.org == org).order_by(workflows.c.name, workflows.c.version)
        bodies = await self._db.run(lambda c: c.execute(query).scalars().all())
        newest = {one.name: one for one in map(Workflow.model_validate, bodies)}
        return list(newest.values())

    async def remove(self, org: str, name: str) -> None:
        """Forget all versions; runs of it stay as they are. Raises `NoWorkflow`."""
        gone = delete(workflows).where(workflows.c.org == org, workflows.c.name == name)
        if not (await self._db.run(lambda c: c.execute(gone).rowcount)):
            raise NoWorkflow(f"there is no workflow {name}")
