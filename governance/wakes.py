"""Wake-ups inside one process: whoever runs an execution is told when one of its approvals was decided. No polling.

Subscribers live on event loops, deciders on any loop or thread. Another process's verdicts do not pass through here.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

EVERY = ""
"""Subscribed to in an execution's place: whoever shows what waits is told of every wake."""


class Wakes:
    """Subscriptions by execution."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)

    @contextmanager
    def subscribe(self, execution_id: str) -> Iterator[asyncio.Event]:
        """An event of the running loop, set at each wake; the subscriber clears it *before* it reads the table again."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting[execution_id].add(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting[execution_id].discard(entry)
                if not self._waiting[execution_id]:
                    del self._waiting[execution_id]

    def wake(self, execution_id: str) -> None:
        """Set every subscriber's event, from any thread."""
        with self._lock:
            entries = [*self._waiting.get(execution_id, ()), *self._waiting.get(EVERY, ())]
        for loop, event in entries:
            with suppress(RuntimeError):  # its loop was closed without leaving the subscription: nobody waits there
                loop.call_soon_threadsafe(event.set)
