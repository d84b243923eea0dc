"""A message while a run is going on, or waits, changes its plan by a difference; nothing that stands is done again."""

import asyncio
from typing import Any

import pytest

from graphs.executions import AlreadyRunning
from graphs.specialists.base import Reading
from tests.graphs.little import Yard, at_work, draft, say

THREAD = "00000000-0000-0000-0000-000000000abc"
APPROVE = {"type": "approve"}


def reads(**amendments: dict[str, Any]) -> Any:
    """An intake that takes the words of `amendments` for changes, and any other goal as it names products."""

    def intake(brief: Any, messages: Any) -> Any:
        base: dict[str, Any] = dict(products=[], exclude=[], settings=[], question=None, choices=[], reason=None)
        word = brief["goal"].split()[0]
        if brief["before"] and word in amendments:
            return say("Intake", **{**base, "kind": "amend", **amendments[word]})
        if brief["before"] and word == "why":
            return say("Intake", **{**base, "kind": "explain"})
        named = [p for p in ("a", "b", "c", "d", "note") if p in brief["goal"].split()]
        return say("Intake", **{**base, "kind": "goal", "products": named})

    return intake


def revising(*steps: dict[str, Any], drop: tuple[str, ...] = ()) -> Any:
    return lambda brief: {"reason": "the user said so", "steps": list(steps), "drop": list(drop), "assumptions": []}


async def test_a_message_to_a_running_thread_adds_a_step_and_repeats_none(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a")], asyncio.Event()
    yard.says["intake"] = reads(also={"products": ["d"]})
    yard.revise = revising(draft("s3", "dan", "d"))
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b", thread_id=THREAD, new_thread=True, on_event=yard.hear))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        told = await runner.run("also d", thread_id=THREAD)
        assert told.status == "interrupted", "it is still running"
        await asyncio.wait_for(yard.entering("look_d").wait(), 60)
        yard.held["look_b"].set()
        done = await task
    assert done.status == "success" and done.answer and done.answer.status == "complete"
    assert sorted(yard.calls()) == ["look_a s1", "look_b s2", "look_d s3"]
    assert [p["rev"] for p in yard.plans()] == [1, 2] and yard.plans()[1]["diff"] == {"added": ["s3"], "dropped": []}
    assert done.plan and done.plan["cause"] == "steer" and done.answer.goal == "a b — also d"
    assert any("1 step added, 0 dropped, 2 kept" in e.get("text", "") for e in yard.events)


async def test_a_step_that_loses_its_ground_is_stopped_and_what_it_would_have_done_is_not_asked_any_more(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    yard.says["intake"] = reads(without={"exclude": ["note"]})
    yard.revise = revising(drop=("s2",))
    async with at_work(yard) as runner:
        waiting = await runner.run("a note", on_event=yard.hear)
        asked = [a["id"] for a in waiting.approvals]
        done = await runner.run("without note", thread_id=waiting.thread_id, on_event=yard.hear)
        approvals = await runner.services.approvals.get(asked)
    assert done.status == "success" and done.answer and done.answer.status == "complete"
    assert [a.status for a in approvals] == ["void"] and yard.notes() == [] and yard.calls() == ["look_a s1"]
    assert yard.statuses("s2")[-1] == "superseded"


async def test_a_question_to_a_waiting_thread_is_answered_and_it_goes_on_waiting(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    yard.says["intake"] = reads()
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        still = await runner.run("why is a so large?", thread_id=waiting.thread_id, on_event=yard.hear)
        assert still.status == "interrupted" and [a["status"] for a in still.approvals] == ["pending"]
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert any("How this came about" in e.get("text", "") for e in yard.events)
    assert done.status == "success" and yard.notes() == ["hello"]


async def test_a_change_that_cannot_be_planned_leaves_the_plan_as_it_is_and_says_why(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    yard.says["intake"] = reads(also={"products": ["d"]})
    yard.revise = revising(draft("s3", "ben", "d"))
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        still = await runner.run("also d", thread_id=waiting.thread_id, on_event=yard.hear)
        assert still.status == "interrupted" and [a["status"] for a in still.approvals] == ["pending"]
    assert any("The plan stays as it is" in e.get("text", "") and "ben" in e["text"] for e in yard.events)


async def test_a_steer_of_a_finished_step_takes_its_evidence_out_of_the_answer(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = [draft("s1", "ann", "a"), draft("s2", "ben", "b")], asyncio.Event()
    yard.says["intake"] = reads(without={"exclude": ["a"]})
    yard.revise = revising(drop=("s1",))
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b", thread_id=THREAD, new_thread=True, on_event=yard.hear))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        await yard.until(lambda: "succeeded" in yard.statuses("s1"))
        await runner.run("without a", thread_id=THREAD)
        await yard.until(lambda: len(yard.plans()) > 1)
        yard.held["look_b"].set()
        done = await task
    assert done.answer and done.answer.status == "complete" and {c.step for c in done.answer.citations} == {"s2"}


async def test_a_crash_after_a_steer_goes_on_with_the_changed_plan(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = [draft("s1", "ann", "a"), draft("s2", "ben", "b")], asyncio.Event()
    yard.says["intake"] = reads(without={"exclude": ["a"]})
    yard.revise = revising(drop=("s1",))
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b", thread_id=THREAD, new_thread=True, on_event=yard.hear))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        await runner.run("without a", thread_id=THREAD)
        await yard.until(lambda: len(yard.plans()) > 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    del yard.held["look_b"]
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
    assert done.status == "success" and done.answer and {c.step for c in done.answer.citations} == {"s2"}
    assert done.answer.goal == "a b — without a" and not done.answer.missing


async def test_a_message_before_there_is_a_plan_is_refused_with_what_to_do(yard: Yard) -> None:
    reading, go = asyncio.Event(), asyncio.Event()

    async def stopped() -> None:
        reading.set()
        await go.wait()

    loop = asyncio.get_running_loop()
    yard.reading = lambda goal: asyncio.run_coroutine_threadsafe(stopped(), loop).result() or Reading()
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a", thread_id=THREAD, new_thread=True))
        await asyncio.wait_for(reading.wait(), 60)
        with pytest.raises(AlreadyRunning, match="say it again when its plan is there"):
            await runner.run("also d", thread_id=THREAD)
        go.set()
        assert (await task).status == "success"
