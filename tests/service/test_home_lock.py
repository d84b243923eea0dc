"""One service a home where the database is a file in it."""

from pathlib import Path

import pytest

from app.home_lock import HomeInUse, home_lock


def test_a_second_service_of_a_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with home_lock(home), pytest.raises(HomeInUse, match="set CLEARANCE_HOME"), home_lock(home):
        pass
    with home_lock(home):
        pass
