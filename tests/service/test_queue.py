"""The queue's transactions on both databases, the schema that they need, the fence, and the log's replay."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import update

from app.db.assistants import Assistants
from app.db.tables import every, runs
from app.db.threads import Threads
from app.db.upgrade import config_of, upgrade
from app.runs.claiming import ATTEMPTS, SKIP
from app.runs.lease import Lease, LeaseLost
from app.runs.log import END, Event, Log
from app.runs.making import StaleResume, ThreadBusy, ThreadMissing
from app.runs.queue import Queue
from app.runs.spec import Ending, NewRun, Spec
from database import Database
from governance.identity import Caller


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    await asyncio.to_thread(upgrade, made)
    yield made
    made.close()


def new(thread_id: str | None, **more: Any) -> NewRun:
    return NewRun(thread_id, str(uuid.uuid4()), "chain", more.pop("spec", Spec(input={"n": 1})), make_thread=True, **more)


async def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    made = Database(database_url)
    upgrade(made)
    upgrade(made)  # again: nothing to do
    for metadata in every[1:]:
        made.create(metadata)
    made.run_sync(lambda c: command.check(config_of(c)))  # raises if a migration is missing
    made.close()


async def test_a_thread_is_held_by_one_run(db: Database) -> None:
    queue, thread = Queue(db, "w1"), str(uuid.uuid4())
    first = await queue.create(new(thread), claim=True)
    second = await queue.create(new(thread), claim=True)
    assert first.claim and second.claim is None
    with pytest.raises(ThreadBusy):
        await queue.create(new(thread, strategy="reject"), claim=True)
    assert await Queue(db, "w2").claim(limit=10) == []
    [onward] = await queue.end(first.claim, Ending("success", {"n": 1}), [_end(first.claim, 1)], go_on=True)
    assert onward.run_id == second.row["run_id"] and onward.first_seq == 1
    assert (await Threads(db).get(thread))["status"] == "busy"
    assert await queue.end(onward, Ending("success", {"n": 2}), [_end(onward, 2)], go_on=True) == []
    row = await Threads(db).get(thread)
    assert (row["status"], row["values"], row["last_seq"]) == ("idle", {"n": 2}, 2)


async def test_many_claim_and_each_run_is_taken_once(db: Database) -> None:
    makers = [Queue(db, f"w{n}") for n in range(4)]
    made = await asyncio.gather(*(makers[0].create(new(str(uuid.uuid4())), claim=False) for _ in range(24)))
    taken = [one for several in await asyncio.gather(*(queue.claim(limit=8) for queue in makers)) for one in several]
    while more := await makers[0].claim(limit=8):
        taken += more
    assert sorted(one.run_id for one in taken) == sorted(one.row["run_id"] for one in made)


async def test_only_who_holds_a_run_ends_it(db: Database) -> None:
    slow, quick = Queue(db, "slow"), Queue(db, "quick")
    claim = (await slow.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim and await slow.holds(claim.run_id, 1)
    await db.run(lambda c: c.execute(update(runs).values(leased_until=0.0)))
    [taken] = await quick.claim(limit=1)
    assert (taken.run_id, taken.attempt, taken.first_seq) == (claim.run_id, 2, SKIP)
    assert not await slow.holds(claim.run_id, 1) and await slow.prolong([claim.run_id]) == {}
    with pytest.raises(LeaseLost):
        await slow.end(claim, Ending("success"), [_end(claim, 1)], go_on=True)
    lease = Lease(lambda: slow.holds(claim.run_id, 1), until=0.0)
    with pytest.raises(LeaseLost):
        await lease.check()
    await quick.end(taken, Ending("success"), [_end(taken, SKIP + 1)], go_on=True)


async def test_attempts_are_capped(db: Database) -> None:
    queue = Queue(db, "w")
    await queue.create(new(str(uuid.uuid4())), claim=True)
    for attempt in range(2, ATTEMPTS + 1):
        await db.run(lambda c: c.execute(update(runs).values(leased_until=0.0)))
        assert [one.attempt for one in await queue.claim(limit=1)] == [attempt]
    await db.run(lambda c: c.execute(update(runs).values(leased_until=0.0)))
    assert await queue.claim(limit=1) == []
    assert len(await queue.exhausted()) == 1


async def test_a_run_that_was_given_back_lost_no_attempt(db: Database) -> None:
    queue = Queue(db, "w")
    claim = (await queue.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim
    await queue.release(claim)
    assert [one.attempt for one in await Queue(db, "next").claim(limit=1)] == [1]


async def test_what_may_not_be_made(db: Database) -> None:
    queue = Queue(db, "w")
    with pytest.raises(ThreadMissing):
        await queue.create(NewRun(str(uuid.uuid4()), "a", "chain", Spec()), claim=True)
    thread, waiting = str(uuid.uuid4()), "a" * 32
    first = (await queue.create(new(thread), claim=True)).claim
    assert first
    paused = Ending("success", {}, {"t": [{"id": waiting, "value": 1}]}, ("ask",))
    await queue.end(first, paused, [_end(first, 1)], go_on=True)
    assert (await Threads(db).get(thread))["status"] == "interrupted"
    with pytest.raises(StaleResume):
        await queue.create(new(thread, spec=Spec(command={"resume": {"b" * 32: 1}})), claim=True)
    assert (await queue.create(new(thread, spec=Spec(command={"resume": {waiting: 1}})), claim=True)).claim


async def test_searches_mean_the_same_on_both(db: Database) -> None:
    threads = Threads(db)
    for metadata in ({"a": 1, "in": {"b": "x"}}, {"a": 2, "flag": True}, {"a": "1"}):
        await threads.create(None, metadata, keep=False, owner=Caller("ann", "acme"))

    async def found(metadata: dict[str, Any]) -> list[Any]:
        every: dict[str, Any] = dict(ids=[], values={}, status=None, limit=10, offset=0, sort_by="created_at")
        return [
            row["metadata"]["a"] for row in (await threads.search(metadata=metadata, **every, descending=False, caller=None))[0]
        ]

    assert await found({"in": {"b": "x"}}) == [1]
    assert await found({"flag": True}) == [2]
    assert await found({"a": 2}) == [2]
    assert await found({}) == [1, 2, "1"]


async def test_an_assistant_has_versions(db: Database) -> None:
    assistants = Assistants(db)
    made = await assistants.create(None, org="acme", keep=False, graph_id="chain", name="own")
    id = made["assistant_id"]
    assert (await assistants.get(id))["version"] == 1
    assert (await assistants.change(id, metadata={"k": 1}))["version"] == 2
    assert (await assistants.use(id, 1))["metadata"] == {}
    assert (await assistants.get(id))["metadata"] == {}
    assert (await assistants.change(id, name="third"))["version"] == 3
    assert [row["version"] for row in await assistants.versions(id, {}, 10, 0)] == [3, 2, 1]


async def test_the_log_replays_and_stays_live(db: Database) -> None:
    queue, log = Queue(db, "w"), Log(db)
    claim = (await queue.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim
    early = asyncio.create_task(_all(log, claim.thread_id, claim.run_id))
    await asyncio.sleep(0)
    channel = log.open(claim.thread_id, claim.first_seq)
    for number in range(1300):
        log.publish(channel, claim.run_id, "custom", b"%d" % number)
        if number % 100 == 0:
            await asyncio.sleep(0)
        if number == 700:
            await log.write()  # all of it is on disk, and memory keeps a tail
            middle = asyncio.create_task(_all(log, claim.thread_id, claim.run_id))
    ending = Ending("success", {})
    await log.end(channel, claim.run_id, ending, lambda written: queue.end(claim, ending, written, go_on=True))
    log.close(channel)
    late = await _all(Log(db), claim.thread_id, claim.run_id)
    assert await early == await middle == late
    assert [one.seq for one in late] == list(range(1, 1302))
    assert late[-1].event == END and late[5].data == b"5"


async def _all(log: Log, thread_id: str, run_id: str) -> list[Event]:
    return [one async for batch in log.follow(thread_id, 0, run_id=run_id) for one in batch]


def _end(claim: Any, seq: int) -> Event:
    return Event(seq, claim.thread_id, claim.run_id, END, b"{}")


async def test_a_holder_that_was_replaced_writes_nothing_more(db: Database) -> None:
    slow, quick, log = Queue(db, "slow"), Queue(db, "quick"), Log(db)
    claim = (await slow.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim
    channel = log.open(claim.thread_id, claim.first_seq)
    log.publish(channel, claim.run_id, "custom", b"1")
    await log.flush(channel)
    log.publish(channel, claim.run_id, "custom", b"2")
    await db.run(lambda c: c.execute(update(runs).values(leased_until=0.0)))
    [taken] = await quick.claim(limit=1)
    assert taken.first_seq == 1 + SKIP
    await log.flush(channel)
    assert channel.unwritten == [] and await log.place(claim.thread_id) == 1 + SKIP
    await quick.end(taken, Ending("success"), [_end(taken, 2 + SKIP)], go_on=False)
    assert [one.seq for one in await _all(Log(db), claim.thread_id, claim.run_id)] == [1, 2 + SKIP]


async def test_an_end_whose_commit_was_in_doubt_is_recorded_once(db: Database) -> None:
    queue = Queue(db, "w")
    claim = (await queue.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim
    for _ in range(2):
        await queue.end(claim, Ending("success"), [_end(claim, 1)], go_on=True)
    with pytest.raises(LeaseLost):
        await queue.end(claim, Ending("error"), [_end(claim, 1)], go_on=True)


async def test_another_process_follows_what_one_writes(db: Database) -> None:
    queue, here, there = Queue(db, "w"), Log(db), Log(db)
    claim = (await queue.create(new(str(uuid.uuid4())), claim=True)).claim
    assert claim
    waiting = await queue.create(new(claim.thread_id), claim=True)
    following = asyncio.create_task(_all(there, claim.thread_id, claim.run_id))
    dropped = asyncio.create_task(_all(there, claim.thread_id, waiting.row["run_id"]))
    channel = here.open(claim.thread_id, claim.first_seq)
    for number in range(1200):
        here.publish(channel, claim.run_id, "custom", b"%d" % number)
        if number % 300 == 0:
            await here.flush(channel)
            await there.look()
    await queue.cancel(claim.thread_id, waiting.row["run_id"], "interrupt")
    while not dropped.done():
        await there.look()
    assert [one.event for one in await dropped] == [END]
    assert not following.done()
    await here.end(
        channel, claim.run_id, Ending("success"), lambda written: queue.end(claim, Ending("success"), written, go_on=True)
    )
    here.close(channel)
    while not following.done():
        await there.look()
    assert [one.seq for one in await following] == list(range(1, 1202))
