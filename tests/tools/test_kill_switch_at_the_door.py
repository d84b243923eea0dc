"""An effect had its intent before the switch, or it does not happen; reads go on."""

import asyncio

from governance.identity import Caller
from governance.kill_switch import KillSwitch
from tests.tools.cases import Door

OPS = Caller("olga", "acme", ("operator",))


async def flip(door: Door, on: bool) -> None:
    await KillSwitch(door.db, door.decisions, ("operator",), ()).flip(OPS, on, "odd letters")


async def test_flipped_between_approval_and_act_the_effect_does_not_happen_and_the_approval_is_kept(door: Door) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    await flip(door, True)
    done = await door.gateway.act(call, clearing)
    assert done.status == "denied" and "olga stopped all effects of acme" in done.error
    assert door.world.writing == [] and (await door.last()).rules == ("kill-switch",)
    assert await door.effects.for_execution("e1") == []
    await flip(door, False)
    assert (await door.gateway.act(call, clearing)).status == "ok"


async def test_new_effects_are_denied_with_the_reason_and_nobody_is_asked(door: Door) -> None:
    await flip(door, True)
    clearing = await door.gateway.propose(door.call("send", who="Cipla"))
    assert clearing.outcome == "deny" and clearing.rules == ("kill-switch",) and "odd letters" in clearing.text
    assert await door.approvals.pending(execution_id="e1") == []
    assert (await door.run(door.call("look"))).status == "ok"


async def test_flipped_between_intent_and_outcome_the_outcome_is_recorded_and_the_next_effect_stops(door: Door) -> None:
    first, second = door.call("open_case", who="Cipla"), door.call("open_case", "s2", who="Hetero")
    cleared = [await door.approved(first), await door.approved(second)]
    door.world.trip = lambda: asyncio.run(flip(door, True))  # type: ignore[method-assign]  # the tool itself runs: intent, no outcome
    assert (await door.gateway.act(first, cleared[0])).status == "ok"
    stopped = await door.gateway.act(second, cleared[1])
    assert stopped.status == "denied"
    assert [one["who"] for one in door.world.writing] == ["Cipla"]


async def test_an_effect_that_was_done_is_told_again(door: Door) -> None:
    call = door.call("open_case", who="Cipla")
    await door.run(call)
    clearing = await door.gateway.propose(call)
    await flip(door, True)
    assert (await door.gateway.act(call, clearing)).effect == "replayed" and len(door.world.writing) == 1
