"""Judging a plan against a variant: products, dependencies, parallel steps, effects and filters. Called by `run.py`."""

from collections.abc import Mapping
from typing import Any

from evals.goals.cases import BY_REPORTER, MADE_AS, Case, written
from evals.goals.judge import Judged, in_scope
from graphs.plan import Plan, Step, needs


def judge_plan(case: Case, plan: Plan | None, why: str = "") -> Judged:
    """What is wrong with the plan of a variant. `why`: what was said instead of a plan."""
    found = Judged(case, "planned" if plan else "no plan")
    if plan is None:
        found.declined.append(f"no plan: {' '.join(why.split())[:160]}")
        return found
    expect = case.expect
    for product in expect.get("present", ()):
        if product not in BY_REPORTER and not any(makers(plan, one) for one in product.split("|")):
            found.missing.append(f"no step makes {product}")
    for product in expect.get("absent", ()):
        if product not in BY_REPORTER and makers(plan, product):
            found.missing.append(f"{product} was not wanted")
    above = {step.id: reached(plan, step.id) for step in plan.steps}
    for group in expect.get("parallel", ()):
        for one in group:
            for other in group:
                if one != other and _depends(plan, above, one, other):
                    found.missing.append(f"{one} waits for {other}")
    for product, sources in expect.get("depends", {}).items():
        for source in sources:
            if product not in BY_REPORTER and source not in BY_REPORTER and not _depends(plan, above, product, source):
                found.missing.append(f"{product} does not rest on {source}")
    for product in expect.get("twice", ()):
        if len({tuple(sorted(step.settings.items())) for step in makers(plan, product)}) < 2:
            found.missing.append(f"{product} is not made for two scopes")
    for product, filters in expect.get("filters", {}).items():
        for name, value in filters.items():
            missing = [one for one in _values(name, value) if not any(_holds(plan, product, name, s) for s in written(one))]
            found.missing += [f"{product} is not narrowed to {name}={one}" for one in missing]
    if expect.get("effects", "none") == "none":
        changing = [step.title for step in plan.steps if step.effect != "read"]
        found.missing += [f"“{title}” changes something" for title in changing]
    elif not makers(plan, expect["effects"]["kind"]):
        found.missing.append(f"no step makes {expect['effects']['kind']}")
    if len(plan.steps) > (most := expect.get("steps", {}).get("max", len(plan.steps))):
        found.missing.append(f"{len(plan.steps)} steps, {most} are the most")
    return found


def makers(plan: Plan, product: str) -> list[Step]:
    """The steps that make a blind product."""
    return [step for step in plan.steps if MADE_AS[product] & set(step.produces)]


def reached(plan: Plan, id: str) -> set[str]:
    """Every step that `id` rests on, directly or through others."""
    found: set[str] = set()
    todo = [id]
    while todo:
        for other in needs(plan.step(todo.pop())):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def _depends(plan: Plan, above: Mapping[str, set[str]], product: str, source: str) -> bool:
    sources = {step.id for step in makers(plan, source)}
    return any(above[step.id] & sources for step in makers(plan, product))


def _values(name: str, value: Any) -> list[Any]:
    """The values of a filter. A span of years is held by its ends."""
    many = value if isinstance(value, list) else [value]
    return [many[0], many[-1]] if name == "year" else many


def _holds(plan: Plan, product: str, name: str, value: str) -> bool:
    """Is the product itself, or the selection of suppliers and lines that it works on, narrowed to the value?"""
    steps = makers(plan, product)
    ids = {source for step in steps for source in reached(plan, step.id)} | {step.id for step in steps}
    return in_scope(name, value, [step.model_dump() for step in plan.steps if step.id in ids])
