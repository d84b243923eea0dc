"""`clearance budgets` and `clearance kill-switch` as a person meets them: real processes, one clear sentence for what cannot be."""

import json
import re
from pathlib import Path

import pytest

from app.budget_commands import show
from settings import Settings
from tests.app.command import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("budgets") / "home"
    records = open_records(Settings(home=made))
    make_demo(records.writing)
    records.close()
    return made


@pytest.fixture(scope="module")
def limits(home: Path) -> str:
    path = home / "limits.toml"
    path.write_text("[run]\ntool_calls = 2\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def run(home: Path, limits: str) -> str:
    """A run that had two tool calls, and needed more."""
    done = clearance(home, "run", "Analyze supplier risk across our logistics network", "--json", CLEARANCE_BUDGETS=limits)
    body = json.loads(done.stdout)
    assert body["answer"] is None or "budget" in done.stdout, "the answer says what ended it"
    found: str = body["execution_id"]
    return found


def test_the_budgets_of_a_run_are_shown_and_raised(home: Path, limits: str, run: str) -> None:
    (told,) = json.loads(clearance(home, "budgets", "--run", run, "--json", CLEARANCE_BUDGETS=limits).stdout)["budgets"]
    assert (told["scope"], told["unit"], told["limit"], told["used"], told["left"]) == ("run", "tool_calls", 2, 2, 0)
    done = clearance(home, "budgets", "raise", run, "tool_calls", "5", CLEARANCE_BUDGETS=limits)
    assert done.returncode == 0 and "5 tool calls left of 7 tool calls" in done.stdout
    refused = clearance(home, "--as", "rita", "budgets", "raise", run, "tool_calls", "5", CLEARANCE_BUDGETS=limits)
    assert refused.returncode == 1 and "budget-owner" in refused.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tokens", "5"), "has no limit of tokens"),
        (("tool_calls", "0"), "give a whole number above 0"),
        (("tool_calls", "1.5"), "give a whole number above 0"),
        (("wishes", "5"), "the units are"),
    ],
)
def test_what_cannot_be_raised_is_said(home: Path, limits: str, run: str, words: tuple[str, ...], says: str) -> None:
    done = clearance(home, "budgets", "raise", run, *words, CLEARANCE_BUDGETS=limits)
    assert done.returncode in (1, 2) and says in " ".join(done.stderr.split()) and "should not have happened" not in done.stderr


def test_limits_that_cannot_be_read_stop_the_start(home: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[run]\nwishes = 3\n", encoding="utf-8")
    done = clearance(home, "budgets", CLEARANCE_BUDGETS=str(tmp_path / "bad.toml"))
    assert done.returncode == 1 and "'wishes' is no unit" in " ".join(done.stderr.split())


def test_the_kill_switch_is_flipped_by_who_may_and_with_a_reason(home: Path) -> None:
    assert clearance(home, "kill-switch", "on").returncode != 0, "a reason is asked for"
    refused = clearance(home, "--as", "rita", "kill-switch", "on", "--reason", "odd letters")
    assert refused.returncode == 1 and "operator" in refused.stderr
    assert clearance(home, "kill-switch", "on", "--reason", "odd letters").returncode == 0
    assert "odd letters" in clearance(home, "kill-switch", "status").stdout
    assert clearance(home, "kill-switch", "off", "--reason", "they were ours").returncode == 0
    assert not re.search("odd letters", clearance(home, "kill-switch", "status").stdout)
    assert clearance(home, "audit", "verify").returncode == 0


def test_the_demo_people_ask_for_more_and_give_it_and_stop_everything(home: Path) -> None:
    file = home / "asking.toml"
    file.write_text("[run]\nask = true\ntool_calls = 2\n", encoding="utf-8")
    env = dict(CLEARANCE_BUDGETS=str(file))
    goal = "Analyze supplier risk across our logistics network"
    waits = clearance(home, "--as", "rita", "run", goal, **env)
    assert waits.returncode == 3 and "Waiting for 1 approval" in waits.stdout and "raise_budget" in waits.stdout
    (row,) = json.loads(clearance(home, "approvals", "--json", **env).stdout)
    assert (row["requester"], row["approvers"][0], row["args"]["limit"]) == ("rita", "budget-owner", 2)
    going = ("--as", "bo", "resume", row["thread_id"], "--approve", "all", "--json")
    body = json.loads(clearance(home, *going, **env).stdout)
    raised = [one for one in body["approvals"] if one["tool"] == "raise_budget"]
    assert len(raised) > 1 and all((one["status"], one["decided_by"]) == ("consumed", ["bo"]) for one in raised)
    assert {one["tool"] for one in body["approvals"] if one["status"] == "pending"} == {"open_case"}, "which bo may not decide"
    assert clearance(home, "--as", "olga", "kill-switch", "on", "--reason", "a drill").returncode == 0
    assert clearance(home, "--as", "olga", "kill-switch", "off", "--reason", "it was a drill").returncode == 0
    assert clearance(home, "audit", "verify").returncode == 0


def test_a_limit_of_money_without_a_price_is_warned_of(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "money.toml"
    file.write_text("[user]\nmoney = 20\n", encoding="utf-8")
    named = dict(HOME=str(home), BUDGETS=str(file), MODEL="m-1", MODEL_API_KEY="none")
    for name, value in named.items():
        monkeypatch.setenv(f"CLEARANCE_{name}", value)
    assert show("", False) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "what m-1 costs is not known" in shown and "limited to $20.0000; what is used is not known" in shown
    show("", True)
    told = json.loads(capsys.readouterr().out)
    assert told["warning"] and told["budgets"][0]["used"] is None
    monkeypatch.setenv("CLEARANCE_MODEL_PRICE", "1/2")
    show("", False)
    priced = capsys.readouterr().out
    assert "not known" not in priced and "user: $20.0000 left" in priced
