"""The approval joint, end to end: what people decide is what runs, and nothing else."""

import asyncio
from typing import Any

from langchain_core.messages import AIMessage, ToolCall
from langgraph.types import Interrupt

from governance.identity import Caller
from graphs.step import Standing, asked
from tests.graphs.little import Yard, act_then_report, at_work, call, draft, finding, turns

NOTE = draft("s1", "clerk", "note")
APPROVE = {"type": "approve"}


def both(first: str, second: str) -> Any:
    """A clerk that calls two tools in one message."""

    def say(brief: Any, messages: Any) -> Any:
        return finding(brief, messages) if turns(messages) else call((first, {}), (second, {}))

    return say


def interrupts(state: Any) -> list[str]:
    return [one.id for one in state.interrupts]


async def test_a_gated_call_does_not_hold_its_free_sibling_of_the_same_message_to_ransom(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "d", "note")]
    yard.says["clerk"] = both("look_d", "write_note")
    async with at_work(yard) as runner:
        waiting = await runner.run("d note")
        assert waiting.status == "interrupted" and [a["tool"] for a in waiting.approvals] == ["write_note"]
        assert yard.notes() == [], "nothing was written before somebody agreed"
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.status == "success" and done.answer and done.answer.status == "complete"
    assert yard.calls("look_d") == ["s1"] and yard.calls("write_note") == ["s1"]


async def test_one_of_two_gated_calls_is_refused_and_the_other_runs(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note", "wire")]
    yard.says["clerk"] = both("write_note", "send_wire")
    async with at_work(yard) as runner:
        waiting = await runner.run("note wire")
        assert [a["tool"] for a in waiting.approvals] == ["write_note", "send_wire"]
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "too soon"}, APPROVE])
    assert yard.calls() == ["send_wire s1"]
    step = done.steps[0]["result"]
    assert step["status"] == "skipped" and step["error"]["kind"] == "rejected" and "wire" in step["data"]
    assert done.answer and any("rejected by local: too soon" in line for line in done.answer.decisions)


def test_calls_that_stopped_in_any_order_are_asked_about_in_their_messages() -> None:
    said = AIMessage("", tool_calls=[ToolCall(name="t", args={}, id=id) for id in ("one", "two")])
    stopped = [Interrupt(value={"approvals": [f"approval of {id}"], "call_id": id}) for id in ("two", "one")]
    assert asked(Standing({"messages": [said]}, tuple(stopped))) == ("approval of one", "approval of two")


async def test_a_call_that_policy_denies_and_one_that_waits_for_approval(yard: Yard) -> None:
    yard.steps = [NOTE]
    yard.says["clerk"] = both("send_wire", "write_note")
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        assert [a["tool"] for a in waiting.approvals] == ["write_note"], "the wire was not granted: nobody is asked about it"
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert yard.calls() == ["write_note s1"] and done.answer and done.answer.status == "complete"
    kinds = {c["tool"]: c["kind"] for c in done.steps[0]["result"]["calls"]}
    assert kinds == {"send_wire": "deny", "write_note": "ok"}


async def test_what_an_edit_approved_is_what_runs(yard: Yard) -> None:
    yard.steps = [NOTE]
    edit = {"type": "edit", "edited_action": {"name": "write_note", "args": {"text": "as edited"}}}
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        done = await runner.resume(waiting.thread_id, decisions=[edit])
    assert yard.notes() == ["as edited"]
    assert done.status == "success" and [e["args"] for e in done.effects] == [{"text": "as edited"}]
    assert done.steps[0]["result"]["calls"][0]["args"] == {"text": "as edited"}


async def test_a_rejection_stops_the_effect_and_not_the_run(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "not now"}])
    assert yard.notes() == [] and done.effects == []
    assert done.status == "success" and done.answer and done.answer.status == "complete"
    assert {s["id"]: s["status"] for s in done.steps} == {"s1": "succeeded", "s2": "skipped"}
    assert done.answer.decisions == ("write_note (write_note): rejected by local: not now",)


async def test_an_answer_in_an_approvals_stead_reaches_the_specialist(yard: Yard) -> None:
    yard.steps = [NOTE]
    heard: list[str] = []

    def clerk(brief: Any, messages: Any) -> Any:
        heard.extend(str(m.content) for m in messages if m.type == "tool")
        return act_then_report(brief, messages)

    yard.says["clerk"] = clerk
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "respond", "message": "ask Mia first"}])
    assert yard.notes() == [] and done.steps[0]["status"] == "skipped"
    assert heard == ["the approver answered instead of approving: ask Mia first"]


async def test_a_second_pause_is_a_question_of_its_own(yard: Yard) -> None:
    yard.steps = [NOTE, draft("s2", "clerk", "wire", after={"s1": "done"})]
    async with at_work(yard) as runner:
        one = await runner.run("note wire")
        first = interrupts(await runner._state(one.thread_id))
        two = await runner.resume(one.thread_id, decisions=[{"type": "reject", "message": "no"}])
        second = interrupts(await runner._state(one.thread_id))
        assert two.status == "interrupted" and first != second
        assert [a["tool"] for a in two.approvals if a["status"] == "pending"] == ["send_wire"]
        assert yard.calls() == [], "the answer to the first question is not the answer to the second"
        done = await runner.resume(one.thread_id, decisions=[APPROVE])
    assert yard.calls() == ["send_wire s2"] and done.execution_id == one.execution_id


