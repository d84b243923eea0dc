"""Asking a tool what became of an effect, killed, failed and cancelled at each await: no second effect, and nothing reported as done
that was not."""

import asyncio
from contextlib import suppress

import pytest

from database import Database, DatabaseUnavailable
from governance.ledger_check import check
from governance.tables import metadata
from tests.tools.cases import Crash, Door
from tests.tools.test_gateway_crashes import MOST, WAYS, Faults, Way, assert_true
from tests.tools.test_reconciling import broken_off, door_to, effect
from tools.calls import ToolOutcome


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("happened", [True, False])
async def test_every_await_of_a_reconciling(database_url: str, happened: bool, way: Way) -> None:
    base = Database(database_url)
    at, ended = 0, False
    while not ended and at < MOST:
        at += 1
        ended = await one_fault(base, happened, way, at)
    base.close()
    print(f"{way}: {at - 1} awaits")
    assert ended and at > 5, "the path came to its end, and was met at each wait before that"


async def one_fault(db: Database, happened: bool, way: Way, at: int) -> bool:
    """A call whose process died in the tool, made again with a fault at wait `at`, then twice by the next process."""
    db.run_sync(metadata.drop_all)
    db.create(metadata)
    # a tool that does once what it is told twice may be told again if it has no trace of a call; another only if it never can be
    door = door_to(Door(db), "send", idempotent=not happened)
    who = "once" if happened else "Cipla"
    await broken_off(door, who, after=happened)
    call, harm = door.call("send", who=who), Faults(way, at)
    clearing = await door.gateway.propose(call)
    with harm.over():
        task = asyncio.create_task(door.gateway.act(call, clearing))
        with suppress(Crash, asyncio.CancelledError, DatabaseUnavailable):
            assert_true(door, await task)
        await door.gateway.idle()
    door.gateway.close()
    told: ToolOutcome | None = None
    for _ in range(2):
        after = door_to(door, "send", idempotent=not happened)
        told = await after.run(after.call("send", who=who))
        after.gateway.close()
        assert_true(after, told)
    assert told and told.status == "ok" and told.effect == "replayed", "in the end it is known"
    assert (await effect(door)).state == "done" and len(door.world.writing) == 1, "once"
    log = await door.log()
    if happened:
        assert log.count(("outcome", "reconciled")) == 1
    found = db.run_sync(lambda c: check(c, ()))
    assert found.faults == ()
    return harm.waits < at
