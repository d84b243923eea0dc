"""Before anything runs: questions back, goals that are declined, and a plan that people want to see first."""

from typing import Any

from graphs.specialists.base import Reading
from tests.graphs.little import Yard, at_work, draft, say


def question(goal: str) -> Reading:
    return Reading(question="Which part?", choices=("old", "new")) if "(" not in goal else Reading()


async def test_a_question_is_answered_and_the_goal_goes_on(yard: Yard) -> None:
    yard.reading = question
    async with at_work(yard) as runner:
        asks = await runner.run("a")
        assert asks.status == "clarify" and asks.message == "Which part?" and asks.choices == ("old", "new")
        assert (await runner.resume(asks.thread_id)).status == "clarify", "without an answer it stays a question"
        done = await runner.resume(asks.thread_id, answer="new")
    assert done.status == "success" and done.answer and done.answer.goal == "a (new)"


async def test_the_model_may_ask_as_well(yard: Yard) -> None:
    def intake(brief: Any, messages: Any) -> Any:
        if "(" in brief["goal"]:
            return yard._intake({**brief, "goal": "a"}, messages)
        asked = dict(kind="clarify", products=[], exclude=[], settings=[], choices=[], reason=None)
        return say("Intake", **asked, question="Which one?")

    yard.says["intake"] = intake
    async with at_work(yard) as runner:
        asks = await runner.run("something")
        assert asks.status == "clarify" and asks.message == "Which one?"
        done = await runner.resume(asks.thread_id, answer="a")
    assert done.status == "success" and yard.calls("look_a") == ["s1"]


async def test_a_goal_that_is_none_of_ours_is_declined_with_a_reason(yard: Yard) -> None:
    async with at_work(yard) as runner:
        no = await runner.run("sing to me")
        assert no.status == "declined" and no.message.startswith("It names no product.") and no.answer is None
        refused = await runner.run(" ")
        assert refused.status == "declined" and "empty" in refused.message
        yes = await runner.run("a", thread_id=no.thread_id)
    assert yes.status == "success", "the thread is none the worse for it"


async def test_a_plan_that_cannot_be_made_is_declined_with_what_was_wrong(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "b")]
    async with at_work(yard) as runner:
        no = await runner.run("b")
    assert no.status == "declined" and "ann does not produce 'b'" in no.message and yard.calls() == []


# -- the plan is looked at first ------------------------------------------------------------------


def reviewed(kind: str, **more: Any) -> list[dict[str, Any]]:
    return [{"type": kind, **more}]


async def test_an_approved_plan_runs(yard: Yard) -> None:
    async with at_work(yard) as runner:
        shown = await runner.run("a b", review=True)
        assert shown.status == "interrupted" and shown.waits_for_plan and yard.calls() == []
        assert shown.plan and [s["id"] for s in shown.plan["steps"]] == ["s1", "s2"]
        assert (await runner.resume(shown.thread_id)).waits_for_plan, "no decision is not an approval"
        done = await runner.resume(shown.thread_id, decisions=reviewed("approve"))
    assert done.status == "success" and sorted(yard.calls()) == ["look_a s1", "look_b s2"]


async def test_a_refused_plan_never_runs_and_the_next_one_is_shown_too(yard: Yard) -> None:
    told: list[Any] = []
    makers = iter(["ann", "ann", "sam"])

    def planner(brief: Any, messages: Any) -> Any:
        told.append(brief["errors"])
        return say("PlanDraft", reason="so", steps=[draft("s1", next(makers), "a")], drop=[], assumptions=[])

    yard.says["planner"] = planner
    async with at_work(yard) as runner:
        one = await runner.run("a", review=True)
        two = await runner.resume(one.thread_id, decisions=reviewed("reject", message="not ann"))
        assert two.waits_for_plan and yard.calls() == []
        three = await runner.resume(one.thread_id, decisions=reviewed("reject", message="not ann"))
        assert three.waits_for_plan and three.plan and three.plan["steps"][0]["specialist"] == "sam"
        done = await runner.resume(one.thread_id, decisions=reviewed("approve"))
        plans = await runner.services.executions.plans(done.execution_id)
    refusal = "the user refused the plan: not ann"
    assert told == [[], [refusal], [refusal, refusal]]
    assert yard.calls() == ["spare_a s1"], "what was approved is what ran"
    assert [(p.rev, p.parent_rev, p.cause) for p in plans] == [(1, None, "goal"), (2, 1, "review"), (3, 2, "review")]


async def test_an_edited_plan_runs_as_edited_with_grants_of_our_own(yard: Yard) -> None:
    async with at_work(yard) as runner:
        shown = await runner.run("a b", review=True)
        assert shown.plan
        step = {**shown.plan["steps"][0], "tools": ["look_a", "send_wire"], "attempts": 99}
        edit = {"name": "review_plan", "args": {"plan": {**shown.plan, "steps": [step]}}}
        done = await runner.resume(shown.thread_id, decisions=reviewed("edit", edited_action=edit))
        newest = (await runner.services.executions.plans(done.execution_id))[-1]
    assert yard.calls() == ["look_a s1"] and done.answer and done.answer.status == "complete"
    assert newest.rev == 2 and newest.step("s1").tools == ("look_a",) and newest.step("s1").attempts == 2


async def test_an_edit_that_is_no_plan_is_sent_back_and_nothing_runs(yard: Yard) -> None:
    async with at_work(yard) as runner:
        shown = await runner.run("a", review=True)
        assert shown.plan
        wrong = {**shown.plan["steps"][0], "specialist": "ben"}
        for plan in ({"steps": 7}, {**shown.plan, "steps": [wrong]}, None):
            edit = {"name": "review_plan", "args": {"plan": plan}}
            shown = await runner.resume(shown.thread_id, decisions=reviewed("edit", edited_action=edit))
            assert shown.waits_for_plan and yard.calls() == []
        done = await runner.resume(shown.thread_id, decisions=reviewed("approve"))
    assert done.status == "success" and yard.calls() == ["look_a s1"]
