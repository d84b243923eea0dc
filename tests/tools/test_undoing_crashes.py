"""An undoing killed, failed and cancelled at each of its awaits: the next process ends it, once, and the audit agrees."""

import asyncio
from contextlib import suppress

import pytest

from database import Database, DatabaseUnavailable
from governance.ledger_check import check
from governance.tables import metadata
from tests.tools.cases import ANN, Crash, Door
from tests.tools.test_effects_agree import faults, state
from tests.tools.test_gateway_crashes import MOST, WAYS, Faults, Way
from tests.tools.test_undoing import WHY, agree, opened, undoer


@pytest.mark.parametrize("way", WAYS)
async def test_every_await_of_an_undoing(database_url: str, way: Way) -> None:
    base = Database(database_url)
    at, ended = 0, False
    while not ended and at < MOST:
        at += 1
        ended = await one_fault(base, way, at)
    base.close()
    assert ended and at > 5, "the path came to its end, and was met at each wait before that"


async def one_fault(db: Database, way: Way, at: int) -> bool:
    """An approved undoing with a fault at wait `at`, then two more by the next process. True if the path had no such wait."""
    db.run_sync(metadata.drop_all)
    db.create(metadata)
    door = Door(db)
    await opened(door, "Cipla")
    await agree(door, await undoer(door).undo("e1", ANN, WHY))
    harm = Faults(way, at)
    with harm.over():
        task = asyncio.create_task(undoer(door).undo("e1", ANN, WHY))
        with suppress(Crash, asyncio.CancelledError, DatabaseUnavailable):
            (told,) = await task
            assert told.standing != "compensated" or await state(door, "open_case") == "compensated"
        await door.gateway.idle()  # what a cancelled waiter left running
    door.gateway.close()
    assert await faults(door) == [], f"{way} at {at}"
    for _ in range(2):
        after = door.again()
        (told,) = await undoer(after).undo("e1", ANN, WHY)
        after.gateway.close()
    assert told.standing == "compensated" and await state(door, "open_case") == "compensated"
    (row,) = [row for row in await door.effects.for_execution("e1") if row.tool == "close_case"]
    assert door.world.writing[0]["closed_by"] == row.key and row.state == "done"
    assert await faults(door) == [] and not db.run_sync(lambda c: check(c, ())).faults
    return harm.waits < at
