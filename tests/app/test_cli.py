"""The command line as a person meets it: real processes, real homes. Bad input gives one clear message, never a traceback."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import pytest

from settings import Settings
from tests.app.at_terminal import HOT
from tests.app.command import SECONDS, clearance
from tests.forking import ROOT, Forked
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

HASTY = str(ROOT / "tests" / "app" / "hasty.py")
FLAGSHIP = "Analyze supplier risk across our logistics network"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    return home


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """A home of its own, with the generated company loaded."""
    return Path(shutil.copytree(prepared, tmp_path / "home"))


def cases(home: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(home / "supply_chain.db") as db:
        query = "select s.name, c.severity, c.status from cases c join suppliers s on s.id = c.supplier_id order by s.name"
        return db.execute(query).fetchall()


def started(home: Path, folder: Path, *words: str, program: str = "") -> tuple[Forked, TextIO]:
    """A command that goes on while the test does, and what it says, line by line as it comes."""
    os.mkfifo(folder / "out")
    env = {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = Forked(words, env, folder / "out", folder / "err", program=program)
    return process, (folder / "out").open(encoding="utf-8")


def test_without_a_terminal_the_cases_wait_and_the_output_says_how_to_go_on(home: Path) -> None:
    done = clearance(home, "run", FLAGSHIP)
    assert done.returncode == 3
    assert "Waiting for 3 approvals" in done.stdout
    thread = re.search(r"clearance resume (\S+)", done.stdout)
    assert thread
    assert cases(home) == []
    resumed = clearance(home, "resume", thread[1], "--approve", "all")
    assert resumed.returncode == 0
    assert [status for _, _, status in cases(home)] == ["open"] * 3
    again = clearance(home, "resume", thread[1], "--approve", "all")
    assert again.returncode == 0 and len(cases(home)) == 3, "a finished thread opens nothing again"


def test_json_is_one_object_and_nothing_else(home: Path, tmp_path: Path) -> None:
    done = clearance(home, "run", FLAGSHIP, "--json", "--approve", "all", "--out", str(tmp_path / "out"))
    body = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    wanted = {
        "thread_id",
        "run_id",
        "execution_id",
        "status",
        "answer",
        "plan",
        "steps",
        "approvals",
        "effects",
        "citations",
        "usage",
    }
    assert wanted | {"model"} <= body.keys()
    assert body["status"] == "success" and body["model"] == "offline-deterministic"
    assert body["complete"] is True and body["missing"] == []
    assert [a["status"] for a in body["approvals"]] == ["consumed"] * 3
    assert all(a["decided_by"] == ["local"] for a in body["approvals"])
    assert [e["state"] for e in body["effects"]] == ["done"] * 3
    assert body["usage"]["model_calls"] > 15 and body["citations"]
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<svg" in html and "<script" not in html and "http-equiv" in html
    assert (tmp_path / "out" / "report.md").read_text() == body["answer"]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["execution_id"] == body["execution_id"]
    assert list((tmp_path / "out" / "charts").glob("*.svg"))


def test_a_partial_answer_is_no_complete_one(home: Path) -> None:
    with sqlite3.connect(home / "supply_chain.db") as db:
        db.execute("delete from indicators")
    done = clearance(home, "run", FLAGSHIP, "--json", "--approve", "all")
    body = json.loads(done.stdout)
    assert (done.returncode, body["status"], body["complete"]) == (0, "success", False)
    assert any("Country risk is missing" in lack and "load the indicators" in lack for lack in body["missing"])
    told = clearance(home, "run", FLAGSHIP, "--approve", "all")
    assert "This answer is partial" in told.stdout and f"The answer is partial: {len(body['missing'])} missing" in told.stdout


def test_a_wrong_role_approves_nothing(home: Path) -> None:
    done = clearance(home, "run", FLAGSHIP, "--approve", "all", CLEARANCE_ROLES='["requester"]')
    assert done.returncode == 3
    assert done.stdout.count("Not counted") == 3 and "risk-manager" in done.stdout
    assert cases(home) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", ""], 2, "the goal is empty"),
        (["run", "x" * 100_000], 2, "100,000 characters"),
        (["run", "supplier \x1b[31m risk"], 2, "U+001B"),
        (["run", "supplier \u202e risk"], 2, "U+202E"),
        (["run", "Write me a poem"], 4, "poem"),
        (["run", "risk?"], 3, "Which one do you want"),
        (["run", FLAGSHIP, "--thread", "nowhere"], 1, "there is no thread nowhere"),
        (["run", FLAGSHIP, "--approve", "maybe"], 2, "ask"),
        (["run"], 2, "Missing argument"),
        (["resume", "nowhere"], 1, "there is no thread nowhere"),
        (["graph", "--execution", "nowhere"], 1, "there is no execution nowhere"),
        (["graph", "--out", "/nowhere/x.svg"], 1, "/nowhere/x.svg cannot be used"),
        (["data", "import", "--scms", "/nowhere.csv"], 1, "/nowhere.csv"),
        (["data", "import"], 2, "name at least one file"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_gets_a_clear_message(home: Path, words: list[str], code: int, said: str) -> None:
    done = clearance(home, *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_bad_settings_and_places(home: Path, tmp_path: Path) -> None:
    assert "CLEARANCE_CONCURRENCY is 'zero'" in clearance(home, "run", FLAGSHIP, CLEARANCE_CONCURRENCY="zero").stderr
    hidden = {"CLEARANCE_SIGN_IN": "jwt", "CLEARANCE_CLIENT_SECRET": "very-secret", "CLEARANCE_MODEL_API_KEY": "very-secret"}
    for wrong in (
        hidden,
        {"CLEARANCE_EVENT_SECRETS": '{"acme/erp": very-secret'},
        {"CLEARANCE_EVENT_SECRETS": '["very-secret"]'},
    ):
        said = clearance(home, "run", FLAGSHIP, **wrong).stderr
        assert "very-secret" not in said and "Traceback" not in said and "should not" not in said, said
    assert "there is no domain 'nothing'" in clearance(home, "run", FLAGSHIP, CLEARANCE_DOMAIN="nothing").stderr
    empty = clearance(tmp_path / "empty", "run", FLAGSHIP)
    assert empty.returncode == 4 and "clearance data demo" in empty.stdout
    (tmp_path / "file").write_text("")
    assert "is a file where a folder is needed" in clearance(tmp_path / "file", "run", FLAGSHIP).stderr


@pytest.mark.parametrize("name", ["clearance.db", "supply_chain.db", "checkpoints.db"])
def test_a_corrupt_database_is_named_with_what_to_do(home: Path, name: str) -> None:
    for path in home.glob(f"{name}*"):
        path.unlink()
    (home / name).write_bytes(b"this is no database at all" * 400)
    done = clearance(home, "run", FLAGSHIP)
    assert done.returncode == 1 and name in done.stderr and "move" in done.stderr


def test_a_locked_database_is_waited_for_or_named(home: Path, tmp_path: Path) -> None:
    clearance(home, "run", "risk?")  # makes the tables
    holder = sqlite3.connect(home / "clearance.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        env = {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        process = Forked(["run", FLAGSHIP], env, tmp_path / "out", tmp_path / "err", program=HASTY)
        code = process.wait(SECONDS)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert code == 1 and "another process is writing to it" in (tmp_path / "err").read_text()
    assert clearance(home, "run", FLAGSHIP).returncode == 3


def test_the_list_of_approvals_says_what_waits_and_was_reminded(home: Path) -> None:
    assert clearance(home, "approvals").stdout.strip() == "No approval is open."
    thread = json.loads(clearance(home, "run", FLAGSHIP, "--json").stdout)["thread_id"]
    with sqlite3.connect(home / "clearance.db") as db:  # five of its eight hours ago
        then = datetime.now(UTC) - timedelta(hours=5)
        asked, ends = (at.isoformat(timespec="microseconds") for at in (then, then + timedelta(hours=8)))
        db.execute("UPDATE approvals SET created_at = ?, expires_at = ?", (asked, ends))
    resumed = clearance(home, "resume", thread)
    assert resumed.stdout.count("note: reminder: open_case") == 3 and "(reminded " in resumed.stdout
    listed = clearance(home, "approvals")
    assert listed.stdout.count("◆ open_case: Supplier risk: ") == listed.stdout.count("· reminded ") == 3
    assert f"resume {thread} --approve ask" in listed.stdout
    rows = json.loads(clearance(home, "approvals", "--json").stdout)
    assert {row["thread_id"] for row in rows} == {thread} and all(row["reminded_at"] for row in rows)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_nothing_is_lost(home: Path, tmp_path: Path, sign: signal.Signals) -> None:
    process, said = started(home, tmp_path, "run", FLAGSHIP)
    for line in said:
        if "Suppliers and orders" in line and "done" in line:
            os.kill(process.pid, sign)
            break
    code, err = process.wait(SECONDS), (tmp_path / "err").read_text()
    assert code == 130, err
    assert "Traceback" not in err and "Nothing is lost" in err
    thread = re.search(r"clearance resume (\S+)", err)
    assert thread, err
    done = clearance(home, "resume", thread[1], "--approve", "all", "--json")
    body = json.loads(done.stdout)
    assert body["status"] == "success" and len(cases(home)) == 3
    first = next(step for step in body["steps"] if step["id"] == "s1")
    assert len(first["attempts"]) == 1, "what was finished is not done again"


def test_plan_shows_and_stops(home: Path) -> None:
    done = clearance(home, "plan", FLAGSHIP)
    assert done.returncode == 0 and "score_suppliers" in done.stdout and "needs an approval" in done.stdout
    assert json.loads(clearance(home, "plan", FLAGSHIP, "--json").stdout)["steps"]
    assert cases(home) == []


def test_graph_and_plan_are_drawn(home: Path, tmp_path: Path) -> None:
    assert "execute" in clearance(home, "graph").stdout
    body = json.loads(clearance(home, "run", "Who is the worst on delivery?", "--json").stdout)
    for ending, sign in ((".svg", "<svg"), (".mmd", "flowchart")):
        target = tmp_path / f"plan{ending}"
        assert clearance(home, "graph", "--execution", body["execution_id"], "--out", str(target)).returncode == 0
        assert target.read_text().startswith(sign)


def test_an_execution_is_drawn_from_another_process_while_it_runs(home: Path, tmp_path: Path) -> None:
    process, said = started(home, tmp_path, "run", f"{FLAGSHIP}, and where are we single-sourced?", program=HOT)
    try:
        waiting = 0
        for line in said:
            waiting += "needs you" in line
            if waiting == 3:
                break
        with sqlite3.connect(home / "clearance.db") as db:
            [(execution,)] = db.execute("select id from executions").fetchall()
        seen = clearance(home, "graph", "--execution", execution).stdout
        assert seen.count("◆ needs you") == 3
        assert re.search(r"Single-sourced.*▶ running", seen) and re.search(r"Suppliers and orders.*✓ done", seen)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(SECONDS)
    seen = clearance(home, "graph", "--execution", execution).stdout
    assert re.search(r"Single-sourced.*○ to do", seen), "nobody carries it out any more"


def test_help_imports_nothing_heavy() -> None:
    heavy = ("langgraph", "langchain", "langchain_core", "sqlalchemy", "openai", "matplotlib", "chromadb")
    code = f"import sys, app.cli; app.cli._mount(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_imports_nothing_that_only_a_service_or_a_report_needs() -> None:
    heavy = ("fastapi", "starlette", "uvicorn", "chromadb", "matplotlib", "numpy")
    code = f"import sys, app.running; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_demo_tells_its_story(tmp_path: Path) -> None:
    done = clearance(tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    found = re.search(r"✓ s13-\d", text)  # whichever asks first is decided first
    first_case = found.start() if found else -1
    assert 0 < text.index("staged outage") < text.index("Plan, revision 2") < first_case
    assert first_case < text.index("✓ s2 "), "the edited case is opened while the slow sibling still runs"
    assert "rejected by local: already handled" in text
    assert "Their values add up to" in text
    assert text.count("A follow-up in the same thread") == 3
