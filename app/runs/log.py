"""The log of a thread: every event of its runs under one increasing number, in memory at once and on disk a moment later.

`publish` costs no I/O: followers in this process are woken, a flush writes what has gathered. `follow` replays and then stays
live, without gap or duplicate: each follower keeps its own place and reads on from it, from memory where that
reaches back far enough, else from the table. Both protocols are views of this log.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from app.db.tables import events, threads
from app.encoding import dumps
from app.runs.spec import Ending
from database import Database, DatabaseUnavailable

T = TypeVar("T")
logger = logging.getLogger("clearance")

FLUSH_S = 0.05
UNWRITTEN = 2_000  # a writer waits for the disk beyond this; well below `queue.SKIP`
KEPT = 500  # written events that stay in memory for those who come a little late
UNKNOWN = 1 << 62  # a floor above everything: nobody has looked at the disk yet
END = "end"
"""The event that ends a run in the log: {"status": …, "waiting": does it wait for a person?}. The classic protocol does not send it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry. `event` is its name on the wire, `data` its JSON."""

    seq: int
    thread_id: str
    run_id: str
    event: str
    data: bytes

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("seq", "thread_id", "run_id", "event", "data")}


@dataclass
class Channel:
    """A thread's log in this process: everything after `floor` is in `entries`."""

    thread_id: str
    floor: int = UNKNOWN
    last: int = 0
    on_disk: bool = True  # a thread that ends with its run has no log on disk
    entries: deque[Event] = field(default_factory=deque)
    unwritten: list[Event] = field(default_factory=list)
    endings: dict[str, Ending] = field(default_factory=dict)
    users: int = 0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    flush: asyncio.TimerHandle | None = None

    def after(self, seq: int) -> list[Event]:
        """The entries behind `seq`, which is not below the floor."""
        if not self.entries or self.entries[-1].seq <= seq:
            return []
        if self.entries[0].seq > seq:
            return list(self.entries)
        found: list[Event] = []
        for one in reversed(self.entries):  # a follower is seldom far behind
            if one.seq <= seq:
                break
            found.append(one)
        return found[::-1]

    def wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def trim(self) -> None:
        """Forget what is on disk, but for a tail."""
        written = len(self.entries) - len(self.unwritten)
        while written > KEPT:
            self.floor = self.entries.popleft().seq
            written -= 1


