"""A dry run of the flagship and of one case: it names approvals and records, and leaves nothing but the record of itself."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.offline import OfflineModel
from tests.graphs.liar import FLAGSHIP, product

LEFT_EMPTY = ("approvals", "votes", "effects", "compensations")


def dump(path: Path) -> list[str]:
    """All that a SQLite file holds, as statements."""
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def rows(path: Path, query: str) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [str(row[0]) for row in connection.execute(query)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"


@pytest.mark.parametrize(
    ("goal", "cases"), [(FLAGSHIP, 3), ("Open an escalation case for Brackwater Pharma plc", 1)], ids=["flagship", "one case"]
)
async def test_it_tells_all_and_leaves_only_its_own_record(home: Path, goal: str, cases: int) -> None:
    async with product(home, OfflineModel()) as runner:
        before = dump(home / "supply_chain.db")
        done = await runner.run(goal, dry_run=True)
        assert dump(home / "supply_chain.db") == before, "the system of record, to the last sequence"
    assert done.status == "success" and done.answer and done.effects == [] and done.approvals == []
    would = [line for line in done.answer.decisions if line.startswith("open_case (supplier_id=")]
    assert len(would) == cases
    assert all("not done, this was a dry run; it would need approval by risk-manager" in line for line in would)
    assert all("it would touch cases " in line for line in would)
    own = home / "clearance.db"
    assert {table: rows(own, f"SELECT count(*) FROM {table}") for table in LEFT_EMPTY} == {t: ["0"] for t in LEFT_EMPTY}
    phases = {(row.split(" ")[0], row.split(" ")[1]) for row in rows(own, PHASES)}
    assert ("outcome", "simulated") in phases and not {phase for phase, _ in phases} & {"intent", "vote", "violation"}


PHASES = "SELECT json_extract(body, '$.phase') || ' ' || json_extract(body, '$.outcome') FROM ledger"
