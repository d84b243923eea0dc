"""A door over a real SQLite file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from database import Database
from governance.tables import metadata
from tests.tools.cases import Door


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'clearance.db'}")
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture
def door(db: Database) -> Iterator[Door]:
    one = Door(db)
    yield one
    one.gateway.close()
