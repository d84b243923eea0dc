"""A thread that waits for people: what is said to it meanwhile, what a fork of it may do, and stopping it."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.types import Command

from app.runner import Runner
from graphs.executions import EffectsStand
from graphs.specialists.base import Reading
from tests.graphs.little import Yard, at_work, draft

APPROVE = {"type": "approve"}
PLAN = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]


async def go(runner: Runner, config: Any, *decisions: dict[str, Any]) -> Any:
    """Answer the question at a checkpoint; how the thread stands then."""
    state = await runner.graph.aget_state(config)
    await runner.graph.ainvoke(Command(resume={state.interrupts[0].id: {"decisions": list(decisions)}}), config)
    return await runner.graph.aget_state(runner._config(config["configurable"]["thread_id"]))


async def waiting_checkpoint(runner: Runner, thread: str) -> Any:
    """The config of the newest checkpoint at which the thread asked, for going back to it."""
    async for state in runner.graph.aget_state_history(runner._config(thread)):
        if state.next == ("ask",):
            return runner._config(thread, checkpoint_id=state.config["configurable"]["checkpoint_id"])
    raise AssertionError("the thread never asked")


async def copied(runner: Runner, thread: str, name: str) -> Any:
    """The thread's values on another thread, at the same question."""
    state, config = await runner.graph.aget_state(runner._config(thread)), runner._config(name)
    await runner.graph.aupdate_state(config, state.values, as_node="prepare")
    await runner.graph.ainvoke(None, config)
    return config


def pending(outcome: Any) -> list[str]:
    return [a["id"] for a in outcome.approvals if a["status"] == "pending"]


# -- what is said to it ---------------------------------------------------------------------------


async def test_a_new_goal_is_kept_and_done_afterwards(yard: Yard) -> None:
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        queued = await runner.run("b", thread_id=waiting.thread_id)
        assert queued.status == "interrupted" and queued.execution_id == waiting.execution_id
        assert pending(queued) == pending(waiting), "the approval is untouched"
        assert yard.calls() == []
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert yard.calls() == ["write_note s1", "look_b s1"]
    assert done.status == "success" and done.answer and done.answer.goal == "b"
    assert done.execution_id != waiting.execution_id


async def test_each_kept_goal_is_done_once_though_one_of_them_is_declined(yard: Yard) -> None:
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        for goal in ("b", "nonsense", "c"):
            await runner.run(goal, thread_id=waiting.thread_id)
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        assert [c.split()[0] for c in yard.calls()] == ["write_note", "look_b", "look_c"]
        after = await runner.run("d", thread_id=waiting.thread_id)
    assert done.answer and done.answer.goal == "c" and after.answer and after.answer.goal == "d"
    assert [c.split()[0] for c in yard.calls()] == ["write_note", "look_b", "look_c", "look_d"]


async def test_a_kept_goal_that_needs_a_question_asks_it_once(yard: Yard) -> None:
    def reading(goal: str) -> Reading:
        return Reading(question="Which b?", choices=("old", "new")) if goal == "b" else Reading()

    yard.reading = reading
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        await runner.run("b", thread_id=waiting.thread_id)
        asks = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        assert asks.status == "clarify" and asks.message == "Which b?"
        done = await runner.resume(waiting.thread_id, answer="old")
    assert done.status == "success" and done.answer and done.answer.goal == "b (old)"
    assert yard.calls("look_b") == ["s1"]


async def test_a_message_that_cannot_be_read_destroys_nothing(yard: Yard) -> None:
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        again = await runner.run("  ", thread_id=waiting.thread_id)
        assert again.status == "interrupted" and pending(again) == pending(waiting)
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.answer and done.answer.goal == "note" and yard.notes() == ["hello"]


async def test_instead_voids_and_replaces(yard: Yard) -> None:
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        done = await runner.run("instead: b", thread_id=waiting.thread_id)
        assert done.status == "success" and done.answer and done.answer.goal == "b"
        old = (await runner.services.approvals.get(pending(waiting)))[0]
        assert old.status == "void" and "replaced by a new goal of local" in old.message
        assert (await runner.services.executions.get(waiting.execution_id)).status == "replaced"
    assert yard.calls() == ["look_b s1"]


