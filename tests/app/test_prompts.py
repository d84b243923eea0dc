"""Approvals asked on a real terminal: what was skipped is asked once, what was done stays done, Ctrl-C at a question ends it."""

import asyncio
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from database import Database
from governance.approvals import Approvals
from graphs.caller import local_caller
from settings import Settings
from tests.app.at_terminal import CTRL_C, CTRL_D, FLAGSHIP, PAINT, plain, talk
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

SLOW = ("run", f"{FLAGSHIP}, and where are we single-sourced?")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("prompts") / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    return home


def cases(home: Path) -> int:
    with sqlite3.connect(home / "supply_chain.db") as db:
        return int(db.execute("select count(*) from cases").fetchone()[0])


def decide_all_elsewhere(home: Path) -> None:
    """Approve the flagship's three cases from another process than the one that asks."""

    async def vote() -> int:
        rows = await approvals.pending()
        for row in rows:
            await approvals.vote(row.id, local_caller(Settings(home=home)), "approve")
        return len(rows)

    db, done = Database(Settings(home=home).app_url()), 0
    approvals = Approvals(db)
    try:
        while done < 3:
            done += asyncio.run(vote())
    finally:
        db.close()


def test_decided_one_by_one(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    edit = ["e", "", "", "", "", "", "somebody-else", ""]  # one line for each argument; empty keeps it
    code, printed = talk(home, "s", *edit, "r", "not now")
    assert code == 3, printed
    said = " ".join(PAINT.sub("", printed).split())
    assert "owner somebody-else" in said and "rejected by local: not now" in said
    assert "Waiting for 1 approval" in printed
    assert printed.count("[s]kip?") == 3, "what was skipped is not asked again"
    after = PAINT.sub("", printed[printed.rindex("Why?") :])
    assert "○" not in after, "what was done before the questions stays done"
    assert re.search(r"done\s+Suppliers and orders", after) and re.search(r"skipped\s+Escalation cases: ", after)


def test_ctrl_c_at_a_question_ends_the_program(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, "s", CTRL_C)
    assert code == 130, printed
    assert "Nothing is lost" in printed and "Traceback" not in printed


def test_a_verdict_is_acted_on_while_a_sibling_still_works(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, "a", "s", "r", "not now", words=SLOW, hot=True)
    assert code == 3 and cases(home) == 1, printed
    assert printed.count("[s]kip?") == 3, "nothing is asked twice"
    first = plain(printed[: printed.index("[s]kip?")])
    assert "Asked because" in first and "Risk score" in first
    assert re.search(r"running\s+Single-sourced", first), "the sibling runs while the first case is asked"


def test_an_approval_that_is_decided_elsewhere_is_taken_back(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, decide_all_elsewhere, words=SLOW, hot=True)
    assert code == 0 and cases(home) == 3, printed
    assert "No longer asked: open_case is" in plain(printed) and "by local" in plain(printed)


def test_ctrl_d_leaves_the_rest_pending(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, "s", CTRL_D)
    assert code == 3 and "Waiting for 3 approvals" in printed and printed.count("[s]kip?") == 2, printed


def test_ctrl_c_at_a_question_stops_the_siblings_too(prepared: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(prepared, tmp_path / "home"))
    code, printed = talk(home, CTRL_C, words=SLOW, hot=True)
    assert code == 130 and "Nothing is lost" in printed and "Traceback" not in printed, printed
    thread = re.search(r"resume (\S+) goes on", printed)
    assert thread
    code, printed = talk(home, "a", "a", "a", words=("resume", thread[1]))
    assert code == 0 and cases(home) == 3, printed
