"""A process of its own that can be watched and killed: forked, heard through a pipe, ended with SIGKILL or by itself.

The parent must be single-threaded and hold no open database: a fork copies both. Used by `rounds` alone.
"""

import asyncio
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

Tell = Callable[[str], None]
Body = Callable[[Tell], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Beat:
    """Something happened in the process: one letter that says what, and when, in seconds from its start."""

    kind: str
    at: float


class Process:
    """A fork that runs `body(tell)`. Each `tell(letter)` is a beat, heard here; what it prints goes to `log`."""

    def __init__(self, body: Body, log: Path) -> None:
        self.beats: list[Beat] = []
        self.silent = False  # it closed its end of the pipe: it is over
        self._code: int | None = None
        self._ears, mouth = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._started = time.monotonic()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ears)
            _be(body, mouth, log)
        os.close(mouth)

    def listen(self, seconds: float, beats: int | None = None) -> None:
        """Until the time is over, the process has ended, or it has beaten so often in all."""
        until = time.monotonic() + seconds
        while not self.silent and (beats is None or len(self.beats) < beats):
            if not select.select([self._ears], [], [], max(0.0, until - time.monotonic()))[0]:
                return
            heard = os.read(self._ears, 4096)
            self.silent = not heard
            self.beats += [Beat(kind, time.monotonic() - self._started) for kind in heard.decode("ascii")]

    def kill(self) -> bool:
        """kill -9, and wait until the process is gone. False: it had ended by itself before."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL

    def wait(self) -> int:
        """The exit code, negative for a signal, once the process is gone."""
        if self._code is None:
            _, status = os.waitpid(self._pid, 0)  # reaped: a zombie would still seem to hold its lease
            self._code = os.waitstatus_to_exitcode(status)
            os.close(self._ears)
        return self._code


def _be(body: Body, mouth: int, log: Path) -> Never:
    """The child: never returns into the parent's code."""
    code = 1
    try:
        sink = log.open("a", encoding="utf-8", buffering=1)
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        sys.stdout = sys.stderr = sink
        asyncio.run(body(lambda kind: _beat(mouth, kind)))
        code = 0
    except BaseException:  # whatever it is, the parent's stack must not go on in the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _beat(mouth: int, kind: str) -> None:
    os.write(mouth, kind.encode("ascii"))