async def test_cancel_stops_a_waiting_execution(yard: Yard) -> None:
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        await runner.run("b", thread_id=waiting.thread_id)
        stopped = await runner.cancel(waiting.thread_id)
        assert stopped.status == "failed" and stopped.message.startswith("Stopped")
        assert [a["status"] for a in stopped.approvals] == ["void"]
        assert (await runner.services.executions.get(waiting.execution_id)).status == "cancelled"
        again = await runner.run("c", thread_id=waiting.thread_id)
    assert again.status == "success" and again.answer and again.answer.goal == "c"
    assert yard.calls() == ["look_c s1"], "what was kept behind the stopped goal is stopped with it"


# -- forks ----------------------------------------------------------------------------------------


async def test_going_back_after_the_end_is_a_fork_with_questions_of_its_own(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "not yet"}])
        state = await go(runner, await waiting_checkpoint(runner, waiting.thread_id), APPROVE)
        fork = state.values["execution_id"]
        assert fork != done.execution_id and state.next == ("ask",), "approvals are not carried over"
        assert (await runner.services.executions.get(fork)).forked_from == done.execution_id
        assert yard.calls() == ["look_a s1"], "what is finished is carried over and not run again"
        again = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "once is enough"}])
        assert again.execution_id == fork and again.answer and "once is enough" in again.answer.decisions[0]
        plans = await runner.services.executions.plans(fork)
    assert yard.notes() == [] and [p.ids() for p in plans] == [["s1", "s2"]]


async def test_going_back_behind_what_was_done_is_refused(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        with pytest.raises(EffectsStand, match=rf"write_note in step s2.*clearance undo {done.execution_id}"):
            await go(runner, await waiting_checkpoint(runner, waiting.thread_id), APPROVE)
        assert len(await runner.services.executions.of_thread(waiting.thread_id)) == 1
    assert yard.notes() == ["hello"]


async def test_a_copy_does_not_do_again_what_the_original_did_since(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        copy = await copied(runner, waiting.thread_id, "copy")
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        with pytest.raises(EffectsStand, match=f"clearance undo {done.execution_id}"):
            await go(runner, copy, APPROVE)
    assert yard.notes() == ["hello"]


async def test_going_back_behind_what_a_fork_did_is_refused(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "not yet"}])
        earlier = await waiting_checkpoint(runner, waiting.thread_id)
        fork = (await go(runner, earlier, APPROVE)).values["execution_id"]
        assert (await runner.resume(waiting.thread_id, decisions=[APPROVE])).execution_id == fork
        assert yard.notes() == ["hello"]
        with pytest.raises(EffectsStand, match=f"clearance undo {fork}"):
            await go(runner, earlier, APPROVE)
    assert yard.notes() == ["hello"]


async def test_the_waiting_checkpoint_by_its_name_is_no_fork_the_first_time(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        state = await go(runner, await waiting_checkpoint(runner, waiting.thread_id), APPROVE)
    assert state.values["execution_id"] == waiting.execution_id and state.values["status"] == "reported"
    assert yard.notes() == ["hello"]


async def test_an_answer_on_a_copied_thread_decides_nothing_on_the_original(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        state = await go(runner, await copied(runner, waiting.thread_id, "copy"), APPROVE)
        fork = state.values["execution_id"]
        assert fork != waiting.execution_id and state.next == ("ask",) and yard.notes() == []
        original = await runner.outcome(waiting.thread_id)
        assert pending(original) == pending(waiting), "the original's question is still open"
        copy = await runner.resume("copy", decisions=[{"type": "reject", "message": "not here"}])
        assert copy.status == "success" and yard.notes() == []
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.status == "success" and done.execution_id == waiting.execution_id
    assert yard.notes() == ["hello"] and yard.calls("look_a") == ["s1"]


async def test_cancel_on_a_copied_thread_stops_nothing_on_the_original(yard: Yard) -> None:
    yard.steps = PLAN
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        config = await copied(runner, waiting.thread_id, "copy")
        await runner.graph.ainvoke({"messages": [HumanMessage("cancel")]}, config)
        assert pending(await runner.outcome(waiting.thread_id)) == pending(waiting)
        await runner.cancel("copy")
        assert pending(await runner.outcome(waiting.thread_id)) == pending(waiting)
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.status == "success" and yard.notes() == ["hello"]
