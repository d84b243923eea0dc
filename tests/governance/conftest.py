"""A real database with the tables of governance, and the stores over it."""

from collections.abc import Iterator

import pytest

from database import Database
from governance.approvals import Approvals
from governance.decisions import Decisions
from governance.tables import metadata
from tests.governance.cases import Judge, Time


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def decisions(db: Database, time: Time) -> Decisions:
    return Decisions(db, time)


@pytest.fixture
def approvals(db: Database, time: Time, judge: Judge) -> Approvals:
    return Approvals(db, time, decide=judge)