async def test_two_pauses_within_one_step(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note", "wire")]

    def clerk(brief: Any, messages: Any) -> Any:
        said = turns(messages)
        return finding(brief, messages) if said == 2 else call((("write_note", "send_wire")[said], {}), turn=said)

    yard.says["clerk"] = clerk
    async with at_work(yard) as runner:
        one = await runner.run("note wire")
        two = await runner.resume(one.thread_id, decisions=[APPROVE])
        assert two.status == "interrupted" and yard.calls() == ["write_note s1"]
        done = await runner.resume(one.thread_id, decisions=[APPROVE])
    assert yard.calls() == ["write_note s1", "send_wire s1"] and done.answer and done.answer.status == "complete"


async def test_a_verdict_is_acted_on_while_siblings_still_run(yard: Yard) -> None:
    """The sibling can only end after the gated effect: were the verdict left until all is quiet, this would hang."""
    yard.steps = [draft("s1", "ben", "b"), NOTE | {"id": "s2"}]
    yard.held["look_b"] = yard.frees["write_note"] = asyncio.Event()
    async with at_work(yard) as runner:
        votes: list[asyncio.Task[Any]] = []

        def heard(event: dict[str, Any]) -> None:
            yard.hear(event)
            if event["event"] == "step" and event["status"] == "waiting_approval":
                votes.extend(asyncio.create_task(runner.vote(id, "approve")) for id in event["waiting_for"])

        done = await asyncio.wait_for(runner.run("b note", on_event=heard), 60)
    assert len(votes) == 1 and done.status == "success" and yard.notes() == ["hello"]
    steps = [(e["step"], e["status"]) for e in yard.events if e["event"] == "step"]
    resumed = len(steps) - 1 - steps[::-1].index(("s2", "running"))
    assert resumed < steps.index(("s1", "succeeded"))


async def test_a_verdict_that_comes_before_the_step_has_said_that_it_waits(yard: Yard) -> None:
    yard.steps = [draft("s1", "ben", "b"), NOTE | {"id": "s2"}]
    yard.held["look_b"] = yard.frees["write_note"] = asyncio.Event()
    async with at_work(yard) as runner:

        async def quick(execution: str) -> None:
            for row in await runner.services.approvals.pending(execution_id=execution):
                await runner.vote(row.id, "approve")

        votes: list[asyncio.Task[Any]] = []

        def heard(event: dict[str, Any]) -> None:
            if event["event"] == "tool" and event.get("phase") == "decided" and event["tool"] == "write_note":
                votes.append(asyncio.create_task(quick(event["execution_id"])))

        done = await asyncio.wait_for(runner.run("b note", on_event=heard), 60)
    assert votes and done.status == "success" and yard.notes() == ["hello"]


async def test_a_finding_beside_a_rejected_call_does_not_count(yard: Yard) -> None:
    yard.steps = [NOTE]

    def clerk(brief: Any, messages: Any) -> Any:
        if turns(messages):
            return finding(brief, messages)
        early = finding(brief, messages).tool_calls[0] | {"id": "early"}
        early["args"] = {**early["args"], "status": "partial", "headline": "It was written."}
        message = call(("write_note", {}))
        return message.model_copy(update={"tool_calls": [*message.tool_calls, early]})

    yard.says["clerk"] = clerk
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        assert waiting.status == "interrupted"
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "no"}])
    result = done.steps[0]["result"]
    assert result["status"] == "skipped" and result["headline"] == "It is done.", "the early finding was thrown away"
    assert yard.notes() == []


async def test_a_voter_without_the_role_is_told_and_changes_nothing(yard: Yard) -> None:
    yard.steps = [NOTE]
    async with at_work(yard, roles=("requester",)) as runner:
        waiting = await runner.run("note")
        again = await runner.resume(waiting.thread_id, decisions=[APPROVE], on_event=yard.hear)
        assert again.status == "interrupted" and yard.notes() == []
        told = [e["text"] for e in yard.events if e["event"] == "note"]
        assert told == ["local may not decide write_note: it takes one of risk-manager"]
        await runner.vote(waiting.approvals[0]["id"], "approve", voter=Caller("mia", "local", ("risk-manager",)))
        done = await runner.resume(waiting.thread_id)
    assert done.status == "success" and yard.notes() == ["hello"]
    assert done.answer and done.answer.decisions == ("write_note (write_note): approved and carried out by mia",)


async def test_half_of_the_decisions_leaves_the_other_half_open(yard: Yard) -> None:
    yard.steps = [NOTE, draft("s2", "clerk", "wire")]
    async with at_work(yard) as runner:
        waiting = await runner.run("note wire")
        assert len(waiting.approvals) == 2
        both = (await runner._state(waiting.thread_id)).interrupts[0].value["action_requests"]
        first = both[0]["name"]  # decisions go by the order of the question
        again = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        assert again.status == "interrupted" and [line.split()[0] for line in yard.calls()] == [first]
        asked = (await runner._state(waiting.thread_id)).interrupts[0].value["action_requests"]
        assert len(asked) == 1 and asked[0]["name"] != first
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "no"}])
    assert done.status == "success" and len(yard.calls()) == 1


async def test_a_decision_that_comes_too_late_does_not_overrule(yard: Yard) -> None:
    yard.steps = [NOTE]
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        await runner.vote(waiting.approvals[0]["id"], "reject", message="I was first")
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
        assert yard.notes() == [] and done.answer and "rejected by local: I was first" in done.answer.decisions[0]
        after = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert after.status == "success" and yard.notes() == [], "a finished run has nothing to decide"


async def test_an_edit_that_may_not_run_leaves_the_question_open(yard: Yard) -> None:
    yard.steps = [NOTE]
    edit = {"type": "edit", "edited_action": {"name": "write_note", "args": {"text": "x", "to": "everybody"}}}
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        again = await runner.resume(waiting.thread_id, decisions=[edit], on_event=yard.hear)
        assert again.status == "interrupted" and yard.notes() == []
        assert any("do not fit write_note" in e.get("text", "") for e in yard.events)
        await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert yard.notes() == ["hello"]
