"""One service a home where the database is a file in it."""

from pathlib import Path

import pytest

from app.home_lock import HomeInUse, home_lock
from tests.app.command import clearance as command


def test_a_second_service_of_a_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with home_lock(home), pytest.raises(HomeInUse, match="set CLEARANCE_HOME"), home_lock(home):
        pass
    with home_lock(home):
        pass


def test_why_a_service_cannot_begin_is_said_in_a_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with home_lock(home):
        refused = command(home, "serve", "--port", "0")
    assert refused.returncode != 0 and "set CLEARANCE_HOME" in refused.stderr and "Traceback" not in refused.stderr
    unsigned = command(home, "serve", "--port", "0", CLEARANCE_WEBHOOK_SECRET="very-secret!")
    assert unsigned.returncode != 0 and "CLEARANCE_WEBHOOK_SECRET is no" in unsigned.stderr, unsigned.stderr
    assert "Traceback" not in unsigned.stderr and "very-secret" not in unsigned.stderr
