"""A call of a suspended tool, or by a suspended specialist, does not run; what had its intent before is told as ever."""

import asyncio

from governance.identity import Caller
from governance.suspensions import Kind, Suspensions
from tests.tools.cases import Door

OPS = Caller("olga", "acme", ("operator",))


async def suspend(door: Door, kind: Kind, name: str) -> None:
    await Suspensions(door.db, door.decisions, ("operator",)).suspend(OPS, kind, name, "odd letters")


async def test_a_read_of_a_suspended_tool_does_not_run_and_others_go_on(door: Door) -> None:
    await suspend(door, "tool", "look")
    denied = await door.run(door.call("look"))
    assert (denied.status, denied.rule) == ("denied", "suspended") and "(odd letters)" in denied.error
    assert door.world.calls["look"] == 0 and (await door.log())[-1] == ("outcome", "denied")
    assert (await door.run(door.call("fetch"))).status == "ok"


async def test_nobody_is_asked_for_an_effect_of_a_suspended_specialist(door: Door) -> None:
    await suspend(door, "specialist", "worker")
    clearing = await door.gateway.propose(door.call("send", who="Cipla"))
    assert (clearing.outcome, clearing.rules) == ("deny", ("suspended",))
    assert await door.approvals.pending(execution_id="e1") == []
    assert (await door.run(door.call("look"))).status == "denied"


async def test_suspended_between_approval_and_act_the_effect_does_not_happen(door: Door) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    await suspend(door, "tool", "open_case")
    done = await door.gateway.act(call, clearing)
    assert (done.status, done.rule) == ("denied", "suspended") and door.world.writing == []
    assert await door.effects.for_execution("e1") == []
    await Suspensions(door.db, door.decisions, ("operator",)).resume(OPS, "tool", "open_case", "explained")
    assert (await door.gateway.act(call, clearing)).status == "ok", "the approval was not used up"


async def test_suspended_between_intent_and_outcome_the_outcome_is_recorded_and_told_again(door: Door) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    door.world.trip = lambda: asyncio.run(suspend(door, "tool", "open_case"))  # type: ignore[method-assign]  # the tool itself runs
    assert (await door.gateway.act(call, clearing)).status == "ok"
    assert (await door.gateway.act(call, clearing)).effect == "replayed" and len(door.world.writing) == 1
