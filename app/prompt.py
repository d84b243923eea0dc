"""Questions at the terminal beside a running event loop: read in a thread, and withdrawn when nobody needs the answer any more."""

import asyncio
import select
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Withdrawn(Exception):
    """The question was taken back before it was answered."""


class Lines:
    """Lines typed by a person. `ask` blocks: call it in a thread, which also leaves the context. Raises `EOFError` at Ctrl-D.

    `withdraw`, from any thread, ends a question with `Withdrawn`. Where input is no terminal, or cannot be waited for beside
    something else, a question stays until it is answered, and nobody waits for it.
    """

    def __init__(self) -> None:
        self._woken, self._wake = socket.socketpair()
        self._withdrawn = False

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *error: object) -> None:
        self._wake.close()
        self._woken.close()

    def withdraw(self) -> None:
        self._withdrawn = True
        with suppress(OSError):  # closed: it was answered
            self._wake.send(b".")

    def ask(self, question: str) -> str:
        if self._withdrawn:
            raise Withdrawn
        if not sys.stdin.isatty() or sys.platform == "win32":
            return input(question)
        sys.stdout.write(question)
        sys.stdout.flush()
        ready, _, _ = select.select([sys.stdin, self._woken], [], [])
        if self._woken in ready:
            raise Withdrawn
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")


async def at_prompt(work: Callable[[], T]) -> T:
    """Run questions to a person beside the event loop, in a thread that nobody waits for: Ctrl-C at a question ends the program."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T] = loop.create_future()

    def settle(give: Callable[[Any], None], value: Any) -> None:
        if not answered.done():
            give(value)

    def ask() -> None:
        give: Callable[[Any], None] = answered.set_result
        value: Any
        try:
            value = work()
        except Exception as error:  # whatever it is, it belongs to the one who waits
            give, value = answered.set_exception, error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, give, value)

    threading.Thread(target=ask, name="prompt", daemon=True).start()
    return await answered


def forget_typed_ahead() -> None:
    """Drop what was typed before the question was on the screen: nobody approves what they have not seen."""
    if not sys.stdin.isatty():
        return
    try:
        import termios  # not on every system
    except ImportError:
        return
    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
