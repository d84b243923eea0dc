"""Approvals asked on a real terminal: what was skipped is asked once, what was done stays done, Ctrl-C at a question ends it."""

import os
import re
import select
import shutil
import sys
import time
from pathlib import Path

import pytest

from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

pty = pytest.importorskip("pty", reason="a terminal to ask on")
ROOT = Path(__file__).parent.parent.parent
FLAGSHIP = "Analyze supplier risk across our logistics network"
PROMPT = re.compile(r"(kip\? |Why\? |\]: )\Z")
CTRL_C = "\x03"
PAINT = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("prompts") / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    return home


def talk(home: Path, *answers: str, seconds: float = 180.0) -> tuple[int, str]:
    """Run the flagship on a terminal of its own and type an answer at each question; exit code and what was printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ.update(CLEARANCE_HOME=str(home), TERM="xterm", COLUMNS="100", LINES="60")
        os.execv(sys.executable, [sys.executable, "-m", "app.cli", "run", FLAGSHIP])
    left, printed, read_to, ends = list(answers), "", 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            more = os.read(terminal, 65_536)
        except OSError:  # how a terminal says that the other side is gone
            break
        if not more:
            break
        printed += more.decode(errors="replace")
        if left and PROMPT.search(printed[read_to:]):
            read_to, answer = len(printed), left.pop(0)
            os.write(terminal, (answer if answer == CTRL_C else answer + "\n").encode())
    else:
        os.kill(pid, 9)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), printed


def test_decided_one_by_one(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    edit = ["e", "", "", "", "", "", "somebody-else", ""]  # one line for each argument; empty keeps it
    code, printed = talk(home, "s", *edit, "r", "not now")
    assert code == 3, printed
    said = " ".join(PAINT.sub("", printed).split())
    assert "owned by somebody-else" in said and "rejected by local: not now" in said
    assert "Waiting for 1 approval" in printed
    assert printed.count("[s]kip?") == 3, "what was skipped is not asked again"
    after = PAINT.sub("", printed[printed.rindex("Why?") :])
    assert "○" not in after, "what was done before the questions stays done"
    assert re.search(r"done\s+Suppliers and orders", after) and re.search(r"skipped\s+Escalation cases: Halden", after)


def test_ctrl_c_at_a_question_ends_the_program(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, "s", CTRL_C)
    assert code == 130, printed
    assert "Nothing is lost" in printed and "Traceback" not in printed
