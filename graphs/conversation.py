"""What a message means to the goal before it: how a request is amended, which steps that makes stale, which evidence still holds.

Pure functions, called by intake (a follow-up on a finished thread), by the plan node (reuse) and by execute (a steer of a live run).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphs.plan import Plan, Step, StepResult, downstream
from graphs.specialists.base import Mention
from graphs.wire import Intake
from models.listed import pack, unpack


def amended(
    before: Mapping[str, Any],
    said: Intake,
    mentions: Sequence[Mention],
    goal: str,
    known: Iterable[str],
    titles: Mapping[str, str],
) -> dict[str, Any]:
    """The request before, changed by a message: products added or left out, settings set, widened or (empty value) taken away.

    Names come from code's mentions; whether they replace or join the earlier ones is the model's reading.
    """
    settings, notes = dict(before.get("settings", {})), []
    wished = {item.name: item.value for item in said.settings if item.name in set(known)}
    found = {m.setting: m.value for m in mentions}
    for name, value in {**wished, **found}.items():
        joins = name in found and set(unpack(wished.get(name, ""))) > set(unpack(value))
        earlier = unpack(settings.get(name, ""))
        if not value:
            settings.pop(name, None)
        elif joins and not earlier:
            notes.append(f"No filter on {name.replace('_', ' ')} was set, so {value} is part of it already.")
        else:
            settings[name] = pack([*earlier, *unpack(value)]) if joins else value
    for plural in [name for name in found if f"{name}s" in settings]:  # one supplier is also the only one of several
        if len(unpack(settings[f"{plural}s"])) > 1:
            settings.pop(plural, None)
    left_out = [p for p in dict.fromkeys([*before.get("exclude", []), *said.exclude]) if p not in said.products]
    products = [p for p in dict.fromkeys([*before.get("products", []), *said.products]) if p in titles and p not in left_out]
    return {
        "goal": f"{before.get('goal', '')} — {goal}",
        "products": products,
        "exclude": left_out,
        "settings": settings,
        "notes": [*notes],
    }


def same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Do two requests ask for the same?"""
    return all(
        set(before.get(name) or ()) == set(after.get(name) or ())
        if name != "settings"
        else (before.get(name) or {}) == (after.get(name) or {})
        for name in ("products", "exclude", "settings")
    )


def stale(plan: Plan, request: Mapping[str, Any], accepted: Mapping[str, Iterable[str]], done: Iterable[str]) -> frozenset[str]:
    """Ids of the steps that a changed request takes the ground from, with all that rests on them.

    `accepted` maps a step to the settings its tools take. A step that has changed something stays: it cannot be undone.
    """
    settings, excluded = request.get("settings", {}), set(request.get("exclude", ()))
    fallen: set[str] = set()
    for step in plan.steps:
        now = {name: value for name, value in settings.items() if name in set(accepted[step.id])}
        if step.settings != now or set(step.produces) & excluded:
            fallen |= {step.id, *downstream(plan, step.id)}
    finished = set(done)
    return frozenset(id for id in fallen if plan.step(id).effect == "read" or id not in finished)


def reusable(
    plan: Plan, earlier: Plan, results: Mapping[str, StepResult], execution_id: str, live: Iterable[str] = ()
) -> dict[str, StepResult]:
    """Results of an earlier plan (of `execution_id`) that hold in this one, by the id of the step they stand for.

    A step takes over a result if it is of the same specialist, for the same products, with the same settings, from inputs that
    are all taken over. Steps that change something, repeated steps and those that make `live` products are always carried out.
    """
    stands_for: dict[str, str] = {}
    taken: dict[str, StepResult] = {}
    kept = [old for old in earlier.steps if old.effect == "read" and not old.item and old.id in results]
    for step in ordered(plan):
        if step.effect != "read" or step.for_each or step.item or set(step.produces) & set(live):
            continue
        sources = {name: ref.partition(".")[0] for name, ref in step.inputs.items()}
        wanted = {name: stands_for.get(source, "") for name, source in sources.items()}
        for old in kept:
            alike = (old.specialist, old.produces, old.settings) == (step.specialist, step.produces, step.settings)
            rests = {name: ref.partition(".")[0] for name, ref in old.inputs.items()}
            if alike and rests == wanted and results[old.id].status == "succeeded":
                origin = results[old.id].reused or f"{execution_id}/{old.id}"
                taken[step.id] = results[old.id].model_copy(update={"step_id": step.id, "reused": origin})
                stands_for[step.id] = old.id
                break
    return taken


def ordered(plan: Plan) -> list[Step]:
    """The steps, each after those it takes inputs from."""
    left, placed, order = list(plan.steps), set[str](), []
    while left:
        free = [s for s in left if all(ref.partition(".")[0] in placed for ref in s.inputs.values())]
        if not free:
            break
        order += free
        placed |= {s.id for s in free}
        left = [s for s in left if s.id not in placed]
    return order
