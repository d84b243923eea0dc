"""A dry run: reads run, effects are shown by handles that keep nothing, and nobody is asked."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from governance.bundle import POLICIES, SCHEMA, bundle
from governance.cedar import CedarPolicy
from tests.tools.cases import TOOLS, Door, Handles
from tools.calls import ProposedCall
from tools.registry import ToolError

FROZEN = """@id("all") permit (principal, action, resource);
@id("frozen") @outcome("deny") @reason("nothing is changed now")
forbid (principal, action == Action::"effect", resource);"""


class Rehearsed(Handles):
    """Handles that can rehearse: on a copy of what they write."""

    def rehearsing(self) -> Handles:
        copy = Handles(self.world())
        copy.writing = deepcopy(self.writing)
        return copy


def dry(door: Door, name: str, **args: Any) -> ProposedCall:
    return replace(door.call(name, **args), dry_run=True, resources=Rehearsed(door.world))


async def test_an_effect_is_shown_and_not_done(door: Door) -> None:
    call = dry(door, "open_case", who="Cipla")
    clearing = await door.gateway.propose(call)
    assert (clearing.outcome, clearing.approval_id, clearing.needs) == ("approve", None, "risk-manager")
    done = await door.gateway.act(call, clearing)
    assert (done.status, done.effect, done.result) == ("ok", "simulated", {"case": 1, "who": "Cipla"})
    assert (
        door.world.writing == [] and await door.approvals.pending("e1") == [] and await door.effects.for_execution("e1") == []
    )
    assert await door.log() == [("decided", "approve"), ("outcome", "simulated")]


async def test_reads_run_and_what_is_denied_stays_denied(door: Door) -> None:
    call = dry(door, "look", key="b")
    assert (await door.gateway.act(call, await door.gateway.propose(call))).effect is None
    denied = replace(dry(door, "send", who="Cipla"), granted=frozenset())
    assert (await door.gateway.propose(denied)).outcome == "deny"
    policies = bundle((POLICIES / SCHEMA).read_text(encoding="utf-8"), {"frozen.cedar": FROZEN})
    frozen = Door(door.db, door.time, door.world, engine=CedarPolicy({one.name: one.manifest for one in TOOLS}, policies))
    call = dry(frozen, "send", who="Cipla")
    done = await frozen.gateway.act(call, await door.gateway.propose(call))  # frozen since it was proposed
    assert done.status == "denied" and "nothing is changed now" in done.error and door.world.calls["open"] == 0
    assert (await frozen.gateway.propose(call)).outcome == "deny"
    frozen.gateway.close()


async def test_what_cannot_be_rehearsed_is_not_done_instead(door: Door) -> None:
    call = replace(door.call("send", who="Cipla"), dry_run=True)
    done = await door.gateway.act(call, await door.gateway.propose(call))
    assert done.status == "denied" and "cannot be shown without doing it" in done.error and door.world.calls["open"] == 0


async def test_a_clearing_of_a_dry_run_is_none_for_a_real_one(door: Door) -> None:
    call = dry(door, "open_case", who="Cipla")
    clearing = await door.gateway.propose(call)
    done = await door.gateway.act(replace(call, dry_run=False), clearing)
    assert done.status == "denied" and "lacks the approval" in done.error and door.world.writing == []


async def test_an_effect_that_would_be_refused_is_said(door: Door) -> None:
    door.world.trouble = [ToolError("case 4 is open already")]
    call = dry(door, "open_case", who="Cipla")
    done = await door.gateway.act(call, await door.gateway.propose(call))
    assert (done.status, done.error) == ("error", "case 4 is open already")
