"""`clearance chat`: one thread from goal to follow-up, by lines from a file and on a real terminal."""

import re
import shutil
from pathlib import Path

import pytest

from tests.app.at_terminal import FLAGSHIP, plain, talk
from tests.app.command import command
from tests.app.test_prompts import prepared

__all__ = ["prepared"]
SKIP = "s"


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "home"))


def said(home: Path, *lines: str, thread: str = "") -> str:
    words = ["chat", *(["--thread", thread] if thread else [])]
    done = command(tuple(words), {"CLEARANCE_HOME": str(home), "PATH": "", "COLUMNS": "120"}, "\n".join(lines) + "\n")
    assert done.returncode == 0 and "Traceback" not in done.stderr + done.stdout, done.stderr
    return done.stdout


def test_lines_from_a_file_are_one_conversation_that_can_be_gone_on_with(home: Path) -> None:
    text = said(home, "Which suppliers deliver late?", "only ocean", "tell me a poem", "", "/help", "how did you get this?")
    assert "783 order lines" in text and "127 order lines" in text, "all lines, then those by ocean"
    assert "How this came about" in text and "mode Ocean" in text
    assert text.count("Say what you want to know") == 2
    thread = re.findall(r"--thread ([0-9a-f-]{36})", text)[-1]
    again = said(home, "redo it with 2014 only", thread=thread)
    assert "How this came about" in again, "how the thread stood is told first"
    assert "33 order lines" in again


def test_a_question_asked_back_is_answered_by_the_next_line(home: Path) -> None:
    text = said(home, "risk?", "Country risk by supplier")
    assert "Which one do you want?" in text and "Country risk" in text.split("you> Country risk by supplier")[1]


def test_bad_lines_end_nothing(home: Path) -> None:
    text = said(home, "x" * 100_001, "also Kenya", "Which suppliers deliver late?")
    assert "characters and at most" in text and "783 order lines" in text


def test_at_a_terminal_what_waits_is_asked_and_a_later_line_changes_the_plan(home: Path) -> None:
    skips = [SKIP] * 3, [SKIP] * 6  # without sanctions the other parts weigh more, and six suppliers are over the threshold
    lines = [FLAGSHIP, *skips[0], "without the sanctions screening", *skips[1], "/quit"]
    code, printed = talk(home, *lines, words=("chat",))
    text = plain(printed)
    assert code == 0 and "Traceback" not in text
    assert text.count("[s]kip?") == 9, "the changed plan asks anew: the old approvals were void"
    assert "The plan is changed" in text
