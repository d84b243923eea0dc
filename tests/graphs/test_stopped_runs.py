"""Runs while the kill switch is on: what was asked or approved before waits, is not used up, and goes on when it is off."""

import asyncio
from typing import Any

import pytest

from app.audit import Audit
from app.runner import Runner
from governance.approval import EffectsStopped
from governance.identity import Caller
from tests.graphs.little import Yard, at_work, draft

OPS = Caller("olga", "local", ("operator",))


async def flip(runner: Runner, on: bool) -> None:
    await runner.services.switch.flip(OPS, on, "odd notes")


def notes(yard: Yard) -> list[str]:
    return [event["text"] for event in yard.events if event["event"] == "note"]


async def test_what_was_approved_waits_and_goes_on_when_it_is_off(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        asked = await runner.run("note")
        await runner.vote(asked.approvals[0]["id"], "approve")
        await flip(runner, True)
        held = await runner.resume(asked.thread_id, on_event=yard.hear)
        assert (held.status, held.approvals[0]["status"], held.may_go_on) == ("interrupted", "approved", False)
        assert "olga stopped all effects of local" in held.stopped and any("odd notes" in text for text in notes(yard))
        again = await runner.resume(asked.thread_id)
        assert (again.status, yard.notes()) == ("interrupted", [])
    async with at_work(yard) as runner:
        assert (await runner.outcome(asked.thread_id)).stopped
        await flip(runner, False)
        assert (await runner.outcome(asked.thread_id)).may_go_on
        assert (await runner.resume(asked.thread_id)).status == "success"
    assert yard.notes() == ["hello"]


async def test_what_is_asked_can_be_refused_and_not_approved_meanwhile(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "clerk", "wire")]
    async with at_work(yard) as runner:
        asked = await runner.run("note wire")
        await flip(runner, True)
        note, wire = (row["id"] for row in sorted(asked.approvals, key=lambda row: row["tool"], reverse=True))
        with pytest.raises(EffectsStopped, match="cannot be approved now: the kill switch is on: olga stopped"):
            await runner.vote(note, "approve")
        await runner.vote(wire, "reject", message="no")
        still = await runner.resume(asked.thread_id)
        assert [row["status"] for row in still.approvals if row["id"] == note] == ["pending"]
        log = await runner.services.decisions.for_execution(asked.execution_id)
        assert [(one.phase, one.rules) for one in log if one.phase == "refused"] == [("refused", ("kill-switch",))]
        await flip(runner, False)
        await runner.vote(note, "approve")
        await runner.resume(asked.thread_id)
    assert yard.notes() == ["hello"]


async def test_flipped_while_a_live_run_is_about_to_act(yard: Yard) -> None:
    """A sibling holds the run open; the approval comes, and the switch before the step wakes to it."""
    yard.steps, yard.held["look_b"] = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")], asyncio.Event()
    async with at_work(yard) as runner:
        running = asyncio.create_task(runner.run("note b", on_event=yard.hear))
        await yard.until(lambda: "waiting_approval" in yard.statuses("s1"))
        (row,) = await runner.inbox()
        inner = runner.services.gateway.act

        async def act(call: Any, clearing: Any) -> Any:  # the last moment before the intent
            if call.tool == "write_note":
                await flip(runner, True)
            return await inner(call, clearing)

        runner.services.gateway.act = act  # type: ignore[method-assign]  # between check and act there is no other place to be
        await runner.vote(row.id, "approve")
        await yard.until(lambda: yard.statuses("s1").count("waiting_approval") == 2)
        runner.services.gateway.act = inner  # type: ignore[method-assign]  # as it was
        yard.held["look_b"].set()
        done = await asyncio.wait_for(running, 60)
        assert done.status == "interrupted" and done.stopped and yard.notes() == []
        await flip(runner, False)
        assert (await runner.resume(done.thread_id)).status == "success"
    assert yard.notes() == ["hello"]


async def test_an_edit_meanwhile_waits_like_any_other(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        asked = await runner.run("note")
        await flip(runner, True)
        made = await runner.vote(asked.approvals[0]["id"], "edit", args={"text": "bye"})
        assert made.status == "pending" and made.votes == ()
        await runner.resume(asked.thread_id)
        await flip(runner, False)
        await runner.vote(made.id, "approve")
        await runner.resume(asked.thread_id)
    assert yard.notes() == ["bye"]


@pytest.mark.parametrize("needs", ["an approval", "none"])
async def test_an_effect_that_was_not_asked_for_yet_waits_as_a_step_and_goes_on_when_it_is_off(yard: Yard, needs: str) -> None:
    """Reads go on beside it; nobody is asked before the switch is off, and nothing is lost when the process ends."""
    if needs == "none":
        yard.policies = ("core",)
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")]
    async with at_work(yard) as runner:
        await flip(runner, True)
        held = await runner.run("note b", on_event=yard.hear)
        assert (held.status, held.approvals, held.may_go_on) == ("interrupted", [], False)
        assert "olga stopped all effects of local" in held.stopped and any("odd notes" in text for text in notes(yard))
        assert yard.statuses("s1")[-1] == "waiting_approval" and yard.calls() == ["look_b s2"]
        again = await runner.resume(held.thread_id, decisions=[{"type": "respond", "message": "go on"}])
        assert (again.status, yard.notes()) == ("interrupted", []), "no answer releases a switch"
    async with at_work(yard) as runner:
        await flip(runner, False)
        assert (await runner.outcome(held.thread_id)).may_go_on
        done = await runner.resume(held.thread_id)
        if needs == "an approval":
            assert done.status == "interrupted" and yard.notes() == []
            await runner.vote(done.approvals[0]["id"], "approve")
            done = await runner.resume(held.thread_id)
        assert done.as_json()["complete"] and yard.notes() == ["hello"]


async def test_flipped_between_decision_and_act_an_effect_that_needs_no_approval_waits(yard: Yard) -> None:
    yard.policies = ("core",)
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        inner = runner.services.gateway.act

        async def act(call: Any, clearing: Any) -> Any:  # the last moment before the intent
            await flip(runner, True)
            return await inner(call, clearing)

        runner.services.gateway.act = act  # type: ignore[method-assign]  # between check and act there is no other place to be
        held = await runner.run("note")
        runner.services.gateway.act = inner  # type: ignore[method-assign]  # as it was
        assert held.status == "interrupted" and held.stopped and yard.notes() == []
        assert await runner.services.effects.for_execution(held.execution_id) == []
        await flip(runner, False)
        assert (await runner.resume(held.thread_id)).as_json()["complete"] and yard.notes() == ["hello"]
        found = await Audit(runner.services.settings, runner.services.gateway.db).verify()
        assert [str(fault) for fault in found.faults] == []
