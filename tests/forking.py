"""The command line in processes of its own, for the tests: forked from a server that has imported it once.

Most of a command's time is its imports; forking from a process that has them done saves that for every test, and the process is a
real one all the same, with its own environment, working folder, files, process group and exit code.
"""

import io
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMANDS = ["app.cli", "app.chat", "app.inbox", *(f"app.{path.stem}" for path in sorted((ROOT / "app").glob("*_commands.py")))]
IMPORTED = [
    "app.serve",
    "app.main",
    "app.work",
    "app.supply_chain.data_commands",
    "app.supply_chain.trial",
    "models.offline.model",
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([*COMMANDS, *IMPORTED, "graphs.specialists.supply_chain.domain", "tests.forking"])


class Forked:
    """A process that is the command, used as a `subprocess.Popen`. It leads a process group of its own."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str], out: Path, err: Path, told: Path | None = None, program: str = ""
    ) -> None:
        """Start it with exactly this environment. What it says is added to `out` and `err`; `told` is its standard input: a
        terminal becomes its own. `program` is a script to be in place of the command."""
        files = [str(path) for path in (told or os.devnull, out, err)]
        self._process = _FORKS.Process(target=_be, args=(tuple(words), dict(env), files, program))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, once it has ended; a negative one is the signal that ended it."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises `TimeoutError` if it still runs after so many seconds."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout:g} s")
        return self._process.exitcode


def _be(words: tuple[str, ...], env: dict[str, str], files: list[str], program: str) -> None:
    """In the fork: take the place of a fresh process, and be the command."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    added = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for at, (path, flags) in enumerate(zip(files, (os.O_RDONLY, added, added), strict=True)):
        os.dup2(os.open(path, flags), at)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # a forked process's own is closed
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever waits for a line must see it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background, deaf to it
    threads = Path(f"/proc/{os.getppid()}/task")
    assert not threads.exists() or len(list(threads.iterdir())) == 1, "what is imported must start no thread: it does not fork"
    sys.argv = [program or "clearance", *words]
    if program:
        runpy.run_path(program, run_name="__main__")
        return
    from app.cli import main

    main()
