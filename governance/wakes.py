"""Wake-ups inside one process: whoever runs an execution is told when one of its approvals was decided. No polling.

Subscribers live on event loops, deciders on any loop or thread. What was decided through another process comes by `wake_here`,
where the application has several (`app/elsewhere.py`), which is told of what was decided here through `tell`.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Wakes:
    """Subscriptions by execution."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)
        self.tell: Callable[[str], None] = lambda execution_id: None

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

    def waiting(self) -> list[str]:
        """The executions that somebody here is subscribed to."""
        with self._lock:
            return list(self._waiting)

    def wake(self, execution_id: str) -> None:
        """Set every subscriber's event, from any thread, and tell the other processes."""
        self.wake_here(execution_id)
        self.tell(execution_id)

    def wake_here(self, execution_id: str) -> None:
        """Set every subscriber's event of this process, from any thread."""
        with self._lock:
            entries = list(self._waiting.get(execution_id, ()))
        for loop, event in entries:
            with suppress(RuntimeError):  # its loop was closed without leaving the subscription: nobody waits there
                loop.call_soon_threadsafe(event.set)
