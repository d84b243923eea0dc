"""The audit of a run, by the functions of the commands over a real home, and a bundle checked by the procedure of docs/audit.md."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.audit import LedgerNotSound, NothingRecorded, open_audit
from app.audit_commands import export_command, head_command, show_command, verify_command
from governance.heads import BadHeads
from governance.signing import open_signer
from settings import Settings
from tests.graphs.little import Yard, at_work, draft

DOCS = Path(__file__).parents[2] / "docs" / "audit.md"
PROCEDURE = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
APPROVE = {"type": "approve"}


@pytest.fixture
async def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The thread of a finished run with one approved effect; `CLEARANCE_HOME` is its home."""
    yard = Yard(tmp_path / "home")
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        done = await runner.resume(waiting.thread_id, decisions=[APPROVE])
    assert done.status == "success" and yard.notes() == ["hello"]
    monkeypatch.setenv("CLEARANCE_HOME", str(yard.home))
    return done.thread_id


def home() -> Path:
    return Settings().home


def change(statement: str) -> None:
    """What somebody does who can write to the database."""
    with sqlite3.connect(home() / "clearance.db") as own:
        for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            own.execute(f"DROP TRIGGER {name}")
        assert own.execute(statement).rowcount > 0
    own.close()


def test_a_run_is_told_and_the_ledger_holds(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_command(None, False) == 0 and show_command(run, False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The ledger holds" in said and "finished" in said
    for part in ("asked by local of local", "clerk: write_note(text=hello)", "vote: approve (by local", "intent: go (approved"):
        assert part in said
    assert said.index("decided: approve") < said.index("vote: approve") < said.index("intent: go") < said.index("outcome: ok")
    assert "effect write_note of s1: done" in said


def test_a_change_is_found_and_nothing_is_exported(run: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    change("UPDATE ledger SET body = replace(body, '\"vote\"', '\"void\"') WHERE seq = 3")
    assert verify_command(None, False) == 1
    assert "entry 3: it was changed" in capsys.readouterr().out
    with pytest.raises(LedgerNotSound, match="tampered with"):
        export_command(run, tmp_path / "bundle.json")
    assert not (tmp_path / "bundle.json").exists()


def test_a_cut_end_is_found_by_a_head_that_is_held(run: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert head_command(tmp_path / "held") == 0
    change("DELETE FROM ledger WHERE seq > 2")
    change("UPDATE ledger_heads SET seq = 2, hash = (SELECT hash FROM ledger WHERE seq = 2), signed_seq = 0, signed_at = NULL")
    change("DELETE FROM ledger_signatures")
    assert verify_command(None, True) == 1, "the home's own file of heads shows it too"
    (home() / "ledger.heads").unlink()
    assert verify_command(None, True) == 1, "the tables say more than the ledger"
    for table in ("approvals", "votes", "effects", "step_attempts"):
        change(f"DELETE FROM {table}")
    assert verify_command(None, True) == 1, "the ledger asks for an approval that is gone"
    change("DELETE FROM ledger WHERE seq > 1")
    change("UPDATE ledger_heads SET seq = 1, hash = (SELECT hash FROM ledger WHERE seq = 1)")
    assert verify_command(None, True) == 0, "nothing in this home tells any more"
    assert verify_command(tmp_path / "held", True) == 1
    assert "cut off" in capsys.readouterr().out


def test_a_file_that_holds_no_head_is_refused(run: str, tmp_path: Path) -> None:
    for text in ("", "no head\n", "[]\n", '{"statement": {"seq": 1}, "key": "", "signature": ""}\n'):
        (tmp_path / "held").write_text(text)
        with pytest.raises(BadHeads, match="held"):
            verify_command(tmp_path / "held", False)


def edited(bundle: dict[str, Any], how: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(bundle))
    how(copy)
    return copy


def resign(bundle: dict[str, Any]) -> None:
    signed = open_signer(home().parent / "other.pem", make=True).sign(bundle["statement"])
    bundle.update(signed.as_dict())


def test_an_exported_run_holds_and_an_edited_one_does_not(run: str, tmp_path: Path) -> None:
    assert PROCEDURE
    path, script = tmp_path / "bundle.json", tmp_path / "check.py"
    script.write_text(PROCEDURE[1])
    assert export_command(run, path) == 0
    bundle = json.loads(path.read_text())

    def holds(one: dict[str, Any]) -> bool:
        path.write_text(json.dumps(one))
        told = subprocess.run([sys.executable, str(script), str(path), bundle["key"]], capture_output=True, text=True)
        return told.returncode == 0 and "the bundle holds" in told.stdout

    (own,) = bundle["statement"]["executions"]
    assert holds(bundle) and own["thread_id"] == run and own["models"] == ["scripted"] and own["policies"]
    assert [row["status"] for row in own["approvals"]] == ["consumed"] and own["approvals"][0]["votes"][0]["user"] == "local"
    assert [row["state"] for row in own["effects"]] == ["done"] and own["revisions"] and own["outcomes"]
    assert own["arguments"] and bundle["statement"]["heads"]
    changes: list[Callable[[dict[str, Any]], None]] = [
        lambda b: b["statement"].update(run="another"),
        lambda b: b["statement"]["executions"][0]["events"].pop(),
        lambda b: b["statement"]["executions"][0]["approvals"][0].update(decided_by=["mallory"]),
        lambda b: b["statement"]["executions"][0]["arguments"].clear(),
        lambda b: b.update(signature="00" * 64),
        resign,
    ]
    assert [holds(edited(bundle, how)) for how in changes] == [False] * len(changes)


async def test_an_unknown_run_and_an_empty_home_are_said(run: str, tmp_path: Path) -> None:
    async with open_audit(Settings()) as audit:
        with pytest.raises(NothingRecorded, match="no execution or thread nobody"):
            await audit.stories("nobody")
    with pytest.raises(NothingRecorded, match="nothing was recorded"):
        async with open_audit(Settings(home=tmp_path / "elsewhere")):
            pass
    assert not (tmp_path / "elsewhere").exists()
