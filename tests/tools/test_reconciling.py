"""An effect that left no outcome: the tool is asked about its key; where it cannot tell, a person says what happened."""

import pytest

from governance.effects import EffectRow
from governance.identity import Caller
from tests.tools.cases import ANN, RISK, TOOLS, WRITE, Case, Crash, Door, Opened, _open, transient
from tools.gateway import Gateway
from tools.registry import Registry, ToolContext, ToolError, tool
from tools.settling import CannotSettle, Settling


def found_by_key(args: Case, ctx: ToolContext) -> Opened | None:
    world = ctx.resources.world()
    world.calls["asked"] += 1
    if args.who == "Mute":
        raise ToolError("the index is being built")
    if args.who == "Broken":
        raise ZeroDivisionError
    keys = [one["key"] for one in world.writing]
    return Opened(case=keys.index(ctx.idempotency_key) + 1, who=args.who) if ctx.idempotency_key in keys else None


def asked(name: str, idempotent: bool) -> Registry:
    """A registry whose tool `name` can tell what became of a call."""
    made = tool(WRITE.model_copy(update={"idempotent": idempotent}), name=name, reconcile=found_by_key)(_described)
    return Registry([made if one.name == name else one for one in TOOLS if one.name == name or one.undo is None])


def _described(args: Case, ctx: ToolContext) -> Opened:
    """Do it."""
    return _open(args, ctx)


def door_to(door: Door, name: str, *, idempotent: bool) -> Door:
    """The same door before a registry whose tool can be asked."""
    one, registry = door.again(), asked(name, idempotent)
    one.gateway.close()
    assert one.engine
    one.gateway = Gateway(registry, one.engine, one.approvals, one.effects, one.decisions, one.db, one.time, backoff=0.01)
    return one


async def effect(door: Door) -> EffectRow:
    (row,) = await door.effects.for_execution("e1")
    return row


async def broken_off(door: Door, who: str, *, after: bool) -> None:
    """A call whose process died in the tool, before or after it had done its work."""
    call = door.call("send", who=who)
    clearing = await door.approved(call)
    door.world.trouble, door.world.before = [Crash()], not after
    with pytest.raises(Crash):
        await door.gateway.act(call, clearing)
    assert (await effect(door)).state == "intended" and len(door.world.writing) == after


async def test_what_was_done_is_found_by_its_key_and_not_done_again(door: Door) -> None:
    one = door_to(door, "send", idempotent=False)
    await broken_off(one, "once", after=True)
    told = await one.run(one.call("send", who="once"))
    assert (told.status, told.effect, told.result) == ("ok", "replayed", {"case": 1, "who": "once"})
    assert len(one.world.writing) == 1 and one.world.calls["open"] == 1 and (await effect(one)).state == "done"
    assert ("outcome", "reconciled") in await one.log()
    one.gateway.close()


async def test_what_cannot_be_seen_is_not_done_again_by_a_tool_that_would_do_it_twice(door: Door) -> None:
    one = door_to(door, "send", idempotent=False)
    await broken_off(one, "once", after=False)
    told = await one.run(one.call("send", who="once"))
    assert told.status == "unknown" and "a person must look" in told.error and one.world.writing == []
    one.gateway.close()


async def test_what_never_happened_is_done_by_a_tool_that_does_it_once_a_key(door: Door) -> None:
    one = door_to(door, "send", idempotent=True)
    await broken_off(one, "Cipla", after=False)
    told = await one.run(one.call("send", who="Cipla"))
    assert (told.status, told.effect) == ("ok", "done") and len(one.world.writing) == 1
    log = await one.log()
    assert log.index(("outcome", "not-done")) < log.index(("intent", "again"))
    one.gateway.close()


@pytest.mark.parametrize("who", ["Mute", "Broken"])
async def test_a_tool_that_cannot_tell_leaves_it_as_it_was(door: Door, who: str) -> None:
    one = door_to(door, "send", idempotent=False)
    await broken_off(one, who, after=True)
    told = await one.run(one.call("send", who=who))
    assert told.status == "unknown" and one.world.calls["asked"] == 1 and len(one.world.writing) == 1
    one.gateway.close()


async def test_a_tool_is_asked_only_about_what_left_no_outcome(door: Door) -> None:
    one = door_to(door, "send", idempotent=False)
    for _ in range(2):
        assert (await one.run(one.call("send", who="once"))).status == "ok"
    assert one.world.calls["asked"] == 0
    one.gateway.close()


# -- a person --------------------------------------------------------------------------------------------------------


def settling(door: Door) -> Settling:
    return Settling(Registry(TOOLS), door.effects, door.decisions, door.db)


async def unknown(door: Door) -> EffectRow:
    door.world.trouble = [transient()]
    assert (await door.run(door.call("send", who="once"))).status == "unknown"
    return await effect(door)


async def test_a_person_says_that_it_was_done(door: Door) -> None:
    row = await unknown(door)
    after = await settling(door).settle(row.key, True, RISK, "the supplier has the letter")
    assert after.state == "done"
    last = await door.last()
    assert (last.outcome, last.user, last.reasons) == ("settled-done", "ravi", ("the supplier has the letter",))
    told = await door.run(door.call("send", who="once"))
    assert told.status == "error" and told.final and "was done" in told.error and door.world.writing == []
    assert told.effect == "replayed", "it counts as done, and nothing can rest on a result that nobody knows"


async def test_a_person_says_that_it_was_not_and_it_may_be_tried_again(door: Door) -> None:
    row = await unknown(door)
    assert (await settling(door).settle(row.key, False, RISK, "nothing came")).state == "failed"
    told = await door.run(door.call("send", who="once"))
    assert told.status == "ok" and len(door.world.writing) == 1


@pytest.mark.parametrize(
    ("who", "reason", "says"),
    [
        (ANN, "I think so", "for these to say: risk-manager; ann is none of them"),
        (Caller("eve", "other", ("risk-manager",)), "I think so", "there is no effect"),
        (RISK, " ", "say how you know"),
    ],
)
async def test_not_everybody_may_say_so(door: Door, who: Caller, reason: str, says: str) -> None:
    row = await unknown(door)
    before = await door.log()
    with pytest.raises(CannotSettle, match=says):
        await settling(door).settle(row.key, True, who, reason)
    assert (await effect(door)).state == "unknown" and await door.log() == before


async def test_what_is_known_is_not_settled(door: Door) -> None:
    assert (await door.run(door.call("send", who="once"))).status == "ok"
    with pytest.raises(CannotSettle, match="is known already: it is done"):
        await settling(door).settle((await effect(door)).key, False, RISK, "I would rather not")
