"""The flagship on the generated company, end to end, on SQLite and on PostgreSQL: cases wait, people decide, cases open once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app.runner import Outcome, Runner, open_runner
from governance.signing import open_signer
from graphs.markdown import to_markdown
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
        open_signer(tmp_path / "shared.pem", make=True)
        urls = {"database_url": server.new_url(), "records_url": server.new_url()}
        given = Settings(home=tmp_path, signing_key=str(tmp_path / "shared.pem"), **urls)
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
        await runner.vote(row.id, verdicts.get(str(row.args.get("supplier", "-")).split()[0], "approve"))


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


async def test_run_again_it_names_the_open_cases_instead_of_opening_them_twice(settings: Settings) -> None:
    async with process(settings) as runner:
        first, other = await runner.run(GOAL), await runner.run(GOAL)
        await decide(runner, first, Brackwater="reject")
        await runner.resume(first.thread_id)
        await decide(runner, other)  # asked for before the first run's cases were open
        late = await runner.resume(other.thread_id)
        assert sorted(effect["state"] for effect in late.effects) == ["done", "failed", "failed"]
        assert late.answer and to_markdown(late.answer).count("no second one was opened") >= 2
        opened = cases(runner)
        assert [name.split()[0] for name, _ in opened] == ["Brackwater", "Halden", "Oskvar"]
        again = await runner.run(GOAL)
        assert again.status == "success" and again.approvals == [] and cases(runner) == opened
    assert again.answer and sum("no second one is proposed" in caveat for caveat in again.answer.caveats) == 3


async def test_open_cases_are_looked_after_by_goals(settings: Settings) -> None:
    records = open_records(settings)
    changed = "UPDATE cases SET due = '2020-01-01' WHERE id = 3"
    async with process(settings) as runner:
        first = await runner.run(GOAL)
        await decide(runner, first)
        await runner.resume(first.thread_id)
        records.writing.run_sync(lambda c: c.execute(text(changed)))
        overdue = await runner.run("Which cases are overdue?")
        assert overdue.answer
        assert [row["case_id"] for part in overdue.answer.sections for table in part.tables for row in table.rows] == [3]

        reminder = await runner.run("Remind the owner of case 3")
        await decide(runner, reminder)
        assert (await runner.resume(reminder.thread_id)).status == "success"
        sent = "SELECT body FROM notifications WHERE subject LIKE 'Reminder: case 3,%'"
        (body,) = records.reading.run_sync(lambda c: c.execute(text(sent)).scalars().all())
        assert "is overdue since 2020-01-01" in body

        asked = await runner.run("Close case 2")
        assert asked.status == "clarify" and asked.message.startswith("How was case 2 resolved?")
        closing = await runner.resume(asked.thread_id, answer="The supplier was replaced")
        assert closing.approvals[0]["args"] == {"case_id": 2, "resolution": "The supplier was replaced"}
        await decide(runner, closing)
        assert (await runner.resume(closing.thread_id)).status == "success"
        query = "SELECT id, status, resolution FROM cases WHERE status = 'closed'"
        found = records.reading.run_sync(lambda c: [tuple(row) for row in c.execute(text(query))])
        assert found == [(2, "closed", "The supplier was replaced")]
    records.close()


async def test_a_dry_run_says_what_it_would_do_and_writes_nothing(settings: Settings) -> None:
    async with process(settings) as runner:
        done = await runner.run(GOAL, dry_run=True)
        assert done.status == "success" and done.dry_run and done.answer and done.answer.status == "complete"
        assert cases(runner) == [] and done.approvals == [] and done.effects == []
        assert done.answer.title.startswith("Dry run") and "dry run" in done.answer.caveats[0]
        would = [line for line in done.answer.decisions if line.startswith("open_case (supplier_id=")]
        assert len(would) == 3 and all(
            "it would need approval by risk-manager" in line and "touch cases" in line for line in would
        )
        assert not any(citation.tool == "open_case" for citation in done.answer.citations)
        real = await runner.run(GOAL, thread_id=done.thread_id)
        assert real.status == "interrupted" and not real.dry_run and len(real.approvals) == 3 and cases(runner) == []
