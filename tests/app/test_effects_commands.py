"""`clearance undo`, `effects` and `audit` over the cases of a real run, as people meet them: output, exit codes, refusals."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from tests.app.command import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

GOAL = "Analyze supplier risk across our logistics network"
WHY = "the wrong suppliers"
REQUESTER = {"CLEARANCE_ROLES": '["requester"]'}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose flagship run opened three cases, and the execution."""
    home = tmp_path_factory.mktemp("effects") / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    done = clearance(home, "run", GOAL, "--json", "--approve", "all")
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)["execution_id"]


@pytest.fixture
def ran(prepared: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    return Path(shutil.copytree(prepared[0], tmp_path / "home")), prepared[1]


def statuses(home: Path) -> list[str]:
    with sqlite3.connect(home / "supply_chain.db") as db:
        return [row[0] for row in db.execute("SELECT status FROM cases ORDER BY id")]


def effects(home: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(clearance(home, "effects", "--json").stdout)
    return rows


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "clearance.db") as db:
        assert db.execute(statement).rowcount > 0
    db.close()


def test_undo_shows_first_undoes_one_step_then_the_rest_and_nothing_twice(ran: tuple[Path, str]) -> None:
    home, execution = ran
    shown = clearance(home, "undo", execution)
    assert shown.returncode == 0 and shown.stdout.count("○ to undo: open_case") == 3
    assert "say why with --reason" in shown.stdout and set(statuses(home)) == {"open"}
    step = effects(home)[0]["step_id"]
    one = clearance(home, "undo", execution, "--step", step, "--reason", WHY, "--approve", "all")
    assert one.returncode == 0 and one.stdout.count("↶ undone") == 1 and statuses(home).count("open") == 2
    assert clearance(home, "undo", execution, "--reason", WHY, "--approve", "all").returncode == 0
    assert "open" not in statuses(home)
    again = clearance(home, "undo", execution, "--reason", "once more", "--approve", "all")
    assert again.returncode == 0 and again.stdout.count("it was undone already") == 3
    states = [(row["tool"], row["state"]) for row in effects(home)]
    assert states.count(("open_case", "compensated")) == 3 and len(states) == 6
    verified = clearance(home, "audit", "verify")
    assert verified.returncode == 0, verified.stdout
    change(home, "UPDATE effects SET state = 'done' WHERE tool = 'open_case'")
    assert "its row says done, and the ledger compensated" in clearance(home, "audit", "verify").stdout


def test_an_undoing_waits_for_whoever_may_agree_and_goes_on_with_the_reason_given(ran: tuple[Path, str]) -> None:
    home, execution = ran
    waiting = clearance(home, "undo", execution, "--reason", WHY)
    assert waiting.returncode == 3 and waiting.stdout.count("◆ needs approval") == 3 and set(statuses(home)) == {"open"}
    assert f"undo {execution}" in clearance(home, "approvals").stdout
    refused = clearance(home, "undo", execution, "--approve", "all", **REQUESTER)
    assert refused.returncode == 3 and "Not counted" in refused.stderr and set(statuses(home)) == {"open"}
    done = clearance(home, "undo", execution, "--approve", "all")
    assert done.returncode == 0 and "open" not in statuses(home)
    assert WHY in json.dumps([row["args"] for row in effects(home)])


def test_undo_says_what_it_does_not_know(ran: tuple[Path, str]) -> None:
    home, execution = ran
    unknown = clearance(home, "undo", "no-such-run", "--reason", WHY)
    assert unknown.returncode == 1 and "there is no execution or thread no-such-run" in unknown.stderr
    nothing = clearance(home, "undo", execution, "--step", "s99", "--reason", WHY)
    assert nothing.returncode == 0 and "Nothing was done that could be undone." in nothing.stdout
    bare = clearance(home, "undo", execution, "--approve", "all")
    assert bare.returncode == 1 and "say why open_case is to be undone" in bare.stderr and set(statuses(home)) == {"open"}


def test_a_killed_effect_is_listed_and_settled_once_by_whoever_may(ran: tuple[Path, str]) -> None:
    """As a process leaves it that dies in the tool: an intent without an outcome."""
    home, execution = ran
    listed = clearance(home, "effects", "--execution", execution)
    assert listed.returncode == 0 and listed.stdout.count("open_case") == 3 and "effects settle" not in listed.stdout
    assert "Nothing was changed." in clearance(home, "effects", "--execution", "another").stdout
    done, not_done, _ = (row["key"] for row in effects(home))
    change(home, "UPDATE effects SET state = 'intended', ended_at = NULL, result = NULL")
    assert "effects settle KEY done|not-done" in clearance(home, "effects").stdout
    wrong = clearance(home, "effects", "settle", done, "done", "--reason", "I looked", **REQUESTER)
    assert wrong.returncode == 1 and "is for these to say: risk-manager" in wrong.stderr
    assert "there is no effect f00" in clearance(home, "effects", "settle", "f00", "done", "--reason", "x").stderr
    assert "say how you know" in clearance(home, "effects", "settle", done, "done", "--reason", " ").stderr
    settled = clearance(home, "effects", "settle", done, "done", "--reason", "I looked")
    assert settled.returncode == 0 and "is recorded as done" in settled.stdout
    assert "is recorded as failed" in clearance(home, "effects", "settle", not_done, "not-done", "--reason", "no").stdout
    twice = clearance(home, "effects", "settle", done, "not-done", "--reason", "changed my mind")
    assert twice.returncode == 1 and "is known already: it is done" in twice.stderr


def test_a_bundle_with_an_undoing_holds_without_the_home(ran: tuple[Path, str], tmp_path: Path) -> None:
    home, execution = ran
    assert clearance(home, "undo", execution, "--reason", WHY, "--approve", "all").returncode == 0
    bundle, elsewhere = tmp_path / "bundle.json", tmp_path / "elsewhere"
    assert clearance(home, "audit", "export", execution, "--out", str(bundle)).returncode == 0
    told = json.loads(bundle.read_text())
    held = clearance(elsewhere, "audit", "verify", str(bundle), "--key", told["key"])
    assert held.returncode == 0 and "The bundle holds" in held.stdout, held.stdout
    unknown = clearance(elsewhere, "audit", "verify", str(bundle))
    assert unknown.returncode == 1 and "nothing says whose key" in unknown.stdout
    told["statement"]["executions"][0]["compensations"][0]["reason"] = "another"
    bundle.write_text(json.dumps(told))
    changed = clearance(home, "audit", "verify", str(bundle))
    assert changed.returncode == 1 and "it was changed after it was signed" in changed.stdout
    assert "is not what was recorded" in changed.stdout
    events = tmp_path / "events.jsonl"
    assert clearance(home, "audit", "export", execution, "--format", "cloudevents", "--out", str(events)).returncode == 0
    kinds = [json.loads(line)["type"] for line in events.read_text().splitlines()]
    assert kinds.count("clearance.undo") == 3 and kinds.count("clearance.intent") >= 6


def test_a_run_whose_ledger_breaks_says_so_in_one_sentence_with_what_to_do(ran: tuple[Path, str]) -> None:
    home, execution = ran
    change(home, "UPDATE ledger_heads SET hash = 'f00'")
    for words in (("run", GOAL, "--approve", "all"), ("undo", execution, "--reason", WHY, "--approve", "all")):
        done = clearance(home, *words)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and said.count("audit verify") == 1, said
        assert "this should not have happened" not in said
    assert set(statuses(home)) == {"open"} and len(statuses(home)) == 3
