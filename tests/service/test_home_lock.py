"""One service a home and a database, on SQLite as on PostgreSQL."""

from pathlib import Path

import pytest

from app.home_lock import HomeInUse, home_lock
from database import Database


def test_a_second_service_of_a_home_is_refused(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with (
        home_lock(tmp_path / "home", db),
        pytest.raises(HomeInUse, match="set CLEARANCE_HOME"),
        home_lock(tmp_path / "home", db),
    ):
        pass
    with home_lock(tmp_path / "home", db):
        db.close()


def test_a_second_service_of_a_postgresql_database_is_refused_from_another_home_too(tmp_path: Path, database_url: str) -> None:
    one, two = Database(database_url), Database(database_url)
    with home_lock(tmp_path / "one", one):
        if one.sqlite:  # each home has a file of its own
            return
        with pytest.raises(HomeInUse, match="CLEARANCE_DATABASE_URL"), home_lock(tmp_path / "two", two):
            pass
    with home_lock(tmp_path / "two", two):
        one.close()
        two.close()
