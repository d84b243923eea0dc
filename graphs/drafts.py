"""What is wrong with a planner's draft beyond the DAG: its words, its filters, and steps that nothing needs.

The planner is told and drafts again. Called by `planner.py`; pure functions.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from governance.numerals import Answered, numbers
from graphs.plan import Plan, Step
from graphs.services import Services
from graphs.wire import PlanDraft, StepDraft


def wording(draft: PlanDraft, request: Mapping[str, Any], services: Services, said: Iterable[str]) -> list[str]:
    """Texts of a plan are shown to people, so numbers in them are the user's or code's (`said`), never the planner's."""
    ids = [*draft.drop, *(step.id for step in draft.steps), *(need.step for step in draft.steps for need in step.depends_on)]
    own = [*(p.title for p in services.domain.products), *(s.purpose for s in services.domain.specialists)]
    answered = Answered((*ids, *said), (str(request["goal"]), *request.get("settings", {}).values()), tuple(own))
    texts = [("the plan's reason", draft.reason), *(("an assumption", text) for text in draft.assumptions)]
    texts += [
        (f"the {name} of step {s.id}", text) for s in draft.steps for name, text in (("title", s.title), ("reason", s.why))
    ]
    return [
        f"{where} types a number ({', '.join(wrong)}): say it in words"
        for where, text in texts
        if (wrong := numbers(text, answered))
    ]


def filters(draft: StepDraft, step: Step, request: Mapping[str, Any], services: Services) -> list[str]:
    """A step looks at what the user named: no filter of the planner's own, and none left out that its tools take."""
    wished: dict[str, str] = dict(request.get("settings", {}))
    goal = f" {request['goal']} ".lower()
    wrong = [
        f"step {step.id} sets {one.name} to {one.value!r}, which the goal does not say"
        for one in draft.settings
        if one.name in step.settings and one.value != wished.get(one.name) and one.value.lower() not in goal
    ]
    taken = {name for tool in step.tools for name in services.registry[tool].args.model_fields}
    return wrong + [
        f"step {step.id} leaves out the setting {name}, which the goal names and its tools take"
        for name in wished
        if name in taken and name not in step.settings
    ]


def needless(plan: Plan, wanted: Iterable[str]) -> list[str]:
    """Steps of a first plan whose result neither the goal nor another step needs, and steps that do the same as another."""
    asked = set(wanted)
    used = {ref.partition(".")[0] for s in plan.steps for ref in (*s.inputs.values(), *filter(None, [s.for_each]))}
    used |= {id for s in plan.steps for id in s.depends_on}
    wrong = [
        f"step {s.id} is not needed: nothing that the goal asks for rests on it"
        for s in plan.steps
        if not asked & set(s.produces) and s.id not in used
    ]
    seen: dict[Any, str] = {}
    for step in plan.steps:
        inputs, settings = sorted(step.inputs.items()), sorted(step.settings.items())
        same = seen.setdefault(repr((step.specialist, step.produces, inputs, settings, step.for_each, step.item)), step.id)
        if same != step.id:
            wrong.append(f"step {step.id} does the same as step {same}: one is enough")
    return wrong
