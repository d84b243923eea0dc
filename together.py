"""One thread that owns a connection: what is asked of it while it works is carried out next, together, in one transaction.

A hop to a thread and a commit cost more than most of what is written; whoever waits at the same time shares them. An answer comes
when its transaction has ended. Used by `database.py` and `graphs/saver.py` on SQLite, which lets one writer through at a time
anyway. It lies below the rooms and imports nothing of the house.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Call(Generic[T]):
    """What is asked, and what came of it."""

    work: Callable[..., T]
    future: asyncio.Future[T]
    context: Context = field(default_factory=copy_context)
    result: T | None = None
    error: BaseException | None = None

    def carry_out(self, *given: Any) -> None:
        """Do it, and keep what it returns or raises."""
        try:
            self.result = self.context.run(self.work, *given)
        except BaseException as error:  # its caller's to bear, whatever it is: the thread serves others too
            self.error = error

    def answer(self) -> None:
        """Hand it to who waits, if he still does. On his event loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # there is no error, so there is a result


class Together:
    """`transact` is handed the calls of one transaction, has each carried out, commits, and marks those that failed."""

    def __init__(self, name: str, transact: Callable[[Sequence[Call[Any]]], None]) -> None:
        self._transact = transact
        self._asked: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def ask(self, work: Callable[..., T]) -> T:
        """What `work` returns or raises, once its transaction has ended; a cancellation that comes meanwhile is raised then."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        call = Call(work, future)
        self._asked.put(call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({future})
            future.exception()  # looked at: nobody is left to be told
            raise

    @property
    def inside(self) -> bool:
        """Is this the thread?"""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Carry out what was asked, and end."""
        self._asked.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self._asked.get()) is not None:
            calls, last = [first], False
            while not self._asked.empty():  # nobody else takes from it
                one = self._asked.get()
                if one is None:
                    last = True
                    break
                calls.append(one)
            try:
                self._transact(calls)
            except BaseException as error:  # none of them took place
                for call in calls:
                    call.error = call.error or error
            for loop in {call.future.get_loop() for call in calls}:
                own = [call for call in calls if call.future.get_loop() is loop]
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_answer, own)
            if last:
                return


def _answer(calls: Sequence[Call[Any]]) -> None:
    for call in calls:
        call.answer()
