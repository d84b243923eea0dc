"""A plan is held against the policies before its first step and at every revision; what they refuse never starts."""

from typing import Any

from langchain_core.messages import AIMessage

from governance.policy import PlanFacts
from graphs.plan import Plan
from graphs.planner import problems, to_step
from graphs.scheduler import expand
from graphs.wire import PlanDraft
from tests.graphs.little import READ, Yard, at_work, draft

JUDGES = READ.model_copy(update={"judges": ("write_note",)})
BOTH = [draft("s1", "clerk", "d"), draft("s2", "clerk", "note", after={"s1": "success"})]


async def test_a_plan_in_which_one_agent_proposes_and_judges_never_starts(yard: Yard) -> None:
    yard.steps, yard.manifests = BOTH, {"look_d": JUDGES}
    async with at_work(yard) as runner:
        done = await runner.run("d note")
    assert done.status == "declined" and "judges-itself" in done.message and yard.calls() == []


async def test_a_revision_is_held_against_the_policies_like_the_first_plan(yard: Yard) -> None:
    asked: list[Any] = []

    def revise(brief: Any) -> Any:
        asked.append(brief["errors"])
        note = draft(f"s{brief['next_id']}", "clerk", "note", d="s1.d")
        return {"reason": "the clerk writes", "steps": [note], "drop": ["s2"], "assumptions": []}

    yard.steps, yard.manifests = [draft("s1", "clerk", "d"), draft("s2", "ben", "b", d="s1.d")], {"look_d": JUDGES}
    yard.says["ben"], yard.revise = lambda brief, messages: AIMessage("I would rather not."), revise
    async with at_work(yard) as runner:
        done = await runner.run("d b")
        assert [plan.rev for plan in await runner.services.executions.plans(done.execution_id)] == [1]
    assert "judges-itself" in str(asked[1]) and yard.notes() == []


async def test_rows_do_not_lose_sight_of_where_their_data_comes_from(yard: Yard) -> None:
    """Expanded, a repeated step no longer waits for its table; to the policy its data still comes from there."""
    drafts = PlanDraft.model_validate(
        {
            "reason": "r",
            "steps": [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")],
            "drop": [],
            "assumptions": [],
        }
    )
    async with at_work(yard) as runner:
        engine, seen = runner.services.engine, list[PlanFacts]()
        check = engine.check_plan
        engine.check_plan = lambda plan: (seen.append(plan), check(plan))[1]  # type: ignore[method-assign]
        plan = Plan(steps=tuple(to_step(one, runner.services) for one in drafts.steps))
        rows = expand(plan, plan.steps[1], [{"name": "part 0"}], lambda row: "")
        assert problems(plan, runner.services, runner.caller, [], set()) == []
        assert problems(rows, runner.services, runner.caller, [], set()) == []
    assert [{step.depends_on for step in one.steps} for one in seen] == [{(), ("s1",)}] * 2
