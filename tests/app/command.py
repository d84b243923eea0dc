"""The command line in a process of its own, for the tests: forked from a server that has imported it once.

Most of a short command's time is its imports; forking from a process that has them done saves that for every test, and the process
is a real one all the same, with its own environment, working folder, files and exit code.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SECONDS = 240.0
_FORKS = multiprocessing.get_context("forkserver")
_COMMANDS = ("app.cli", "app.chat", *(f"app.{path.stem}" for path in (ROOT / "app").glob("*_commands.py")))
_AT_WORK = (
    "app.inbox",
    "app.supply_chain.data_commands",
    "app.supply_chain.trial",
    "graphs.specialists.supply_chain.domain",
    "models.offline.model",
)
_FORKS.set_forkserver_preload([*_COMMANDS, *_AT_WORK, "tools.chart_drawing", "tests.app.command"])


def clearance(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal."""
    around = {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "120", **env}
    done = command(words, around)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def command(words: tuple[str, ...], env: Mapping[str, str], told: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with an environment, and with what it is told on its standard input. Fails after `SECONDS`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("in", "out", "err")]
        paths[0].write_text(told, encoding="utf-8")
        process = _FORKS.Process(target=_run, args=(words, dict(env), [str(path) for path in paths]))
        process.start()
        process.join(SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            raise TimeoutError(
                f"{' '.join(words)} still runs after {SECONDS:g} s: {paths[1].read_text()}{paths[2].read_text()}"
            )
        out, err = (path.read_text(encoding="utf-8") for path in paths[1:])
        assert process.exitcode is not None
        return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _run(words: tuple[str, ...], env: dict[str, str], paths: list[str]) -> None:
    """In the fork: take the place of a fresh process, and be the command."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    for at, (path, flags) in enumerate(zip(paths, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        os.dup2(os.open(path, flags), at)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # a forked process's own is closed
    sys.argv = ["clearance", *words]
    from app.cli import main

    main()
