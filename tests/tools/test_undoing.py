"""Undoing: last things first, each through the door, once; what fails, waits or is unknown is said and can be tried again."""

from dataclasses import replace
from datetime import date

import pytest

from database import Database
from governance.effects import undone_steps
from governance.ledger_check import check
from governance.manifest import ToolManifest
from tests.tools.cases import ANN, RISK, Case, Close, Crash, Door, Handles, Opened, closing, open_case, transient
from tools.registry import BadCompensation, Registry, ToolContext, ToolError, tool
from tools.undoing import CannotUndo, Undoer, Undoing

WHY = "the wrong suppliers"


def undoer(door: Door) -> Undoer:
    return Undoer(door.gateway, door.gateway._registry, door.effects, door.db, Handles(door.world), date(2026, 3, 1))


async def opened(door: Door, *who: str) -> None:
    """Cases opened one after the other, each by a step of its own."""
    for n, one in enumerate(who, 1):
        assert (await door.run(door.call("open_case", step=f"s{n}", who=one))).effect == "done"
        door.time.pass_(hours=0.1)


async def agree(door: Door, told: list[Undoing]) -> None:
    for one in told:
        if one.standing == "waiting":
            await door.approvals.vote(str(one.approval_id), RISK, "approve")


def closed(door: Door) -> list[str]:
    return [one["who"] for one in door.world.writing if "closed_by" in one]


async def test_all_is_undone_last_things_first_with_approvals_and_records_of_its_own(door: Door) -> None:
    await opened(door, "Cipla", "Aspen")
    look = await undoer(door).look("e1", reason=WHY)
    assert [(one.effect.args["who"], one.standing, one.tool) for one in look] == [
        ("Aspen", "open", "close_case"),
        ("Cipla", "open", "close_case"),
    ]
    first = await undoer(door).undo("e1", ANN, WHY)
    assert [one.standing for one in first] == ["waiting", "waiting"] and closed(door) == [], "each asks, nothing runs"
    await agree(door, first)
    told = await undoer(door).undo("e1", ANN, WHY)
    assert [one.standing for one in told] == ["compensated", "compensated"]
    rows = await door.effects.for_execution("e1")
    states = [(row.tool, row.state) for row in rows]
    assert states.count(("open_case", "compensated")) == 2 and states.count(("close_case", "done")) == 2
    assert undone_steps(rows, await door.effects.undoing("e1")) == {"s1", "s2"}
    log = [one for one in await door.decisions.for_execution("e1") if one.tool == "close_case"]
    order = [door.world.writing[one - 1]["who"] for one in (await closing_order(door))]
    assert order == ["Aspen", "Cipla"]
    assert [one.phase for one in log if one.outcome in ("go", "ok")] == ["intent", "outcome"] * 2
    assert {one.agent for one in log if one.phase == "intent"} == {"undo"}
    assert not door.db.run_sync(lambda c: check(c, ())).faults


async def closing_order(door: Door) -> list[int]:
    """The numbers of the cases in the order in which the ledger says that they were closed."""
    log = [one for one in await door.decisions.for_execution("e1") if (one.tool, one.phase) == ("close_case", "intent")]
    return [int((await door.decisions.payload(one.args_digest) or {})["case"]) for one in log]


async def test_one_step_alone(door: Door) -> None:
    await opened(door, "Cipla", "Aspen")
    await agree(door, await undoer(door).undo("e1", ANN, WHY, step="s1"))
    (told,) = await undoer(door).undo("e1", ANN, WHY, step="s1")
    assert told.standing == "compensated" and closed(door) == ["Cipla"]
    rows = await door.effects.for_execution("e1")
    assert undone_steps(rows, await door.effects.undoing("e1")) == {"s1"}