class Log:
    """The logs of one database's threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._channels: dict[str, Channel] = {}
        self._flushes: set[asyncio.Task[None]] = set()

    def open(self, thread_id: str, first_seq: int, *, on_disk: bool = True) -> Channel:
        """The channel of a thread whose run begins; its events are numbered from behind `first_seq`. Give it back by `leave`."""
        channel = self._enter(thread_id)
        if channel.floor == UNKNOWN:
            channel.floor = first_seq
        channel.last, channel.on_disk = max(channel.last, first_seq), on_disk
        return channel

    def leave(self, channel: Channel) -> None:
        """A user of a channel is done; the last one takes it down, once all is written."""
        channel.users -= 1
        if not channel.users and not (channel.on_disk and channel.unwritten):
            self._channels.pop(channel.thread_id, None)

    def publish(self, channel: Channel, run_id: str, event: str, data: bytes) -> Event:
        """Add an event, tell the followers, and see to it that it is written soon."""
        channel.last += 1
        one = Event(channel.last, channel.thread_id, run_id, event, data)
        channel.entries.append(one)
        if channel.on_disk:
            channel.unwritten.append(one)
            if channel.flush is None:
                channel.flush = asyncio.get_running_loop().call_later(FLUSH_S, self._start_flush, channel)
        channel.wake()
        return one

    async def room(self, channel: Channel) -> None:
        """Wait for the disk while too much is unwritten."""
        if len(channel.unwritten) > UNWRITTEN:
            await self._flush(channel)

    async def follow(self, thread_id: str, after: int, *, run_id: str | None = None) -> AsyncIterator[list[Event]]:
        """Batches of the thread's events behind `after`, live at the end; with `run_id` only that run's, up to its end."""
        channel = self._enter(thread_id)
        try:
            while True:
                news = channel.news
                found = channel.after(after) if after >= channel.floor else await self._read(thread_id, after)
                if found:
                    after = found[-1].seq
                    own = [one for one in found if one.run_id == run_id] if run_id else found
                    if own:
                        yield own
                    if run_id and own and own[-1].event == END:
                        return
                elif channel.floor == UNKNOWN:
                    channel.floor = after  # nothing is on disk behind it, and what comes next comes through this channel
                elif after < channel.floor:
                    after = channel.floor  # nothing is on disk up to there
                else:
                    await news.wait()
        finally:
            self.leave(channel)

    async def end(self, channel: Channel, run_id: str, ending: Ending, commit: Callable[[Sequence[Event]], Awaitable[T]]) -> T:
        """End a run: `commit` is handed what is unwritten and the end itself, and followers see the end once it returned."""
        async with channel.order:
            told = {"status": ending.status, "waiting": bool(ending.interrupts)}
            last = Event(channel.last + 1, channel.thread_id, run_id, END, dumps(told))
            batch = list(channel.unwritten)
            result = await commit([*batch, last])
            channel.last = last.seq
            channel.entries.append(last)
            channel.endings = {**dict(list(channel.endings.items())[-7:]), run_id: ending}
            self._written(channel, batch)
            channel.wake()
            return result

    def dropped(self, thread_id: str, run_id: str, status: str) -> None:
        """Tell who waits for a run that it ended before it began."""
        channel = self._channels.get(thread_id)
        if channel is not None:
            channel.endings[run_id] = Ending(status)
            self.publish(channel, run_id, END, dumps({"status": status}))

    async def first_of(self, run_id: str) -> int | None:
        """The number before a run's first event on disk; None: it has none there."""
        query = select(events.c.seq).where(events.c.run_id == run_id).order_by(events.c.seq).limit(1)
        seq = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return None if seq is None else seq - 1

    def last(self, thread_id: str) -> int | None:
        """The newest number of a thread's log, if this process has it open."""
        channel = self._channels.get(thread_id)
        return channel.last if channel else None

    def ended(self, thread_id: str, run_id: str) -> Ending | None:
        """How a run of this process ended, while its channel is open."""
        channel = self._channels.get(thread_id)
        return channel.endings.get(run_id) if channel else None

    async def close(self) -> None:
        """Write what is left."""
        for channel in list(self._channels.values()):
            await self._flush(channel)

    def _enter(self, thread_id: str) -> Channel:
        channel = self._channels.get(thread_id)
        if channel is None:
            channel = self._channels[thread_id] = Channel(thread_id)
        channel.users += 1
        return channel

    def _start_flush(self, channel: Channel) -> None:
        task = asyncio.get_running_loop().create_task(self._flush(channel))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)

    async def _flush(self, channel: Channel) -> None:
        async with channel.order:
            channel.flush = None
            batch = list(channel.unwritten)
            if not batch:
                return
            try:
                await self._db.run(lambda c: write(c, batch), durable=False)
            except DatabaseUnavailable as error:  # the followers have them; the next flush, or the run's end, tries again
                logger.warning("the log of thread %s could not be written: %s", channel.thread_id, error)
                return
            self._written(channel, batch)

    def _written(self, channel: Channel, batch: Sequence[Event]) -> None:
        """The first of the unwritten are on disk now. The caller holds `channel.order`."""
        del channel.unwritten[: len(batch)]
        if channel.flush and not channel.unwritten:
            channel.flush.cancel()
            channel.flush = None
        channel.trim()
        if not channel.users and not channel.unwritten:
            self._channels.pop(channel.thread_id, None)

    async def _read(self, thread_id: str, after: int) -> list[Event]:
        where = (events.c.thread_id == thread_id) & (events.c.seq > after)
        query = select(events).where(where).order_by(events.c.seq).limit(1000)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all(), durable=False)
        return [Event(**row) for row in rows]


def write(c: Connection, batch: Sequence[Event]) -> None:
    """Put events on disk, and with them how far the thread's log goes."""
    c.execute(insert(events), [one.row() for one in batch])
    c.execute(update(threads).where(threads.c.thread_id == batch[0].thread_id).values(last_seq=batch[-1].seq))
