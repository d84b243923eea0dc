"""Single steps of a plan edited by a person while it is carried out: only what has not begun, by the rules of every plan."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from app.runner import Runner
from governance.identity import Caller
from graphs.editing import edited_step_by_step, without_dropped
from graphs.plan import Plan, StepResult
from graphs.plan_edits import Change
from graphs.plan_work import PlanWork
from graphs.planner import problems
from graphs.tables import plan_edits
from graphs.trace import Products
from tests.graphs.little import Yard, at_work, draft

THREAD = "00000000-0000-0000-0000-00000000ed17"
ME = Caller("local", "local", ("requester",))


async def ask(runner: Runner, execution: str, base: int, **change: Any) -> None:
    """Ask as the application does."""
    await runner.services.plan_edits.ask(execution, ME, base, [Change(**change)], "because")
    runner.services.approvals.wake(execution)


async def answers(runner: Runner, execution: str) -> list[str | None]:
    return [edit.answer for edit in await runner.services.plan_edits.of(execution)]


async def execution_of(runner: Runner) -> str:
    [found] = await runner.services.executions.of_thread(THREAD)
    return found.id


async def test_steps_that_have_not_begun_are_carried_out_as_edited_and_others_stay(yard: Yard) -> None:
    yard.steps = [
        draft("s1", "ben", "b"),
        draft("s2", "ann", "a", after={"s1": "success"}),
        draft("s3", "dan", "d", after={"s1": "success"}),
        draft("s4", "cat", "c", a="s2.a", b="s1.b", after={"s3": "success"}),
    ]
    yard.held["look_b"] = asyncio.Event()
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b c d", thread_id=THREAD, new_thread=True, on_event=yard.hear))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        id = await execution_of(runner)

        async def heard(**asked: Any) -> str:
            before = len(await answers(runner, id))
            await ask(runner, id, **asked)
            await yard.until(lambda: sum("plan" in event.get("text", "") for event in yard.events) > before)
            said = (await answers(runner, id))[-1]
            assert said is not None
            return said

        assert "s1 had begun" in await heard(base=1, step="s1", leave_out=True)
        assert "takes no setting nosuch" in await heard(base=1, step="s2", settings={"nosuch": "1"})
        assert "does not produce" in await heard(base=1, step="s2", specialist="dan")
        assert await heard(base=1, step="s2", specialist="sam") == "local edited the plan: because"
        assert "at revision 2 by now" in await heard(base=1, step="s3", leave_out=True)
        assert await heard(base=2, step="s3", leave_out=True) == "local edited the plan: because"
        yard.held["look_b"].set()
        done = await task
        plans = await runner.services.executions.plans(id)
        records = await runner.services.decisions.for_execution(id)
    assert sorted(yard.calls()) == ["look_b s1", "look_c s4", "spare_a s5"], "s2 anew as s5, and s3 not at all"
    assert [(plan.rev, plan.parent_rev, plan.cause) for plan in plans] == [
        (1, None, "goal"),
        (2, 1, "review"),
        (3, 2, "review"),
    ]
    assert plans[-1].step("s4").inputs == {"a": "s5.a", "b": "s1.b"} and plans[-1].step("s4").depends_on == {}
    assert plans[-1].step("s5").tools == ("spare_a",)
    assert done.status == "success" and done.answer and done.answer.status == "complete" and done.answer.missing == ()
    told = [(one.version, one.user, one.reasons) for one in records if one.phase == "plan"]
    assert told == [("1", "local", ()), *((rev, "local", ("local edited the plan: because",)) for rev in ("2", "3"))]


async def test_a_waiting_execution_takes_an_edit_up_and_waits_on(yard: Yard) -> None:
    yard.steps = [
        draft("s1", "ann", "a"),
        draft("s2", "clerk", "note", after={"s1": "success"}),
        draft("s3", "ben", "b", after={"s2": "done"}),
    ]
    async with at_work(yard) as runner:
        waiting = await runner.run("a note b", thread_id=THREAD, new_thread=True)
        id = waiting.execution_id
        assert await runner.services.ready() == []
        await ask(runner, id, 1, step="s3", leave_out=True)
        assert [one.execution_id for one in await runner.services.ready()] == [id]
        still = await runner.resume(THREAD, decisions=[])
        assert still.status == "interrupted" and [one["status"] for one in still.approvals] == ["pending"]
        assert await answers(runner, id) == ["local edited the plan: because"] and await runner.services.ready() == []
        await runner.services.db.run(lambda c: c.execute(update(plan_edits).values(answer=None)))  # as a crash leaves it
        await runner.resume(THREAD, decisions=[])
        assert await answers(runner, id) == ["local edited the plan: because"]
        assert [plan.rev for plan in await runner.services.executions.plans(id)] == [1, 2], "it is not made twice"
        await runner.services.executions.say(id, ME, "what now")
        assert [one.execution_id for one in await runner.services.ready()] == [id], "words are heard as edits are"
        await runner.resume(THREAD, decisions=[])
        assert await runner.services.ready() == []
        done = await runner.resume(THREAD, decisions=[{"type": "approve"}])
    assert done.status == "success" and yard.calls() == ["look_a s1", "write_note s2"]


async def test_no_step_begins_while_an_edit_is_made_and_none_that_was_edited_away(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b")]
    async with at_work(yard) as runner:
        shown = await runner.run("a b", review=True)
        floors, plan = runner.services, Plan.model_validate(shown.plan)
        execution = await floors.executions.get(shown.execution_id)
        assert execution
        products = Products(floors.registry.manifests())
        work = PlanWork(floors, execution, yard.hear, set(plan.ids()), asyncio.Event(), products)
        async with work.door:
            kept, lost = [asyncio.create_task(work.attempt(one, 1, one.specialist, {})) for one in plan.steps]
            await asyncio.sleep(0)
            assert work.begun == set()
            work.edited.add("s2")
        result = await asyncio.wait_for(kept, 60)
        assert isinstance(result, StepResult) and result.status == "succeeded" and work.begun == {"s1"}
        assert not lost.done() and yard.calls() == ["look_a s1"], "it waits for the scheduler to drop it"
        lost.cancel()
        assert [one.step_id for one in await floors.executions.attempts(execution.id)] == ["s1"]


async def test_what_is_wrong_with_an_edit_is_said(yard: Yard) -> None:
    yard.steps = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts"), draft("s3", "ann", "a")]
    async with at_work(yard) as runner:
        shown = await runner.run("parts each a", review=True)
        plan, floors = Plan.model_validate(shown.plan), runner.services

        def tried(*changes: dict[str, Any]) -> tuple[Plan, list[str]]:
            made, wrong = edited_step_by_step(plan, [Change(**one) for one in changes], "so", {"s7"}, floors)
            return made, wrong or problems(made, floors, ME, [], {"s7"})

        made, wrong = tried({"step": "s3", "settings": {"times": "3"}}, {"step": "s1", "settings": {"times": "2"}})
        assert not wrong and made.ids() == ["s9", "s2", "s8"], "never an id that was used"
        assert made.step("s8").settings == {"times": "3"} and made.step("s2").for_each == "s9.parts"
        for changes, said in [
            ([{"step": "s9", "leave_out": True}], "no step s9"),
            ([{"step": "s3", "leave_out": True}, {"step": "s3", "specialist": "sam"}], "changed twice"),
            ([{"step": "s3", "settings": {"times": "often"}}], "times cannot be 'often'"),
            ([{"step": "s3", "settings": {"b": "s1.parts"}}], "takes no setting b; it takes: times"),
            ([{"step": "s3", "specialist": "nobody"}], "no specialist 'nobody'"),
            ([{"step": "s1", "leave_out": True}], "nothing produces s1.parts"),
        ]:
            assert said in "; ".join(tried(*changes)[1]), changes
        less = tried({"step": "s3", "leave_out": True})[0]
        assert without_dropped({"products": ["parts", "a", "never"]}, plan, less)["products"] == ["parts", "never"]
    for nothing in ({}, {"leave_out": True, "specialist": "sam"}, {"leave_out": False}):
        with pytest.raises(ValueError, match="say either"):
            Change.model_validate({"step": "s1", **nothing})