async def test_it_is_done_once_whoever_asks_again_and_for_whatever_reason(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    await undoer(door).undo("e1", ANN, WHY)
    again = await undoer(door).undo("e1", RISK, "once more")
    assert [one.standing for one in again] == ["compensated"] and door.world.calls["close"] == 1
    assert await door.approvals.pending("e1") == []


async def test_what_cannot_be_undone_is_said_and_the_rest_is_undone(door: Door) -> None:
    await opened(door, "Cipla")
    assert (await door.run(door.call("send", step="s9", who="Aspen"))).status == "ok"
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    told = await undoer(door).undo("e1", ANN, WHY)
    assert {one.effect.tool: one.standing for one in told} == {"send": "impossible", "open_case": "compensated"}
    assert "no tool undoes send" in next(one for one in told if one.effect.tool == "send").why
    assert "s9" not in undone_steps(await door.effects.for_execution("e1"), await door.effects.undoing("e1"))


async def test_one_that_fails_stops_the_earlier_ones_and_can_be_tried_again(door: Door) -> None:
    await opened(door, "Cipla", "Aspen")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [ToolError("the book is shut")]
    told = await undoer(door).undo("e1", ANN, WHY)
    assert [(one.standing, one.why) for one in told] == [
        ("failed", "the book is shut"),
        ("not tried", "what was done after it is not undone yet"),
    ]
    assert {row.state for row in await door.effects.for_execution("e1") if row.tool == "open_case"} == {"done"}
    after = door.again()
    told = await undoer(after).undo("e1", ANN, WHY)
    assert [one.standing for one in told] == ["compensated", "compensated"] and len(closed(door)) == 2
    after.gateway.close()


async def test_one_that_breaks_off_is_unknown_and_then_done_once(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [transient()] * 3
    (told,) = await undoer(door).undo("e1", ANN, WHY)
    assert told.standing == "unknown"
    (told,) = await undoer(door).undo("e1", RISK, "another reason does not make another call")
    assert told.standing == "compensated" and len(closed(door)) == 1


async def test_an_edited_undoing_undoes_all_the_same(door: Door) -> None:
    await opened(door, "Cipla")
    (told,) = await undoer(door).undo("e1", ANN, WHY)
    edited = {"case": 1, "why": "said better"}
    row = await door.approvals.vote(str(told.approval_id), RISK, "edit", args=edited)
    if row.status == "pending":
        await door.approvals.vote(row.id, RISK, "approve")
    (told,) = await undoer(door).undo("e1", ANN, WHY)
    assert told.standing == "compensated"
    assert {row.tool: row.state for row in await door.effects.for_execution("e1")}["open_case"] == "compensated"


async def test_a_rejected_undoing_may_be_asked_for_anew_with_another_reason(door: Door) -> None:
    await opened(door, "Cipla")
    (told,) = await undoer(door).undo("e1", ANN, WHY)
    await door.approvals.vote(str(told.approval_id), RISK, "reject", message="why?")
    (told,) = await undoer(door).undo("e1", ANN, WHY)
    assert told.standing == "denied" and "rejected" in told.why and closed(door) == []
    (told,) = await undoer(door).undo("e1", ANN, "Cipla merged")
    assert told.standing == "waiting"


async def test_a_reason_is_asked_for(door: Door) -> None:
    await opened(door, "Cipla")
    with pytest.raises(CannotUndo, match="say why open_case is to be undone"):
        await undoer(door).undo("e1", ANN, " ")


async def test_what_was_undone_is_not_done_again_nor_called_done(door: Door) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    await door.gateway.act(call, clearing)
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    await undoer(door).undo("e1", ANN, WHY)
    told = await door.gateway.act(call, clearing)
    assert told.status == "denied" and "undone since" in told.error and door.world.calls["open"] == 1


async def test_a_model_cannot_pass_its_own_call_off_as_an_undoing(door: Door) -> None:
    await opened(door, "Cipla")
    (row,) = await door.effects.for_execution("e1")
    call = replace(door.call("close_case", step="s2", case=1, why="mine"), call_id=f"undo:{row.key}")
    assert (await door.run(call)).status == "ok"
    assert (await door.effects.get(row.key)).state == "done"  # type: ignore[union-attr]  # it is there


async def test_killed_in_the_midst_it_goes_on_and_closes_once(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [Crash()]
    with pytest.raises(Crash):
        await undoer(door).undo("e1", ANN, WHY)
    after = door.again()
    (told,) = await undoer(after).undo("e1", ANN, WHY)
    after.gateway.close()
    assert told.standing == "compensated" and len(closed(door)) == 1


# -- at start-up ----------------------------------------------------------------------------------------------------


def described(compensation: str | None, undo: object) -> object:
    def act(args: Case, ctx: ToolContext) -> Opened:
        """Do something."""
        raise AssertionError("never run")

    manifest = ToolManifest(effect="write", compensation=compensation)
    return tool(manifest, name="act", undo=undo)(act)  # type: ignore[arg-type]  # wrong on purpose


def backwards(done: Opened, args: Case, reason: str) -> Close:
    raise AssertionError("never run")


def other(args: Case, done: Opened, reason: str) -> Case:
    raise AssertionError("never run")


@pytest.mark.parametrize(
    ("compensation", "undo", "says"),
    [
        ("close_case", None, "needs both"),
        (None, closing, "needs both"),
        ("shut_case", closing, "names shut_case as what undoes it, and there is no such effect"),
        ("look", closing, "names look as what undoes it, and there is no such effect"),
        ("close_case", backwards, r"declare undo as \(Case, Opened, str\) -> Close"),
        ("close_case", other, r"declare undo as \(Case, Opened, str\) -> Close"),
    ],
)
def test_an_undoing_that_cannot_be_stops_the_start(compensation: str | None, undo: object, says: str) -> None:
    from tests.tools.cases import TOOLS

    with pytest.raises(BadCompensation, match=says):
        Registry([*TOOLS, described(compensation, undo)])  # type: ignore[list-item]  # it is a tool


def test_every_domain_undoes_what_it_says_it_can(db: Database) -> None:
    from graphs.services import load_domain, registry_of

    found = registry_of(load_domain("supply_chain"))
    assert [one.name for one in found.values() if one.undo] == ["open_case"] and open_case.undo is closing
