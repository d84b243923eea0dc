"""The worker of one process: carries out the runs it holds, keeps their leases, takes over those whose holder is gone.

A run that is made in this process starts at once (`start`), a thread's next run when the one before ends; nothing on that path
waits for a loop. The loops are for what no event of this process announces: heartbeats, leases that ran out, runs that were
asked for later, and what other processes on the database tell (`hear`). `drain` gives unfinished runs back to be gone on with from
their checkpoints. A run bears an outage of the database server: it waits, and what it was doing when a commit was in doubt it does
again from its checkpoint; neither is counted as an attempt.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver

from app.catalogue import Catalogue
from app.encoding import dumps
from app.logs import during
from app.runs.carry_out import carry_out, config_of, standing
from app.runs.lease import HEARTBEAT_S, LEASE_S, REAP_S, Lease, LeaseLost, current
from app.runs.log import Channel, Event, Log
from app.runs.news import News
from app.runs.queue import Queue, RunMissing
from app.runs.spec import Action, Claim, Ending
from database import DatabaseUnavailable, Patience, ServerGone, patience
from graphs.executions import leased

Stop = Literal["interrupt", "rollback", "drain", "lost", "again"]
LOOK_S = 1.0  # between two looks at the rows where other processes write them too
SWEEP_S = 30.0
OUTAGE_S = 600.0
logger = logging.getLogger("clearance")


@dataclass
class Job:
    """A run that this process carries out. `stop` says why its task was cancelled."""

    claim: Claim
    lease: Lease
    task: asyncio.Task[Ending] | None = None
    keeper: asyncio.Task[None] | None = None
    stop: Stop | None = None
    ending: Ending | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """At most `capacity` runs at once; more wait in the queue. `news` tells the other processes on the database."""

    def __init__(
        self, queue: Queue, log: Log, catalogue: Catalogue, saver: BaseCheckpointSaver[str], news: News, *, capacity: int
    ) -> None:
        self._queue, self._log, self._catalogue, self._saver, self._news = queue, log, catalogue, saver, news
        self._capacity = capacity
        self._jobs: dict[str, Job] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._draining = False
        self._asked, self._offered = asyncio.Event(), asyncio.Event()
        self._trusted = 0.0  # when an expired lease says again that its holder is gone (monotonic)

    @property
    def has_room(self) -> bool:
        """May this process take another run?"""
        return not self._draining and len(self._jobs) < self._capacity

    @property
    def running(self) -> int:
        return len(self._jobs)

    @property
    def ready(self) -> bool:
        """Does it take runs? Not before it is open, while it drains, and if a loop of its died."""
        return bool(self._loops) and not self._draining and not any(loop.done() for loop in self._loops)

    async def open(self, *, alone: bool) -> None:
        """Take over what an earlier process left, and begin the loops. `alone`: no other process can hold a run of this database."""
        await self._take(dead=alone)
        loops = (self._heartbeats(), self._reap()) if alone else (self._heartbeats(), self._reap(), self._look())
        self._loops = [asyncio.create_task(one) for one in loops]

    def hear(self, kind: str, id: str) -> None:
        """Another process tells that a log grew, that a run may start, or that a run is asked to stop."""
        if kind == "log":
            self._log.hear(id)
        elif kind == "run":
            self._offered.set()
        elif kind == "stop" and id in self._jobs:
            self._asked.set()

    def missed(self) -> None:
        """Something may have been told that was not heard."""
        self._offered.set()
        self._asked.set()

    def offer(self) -> None:
        """A run may start that was not taken when it was made: whoever has room takes it."""
        self._offered.set()
        self._news.tell("run")

    async def drain(self, seconds: float) -> None:
        """Take nothing more, let what runs come to its end for so long, and give the rest back."""
        self._draining = True
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        keepers = [job.keeper for job in self._jobs.values() if job.keeper]
        if keepers:
            await asyncio.wait(keepers, timeout=seconds)
        for job in list(self._jobs.values()):
            self._stop(job, "drain")
        await asyncio.gather(*(job.keeper for job in self._jobs.values() if job.keeper), return_exceptions=True)

    def start(self, claim: Claim) -> None:
        """Carry out a run that this process holds."""
        asked = time.monotonic()
        lease = Lease(lambda: self._queue.holds(claim.run_id, claim.attempt), asked + LEASE_S)
        job = Job(claim, lease)
        if claim.run_id in self._jobs:  # an attempt of this process that lost its lease
            self.forget([claim.run_id])
        self._jobs[claim.run_id] = job
        job.keeper = asyncio.create_task(self._keep(job))

    async def cancel(self, thread_id: str, run_id: str, action: Action, *, wait: bool = False) -> None:
        """Stop a run, wherever it is carried out; with `wait` return when it has ended. Raises `RunMissing`."""
        if await self._queue.cancel(thread_id, run_id, action) == "ended":
            self._log.dropped(thread_id, run_id, "interrupted")
            self.offer()
            return
        self.tell([run_id], action)
        if wait:
            await self.end_of(thread_id, run_id)

    async def leave(self, thread_id: str, run_id: str) -> None:
        """Stop a run whose client went, if it still runs."""
        with suppress(RunMissing):
            await self.cancel(thread_id, run_id, "interrupt")

    def forget(self, run_ids: Sequence[str]) -> None:
        """Stop those of these runs that this process carries out, and tell the others: their rows are gone."""
        for run_id in run_ids:
            if job := self._jobs.get(run_id):
                job.lease.lost = True
                self._stop(job, "lost")
            else:
                self._news.tell("stop", run_id)

    def tell(self, run_ids: Sequence[str], action: Action) -> None:
        """Stop those of these runs that this process carries out, and tell the others: their rows say so already."""
        for run_id in run_ids:
            if job := self._jobs.get(run_id):
                self._stop(job, action)
            else:
                self._news.tell("stop", run_id)

    async def end_of(self, thread_id: str, run_id: str) -> Ending | None:
        """Wait until a run has ended; how, if this process saw it."""
        if job := self._jobs.get(run_id):
            await job.ended.wait()
            if job.ending or job.stop == "lost":
                return job.ending
        before = await self._log.place(thread_id)  # first: an end that is not yet in the row comes behind it
        try:
            row = await self._queue.get(thread_id, run_id)
        except RunMissing:
            return None
        if row["status"] not in ("pending", "running"):
            return self._log.ended(thread_id, run_id)
        async for _ in self._log.follow(thread_id, before, run_id=run_id):
            pass
        return self._log.ended(thread_id, run_id)

    def expect(self, seconds: float) -> None:
        """A run is due in so many seconds: look then."""
        asyncio.get_running_loop().call_later(seconds, lambda: asyncio.ensure_future(self._take()))

    async def _keep(self, job: Job) -> None:
        """One run from its start to its end in the table."""
        claim = job.claim
        with during(run_id=claim.run_id, thread_id=claim.thread_id):
            logger.info("run begins", extra={"attempt": claim.attempt, "graph": claim.graph_id})
            await self._carry(job)
            logger.info("run ends", extra={"status": job.ending.status if job.ending else "given back"})

    async def _carry(self, job: Job) -> None:
        claim = job.claim
        channel = self._log.open(claim.thread_id, claim.first_seq, on_disk=not claim.stateless)

        def tell(event: str, body: Any) -> None:
            if not job.lease.lost:
                self._log.publish(channel, claim.run_id, event, dumps(body))

        loop = asyncio.get_running_loop()

        def doubt() -> None:  # on whatever thread
            loop.call_soon_threadsafe(self._stop, job, "again")

        try:
            current.set(job.lease)
            leased.set(True)
            patience.set(Patience(OUTAGE_S, doubt))
            if claim.cancel:  # asked of a holder that is gone
                job.stop = claim.cancel
            else:
                job.task = asyncio.create_task(carry_out(self._graph(claim), claim, tell))
            ending = await self._ending(job)
            if ending is None:
                if job.stop in ("drain", "again"):
                    await self._give_back(job, channel)
                return
            onward = await self._log.end(channel, claim.run_id, ending, lambda written: self._end(job, ending, written))
            job.ending = ending
            for one in onward:
                self.start(one)
        except LeaseLost as lost:
            logger.warning("run %s: %s", claim.run_id, lost)
        except Exception:  # not the graph's fault but ours or the disk's: the lease runs out, and the run is tried again
            logger.exception("run %s could not be brought to its end", claim.run_id)
        finally:
            if len(self._jobs) >= self._capacity or job.stop == "again":
                self._offered.set()
            if self._jobs.get(claim.run_id) is job:
                del self._jobs[claim.run_id]
            job.ended.set()
            self._log.close(channel)

    async def _give_back(self, job: Job, channel: Channel) -> None:
        """Let the next holder go on, behind what this one has told."""
        if job.stop == "drain":
            patience.set(None)
        await self._log.flush(channel)
        await self._queue.release(job.claim)
        self.offer()

    async def _ending(self, job: Job) -> Ending | None:
        """How the run ended, or None if it is not for this process to say."""
        claim = job.claim
        if job.task is not None:
            try:
                return await job.task
            except asyncio.CancelledError:
                if job.stop is None:  # this process is torn down around us
                    raise
            except ServerGone:
                if job.stop != "again":
                    raise
            except LeaseLost:
                return None
        if job.stop in ("drain", "again", "lost", None):
            return None
        if job.stop == "rollback":
            await self._saver.adelete_for_runs([claim.run_id])
        return await standing(await self._graph(claim), config_of(claim), "interrupted")

    def _graph(self, claim: Claim) -> Awaitable[Any]:
        return self._catalogue.graph(claim.graph_id, self._saver, config_of(claim))

    async def _end(self, job: Job, ending: Ending, written: Sequence[Event]) -> list[Claim]:
        rollback = job.stop == "rollback" and ending.status == "interrupted"
        onward = await self._queue.end(job.claim, ending, written, go_on=not self._draining, rollback=rollback)
        if job.claim.stateless:
            await self._saver.adelete_thread(job.claim.thread_id)
        return onward

    def _stop(self, job: Job, why: Stop) -> None:
        if job.stop is None and job.task is not None and not job.task.done():
            job.stop = why
            job.task.cancel()
        elif job.task is None:
            job.stop = why

    async def _take(self, *, expired: bool = True, dead: bool = False) -> None:
        """Take what may start, as far as there is room."""
        if self.has_room:
            for claim in await self._queue.claim(limit=self._capacity - len(self._jobs), expired=expired, dead=dead):
                self.start(claim)

    async def _heartbeats(self) -> None:
        while True:
            await _called(self._asked, HEARTBEAT_S)
            mine, asked = dict(self._jobs), time.monotonic()
            if not mine:
                continue
            try:
                held = await self._queue.prolong(list(mine))
            except DatabaseUnavailable as error:  # the leases go on for a while; the next beat may come through
                logger.warning("leases could not be renewed: %s", error)
                continue
            for run_id, job in mine.items():
                if run_id in held:
                    job.lease.prolong(asked)
                    if action := held[run_id]:
                        self._stop(job, action)
                elif self._jobs.get(run_id) is job:  # not ended meanwhile: it is another's
                    job.lease.lost = True
                    self._stop(job, "lost")

    async def _reap(self) -> None:
        reaped = 0.0
        while True:
            await _called(self._offered, REAP_S)
            now = time.monotonic()
            try:
                if now < max(self._trusted, reaped + REAP_S):
                    await self._take(expired=False)
                    continue
                reaped = now
                await self._take()
                for claim in await self._queue.exhausted():
                    await self._give_up(claim)
            except DatabaseUnavailable as error:  # tried again at the next round; who lives renews its leases first
                self._trusted = time.monotonic() + LEASE_S
                logger.warning("the queue could not be read: %s", error)

    async def _look(self) -> None:
        """Find what was told and not heard (a cancel by the next heartbeat), and forget what nobody follows any more."""
        swept = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._log.look()
                self._offered.set()
                if time.monotonic() - swept > SWEEP_S:
                    swept = time.monotonic()
                    for thread_id in await self._queue.sweep():
                        await self._saver.adelete_thread(thread_id)
            except DatabaseUnavailable as error:  # tried again at the next round
                logger.warning("the database could not be looked at: %s", error)

    async def _give_up(self, claim: Claim) -> None:
        """End a run whose every attempt lost its process."""
        said = {
            "error": "RunAbandoned",
            "message": f"its process ended {claim.attempt - 1} times while it ran: it is not tried again",
        }
        ending = await standing(await self._graph(claim), config_of(claim), "error", said)
        channel = self._log.open(claim.thread_id, claim.first_seq, on_disk=not claim.stateless)
        try:
            self._log.publish(channel, claim.run_id, "error", dumps(said))
            await self._log.end(
                channel,
                claim.run_id,
                ending,
                lambda written: self._queue.end(claim, ending, written, go_on=False),
            )
        finally:
            self._log.close(channel)


async def _called(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
