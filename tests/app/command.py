"""The command line without a terminal, for the tests: a process of its own (tests/forking.py) that is waited for."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.forking import ROOT, Forked

SECONDS = 240.0


def clearance(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal."""
    around = {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "120", **env}
    done = command(words, around)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def command(words: tuple[str, ...], env: Mapping[str, str], told: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with an environment, and with what it is told on its standard input. Fails after `SECONDS`."""
    with tempfile.TemporaryDirectory() as folder:
        said, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        said.write_text(told, encoding="utf-8")
        process = Forked(words, env, out, err, said)
        try:
            code = process.wait(SECONDS)
        except TimeoutError as error:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(SECONDS)
            raise TimeoutError(f"{' '.join(words)}: {error}: {out.read_text()}{err.read_text()}") from None
        return subprocess.CompletedProcess(words, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
