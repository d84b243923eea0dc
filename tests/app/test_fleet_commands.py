"""`clearance fleet`: a specialist and a tool are taken out of service and put back, by whom may."""

from pathlib import Path

from tests.app.command import clearance


def test_one_is_suspended_for_a_reason_by_who_may_and_put_back(tmp_path: Path) -> None:
    why = ("--reason", "odd letters")
    refused = clearance(tmp_path, "--as", "rita", "fleet", "suspend", "tool", "open_case", *why)
    assert refused.returncode == 1 and "rita may not suspend" in refused.stderr and "operator" in refused.stderr
    done = clearance(tmp_path, "--as", "olga", "fleet", "suspend", "tool", "open_case", *why)
    assert done.returncode == 0 and "Suspended" in done.stdout, done.stderr
    shown = clearance(tmp_path, "fleet").stdout
    assert "  open_case  supply-chain risk  write, internal  not used lately  SUSPENDED by olga at" in shown
    assert "offline-deterministic  in this process" in shown and "Sanctions list  0 rows" in shown
    assert clearance(tmp_path, "--as", "olga", "fleet", "resume", "tool", "open_case", *why).returncode == 0
