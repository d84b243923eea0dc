"""What effects came to, undone, asked after or settled, agrees with the ledger; a row of it that was changed by hand does not."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from governance.agreement import Account, disagreements
from governance.compensations import of_execution
from tests.tools.cases import ANN, RISK, Crash, Door, transient
from tests.tools.test_reconciling import broken_off, door_to
from tests.tools.test_undoing import WHY, agree, opened, undoer
from tools.registry import ToolError
from tools.settling import Settling


async def faults(door: Door) -> list[str]:
    approvals = await door.approvals.of_execution("e1", superseded=True)
    effects, undoing = await door.effects.for_execution("e1"), door.db.run_sync(lambda c: of_execution(c, "e1"))
    account = Account("e1", ANN, {}, [], approvals, effects, undoing)
    return [fault.what for fault in disagreements(account, await door.decisions.for_execution("e1"))]


async def undo(door: Door, why: str = WHY) -> str:
    (told,) = await undoer(door).undo("e1", ANN, why)
    return told.standing


async def state(door: Door, tool: str) -> str:
    (row,) = [row for row in await door.effects.for_execution("e1") if row.tool == tool]
    return row.state


async def undone(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    assert await undo(door) == "compensated"


async def test_an_undoing_agrees_at_each_of_its_states(door: Door) -> None:
    await opened(door, "Cipla")
    assert await faults(door) == []
    told = await undoer(door).undo("e1", ANN, WHY)
    assert told[0].standing == "waiting" and await faults(door) == []
    await agree(door, told)
    assert await undo(door) == "compensated" and await faults(door) == []


async def test_a_failed_undoing_and_its_repeat_agree(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [ToolError("the book is shut")]
    assert await undo(door) == "failed" and await faults(door) == []
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    assert await undo(door) == "compensated" and await faults(door) == []
    assert await state(door, "open_case") == "compensated"


async def test_one_that_broke_off_and_its_repeat_agree(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [transient()] * 3
    assert await undo(door) == "unknown" and await faults(door) == []
    assert await undo(door) == "compensated" and await faults(door) == []


async def test_one_that_was_killed_and_settled_by_a_person_agrees(door: Door) -> None:
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    door.world.trouble = [Crash()]
    with pytest.raises(Crash):
        await undo(door)
    assert await faults(door) == []
    (row,) = [row for row in await door.effects.for_execution("e1") if row.tool == "close_case"]
    await Settling(door.gateway._registry, door.effects, door.decisions, door.db).settle(row.key, True, RISK, "I looked")
    assert await state(door, "open_case") == "compensated" and await faults(door) == []
    assert await undo(door) == "compensated" and door.world.calls["close"] == 1


@pytest.mark.parametrize("happened", [True, False])
async def test_what_a_person_settled_agrees(door: Door, happened: bool) -> None:
    await broken_off(door, "Cipla", after=happened)
    assert await faults(door) == []
    (row,) = await door.effects.for_execution("e1")
    settling = Settling(door.gateway._registry, door.effects, door.decisions, door.db)
    await settling.settle(row.key, happened, RISK, "I looked")
    assert await state(door, "send") == ("done" if happened else "failed") and await faults(door) == []


@pytest.mark.parametrize("happened", [True, False])
async def test_what_the_tool_was_asked_about_agrees(door: Door, happened: bool) -> None:
    one = door_to(door, "send", idempotent=True)
    await broken_off(one, "Cipla", after=happened)
    await one.run(one.call("send", who="Cipla"))
    assert await state(one, "send") == "done" and await faults(one) == []
    one.gateway.close()


async def test_another_reason_voids_what_the_first_asked_for(door: Door) -> None:
    await opened(door, "Cipla")
    (first,) = await undoer(door).undo("e1", ANN, "a")
    (second,) = await undoer(door).undo("e1", RISK, "b")
    assert first.approval_id != second.approval_id
    assert [one.id for one in await door.approvals.pending("e1")] == [second.approval_id]
    assert (await door.approvals.resolve(str(first.approval_id))).status == "void" and await faults(door) == []
    (third,) = await undoer(door).undo("e1", ANN, "b")
    assert third.approval_id == second.approval_id, "the same again asks for nothing new"


async def test_a_made_up_call_id_undoes_nothing_in_the_audit_either(door: Door) -> None:
    await opened(door, "Cipla")
    (row,) = await door.effects.for_execution("e1")
    await door.run(replace(door.call("close_case", step="s2", case=1, why="mine"), call_id=f"undo:{row.key}"))
    assert await faults(door) == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE effects SET state = 'done' WHERE tool = 'open_case'", "its row says done, and the ledger compensated"),
        ("UPDATE compensations SET reason = 'x'", "is not what was recorded"),
        ("UPDATE compensations SET args = '{}'", "is not what was recorded"),
        ("UPDATE compensations SET tool = 'send'", "is not what was recorded"),
        ("UPDATE compensations SET key = 'f00'", "is not what was recorded"),
        ("DELETE FROM compensations", "is gone"),
        ("UPDATE compensations SET call_id = 'undo:f00'", "does not know that undo:f00 was asked for"),
    ],
)
async def test_a_row_of_an_undoing_changed_by_hand_is_named(door: Door, statement: str, says: str) -> None:
    await undone(door)
    assert door.db.run_sync(lambda c: c.execute(text(statement))).rowcount == 1
    assert any(says in what for what in await faults(door))


async def test_an_effect_called_undone_by_hand_is_named(door: Door) -> None:
    await opened(door, "Cipla")
    door.db.run_sync(lambda c: c.execute(text("UPDATE effects SET state = 'compensated'")))
    (what,) = await faults(door)
    assert "its row says compensated, and the ledger done" in what
