"""What somebody changes in the tables or in an exported bundle is named: a real run with an approved effect, then edited."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.audit_bundle import BadBundle
from app.audit_commands import export_command, head_command, verify_bundle_command, verify_command
from governance.digest import canonical
from governance.ledger import hash_of
from governance.signing import open_signer
from settings import Settings
from tests.graphs.little import Yard, at_work, draft

APPROVE = {"type": "approve"}


@pytest.fixture(scope="module")
async def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The home and the thread of a finished run with a read, rows, and an approved effect."""
    yard = Yard(tmp_path_factory.mktemp("agreement") / "home", rows=2)
    each = draft("s2", "each", "each", each="s1.parts")
    yard.steps = [draft("s1", "lister", "parts"), each, draft("s3", "clerk", "note")]
    async with at_work(yard) as runner:
        waiting = await runner.run("parts each note")
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.status == "success" and yard.notes() == ["hello"]
    return yard.home, done.thread_id


@pytest.fixture
def run(finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The thread of that run; `CLEARANCE_HOME` is a copy of its home."""
    home, thread = finished
    monkeypatch.setenv("CLEARANCE_HOME", str(shutil.copytree(home, tmp_path / "home")))
    return thread


def change(statement: str) -> None:
    """What somebody does who can write to the database."""
    with sqlite3.connect(Settings().home / "clearance.db") as own:
        assert own.execute(statement).rowcount > 0
    own.close()


TABLES = {
    "an approval given": ("UPDATE approvals SET decided_by = '[\"mallory\"]'", "who decided it"),
    "an approval unspent": (
        "UPDATE approvals SET status = 'approved'",
        "it says that it is approved, and the ledger that it is consumed",
    ),
    "an approval for other arguments": ('UPDATE approvals SET args = \'{"text": "bye"}\'', "is not what was recorded"),
    "an approval asked of others": (
        "UPDATE approvals SET panels = replace(panels, 'risk-manager', 'requester')",
        "of whom or why",
    ),
    "an approval that lasts longer": ("UPDATE approvals SET expires_at = replace(expires_at, '20', '21')", "what it asks for"),
    "an approval gone": ("DELETE FROM approvals", "is gone"),
    "a vote of another": ("UPDATE votes SET user = 'mallory'", "the vote of local"),
    "a vote turned": ("UPDATE votes SET verdict = 'reject'", "the vote of local"),
    "a vote more": (
        "INSERT INTO votes SELECT approval_id, 'mallory', roles, behalf, verdict, message, at FROM votes",
        "the vote of mallory",
    ),
    "an effect undone": ("UPDATE effects SET state = 'failed'", "its row says failed, and the ledger done"),
    "an effect of other arguments": ('UPDATE effects SET args = \'{"text": "bye"}\'', "its key is that of another call"),
    "an effect's result": ("UPDATE effects SET result = '{}'", "its result is not the one"),
    "an effect without its approval": ("UPDATE effects SET approval_id = NULL", "it rests on approval"),
    "an effect gone": ("DELETE FROM effects", "its row is gone"),
    "an effect made up": (
        "INSERT INTO effects SELECT 'f00', state, org, execution_id, 's9', call_id, tool, args, compensation, approval_id, "
        "intended_at, ended_at, result, error FROM effects",
        "the ledger knows of no intent",
    ),
    "a plan": ("UPDATE plan_revisions SET plan = replace(plan, 'clerk', 'baker')", "plan revision 1 is not the one"),
    "a revision gone": ("DELETE FROM plan_revisions WHERE rev = 2", "plan revision 2 is gone"),
    "a revision more": (
        "INSERT INTO plan_revisions SELECT execution_id, 9, plan, created FROM plan_revisions WHERE rev = 1",
        "no plan revision 9",
    ),
    "a step's figures": (
        "UPDATE step_attempts SET result = replace(result, '\"value\": 1', '\"value\": 7') WHERE step_id = 's2-1'",
        "nothing that a tool returned",
    ),
    "a step's end": (
        "UPDATE step_attempts SET result = replace(result, 'succeeded', 'skipped') WHERE step_id = 's3'",
        "not as its row says",
    ),
    "a step's model": (
        "UPDATE step_attempts SET result = replace(result, 'scripted', 'better')",
        "ended as succeeded by scripted",
    ),
    "who asked": (
        'UPDATE executions SET requester = replace(requester, \'"local", "org\', \'"eve", "org\')',
        "it was asked for by local",
    ),
    "an execution gone": ("DELETE FROM executions", "of which something is recorded, is gone"),
}


def test_the_tables_of_a_run_agree_with_the_ledger(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_command(None, False) == 0
    assert "Approvals, effects, plans and results say what the ledger says" in capsys.readouterr().out


@pytest.mark.parametrize("how", TABLES)
def test_a_changed_row_is_named(how: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    statement, said = TABLES[how]
    change(statement)
    assert verify_command(None, True) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["sound"] and any(said in fault["what"] for fault in told["faults"]), told["faults"]


def test_an_erased_result_that_an_approval_was_judged_by_is_counted(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    verify_command(None, True)
    assert json.loads(capsys.readouterr().out)["erased"] == 0
    change("DELETE FROM payloads")
    assert verify_command(None, True) == 0
    assert json.loads(capsys.readouterr().out)["erased"] > 0


Bundle = dict[str, Any]


def execution(bundle: Bundle) -> Bundle:
    own: Bundle = bundle["statement"]["executions"][0]
    return own


def rewrite_event(bundle: Bundle) -> None:
    event = next(one for one in execution(bundle)["events"] if '"outcome":"go"' in one["body"])
    event["body"] = event["body"].replace('"approvers":["local"]', '"approvers":["mallory"]')
    event["hash"] = hash_of(event["body"])


BUNDLES: dict[str, tuple[Callable[[Bundle], Any], str]] = {
    "an event": (
        lambda b: execution(b)["events"][1].update(body=execution(b)["events"][1]["body"] + " "),
        "its hash does not fit",
    ),
    "an event hashed anew": (rewrite_event, "does not follow"),
    "an event gone": (lambda b: execution(b)["events"].pop(0), "the ledger knows no plan revision 1"),
    "arguments": (lambda b: execution(b)["arguments"].update({"00": {}}), "was changed"),
    "policies": (lambda b: [one.popitem() for one in execution(b)["policies"].values()], "these are not the files"),
    "an approval": (lambda b: execution(b)["approvals"][0].update(decided_by=["mallory"]), "who decided it"),
    "an effect": (lambda b: execution(b)["effects"][0].update(state="failed"), "its row says failed"),
    "a plan": (lambda b: execution(b)["revisions"][0]["plan"].update(reason="x"), "plan revision 1"),
    "an outcome": (lambda b: execution(b)["outcomes"][0].update(model="better"), "ended as succeeded"),
    "a head": (lambda b: b["statement"]["heads"][0].update(signature="00" * 64), "the signature of this head"),
    "no head": (lambda b: b["statement"].update(heads=[]), "no head of the bundle"),
}


@pytest.fixture
def bundle(run: str, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.json"
    assert export_command(run, path) == 0
    return path


def test_a_bundle_is_checked_without_the_database(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = json.loads(bundle.read_text())["key"]
    head_command(tmp_path / "held")
    monkeypatch.setenv("CLEARANCE_HOME", str(tmp_path / "elsewhere"))
    assert verify_bundle_command(bundle, None, key, False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The bundle holds" in said and "Arguments erased: 0" in said and "is not in it" not in said
    assert verify_bundle_command(bundle, tmp_path / "held", None, True) == 0
    assert verify_bundle_command(bundle, None, None, True) == 1, "nothing says whose key it is"
    assert verify_bundle_command(bundle, None, "00" * 32, True) == 1
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("how", BUNDLES)
def test_a_changed_bundle_is_found_even_when_its_signer_changed_it(
    how: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed again with the installation's own key, as only who holds that could: what it says still has to agree with itself."""
    work, said = BUNDLES[how]
    told = json.loads(bundle.read_text())
    work(told)
    bundle.write_text(json.dumps(told))
    assert verify_bundle_command(bundle, None, None, True) == 1
    assert "was changed after it was signed" in capsys.readouterr().out
    bundle.write_text(json.dumps(open_signer(Settings().home / "ledger.pem", make=False).sign(told["statement"]).as_dict()))
    try:
        assert verify_bundle_command(bundle, None, None, True) == 1
    except BadBundle:
        return
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"statement": {"type": "x"}, "key": "", "signature": ""}'])
def test_what_is_no_bundle_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(BadBundle, match="is no bundle"):
        verify_bundle_command(tmp_path / "bundle.json", None, None, False)


NAME = re.compile(r"[a-z0-9]{1,20}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")


def test_the_events_are_cloud_events(run: str, tmp_path: Path) -> None:
    """The rules of CloudEvents 1.0 (JSON format) for attributes, and the hash by the rule that its module states."""
    path = tmp_path / "events.jsonl"
    assert export_command(run, path, "cloudevents") == 0
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({(one["source"], one["id"]) for one in events}) == len(events) > 10
    for one in events:
        assert one["specversion"] == "1.0" and one["datacontenttype"] == "application/json"
        assert all(isinstance(one[name], str) and one[name] for name in one if name != "data")
        assert all(NAME.match(name) for name in one) and TIME.match(one["time"])
        assert urlsplit(one["source"]).path == one["source"] and one["type"].startswith("clearance.")
        assert hash_of(canonical(one["data"]).decode()) == one["hash"]
    assert {"clearance.plan", "clearance.decided", "clearance.vote", "clearance.outcome", "clearance.step"} <= {
        one["type"] for one in events
    }
