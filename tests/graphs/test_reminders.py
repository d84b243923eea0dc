"""Who has to decide is reminded once, and later others may decide as well: while the run is live, when it is resumed, and when
somebody lists what waits."""

import asyncio
from datetime import timedelta
from typing import Any

from app.runner import Outcome
from tests.graphs.little import Yard, at_work, draft


def reminders(yard: Yard, change: str = "reminded") -> list[dict[str, Any]]:
    return [event for event in yard.events if event["event"] == "approval" and event["change"] == change]


async def waiting(yard: Yard, hours: float) -> Outcome:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        paused = await runner.run("note", on_event=yard.hear)
    yard.late = timedelta(hours=hours)
    assert reminders(yard) == []
    return paused


async def test_a_live_run_reminds_while_a_sibling_works(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")], asyncio.Event()

    def hear(event: dict[str, Any]) -> None:
        yard.hear(event)
        if event["event"] == "approval":
            yard.held["look_b"].set()

    async with at_work(yard, approval_hours=24, remind_after=1e-6) as runner:
        paused = await asyncio.wait_for(runner.run("note b", on_event=hear), 60)
    (told,) = reminders(yard)
    assert (told["step"], told["tool"], told["status"], told["approvers"]) == ("s1", "write_note", "pending", ["risk-manager"])
    assert told["approval_id"] == paused.approvals[0]["id"] and paused.approvals[0]["reminded_at"] == told["reminded_at"]
    assert paused.status == "interrupted" and yard.notes() == [], "a reminder decides nothing"


async def test_the_next_process_reminds_when_it_goes_on_and_does_so_once(yard: Yard) -> None:
    paused = await waiting(yard, hours=5)
    async with at_work(yard) as runner:
        still = await runner.resume(paused.thread_id, on_event=yard.hear)
        assert still.approvals[0]["reminded_at"] and len(reminders(yard)) == 1
        await runner.resume(paused.thread_id, on_event=yard.hear)
    assert len(reminders(yard)) == 1


async def test_before_half_of_the_time_nobody_is_reminded(yard: Yard) -> None:
    paused = await waiting(yard, hours=3.9)
    async with at_work(yard) as runner:
        await runner.resume(paused.thread_id, on_event=yard.hear)
        (listed,) = await runner.inbox()
    assert reminders(yard) == [] and listed.reminded_at is None


async def test_a_list_reminds_and_drops_what_is_over(yard: Yard) -> None:
    await waiting(yard, hours=5)
    async with at_work(yard) as runner:
        (listed,) = await runner.inbox()
        assert listed.reminded_at is not None
        yard.late = timedelta(hours=9)
        assert await runner.inbox() == []


async def test_what_nobody_decided_goes_to_further_people_and_they_decide(yard: Yard) -> None:
    paused = await waiting(yard, hours=6.5)
    async with at_work(yard, act_as="hana") as runner:
        still = await runner.resume(paused.thread_id, on_event=yard.hear)
        (told,) = reminders(yard, "escalated")
        assert (told["approvers"], told["escalated_to"]) == (["risk-manager", "head-of-risk"], ["head-of-risk"])
        assert still.approvals[0]["escalated_at"] == told["escalated_at"] and still.status == "interrupted"
        await runner.vote(still.approvals[0]["id"], "approve")
        assert (await runner.resume(paused.thread_id, on_event=yard.hear)).status == "success"
    assert yard.notes() == ["hello"] and len(reminders(yard, "escalated")) == 1


async def test_a_live_run_escalates_while_a_sibling_works(yard: Yard) -> None:
    yard.steps, yard.held["look_b"] = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")], asyncio.Event()

    def hear(event: dict[str, Any]) -> None:
        yard.hear(event)
        if event["event"] == "approval" and event["change"] == "escalated":
            yard.held["look_b"].set()

    async with at_work(yard, approval_hours=24, escalate_after=1e-6) as runner:
        await asyncio.wait_for(runner.run("note b", on_event=hear), 60)
    assert len(reminders(yard, "escalated")) == 1 and reminders(yard) == [] and yard.notes() == []


async def test_without_roles_to_go_to_nothing_is_escalated(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard, escalate_to=()) as runner:
        await runner.run("note", on_event=yard.hear)
        yard.late = timedelta(hours=7)
        (listed,) = await runner.inbox()
    assert listed.escalated_at is None and listed.reminded_at is not None
