"""The flagship on the generated company, end to end, on SQLite and on PostgreSQL: cases wait, people decide, cases open once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app.runner import Outcome, Runner, open_runner
from settings import Settings
from tests.postgres import Postgres
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

GOAL = "Analyze supplier risk across our logistics network"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home with the generated company in its system of record."""
    given = Settings(home=tmp_path)
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        given = Settings(home=tmp_path, database_url=server.new_url(), records_url=server.new_url())
    records = open_records(given)
    make_demo(records.writing)
    records.close()
    return given


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[Runner]:
    """The next process over the same state."""
    async with open_runner(settings) as runner:
        yield runner


def cases(runner: Runner) -> list[tuple[str, str]]:
    """Supplier and status of each case."""
    query = "SELECT s.name, c.status FROM cases c JOIN suppliers s ON s.id = c.supplier_id ORDER BY s.name"
    records = runner.services.resources.reading
    return [tuple(row) for row in records.run_sync(lambda c: c.execute(text(query)).all())]  # type: ignore[misc]


async def decide(runner: Runner, waiting: Outcome, **verdicts: str) -> None:
    """Vote on each open approval: by supplier's first word, else approve."""
    for row in await runner.pending(waiting.thread_id):
        await runner.vote(row.id, verdicts.get(str(row.args.get("supplier", "")).split()[0], "approve"))


async def test_cases_open_once_after_approval_and_a_rejected_one_does_not(settings: Settings) -> None:
    async with process(settings) as runner:
        waiting = await runner.run(GOAL)
        assert waiting.status == "interrupted" and len(waiting.approvals) == 3 and cases(runner) == []
    async with process(settings) as runner:
        await decide(runner, waiting, Brackwater="reject")
        done = await runner.resume(waiting.thread_id)
        again = await runner.resume(waiting.thread_id)
        assert cases(runner) == [("Halden Biologics Ltd", "open"), ("Oskvar Laboratories", "open")]
    assert done.status == again.status == "success" and done.answer
    assert [effect["state"] for effect in done.effects] == ["done", "done"]
