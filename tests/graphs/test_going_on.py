"""Stopping in the middle and going on: nothing finished is done twice, no effect is torn apart, and one process at a time."""

import asyncio
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command

from app.runner import Runner
from graphs.executions import AlreadyRunning
from tests.graphs.little import Yard, at_work, draft

ROOT = Path(__file__).parent.parent.parent
APPROVE, REJECT = {"type": "approve"}, {"type": "reject", "message": "no"}
THREAD = "11111111-2222-4333-8444-555555555555"
CHAIN = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "cat", "c", b="s2.b")]


async def stopped_in(runner: Runner, yard: Yard, tool: str, running: Any) -> None:
    """Let a run come as far as a tool, and cancel it there."""
    task = asyncio.create_task(running)
    await asyncio.wait_for(yard.entering(tool).wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_next_process_goes_on_where_the_last_was_stopped(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        await stopped_in(runner, yard, "look_b", runner.run("a b c", thread_id=THREAD, new_thread=True))
        attempts = await runner.services.executions.attempts((await runner.outcome(THREAD)).execution_id)
        assert [(a.step_id, a.status) for a in attempts] == [("s1", "succeeded"), ("s2", "running")]
    said = len(yard.model.calls)
    yard.held.clear()
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
    assert done.status == "success" and done.answer and done.answer.status == "complete"
    assert yard.calls() == ["look_a s1", "look_b s2", "look_b s2", "look_c s3"], "only what was under way was called again"
    assert len(yard.model.calls) - said == 5, "s2's finding, two calls for s3, verifier, reporter: nothing was thought twice"


async def test_going_on_in_the_same_process_is_the_same_execution(yard: Yard) -> None:
    yard.steps, yard.held["look_c"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        await stopped_in(runner, yard, "look_c", runner.run("a b c", thread_id=THREAD, new_thread=True))
        first = (await runner.outcome(THREAD)).execution_id
        yard.held.clear()
        done = await runner.resume(THREAD)
        executions = await runner.services.executions.of_thread(THREAD)
    assert [one.id for one in executions] == [first] == [done.execution_id] and executions[0].status == "finished"
    assert yard.calls("look_a") == ["s1"] and yard.calls("look_b") == ["s2"]


async def test_an_effect_under_way_is_finished_once_though_the_run_is_cancelled(yard: Yard) -> None:
    yard.steps, yard.held["write_note"] = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")], asyncio.Event()
    async with at_work(yard) as runner:
        waiting = await runner.run("note b")
        task = asyncio.create_task(runner.resume(waiting.thread_id, decisions=[APPROVE]))
        await asyncio.wait_for(yard.entering("write_note").wait(), 60)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done(), "the run ends when the effect has"
        yard.held["write_note"].set()
        with pytest.raises(asyncio.CancelledError):
            await task
        (effect,) = await runner.services.effects.for_execution(waiting.execution_id)
        assert effect.state == "done" and yard.notes() == ["hello"]
    async with at_work(yard) as runner:
        done = await runner.resume(waiting.thread_id)
    assert done.status == "success" and yard.notes() == ["hello"] and yard.calls("write_note") == ["s1"]
    assert yard.calls("look_b") == ["s2"]


async def test_stopping_a_live_run_ends_its_steps_and_keeps_what_is_done(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b c", thread_id=THREAD, new_thread=True))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        await runner.cancel(THREAD)
        done = await asyncio.wait_for(task, 60)
        row = await runner.services.executions.get(done.execution_id)
    assert done.status == "failed" and row and row.status == "cancelled"
    assert {s["id"]: s["status"] for s in done.steps} == {"s1": "succeeded", "s2": "cancelled", "s3": "pending"}
    assert done.answer and done.answer.status == "partial" and done.answer.missing
    assert yard.calls() == ["look_a s1", "look_b s2"]


async def test_an_approval_that_waits_is_still_there_in_the_next_process(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
    async with at_work(yard) as runner:
        await runner.vote(waiting.approvals[0]["id"], "approve")
        done = await runner.resume(waiting.thread_id)
    assert done.status == "success" and yard.calls() == ["look_a s1", "write_note s2"]


async def test_a_plan_that_grew_is_gone_on_with(yard: Yard) -> None:
    """Stopped after a repeated step was expanded: the rows that are done stay done."""
    yard.steps = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")]
    yard.held["look_each s2-2"] = asyncio.Event()
    async with at_work(yard, concurrency=1) as runner:
        await stopped_in(runner, yard, "look_each s2-2", runner.run("parts each", thread_id=THREAD, new_thread=True))
    yard.held.clear()
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
    assert done.answer and done.answer.status == "complete"
    assert yard.calls("look_parts") == ["s1"] and sorted(yard.calls("look_each")) == ["s2-1", "s2-2", "s2-2", "s2-3"]


async def test_the_state_says_how_every_step_stands(yard: Yard) -> None:
    yard.steps = [*CHAIN[:2], draft("s3", "clerk", "note", after={"s2": "success"})]
    async with at_work(yard) as runner:
        waiting = await runner.run("a b note")
        values = (await runner._state(waiting.thread_id)).values
        rows = await runner.services.executions.attempts(waiting.execution_id)
    assert {id: s["status"] for id, s in values["steps"].items()} == {
        "s1": "succeeded",
        "s2": "succeeded",
        "s3": "waiting_approval",
    }
    assert {id: r["headline"] for id, r in values["results"].items()} == {"s1": "It is done.", "s2": "It is done."}
    assert values["status"] == "waiting" and values["waiting"] == [waiting.approvals[0]["id"]]
    shown = {a["thread_id"] for s in values["steps"].values() for a in s["attempts"]}
    assert shown == {row.thread_id for row in rows} and len(shown) == 3
    assert values["steps"]["s3"]["attempts"][0]["specialist"] == "clerk" and values["plan"]["rev"] == 1


HOLDER = """
    import sqlite3, sys
    sys.path.insert(0, {root!r})
    from graphs.executions import _owner
    with sqlite3.connect({db!r}) as db:
        db.execute("update executions set lease = ?", (_owner(),))
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_a_run_that_another_live_process_holds_is_left_alone(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        await stopped_in(runner, yard, "look_b", runner.run("a b c", thread_id=THREAD, new_thread=True))
    yard.held.clear()
    code = textwrap.dedent(HOLDER.format(root=str(ROOT), db=str(yard.home / "clearance.db")))
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", code, **pipes)
    try:
        assert holder.stdout and await holder.stdout.readline() == b"held\n"
        async with at_work(yard) as runner:
            with pytest.raises(AlreadyRunning, match=f"thread {THREAD} is being run by"):
                await runner.resume(THREAD)
            assert yard.calls("look_b") == ["s2"]
    finally:
        await holder.communicate(b"")
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
    assert done.status == "success", "its holder is gone, so anybody may go on"


async def test_the_same_thread_twice_at_once_in_one_process(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        task = asyncio.create_task(runner.run("a b c", thread_id=THREAD, new_thread=True))
        await asyncio.wait_for(yard.entering("look_b").wait(), 60)
        with pytest.raises(AlreadyRunning, match="is being run by this process"):
            await runner.resume(THREAD)
        yard.held["look_b"].set()
        done = await task
        assert done.status == "success" and yard.calls() == ["look_a s1", "look_b s2", "look_c s3"]
        again = await runner.run("c", thread_id=THREAD)
    assert again.status == "success"


async def test_two_branches_from_one_pause_are_two_executions(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "clerk", "wire", after={"s1": "done"})]
    async with at_work(yard) as runner:
        waiting = await runner.run("note wire")
        pause = await runner.graph.aget_state(runner._config(waiting.thread_id))
        at = runner._config(waiting.thread_id, checkpoint_id=pause.config["configurable"]["checkpoint_id"])
        executions = []
        for decision in (REJECT, APPROVE):
            resume = Command(resume={pause.interrupts[0].id: {"decisions": [decision]}})
            await runner.graph.ainvoke(resume, at)
            executions.append((await runner.outcome(waiting.thread_id)).execution_id)
    assert executions[0] == waiting.execution_id and executions[1] != executions[0]
    assert yard.notes() == [], "the second branch has to ask for its own note"
