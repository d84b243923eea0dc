"""The rules of the service's kill test are no rubber stamps: what a rule forbids is seen when it happens."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, create_engine, insert

from app.db.tables import metadata as app_metadata
from app.db.tables import runs
from evals.chaos.service.client import Followed, gaps
from evals.chaos.service.watch import Takeovers, broken
from evals.chaos.supply_chain.subject import KEYS
from governance.tables import effects
from governance.tables import metadata as governance_metadata
from graphs.tables import executions
from graphs.tables import metadata as graphs_metadata
from tools.supply_chain.tables import cases
from tools.supply_chain.tables import metadata as records_metadata

EXPECTED = Counter(open_case=1)


@pytest.fixture
def databases(tmp_path: Path) -> tuple[Engine, Engine]:
    """What two threads leave that had the same to do: one did it, the other was refused."""
    app, records = (create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("app", "records"))
    for metadata in (app_metadata, governance_metadata, graphs_metadata):
        metadata.create_all(app)
    records_metadata.create_all(records)
    for thread, state in (("one", "done"), ("two", "failed")):
        add(app, executions, id=f"e-{thread}", thread_id=thread, status="finished")
        add(app, effects, key=f"k-{thread}", execution_id=f"e-{thread}", tool="open_case", state=state)
        add(app, runs, run_id=f"r-{thread}", thread_id=thread, status="success", attempt=1)
    add(records, cases, key="k-one")
    return app, records


def add(engine: Engine, table: Table, **known: Any) -> None:
    """A row of which only this matters."""
    kinds: dict[str, Any] = {"JSON": {}, "INTEGER": 1, "BIGINT": 1, "BOOLEAN": False, "DATE": date(2026, 1, 1)}
    kinds["DATETIME"] = datetime(2026, 1, 1)
    row = {c.name: kinds.get(str(c.type), None if c.nullable else "x") for c in table.columns if not c.primary_key}
    with engine.begin() as connection:
        connection.execute(insert(table).values(**{**row, **known}))


def found(databases: tuple[Engine, Engine]) -> list[str]:
    return broken(*databases, ("one", "two"), EXPECTED, KEYS)


def test_what_is_right_passes(databases: tuple[Engine, Engine]) -> None:
    assert found(databases) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE effects SET state = 'done' WHERE key = 'k-two'", "stand as"),
        ("UPDATE effects SET state = 'unknown' WHERE key = 'k-two'", "stand as"),
        ("DELETE FROM effects WHERE key = 'k-two'", "thread two: effects {}"),
        ("UPDATE executions SET status = 'running' WHERE id = 'e-one'", "thread one has 1 executions running"),
        ("UPDATE runs SET status = 'error' WHERE run_id = 'r-one'", "a run stands as error"),
        ("UPDATE runs SET status = 'running' WHERE run_id = 'r-one'", "a run stands as running"),
        ("UPDATE effects SET key = 'other' WHERE key = 'k-one'", "case k-one belongs to no effect"),
    ],
)
def test_what_is_wrong_is_said(databases: tuple[Engine, Engine], change: str, said: str) -> None:
    with databases[0].begin() as connection:
        connection.exec_driver_sql(change)
    assert any(said in line for line in found(databases))


def test_an_effect_that_was_done_twice_is_said(databases: tuple[Engine, Engine]) -> None:
    add(databases[1], cases, id=2, key="k-two")
    assert found(databases) == ["2 cases were opened, undisturbed 1"]


def test_gaps_and_repetitions_are_said() -> None:
    assert gaps(Followed("r", [1, 2, 3, 10_004]), [1, 2, 10_004]) == []
    assert "never came: [3]" in gaps(Followed("r", [1, 2, 4]), [1, 2, 3, 4])[0]
    assert "twice or out of order" in gaps(Followed("r", [1, 2, 2, 3]), [1, 2, 3])[0]
    assert "twice or out of order" in gaps(Followed("r", [2, 1, 3]), [1, 2, 3])[0]


def test_a_takeover_is_seen_when_it_happens(databases: tuple[Engine, Engine]) -> None:
    with databases[0].begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'running', worker = 'dead'")
    watched = Takeovers(databases[0], ["r-one", "r-two"], "dead")
    assert not watched.look() and watched.seconds == []
    with databases[0].begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET worker = 'next' WHERE run_id = 'r-one'")
    assert not watched.look() and len(watched.seconds) == 1
    with databases[0].begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'success', worker = NULL WHERE run_id = 'r-two'")
    assert watched.look() and len(watched.seconds) == 2
