"""Editing single steps of a plan: other settings, another specialist, a step left out. No I/O.

What is edited is a step anew, with an id of its own, so that nothing that was recorded of the old one is taken for it; what rests on
it rests on the new one. Called by the application, which tells a person what is wrong with an edit, and by `plan_work.py`, which
applies it; both then hold the plan against the rules of every plan (`planner.problems`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from graphs.plan import Plan, Step
from graphs.plan_edits import Change
from graphs.planner import grant
from graphs.services import Services
from models.listed import unpack


def edited_step_by_step(
    plan: Plan, changes: Sequence[Change], reason: str, used: Collection[str], services: Services
) -> tuple[Plan, list[str]]:
    """The next revision, and what is wrong with the changes themselves, in sentences. `used` are all ids there ever were."""
    own, wrong = {step.id: step for step in plan.steps}, list[str]()
    wrong += [f"there is no step {change.step} in the plan" for change in changes if change.step not in own]
    if len({change.step for change in changes}) < len(changes):
        wrong.append("one step is changed twice: say all of it at once")
    if wrong:
        return plan, wrong
    fresh = _fresh([*used, *own])
    gone: dict[str, str | None] = {}
    anew: dict[str, Step] = {}
    for change in changes:
        gone[change.step] = None if change.leave_out else next(fresh)
        if id := gone[change.step]:
            anew[change.step], more = _changed(own[change.step], change, id, services)
            wrong += more
    steps = tuple(_rewired(anew.get(step.id, step), gone) for step in plan.steps if gone.get(step.id, "") is not None)
    head = {"rev": plan.rev + 1, "parent_rev": plan.rev, "cause": "review", "reason": reason}
    return plan.model_copy(update={**head, "steps": steps}), wrong


def without_dropped(request: Mapping[str, Any], before: Plan, after: Plan) -> dict[str, Any]:
    """The request without the products that only steps made which were left out: they are not asked for any more."""
    made, lost = ({product for step in plan.steps for product in step.produces} for plan in (after, before))
    return {**request, "products": [one for one in request.get("products", []) if one in made or one not in lost]}


def _fresh(used: Iterable[str]) -> Iterator[str]:
    numbers = [int(number) for id in used if (number := id[1:].partition("-")[0]).isdigit()]
    following = max(numbers, default=0)
    while True:
        following += 1
        yield f"s{following}"


def _changed(step: Step, change: Change, id: str, services: Services) -> tuple[Step, list[str]]:
    specialist = change.specialist or step.specialist
    made = step.model_copy(update={"id": id, "specialist": specialist, **grant(specialist, step.produces, services)})
    settings = {**step.settings, **change.settings}
    takes, wrong = _settable(made, services), list[str]()
    for name, value in change.settings.items():
        if name not in takes:
            there = ", ".join(sorted(takes)) or "none"
            wrong.append(f"step {step.id}: {specialist} takes no setting {name}; it takes: {there}")
        elif value is not None and not _fits(made, name, value, services):
            wrong.append(f"step {step.id}: {name} cannot be {value!r}")
    kept = {name: value for name, value in settings.items() if value is not None and name in takes}
    return made.model_copy(update={"settings": kept}), wrong


def _settable(step: Step, services: Services) -> set[str]:
    """The settings that a step's tools take; a reference to a product is none: what a step rests on is the plan's."""
    fields = [item for tool in step.tools for item in services.registry[tool].args.model_fields.items()]
    return {
        name for name, one in fields if not (isinstance(one.json_schema_extra, dict) and "product" in one.json_schema_extra)
    }


def _fits(step: Step, name: str, value: str, services: Services) -> bool:
    """Can the tools that take this setting take this value, as it is or as several?"""
    fields = (services.registry[tool].args.model_fields.get(name) for tool in step.tools)
    return all(any(_is(field.rebuild_annotation(), one) for one in (value, unpack(value))) for field in fields if field)


def _is(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _rewired(step: Step, gone: dict[str, str | None]) -> Step:
    """The step with what it takes from a changed step taken from that step anew, and nothing from one that is left out."""

    def now(ref: str) -> str | None:
        source, dot, product = ref.partition(".")
        if source not in gone:
            return ref
        return f"{gone[source]}{dot}{product}" if gone[source] else None

    inputs = {name: ref for name, old in step.inputs.items() if (ref := now(old))}
    depends = {id: on for old, on in step.depends_on.items() if (id := now(old))}
    each = (now(step.for_each) or step.for_each) if step.for_each else None
    return step.model_copy(update={"inputs": inputs, "depends_on": depends, "for_each": each})
