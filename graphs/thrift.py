"""Making the rest of a plan fit what its run has left, from a share of its limits on (`replan_at` in the file of limits).

Code reckons what a step takes on the average of this run and how many more that pays for, and takes second attempts and fallbacks
from the steps that have not begun; which of those go, if they are too many, the planner says. Pure; used by `plan_work.py` and
`planner.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.budgets import Account
from governance.limits import Unit, spoken
from graphs.plan import Plan, StepResult, needs

UNITS: tuple[Unit, ...] = ("tokens", "money", "model_calls", "tool_calls")
LEFT_OUT = " was left out: "
ROLES = 1  # steps' worth that the verifier and the reporter take, but for tool calls


@dataclass(frozen=True)
class Thrift:
    """What is short, in a sentence, and what it pays for: `room` of the steps `idle`, which have not begun."""

    unit: Unit
    limit: int
    sentence: str
    room: int
    idle: tuple[str, ...]

    @property
    def key(self) -> tuple[Unit, int]:
        """The occasion: a limit that is raised is another."""
        return self.unit, self.limit

    def task(self, plan: Plan) -> str:
        """What the planner is told."""
        return (
            f"{self.sentence} Of the {len(self.idle)} steps that have not begun about {self.room} can be paid for: drop the others, "
            "what the goal names last first, and add none"
        )

    def brief(self, plan: Plan) -> dict[str, Any]:
        """The part of the planner's brief: what each step that has not begun waits for, and how many can stay."""
        return {"steps": self.room, "idle": [{"id": id, "needs": sorted(needs(plan.step(id)))} for id in self.idle]}

    def wrong(self, dropped: Iterable[str], added: Sequence[Any]) -> list[str]:
        """What is wrong with a draft that is to save, in sentences."""
        gone = set(dropped)
        stay = sorted(gone - set(self.idle))
        found = [f"{', '.join(stay)} may not be dropped: only steps that have not begun"] if stay else []
        found += ["add no step: the rest is to become cheaper"] if added else []
        left = len(set(self.idle) - gone)
        return found + ([f"{left} steps would stay and {self.room} can be paid for"] if left > self.room else [])


def shortage(
    accounts: Iterable[Account], at: float, plan: Plan, ended: Sequence[StepResult], idle: Iterable[str]
) -> Thrift | None:
    """What is used beyond the share `at` of a run's limits and leaves the least room; None where nothing is.

    `ended` are the results of the steps that this run carried out; those that neither ended nor are `idle` are at work.
    """
    waiting = tuple(id for id in plan.ids() if id in set(idle))
    busy = len(set(plan.ids()) - set(waiting) - {result.step_id for result in ended})
    found = []
    for one in accounts:
        if one.scope != "run" or one.unit not in UNITS or not one.limit or one.used < at * one.limit:
            continue
        took = [amount for result in ended if (amount := _took(result, one.unit))]
        each = sum(took) / len(took) if took else max(one.used / max(len(ended) + busy, 1), 1)
        begun = one.used - sum(took) if one.unit == "tool_calls" else 0  # by steps at work; of the rest the roles have some
        room = int((one.left - max(each * busy - begun, 0)) / each) - (0 if one.unit == "tool_calls" else ROLES)
        sentence = (
            f"{round(100 * one.used / one.limit)} % of the budget of this run is used: {spoken(one.unit, one.used)} of "
            f"{spoken(one.unit, one.limit)}."
        )
        found.append(Thrift(one.unit, one.limit, sentence, max(room, 0), waiting))
    return min(found, key=lambda one: one.room, default=None)


def _took(result: StepResult, unit: Unit) -> int:
    """What a step's last attempt used; 0: not known."""
    tokens = result.usage.get("input_tokens", 0) + result.usage.get("output_tokens", 0)
    known = {"tool_calls": len(result.calls), "model_calls": result.usage.get("model_calls", 0), "tokens": tokens}
    return known.get(unit, 0)


def saved(plan: Plan, base: Plan, thrift: Thrift, products: Sequence[str], titles: dict[str, str]) -> Plan | None:
    """The revision of `base` that saves: `plan`, with one attempt and no fallback for each step that has not begun. None if nothing
    is another. What of the wanted `products` is not made any more is said in its assumptions (`left_out`)."""
    lean = tuple(
        step.model_copy(update={"attempts": 1, "fallbacks": ()}) if step.id in thrift.idle else step for step in plan.steps
    )
    if lean == base.steps:
        return None
    made = {product for step in lean for product in step.produces}
    gone = [step for step in base.steps if step.id not in plan.ids() and set(step.produces) & set(products)]
    rows = [step.title for step in gone if set(step.produces) <= made]  # others make their product, for other rows
    whole = [
        titles.get(product, product) for product in products if any(product in s.produces for s in gone) and product not in made
    ]
    lost = [f"{title}{LEFT_OUT}{thrift.sentence}" for title in (*whole, *rows)]
    tight = "The steps that have not begun get one attempt and no fallback."
    reason = " ".join([thrift.sentence, *([plan.reason] if plan is not base else []), tight])
    head = {"rev": base.rev + 1, "parent_rev": base.rev, "cause": "budget", "reason": reason}
    return plan.model_copy(update={**head, "steps": lean, "assumptions": (*plan.assumptions, *lost)})


def left_out(plan: Plan) -> dict[str, str]:
    """What was dropped to save, by title, and why."""
    split = [text.partition(LEFT_OUT) for text in plan.assumptions]
    return {title: why for title, said, why in split if said}
