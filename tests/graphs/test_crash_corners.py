"""A process that dies between what it recorded and its checkpoint: what was stopped stays so, what was cut off is closed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from app.runner import Outcome, Runner
from graphs.executions import AlreadyRunning, Execution, Executions
from graphs.tables import executions
from tests.graphs.little import Yard, at_work, draft

THREAD = "11111111-2222-4333-8444-555555555555"
CHAIN = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "cat", "c", b="s2.b")]


class Crash(BaseException):
    """The process dies here, as far as any code can tell."""


def dies_after(patch: pytest.MonkeyPatch, name: str, when: Callable[..., bool] = lambda *args: True) -> None:
    """Let a method of `Executions` commit what it has to, and let nothing come after it."""
    real = getattr(Executions, name)

    async def call(self: Executions, *args: Any) -> None:
        await real(self, *args)
        if when(*args):
            raise Crash

    patch.setattr(Executions, name, call)


async def row(runner: Runner, outcome: Outcome) -> Execution:
    found = await runner.services.executions.get(outcome.execution_id)
    assert found
    return found


async def under_way(runner: Runner, yard: Yard, goal: str = "a b c") -> asyncio.Task[Outcome]:
    """A run that has come as far as s2."""
    task = asyncio.create_task(runner.run(goal, thread_id=THREAD, new_thread=True))
    await asyncio.wait_for(yard.entering("look_b").wait(), 60)
    return task


async def cut_off(yard: Yard, goal: str = "a b c") -> Outcome:
    """A run whose process died in s2."""
    yard.held["look_b"] = asyncio.Event()
    async with at_work(yard) as runner:
        task = await under_way(runner, yard, goal)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        yard.held.clear()
        return await runner.outcome(THREAD)


async def test_a_run_whose_stop_was_recorded_but_not_its_checkpoint_stays_stopped(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "leave", lambda id, status: status in ("stopping", "cancelled"))
            task = await under_way(runner, yard)
            await runner.cancel(THREAD)
            with pytest.raises(Crash):
                await asyncio.wait_for(task, 60)
        first = await runner.outcome(THREAD)
        assert first.steps == [], "the checkpoint of what ran was never written"
    yard.held.clear()
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
        assert (done.execution_id, (await row(runner, done)).status) == (first.execution_id, "cancelled")
        assert len(await runner.services.executions.of_thread(THREAD)) == 1, "no fork"
        attempts = await runner.services.executions.attempts(done.execution_id)
    assert done.status == "failed" and done.answer and done.answer.missing
    assert [(a.step_id, a.status) for a in attempts] == [("s1", "succeeded"), ("s2", "cancelled")]
    assert yard.calls() == ["look_a s1", "look_b s2"], "nothing ran after the stop"


async def test_a_stop_that_no_step_heard_of_counts_all_the_same(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        task = await under_way(runner, yard)
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "stop")
            with pytest.raises(Crash):
                await runner.cancel(THREAD)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    yard.held.clear()
    async with at_work(yard) as runner:
        done = await runner.resume(THREAD)
        assert (await row(runner, done)).status == "cancelled"
    assert yard.calls() == ["look_a s1", "look_b s2"]


async def test_going_back_to_before_the_stop_is_a_fork_that_runs(yard: Yard) -> None:
    """Only the stopped run itself stays stopped: an older checkpoint, chosen by a person, is a run of its own."""
    yard.steps, yard.held["look_b"] = CHAIN, asyncio.Event()
    async with at_work(yard) as runner:
        task = await under_way(runner, yard)
        await runner.cancel(THREAD)
        stopped = await asyncio.wait_for(task, 60)
        yard.held.clear()
        history = [s async for s in runner.graph.aget_state_history(runner._config(THREAD)) if s.next == ("execute",)]
        at = history[0].config["configurable"]["checkpoint_id"]
        await runner.graph.ainvoke(None, runner._config(THREAD, checkpoint_id=at))
        done = await runner.outcome(THREAD)
        assert (await row(runner, done)).forked_from == stopped.execution_id
    assert done.status == "success" and yard.calls("look_c") == ["s3"]


async def test_stopping_what_waits_is_done_once_though_the_process_dies_in_it(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        waiting = await runner.run("note", thread_id=THREAD, new_thread=True)
        with pytest.MonkeyPatch.context() as patch:
            dies_after(patch, "leave")
            with pytest.raises(Crash):
                await runner.cancel(THREAD)
    async with at_work(yard) as runner:
        await runner.resume(THREAD)
        said = (await runner._state(THREAD)).values
        assert said["status"] == "cancelled" and said["messages"][-1].text.startswith("Stopped.")
        assert len(await runner.services.executions.of_thread(THREAD)) == 1
        (approval,) = await runner.services.approvals.of_execution(waiting.execution_id)
    assert approval.status == "void" and yard.notes() == []


async def test_a_new_goal_after_a_crash_closes_what_was_cut_off(yard: Yard) -> None:
    yard.steps = [*CHAIN, draft("s4", "clerk", "note")]
    first = await cut_off(yard, "a b c note")
    yard.steps = [draft("s1", "dan", "d")]
    async with at_work(yard) as runner:
        (open_row,) = await runner.services.approvals.pending(first.execution_id)
        done = await runner.run("d", thread_id=THREAD, on_event=yard.hear)
        old, new = await row(runner, first), await row(runner, done)
        assert (old.status, new.status) == ("replaced", "finished") and old.id != new.id
        assert [a.status for a in await runner.services.executions.attempts(old.id) if a.step_id == "s2"] == ["cancelled"]
        assert (await runner.services.approvals.get([open_row.id]))[0].status == "void"
    notes = [e["text"] for e in yard.events if e["event"] == "note"]
    assert len(notes) == 1 and "closed as replaced" in notes[0]
    assert done.answer and notes[0] in done.answer.caveats


async def test_an_effect_that_a_crash_left_open_is_named(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "ben", "b", after={"s1": "done"})]
    yard.trouble["write_note"] = [Crash()]
    async with at_work(yard) as runner:
        waiting = await runner.run("note b", thread_id=THREAD, new_thread=True)
        with pytest.raises(Crash):
            await runner.resume(THREAD, decisions=[{"type": "approve"}])
        (effect,) = await runner.services.effects.for_execution(waiting.execution_id)
        assert effect.state in ("intended", "unknown")
    yard.steps = [draft("s1", "dan", "d")]
    async with at_work(yard) as runner:
        await runner.run("d", thread_id=THREAD, on_event=yard.hear)
    (note,) = [e["text"] for e in yard.events if e["event"] == "note"]
    assert "Whether write_note was done is not known" in note


async def test_cancel_after_a_crash_closes_what_was_cut_off(yard: Yard) -> None:
    yard.steps = CHAIN
    first = await cut_off(yard)
    async with at_work(yard) as runner:
        done = await runner.run("cancel", thread_id=THREAD)
        assert (await row(runner, first)).status == "cancelled" and "closed as cancelled" in done.message
    assert yard.calls("look_c") == []


async def test_a_new_goal_on_a_thread_that_another_process_runs_is_refused(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.steps = CHAIN
    first = await cut_off(yard)
    async with at_work(yard) as runner:
        held = update(executions).where(executions.c.id == first.execution_id).values(lease="elsewhere:1:1")
        await runner.services.executions._db.run(lambda c: c.execute(held))
        with pytest.raises(AlreadyRunning, match=f"thread {THREAD} is being run by elsewhere"):
            await runner.run("d", thread_id=THREAD)
        assert (await row(runner, first)).status == "running"
