"""From a share of a run's budget on, the rest of its plan is made to fit what is left."""

from typing import Any

import pytest

from governance.budgets import Account
from graphs.plan import Plan, Step, StepResult
from graphs.thrift import shortage
from models.offline.planning import frugal
from tests.graphs.little import Yard, at_work, draft
from tests.graphs.test_budgets_in_runs import limited

AFTER = {"s1": "success"}
FIVE = [
    draft("s1", "ann", "a"),
    draft("s2", "ben", "b", a="s1.a"),
    draft("s3", "cat", "c", b="s2.b"),
    draft("s4", "dan", "d", after=AFTER),
    draft("s5", "lister", "parts", after=AFTER),
]


async def test_what_the_rest_cannot_pay_for_is_dropped_before_it_begins_and_said_to_be_missing(yard: Yard) -> None:
    yard.steps, yard.revise = FIVE, frugal  # as the offline planner revises
    async with at_work(yard, budgets=limited(yard, "replan_at = 0.25\n[run]\ntool_calls = 4\n")) as runner:
        done = await runner.run("a b c d parts", on_event=yard.hear)
        plans = await runner.services.executions.plans(done.execution_id)
    assert sorted(yard.calls()) == ["look_a s1", "look_b s2", "look_c s3", "look_d s4"]
    assert [(plan.cause, plan.ids()) for plan in plans][1] == ("budget", ["s1", "s2", "s3", "s4"])
    said = "25 % of the budget of this run is used: 1 tool call of 4 tool calls."
    assert plans[1].reason.startswith(said) and "Dropped" in plans[1].reason
    assert [(step.attempts, step.fallbacks) for step in plans[1].steps[1:]] == [(1, ())] * 3
    body = done.as_json()
    assert not body["complete"] and body["missing"] == [f"Product parts is missing: {said}"]
    assert "s5" in [e for e in yard.events if e["event"] == "plan"][1]["diff"]["dropped"]


async def test_of_rows_that_come_up_late_as_many_are_carried_out_as_can_be_paid_for(yard: Yard) -> None:
    yard.steps, yard.revise = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")], frugal
    async with at_work(yard, budgets=limited(yard, "replan_at = 0.3\n[run]\ntool_calls = 3\n")) as runner:
        done = await runner.run("parts each")
        plans = await runner.services.executions.plans(done.execution_id)
    assert [plan.cause for plan in plans] == ["goal", "budget", "rows", "budget"]
    assert sorted(yard.calls()) == ["look_each s2-1", "look_each s2-2", "look_parts s1"]
    missing = done.as_json()["missing"]
    assert missing == ["Step s2: part 2 is missing: 33 % of the budget of this run is used: 1 tool call of 3 tool calls."]


async def test_where_all_that_is_left_fits_no_planner_is_asked_and_fallbacks_go(yard: Yard) -> None:
    yard.steps, yard.revise = FIVE[:3], lambda brief: pytest.fail("the planner was asked")
    yard.trouble["look_c"] = [OSError("gone")] * 9
    async with at_work(yard, budgets=limited(yard, "replan_at = 0.2\n[run]\ntool_calls = 5\n"), revisions=0) as runner:
        done = await runner.run("a b c")
        plans = await runner.services.executions.plans(done.execution_id)
    assert [plan.cause for plan in plans] == ["goal", "budget"] and plans[0].step("s3").fallbacks == ("carl",)
    assert yard.calls() == ["look_a s1", "look_b s2", "look_c s3"]


async def test_a_planner_that_drops_too_little_or_too_much_changes_nothing_but_attempts(yard: Yard) -> None:
    drops: list[list[str]] = []

    def revise(brief: dict[str, Any]) -> dict[str, Any]:
        drops.append([[], ["s1"], ["s2"]][len(drops)])  # none; one that has ended; one that another needs
        return {"reason": "as it is", "steps": [], "drop": drops[-1], "assumptions": []}

    yard.steps, yard.revise = FIVE, revise
    async with at_work(yard, budgets=limited(yard, "replan_at = 0.25\n[run]\ntool_calls = 4\n")) as runner:
        done = await runner.run("a b c d parts", on_event=yard.hear)
        plans = await runner.services.executions.plans(done.execution_id)
    assert len(drops) == 3 and plans[1].ids() == plans[0].ids() and plans[1].cause == "budget"
    notes = [e["text"] for e in yard.events if e["event"] == "note"]
    assert any("the plan was not made to fit the budget" in text for text in notes)
    assert len(yard.calls()) == 4 and "the budget of this run is spent" in str(done.as_json()["missing"])


def test_the_room_is_reckoned_from_what_ended_steps_took() -> None:
    plan = Plan(steps=tuple(Step(id=f"s{n}", title="", specialist="ann", produces=("a",)) for n in range(1, 11)))
    idle = [f"s{n}" for n in range(6, 11)]  # four ended, one is at work

    def account(unit: Any, limit: int, used: int) -> Account:
        return Account("run", "e1", unit, limit, used, 0, 0)

    def took(n: int) -> StepResult:
        usage = {"model_calls": 2, "input_tokens": 150, "output_tokens": 50}
        return StepResult(step_id=f"s{n}", status="succeeded", specialist="ann", calls=({}, {}), usage=usage)

    ended = [took(n) for n in range(1, 5)]
    assert shortage([account("tool_calls", 10, 8)], 0.9, plan, ended, idle) is None
    cases = [("tool_calls", 14, 10, 2), ("tool_calls", 14, 9, 2), ("tool_calls", 10, 8, 0)]  # that at work made 2, 1, none
    cases += [("tokens", 1600, 900, 1), ("model_calls", 100, 90, 3), ("money", 1000, 500, 3)]  # one for the roles
    for unit, limit, used, room in cases:
        found = shortage([account(unit, limit, used)], 0.5, plan, ended, idle)
        assert found and (found.room, found.idle) == (room, tuple(idle)), unit
    both = [account("tool_calls", 100, 80), account("tokens", 1000, 900)]
    least = shortage(both, 0.8, plan, ended, idle)
    assert least and (least.unit, least.room) == ("tokens", 0)
