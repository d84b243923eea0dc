"""The log of a thread: every event of its runs under one increasing number, in memory at once and on disk a moment later.

`publish` costs no I/O: followers in this process are woken; what has gathered, of all threads, is written in one transaction.
`follow` replays and then stays live, without gap or duplicate: each follower keeps its own place and reads on from it, from memory
where that reaches back far enough, else from the table. Both protocols are views of this log. How long what is kept on disk:
`keeping.py`.

Only who holds a run of the thread writes, and its numbers go on from what is on disk. Where several processes share the database,
a channel that is not written here is caught up from the table, when another process tells that it wrote, and every so often (`look`).
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, select, update

from app.db.tables import events, runs, threads
from app.encoding import dumps
from app.runs.news import News, Silence
from app.runs.spec import ACTIVE, Ending
from database import Database, DatabaseUnavailable, ServerGone
from governance.prepared import Prepared

T = TypeVar("T")
logger = logging.getLogger("clearance")

FLUSH_S = 0.05
BEAT_S = 5.0
UNWRITTEN = 2_000  # a writer waits for the disk beyond this; well below `queue.SKIP`
KEPT = 500  # written events that stay in memory for those who come a little late
AGAIN_S = 0.5  # between two tries of a follower to reach a server that is gone
UNKNOWN = 1 << 62  # a floor above everything: nobody has looked at the disk yet
NEW_EVENTS = Prepared(insert(events))
_GO_ON = update(threads).where(threads.c.thread_id == bindparam("of_thread"), threads.c.last_seq == bindparam("since"))
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
    """A thread's log in this process: everything after `floor` is in `entries`, up to `last`; up to `written` it is on disk."""

    thread_id: str
    floor: int = UNKNOWN
    last: int = 0
    written: int = 0
    held: int = 0  # runs of the thread that this process holds: one at most, but for a moment
    on_disk: bool = True  # a thread that ends with its run has no log on disk
    entries: deque[Event] = field(default_factory=deque)
    unwritten: list[Event] = field(default_factory=list)
    endings: dict[str, Ending] = field(default_factory=dict)
    over: dict[str, None] = field(default_factory=dict)  # runs of which nothing more comes
    watched: Counter[str] = field(default_factory=Counter)  # runs that are followed
    users: int = 0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    news: asyncio.Event = field(default_factory=asyncio.Event)

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

    def begin(self, seq: int) -> None:
        """Go on from this number, up to which everything is on disk."""
        self.entries.clear()
        self.floor = self.last = self.written = seq
        self.unwritten.clear()

    def finish(self, run_id: str, ending: Ending | None) -> None:
        """Nothing more comes of a run; how it ended, if that is known. The last few are kept, and those that are followed."""
        self.over[run_id] = None
        if ending:
            self.endings[run_id] = ending
        for old in [one for one in self.over if not self.watched[one]][:-8]:
            del self.over[old]
            self.endings.pop(old, None)
        self.wake()

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
    """The logs of one database's threads. `news` tells the other processes on it that a log grew."""

    def __init__(self, db: Database, news: News | None = None) -> None:
        self._db, self._news = db, news or Silence()
        self._channels: dict[str, Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard: set[str] = set()
        self._unwritten: dict[str, Channel] = {}
        self._writing = False

    def open(self, thread_id: str, first_seq: int, *, on_disk: bool = True) -> Channel:
        """The channel of a thread whose run begins; its events are numbered from behind `first_seq`. Give it back by `close`."""
        channel = self._enter(thread_id)
        channel.held += 1
        if channel.floor == UNKNOWN or channel.last < first_seq:  # what lies between was written elsewhere
            channel.begin(first_seq)
        channel.on_disk = on_disk
        return channel

    def close(self, channel: Channel) -> None:
        """A run is over in this process. What it left unwritten is dropped: its lease was lost, and the log is another's."""
        channel.held -= 1
        if not channel.held:
            channel.unwritten.clear()
        self._leave(channel)

    def _leave(self, channel: Channel) -> None:
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
            self._unwritten[channel.thread_id] = channel
            if not self._writing:
                self._writing = True
                self._start(self._write_gathered())
        channel.wake()
        return one

    async def room(self, channel: Channel) -> None:
        """Wait for the disk while too much is unwritten."""
        if len(channel.unwritten) > UNWRITTEN:
            await self.flush(channel)

    async def follow(self, thread_id: str, after: int, *, run_id: str | None = None) -> AsyncGenerator[list[Event], None]:
        """Batches of the thread's events behind `after`, live at the end; with `run_id` only that run's, up to its end.

        An empty batch says that nothing came for `BEAT_S`.
        """
        channel = self._enter(thread_id)
        channel.watched.update([run_id] if run_id else [])
        try:
            while True:
                news = channel.news
                try:
                    if channel.floor == UNKNOWN:
                        await self._find(channel)
                    floor = channel.floor
                    found = channel.after(after) if after >= floor else await self._read(thread_id, after)
                except ServerGone:  # whoever follows waits for it, as the run does
                    await asyncio.sleep(AGAIN_S)
                    continue
                if found:
                    after = found[-1].seq
                    own = [one for one in found if one.run_id == run_id] if run_id else found
                    if own:
                        yield own
                    if run_id and own and own[-1].event == END:
                        return
                elif after < floor:
                    after = floor  # nothing is on disk up to there
                elif run_id in channel.over:
                    yield [Event(after, thread_id, run_id or "", END, dumps({"status": "interrupted"}))]
                    return
                else:
                    try:
                        async with asyncio.timeout(BEAT_S):
                            await news.wait()
                    except TimeoutError:
                        yield []
        finally:
            channel.watched.subtract([run_id] if run_id else [])
            self._leave(channel)

    async def end(self, channel: Channel, run_id: str, ending: Ending, commit: Callable[[Sequence[Event]], Awaitable[T]]) -> T:
        """End a run: `commit` is handed what is unwritten and the end itself, and followers see the end once it returned."""
        async with channel.order:
            told = {"status": ending.status, "waiting": bool(ending.interrupts)}
            last = Event(channel.last + 1, channel.thread_id, run_id, END, dumps(told))
            batch = list(channel.unwritten)
            result = await commit([*batch, last])
            channel.last = last.seq
            channel.entries.append(last)
            self._written(channel, batch, last.seq)
            channel.finish(run_id, ending)
            return result

    def dropped(self, thread_id: str, run_id: str, status: str) -> None:
        """Tell who waits for a run, here and elsewhere, that it ended before it began."""
        channel = self._channels.get(thread_id)
        if channel is not None:
            channel.finish(run_id, Ending(status))
        self._news.tell("log", thread_id)

    def hear(self, thread_id: str) -> None:
        """Another process says that a thread's log grew, or that one of its runs is no more."""
        if thread_id in self._channels:
            if not self._heard:
                self._start(self._look_heard())
            self._heard.add(thread_id)

    async def look(self, thread_ids: Collection[str] | None = None) -> None:
        """Catch up with what other processes wrote on these threads, or on all that are followed here. Raises `DatabaseUnavailable`."""
        followed = {id: one for id, one in self._channels.items() if one.users and (thread_ids is None or id in thread_ids)}
        watched = {run_id: one for one in followed.values() for run_id, number in one.watched.items() if number > 0}
        away = [id for id, one in followed.items() if not one.held and one.floor != UNKNOWN]
        if not away and not watched:
            return

        def work(c: Connection) -> tuple[set[str], dict[str, int]]:
            active = select(runs.c.run_id).where(runs.c.run_id.in_(watched), runs.c.status.in_(ACTIVE))
            far = select(threads.c.thread_id, threads.c.last_seq).where(threads.c.thread_id.in_(away))
            there = set(c.scalars(active)) if watched else set()
            return there, {row.thread_id: row.last_seq for row in c.execute(far)} if away else {}

        there, far = await self._db.run(work, durable=False)
        for id, seq in far.items():
            if seq > followed[id].last:
                await self._catch_up(followed[id])
        for run_id in watched.keys() - there:  # it ended before the logs were read: its end is in them, or there is none
            channel = watched[run_id]
            async with channel.order:  # an end that is just being written here comes first
                if run_id not in channel.over:
                    channel.finish(run_id, None)

    async def place(self, thread_id: str) -> int:
        """How far a thread's log goes on disk; 0 for a thread that is not there."""
        query = select(threads.c.last_seq).where(threads.c.thread_id == thread_id)
        return await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False) or 0

    async def ends_of(self, run_id: str) -> tuple[int | None, int | None]:
        """The number before a run's first event on disk, and that of its newest; None: it has none there."""
        query = select(func.min(events.c.seq) - 1, func.max(events.c.seq)).where(events.c.run_id == run_id)
        first, last = await self._db.run(lambda c: tuple(c.execute(query).one()), durable=False)
        return first, last

    def last(self, thread_id: str) -> int | None:
        """The newest number of a thread's log, if it is written in this process."""
        channel = self._channels.get(thread_id)
        return channel.last if channel and channel.held else None

    def ended(self, thread_id: str, run_id: str) -> Ending | None:
        """How a run of this process ended, while its channel is open."""
        channel = self._channels.get(thread_id)
        return channel.endings.get(run_id) if channel else None

    async def write(self) -> None:
        """Write what is left."""
        await self.flush(*self._channels.values())

    def _enter(self, thread_id: str) -> Channel:
        channel = self._channels.get(thread_id)
        if channel is None:
            channel = self._channels[thread_id] = Channel(thread_id)
        channel.users += 1
        return channel

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write_gathered(self) -> None:
        """Write what has gathered, as long as there is something. A log that is just being written, at its run's end, is left to that:
        it may wait for a server that is gone."""
        try:
            while self._unwritten:
                await asyncio.sleep(FLUSH_S)
                gathered, self._unwritten = self._unwritten, {}
                self._unwritten |= {id: one for id, one in gathered.items() if one.order.locked() and one.unwritten}
                await self.flush(*(one for id, one in gathered.items() if id not in self._unwritten))
        finally:
            self._writing = False

    async def flush(self, *channels: Channel) -> None:
        """Write what runs have published on these channels."""
        async with AsyncExitStack() as held:
            for one in sorted(channels, key=lambda channel: channel.thread_id):  # who locks several rows does it in one order
                await held.enter_async_context(one.order)
            batches = [(one, list(one.unwritten), one.written) for one in channels if one.unwritten]
            batches.sort(key=lambda batch: batch[0].thread_id)
            if not batches:
                return
            try:
                ours = await self._db.run(
                    lambda c: [write(c, batch, since) for _, batch, since in batches], durable=False, again=True
                )
            except DatabaseUnavailable as error:  # the followers have them; the next flush, or the run's end, tries again
                logger.warning("the logs of %d threads could not be written: %s", len(batches), error)
                return
            for (channel, batch, since), own in zip(batches, ours, strict=True):
                if own and channel.written == since:
                    self._written(channel, batch, batch[-1].seq)
                elif channel.written == since:
                    channel.unwritten.clear()

    def _written(self, channel: Channel, batch: Sequence[Event], seq: int) -> None:
        """The first of the unwritten are on disk now, all up to `seq`. The caller holds `channel.order`."""
        channel.written = seq
        self._news.tell("log", channel.thread_id)
        del channel.unwritten[: len(batch)]
        channel.trim()
        if not channel.users and not channel.unwritten:
            self._channels.pop(channel.thread_id, None)

    async def _find(self, channel: Channel) -> None:
        """Learn how far the log goes on disk, unless a run begins here meanwhile, which knows."""
        seq = await self.place(channel.thread_id)
        if channel.floor == UNKNOWN:
            channel.begin(seq)

    async def _look_heard(self) -> None:
        while self._heard:
            heard, self._heard = self._heard, set()
            try:
                await self.look(heard)
            except DatabaseUnavailable as error:  # looked for again in a moment
                logger.warning("the log could not be read: %s", error)

    async def _catch_up(self, channel: Channel) -> None:
        """Read on in a log that another process writes. A run that begins here meanwhile goes on from what is on disk."""
        async with channel.order:
            while not channel.held:
                found = await self._read(channel.thread_id, channel.last)
                if not found or channel.held:
                    return
                channel.entries.extend(found)
                channel.last = channel.written = found[-1].seq
                channel.trim()
                channel.wake()

    async def _read(self, thread_id: str, after: int) -> list[Event]:
        where = (events.c.thread_id == thread_id) & (events.c.seq > after)
        query = select(events).where(where).order_by(events.c.seq).limit(1000)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all(), durable=False)
        return [Event(**row) for row in rows]


def write(c: Connection, batch: Sequence[Event], since: int) -> bool:
    """Put events on disk, and with them how far the thread's log goes; False: it does not go on from `since`, so it is another's."""
    thread_id, last = batch[0].thread_id, batch[-1].seq
    if c.execute(_GO_ON, {"of_thread": thread_id, "since": since, "last_seq": last}).rowcount == 1:
        NEW_EVENTS.run(c, [one.row() for one in batch])
        return True
    far = select(threads.c.last_seq).where(threads.c.thread_id == thread_id)
    return c.execute(far).scalar_one_or_none() == last  # written, but in doubt
