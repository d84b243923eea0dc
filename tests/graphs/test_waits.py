"""A step waits for a time or an event, through restarts and for days; its siblings go on meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.runner import Outcome, Runner
from app.workflows import save_workflow
from graphs.plan import Wait
from graphs.waits import NobodyWaits, wait_of
from tests.graphs.little import Yard, at_work, draft

STEPS = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "cat", "c")]


async def begun(runner: Runner, **waits: Wait) -> Outcome:
    """A run of the three steps as a workflow with these waits."""
    first = await runner.run("a b c")
    await save_workflow(runner.services, runner.caller, "waits", first.execution_id, (), waits)
    return await runner.run("go", workflow={"name": "waits"}, on_event=lambda event: None)


def stands(outcome: Outcome) -> dict[str, str]:
    return {step["id"]: step["status"] for step in outcome.steps}


async def test_a_timer_runs_for_days_over_restarts(yard: Yard) -> None:
    yard.steps = STEPS
    async with at_work(yard) as runner:
        paused = await begun(runner, s2=Wait(after="3d"))
        assert (paused.status, paused.waits_for) == ("interrupted", "event")
        assert stands(paused) == {"s1": "succeeded", "s2": "waiting_external", "s3": "succeeded"}
        assert "Step s2: waits until" in paused.held_back[0]
    for hours in (1, 47, 71):
        yard.late = timedelta(hours=hours)
        async with at_work(yard) as runner:
            assert await runner.services.ready() == []
            assert (await runner.resume(paused.thread_id)).status == "interrupted"
    assert yard.calls("look_b") == ["s2"], "of the run that was saved"
    yard.late = timedelta(hours=73)
    async with at_work(yard) as runner:
        (ready,) = await runner.services.ready()
        assert (ready.thread_id, ready.requester.user) == (paused.thread_id, "local")
        ended = await runner.resume(paused.thread_id)
        assert ended.status == "success" and stands(ended) == dict.fromkeys(("s1", "s2", "s3"), "succeeded")
        assert await runner.services.ready() == []
    assert yard.calls("look_b") == ["s2", "s2"] and yard.calls("look_a") == ["s1", "s1"]


async def test_an_event_lets_go_of_who_waits_for_it_and_is_on_record(yard: Yard) -> None:
    yard.steps = STEPS
    async with at_work(yard) as runner:
        paused = await begun(runner, s2=wait_of("event:po within 5d"))
        waits, id = runner.services.waits, paused.execution_id
        for wrong in (dict(org="local", event="other"), dict(org="elsewhere", event="po")):
            with pytest.raises(NobodyWaits):
                await waits.arrive(data={}, sender="erp", **wrong)
        assert await waits.arrive("local", "po", {"order": 4711}, "erp", message_id="m1") == [id]
        assert await waits.arrive("local", "po", {"order": 4712}, "erp", message_id="m1") == [id], "told again"
        assert (await runner.resume(paused.thread_id)).status == "success"
        (told,) = [one for one in await runner.services.decisions.for_execution(id) if one.phase == "event"]
        assert (told.version, told.user, told.step_id) == ("po", "erp", "s2")
        assert await runner.services.decisions.payload(str(told.args_digest)) == {"order": 4711}
        later = await runner.run("go", workflow={"name": "waits"})
        assert await waits.arrive("local", "po", {}, "erp", message_id="m1") == [id], "an old message frees no new wait"
        assert (await runner.resume(later.thread_id)).status == "interrupted"


async def test_an_event_that_comes_too_late_fails_its_step(yard: Yard) -> None:
    yard.steps = STEPS
    async with at_work(yard) as runner:
        paused = await begun(runner, s2=wait_of("event:po within 5d"))
        yard.late = timedelta(days=6)
        with pytest.raises(NobodyWaits):
            await runner.services.waits.arrive("local", "nothing", {}, "erp")
        await runner.services.waits.arrive("local", "po", {}, "erp")
        ended = await runner.resume(paused.thread_id)
        assert stands(ended)["s2"] == "failed" and ended.answer and ended.answer.status == "partial"
        assert "did not come by" in str(ended.steps)


async def test_a_live_run_goes_on_when_its_event_comes(yard: Yard) -> None:
    """While a sibling still works, the event is taken up in the same run."""
    yard.steps = STEPS
    async with at_work(yard) as runner:
        first = await runner.run("a b c")
        await save_workflow(runner.services, runner.caller, "waits", first.execution_id, (), {"s2": Wait(event="po")})
        yard.held["look_c"] = asyncio.Event()

        def hear(event: dict[str, Any]) -> None:
            yard.hear(event)
            if event["event"] == "step" and (event["step"], event["status"]) == ("s2", "succeeded"):
                yard.held["look_c"].set()

        going = asyncio.create_task(runner.run("go", workflow={"name": "waits"}, on_event=hear))
        await yard.until(lambda: "waiting_external" in yard.statuses("s2"))
        await runner.services.waits.arrive("local", "po", {}, "erp")
        assert (await asyncio.wait_for(going, 60)).status == "success"


async def test_an_approval_and_a_timer_wait_side_by_side(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "ben", "b")]
    async with at_work(yard) as runner:
        first = await runner.run("note b")
        await save_workflow(runner.services, runner.caller, "waits", first.execution_id, (), {"s2": Wait(after="1d")})
        paused = await runner.run("go", workflow={"name": "waits"})
        assert stands(paused) == {"s1": "waiting_approval", "s2": "waiting_external"} and paused.waits_for == "approvals"
        await runner.vote(paused.approvals[0]["id"], "approve")
        noted = await runner.resume(paused.thread_id)
        assert stands(noted) == {"s1": "succeeded", "s2": "waiting_external"} and noted.waits_for == "event"
        stopped = await runner.cancel(paused.thread_id)
        assert stopped.status == "failed" and await runner.services.ready() == []
    assert yard.notes() == ["hello"]
