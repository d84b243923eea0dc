"""`clearance policy …` as an operator meets it: on the sample domain's bundle, on a broken one, on recorded runs."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.policy_commands import BadCall, NoRuns, check, explain_call, matrix, simulate_runs
from app.policy_commands import test as run_tests
from app.runner import open_runner
from governance.bundle import POLICIES
from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEARANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "home"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the policies, to change."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def test_check_lists_every_policy_with_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(None) == 0
    said = capsys.readouterr().out
    assert "large-amounts" in said and "2 × risk-manager, not who asked" in said and "are valid" in said


def test_a_bad_policy_is_named_with_its_file_and_line_and_fails(own: Path, home: Path) -> None:
    (own / "supply_chain" / "people.cedar").write_text(
        '// one\n\n@id("x") permit (principal, action, resource) when { context.no };\n'
    )
    command = [sys.executable, "-m", "app.cli", "policy", "check", "--root", str(own)]
    around = {**os.environ, "PYTHONPATH": str(ROOT), "CLEARANCE_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "supply_chain/people.cedar:3" in done.stderr and "Traceback" not in done.stderr


def test_the_policies_tests_pass_and_tell_when_a_policy_is_gone(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests(None) == 0
    people = own / "supply_chain" / "people.cedar"
    text = people.read_text()
    start = text.index('@id("auditors-only-look")')
    people.write_text(text[:start] + text[text.index(";", text.index("forbid", start)) + 1 :])
    capsys.readouterr()
    assert run_tests(own) == 1
    assert "✗ who audits does not act: it gives approve, not deny" in capsys.readouterr().out


def test_the_matrix_shows_who_may_do_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix(False) == matrix(True) == 0
    clean = capsys.readouterr().out.partition("Before text")[0]
    rows = {line.split()[1]: line.split()[2:] for line in clean.splitlines() if len(line.split()) > 5}
    assert rows["open_case"] == ["deny", "approve", "approve", "deny"]  # auditors, operators, requesters and managers, nobody
    assert rows["score_suppliers"] == ["allow", "deny", "allow", "deny"]
    assert max(map(len, clean.splitlines())) <= 80


CALL: dict[str, Any] = {
    "tool": "open_case",
    "args": {"supplier_id": 3, "supplier": "Acme", "owner": "Eve"},
    "planned": ["open_case"],
}


def test_explain_names_rules_labels_and_what_would_change_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "call.json"
    file.write_text(json.dumps({**CALL, "roles": ["auditor"]}))
    assert explain_call(file, None) == 0
    said = capsys.readouterr().out
    assert said.startswith("open_case: deny") and "supply_chain/people.cedar:" in said and "owner is the agent's own" in said
    assert "asked about if a requester asked, with no other role" in said
    assert "asked about if an operator asked, with no other role" in said


@pytest.mark.parametrize(("text", "why"), [("{", "no JSON"), ('{"args": {}}', "tool"), ('{"tool": "x", "arg": 1}', "arg")])
def test_a_bad_call_is_told(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "call.json").write_text(text)
    with pytest.raises(BadCall, match=why):
        explain_call(tmp_path / "call.json", None)


async def _run(home: Path, goal: str) -> str:
    settings = Settings()
    records = open_records(settings)
    make_demo(records.writing)
    records.close()
    async with open_runner(settings) as runner:
        return (await runner.run(goal)).execution_id


def test_simulate_shows_what_a_changed_bundle_would_have_said(
    home: Path, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoRuns, match="none yet"):
        simulate_runs("e1", None)
    id = asyncio.run(_run(home, "What share of spend goes to the top five suppliers?"))
    capsys.readouterr()
    assert simulate_runs("all", None) == 0
    assert capsys.readouterr().out.startswith("0 of ")
    people = own / "supply_chain" / "people.cedar"
    people.write_text(
        people.read_text().replace("resource.data_class >= 1 && context.roles.isEmpty()", "resource.data_class >= 1")
    )
    assert simulate_runs(id, own) == 0
    said = capsys.readouterr().out
    assert "financial_exposure: allow → deny" in said and "would be: internal-for-members" in said


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


PERMIT = '@id("all") permit (principal, action, resource);\n'
WRONG = {
    "a syntax error": ('@id("x")\npermit (principal action, resource);', ":2", "unexpected token"),
    "an unknown attribute": ('@id("x") permit (principal, action, resource) when { context.gone };', ":2", "gone"),
    "no id": ("permit (principal, action, resource);", ":2", "needs an @id"),
    "an id twice": ('@id("all") permit (principal, action, resource);', ":2", "already a policy all"),
    "an unknown outcome": (
        '@id("x") @outcome("maybe") @reason("r") forbid (principal, action in Action::"call", resource);',
        ":2",
        "@outcome",
    ),
    "an unknown annotation": ('@id("x") @quorom("2") permit (principal, action, resource);', ":2", "no annotation @quorom"),
    "an unknown role": (
        '@id("x") @outcome("approve") @approver("risk-manger") @reason("r") forbid (principal, action == Action::"effect", resource)'
        ' unless { context.approvals.contains("risk-manger") };',
        ":2",
        "nobody is known to hold the role risk-manger; there are: auditor, ",
    ),
    "an unknown role in the end": (
        '@id("x") @outcome("approve") @approver("auditor") @escalate("boss") @reason("r") '
        'forbid (principal, action == Action::"effect", resource) unless { context.approvals.contains("auditor") };',
        ":2",
        "nobody is known to hold the role boss",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_check_as_json_names_the_place_of_what_is_wrong(what: str, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, line, message = WRONG[what]
    (own / "supply_chain" / "people.cedar").write_text(PERMIT + text)
    assert check(own, True) == 1
    body = told(capsys)
    assert body["valid"] is False and body["version"] is None and body["policies"] == []
    (problem,) = body["problems"]
    assert problem["where"] == f"supply_chain/people.cedar{line}" and message in problem["message"]


def test_each_command_prints_one_object_with_the_documented_keys(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(None, True) == 0
    checked = told(capsys)
    assert checked["valid"] and {
        "id",
        "permits",
        "outcome",
        "reason",
        "approver",
        "quorum",
        "separate",
        "escalate",
        "where",
        "roles",
    } == set(checked["policies"][0])
    assert run_tests(None, True) == 0
    tested = told(capsys)
    assert tested["failed"] == 0 and tested["passed"] == len(tested["tests"]) > 20
    assert {"core", "changes", "supply_chain", "examples"} == {one["room"] for one in tested["tests"]}
    assert matrix(True, True) == 0
    shown = told(capsys)
    (row,) = [one for one in shown["rows"] if (one["agent"], one["tool"]) == ("escalation", "open_case")]
    assert shown["tainted"] and set(row["outcomes"]) == set(shown["roles"]) and row["outcomes"]["auditor"] == "deny"
    (tmp_path / "call.json").write_text(json.dumps(CALL))
    assert explain_call(tmp_path / "call.json", None, True) == 0
    explained = told(capsys)
    assert (explained["outcome"], explained["asks"]) == ("approve", "risk-manager") and explained["version"] == checked[
        "version"
    ]
    assert set(explained) == {"version", "tool", "outcome", "asks", "rules", "labels", "changes"}
    asyncio.run(_run(home, "What share of spend goes to the top five suppliers?"))
    capsys.readouterr()
    assert simulate_runs("all", None, True) == 0
    simulated = told(capsys)
    assert (simulated["runs"], simulated["lost"], simulated["differing"]) == (1, 0, []) and simulated["judged"] > 0
