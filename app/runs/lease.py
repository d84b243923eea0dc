"""A lease: the right of one attempt to write for its run. The saver of checkpoints asks it first (`may_write`).

The worker prolongs it by heartbeats. Between them memory vouches for it; when a heartbeat is overdue the row is asked, and
when the row is another's, the attempt is over: it may still compute, but it writes nothing.
"""

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

LEASE_S, HEARTBEAT_S, REAP_S = 15.0, 5.0, 3.0
MARGIN_S = 3.0  # a write that was allowed has this long to reach the disk before another may hold the run


class LeaseLost(RuntimeError):
    """Another worker holds the run, or it is gone: this attempt must not write."""


@dataclass
class Lease:
    """`still_ours` asks the run's row; `until` is by the monotonic clock, taken before the row was written."""

    still_ours: Callable[[], Awaitable[bool]] = field(repr=False)
    until: float
    lost: bool = False

    def prolong(self, asked: float) -> None:
        """The row was prolonged by a request made at `asked` (monotonic)."""
        self.until = asked + LEASE_S

    async def check(self) -> None:
        """Raise `LeaseLost` unless this attempt may write now."""
        if not self.lost and time.monotonic() < self.until - MARGIN_S:
            return
        if self.lost or not await self.still_ours():
            self.lost = True
            raise LeaseLost("the run was taken over by another worker: what this attempt would write is dropped")


current: ContextVar[Lease | None] = ContextVar("lease", default=None)
"""The lease of the run that this task, or a task that started it, carries out: step threads check their parent's."""


async def may_write() -> None:
    """The guard of the service's saver: raise `LeaseLost` unless this task may write for its run. Step threads are written by tasks
    that the run started; outside a run (a state that a client updates) there is no lease to ask."""
    lease = current.get()
    if lease is not None:
        await lease.check()
