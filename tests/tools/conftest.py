"""A door over a real database."""

from collections.abc import Iterator

import pytest

from database import Database
from governance.tables import metadata
from tests.tools.cases import Door


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture
def door(db: Database) -> Iterator[Door]:
    one = Door(db)
    yield one
    one.gateway.close()
