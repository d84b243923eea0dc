"""The command at a terminal of its own, for the tests: what is typed, and what is printed."""

import os
import re
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.forking import ROOT, Forked

pty = pytest.importorskip("pty", reason="a terminal to ask on")
FLAGSHIP = "Analyze supplier risk across our logistics network"
PROMPT = re.compile(r"(kip\? |Why\? |\]: |\?: |you> )\Z")
CTRL_C, CTRL_D = "\x03", "\x04"
PAINT = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")
HOT = str(ROOT / "tests" / "app" / "hot.py")
Act = Callable[[Path], None]


def talk(
    home: Path, *answers: str | Act, words: Sequence[str] = ("run", FLAGSHIP), hot: bool = False, seconds: float = 240.0
) -> tuple[int, str]:
    """Run the command at a terminal; exit code and what was printed. At each question an answer is typed, or done.

    `hot`: one specialist works until a case is open. After so many seconds it is killed.
    """
    ours, its = pty.openpty()
    shown = {"TERM": "xterm", "COLUMNS": "100", "LINES": "60"}
    terminal = Path(os.ttyname(its))
    env = {**os.environ, **shown, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = Forked(words, env, terminal, terminal, terminal, HOT if hot else "")
    left, printed, read_to, ends = list(answers), "", 0, time.monotonic() + seconds
    while True:
        if time.monotonic() > ends:
            os.kill(process.pid, signal.SIGKILL)
        if not select.select([ours], [], [], 0.05)[0]:
            if process.poll() is not None:  # it has ended, and nothing that it printed is left to read
                break
            continue
        printed += os.read(ours, 65_536).decode(errors="replace")
        if left and PROMPT.search(printed[read_to:]):
            read_to, answer = len(printed), left.pop(0)
            if callable(answer):
                answer(home)
            else:
                os.write(ours, (answer if answer in (CTRL_C, CTRL_D) else answer + "\n").encode())
    os.close(ours)
    os.close(its)
    return process.wait(seconds), printed


def plain(printed: str) -> str:
    return " ".join(PAINT.sub("", printed).split())
