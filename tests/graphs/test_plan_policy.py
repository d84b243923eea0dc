"""A plan is held against the policies before its first step and at every revision; what they refuse never starts."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage

from governance.bundle import POLICIES, load
from governance.cedar import CedarPolicy
from governance.policy import PlanFacts, StepFacts, Violation
from graphs.expanding import expand
from graphs.plan import Plan
from graphs.planner import problems, to_step
from graphs.wire import PlanDraft
from tests.governance.cases import ANN
from tests.graphs.little import READ, WRITE, Yard, at_work, draft

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


async def test_the_rows_of_a_repeated_step_are_held_against_the_policies(yard: Yard) -> None:
    """Policies edited since the plan was made: its rows are a revision, and start only if they may by the policies of now."""
    yard.steps, yard.rows = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")], 2
    async with at_work(yard, revisions=0) as runner:
        engine, check = runner.services.engine, runner.services.engine.check_plan

        def strict(plan: PlanFacts) -> Any:
            late = [step for step in plan.steps if step.id == "s2-2"]
            return [*check(plan), *(Violation(step.id, "no-rows", "rows are not for today") for step in late)]

        engine.check_plan = strict  # type: ignore[method-assign]  # the test's policy
        done = await runner.run("parts each", on_event=yard.hear)
        assert [plan.rev for plan in await runner.services.executions.plans(done.execution_id)] == [1]
    assert yard.calls("look_each") == [] and len(yard.calls("look_parts")) == 1
    assert yard.statuses("s2") == ["failed"] and not done.as_json()["complete"]
    (told,) = [one for one in yard.events if one["event"] == "step" and one["step"] == "s2"]
    assert "no-rows" in told["error"]


async def test_who_judges_may_not_propose_as_a_fallback_either(yard: Yard) -> None:
    """Carl judges what is written. Should the clerk fail, carl would write it himself."""
    manifests = {"judge": READ.model_copy(update={"judges": ("act",)}), "act": WRITE}
    policy = CedarPolicy(manifests, load("core", "changes"))
    judges, acts = StepFacts("s1", "carl", ("judge",)), StepFacts("s2", "clerk", ("act",), fallbacks={"carl": ("act",)})
    assert [(one.step_id, one.rule) for one in policy.check_plan(PlanFacts(ANN, (judges, acts)))] == [("s2", "judges-itself")]
    assert policy.check_plan(PlanFacts(ANN, (judges, replace(acts, fallbacks={})))) == []
    yard.steps = [draft("s1", "cat", "c")]
    async with at_work(yard) as runner:
        engine, seen = runner.services.engine, list[PlanFacts]()
        check = engine.check_plan
        engine.check_plan = lambda plan: (seen.append(plan), check(plan))[1]  # type: ignore[method-assign]  # listens
        await runner.run("c")
    assert seen[0].steps[0].fallbacks == {"carl": ("look_c",)}, "the planner tells who would take over, and with what"


async def test_policies_edited_between_two_runs_decide_the_second(yard: Yard, tmp_path: Path) -> None:
    """No restart: the files are looked at before a plan is made and when a run is entered. What was recorded names both."""
    root = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    yard.steps = [draft("s1", "ann", "a")]
    async with at_work(yard) as runner:
        services = runner.services
        services.engine._root, services.engine._seen = root, ()
        assert (await runner.run("a")).as_json()["complete"]
        closed = '\n@id("closed") @outcome("deny") @reason("closed") forbid (principal, action in Action::"call", resource);\n'
        (root / "core" / "data.cedar").write_text((root / "core" / "data.cedar").read_text() + closed)
        second = await runner.run("a")
        log = await services.decisions.for_execution(second.execution_id)
    assert not second.as_json()["complete"] and yard.calls("look_a") == ["s1"]
    assert {one.rules for one in log if one.phase == "decided"} == {("closed",)}
    assert {one.policy_version for one in log if one.phase in ("plan", "decided")} == {services.engine.version}
