"""The act path, killed, failed and cancelled at each of its awaits: two effects never, none without a decision before it, and
no outcome is reported that the world does not bear out.

`Faults` drives every task of the path by hand and counts where it waits. At the n-th wait it does its worst *after* what was
waited for has happened (so the wait before it stands for "it never happened"), for every n until the path ends by itself.
"""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from sqlalchemy import select

from database import Database, DatabaseUnavailable
from governance.ledger_check import check
from governance.tables import ledger, metadata
from tests.tools.cases import Crash, Door
from tools.calls import ToolOutcome

Way = Literal["killed", "failed", "cancelled"]
WAYS: tuple[Way, ...] = ("killed", "failed", "cancelled")
MOST = 60  # waits; the path has far fewer


@dataclass
class Faults:
    """Does its worst at the n-th wait, counted over all tasks; `waits` is how many there were."""

    way: Way
    at: int
    waits: int = 0
    dead: bool = False

    @contextmanager
    def over(self) -> Iterator[None]:
        """Drive every task that is made from here on."""
        loop = asyncio.get_running_loop()

        def make(loop: asyncio.AbstractEventLoop, own: Any, **more: Any) -> asyncio.Task[Any]:
            return asyncio.Task(self.drive(own), loop=loop, **more)

        before = loop.get_task_factory()
        loop.set_task_factory(make)
        try:
            yield
        finally:
            loop.set_task_factory(before)

    @types.coroutine
    def drive(self, own: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = lambda: own.send(None)  # noqa: E731
        while True:
            try:
                waited = step()
            except StopIteration as end:
                return end.value
            joining = "finish" in waiting_in(own)  # one task waits for another: nothing that could fail by itself
            self.waits += not (joining and self.way == "failed")
            worst = self.waits == self.at and not (joining and self.way == "failed")
            try:
                yield waited
                step = lambda: own.send(None)  # noqa: E731
            except BaseException as error:
                step = lambda error=error: own.throw(error)  # type: ignore[misc]  # noqa: E731
            if self.dead or (worst and self.way == "killed"):
                self.dead = True  # a dead process runs nothing more, in no task
                own.close()
                raise Crash
            if worst:
                wrong = DatabaseUnavailable("gone") if self.way == "failed" else asyncio.CancelledError()
                step = lambda: own.throw(wrong)  # noqa: E731, B023


def waiting_in(own: Any) -> Iterator[str]:
    """The names of the coroutines that wait, from the outermost to the innermost."""
    while hasattr(own, "cr_await"):
        yield own.cr_code.co_name
        own = own.cr_await


def decided_before(db: Database) -> list[str]:
    """The outcomes of the events that are in the ledger at this moment, as another connection sees them."""
    bodies = db.run_sync(lambda c: c.scalars(select(ledger.c.body)).all())
    return [phase for body in bodies for phase in ("decided", "intent") if f'"phase":"{phase}"' in body]


def watched(door: Door) -> list[list[str]]:
    """What the ledger held each time an effect happened."""
    seen: list[list[str]] = []
    keep = door.world.writing

    class Writing(list[dict[str, Any]]):
        def append(self, one: dict[str, Any]) -> None:
            seen.append(decided_before(door.db))
            super().append(one)

    door.world.writing = Writing(keep)
    return seen


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["open_case", "send"])
async def test_every_await_of_an_effect(database_url: str, name: str, way: Way) -> None:
    base = Database(database_url)
    at, ended = 0, False
    while not ended and at < MOST:
        at += 1
        ended = await one_fault(base, name, way, at)
    base.close()
    print(f"{name}, {way}: {at - 1} awaits")
    assert ended and at > 5, "the path came to its end, and was met at each wait before that"


async def one_fault(db: Database, name: str, way: Way, at: int) -> bool:
    """One run with a fault at wait `at`, then two retries by the next process. True if the path had no such wait."""
    db.run_sync(metadata.drop_all)
    db.create(metadata)
    door = Door(db)
    before = watched(door)
    # open_case opens once for a key, as it promises; send does twice what it is told twice
    call = door.call(name, who="Cipla" if name == "open_case" else "once")
    clearing = await door.approved(call)
    faults = Faults(way, at)
    with faults.over():
        task = asyncio.create_task(door.gateway.act(call, clearing))
        with suppress(Crash, asyncio.CancelledError, DatabaseUnavailable):
            assert_true(door, await task)
        await door.gateway.idle()  # what a cancelled waiter left running
    door.gateway.close()  # its threads end what they began
    for _ in range(2):  # the next process makes the same call again
        after = door.again()
        told = await after.gateway.act(call, clearing)
        after.gateway.close()
        assert_true(door, told)
        assert told.status == "ok" or name == "send", told
    (row,) = await door.effects.for_execution("e1")
    assert row.state in ("done", "unknown") and (row.state == "done") <= bool(door.world.writing), "it did not happen"
    assert len(door.world.writing) <= 1, "two effects"
    assert all("decided" in one and "intent" in one for one in before), "an effect without a decision before it"
    found = db.run_sync(lambda c: check(c, ()))
    assert found.faults == () and found.entries["acme"] > 2
    return faults.waits < at


def assert_true(door: Door, told: ToolOutcome) -> None:
    """What was reported is so."""
    done = len(door.world.writing)
    assert told.status != "ok" or done == 1, "reported as done, and was not"
    assert told.status not in ("denied", "error") or done == 0, "reported as not done, and was"
