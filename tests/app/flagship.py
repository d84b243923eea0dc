"""The flagship run to its end on the sample company, and everything about it that may not depend on how its model is reached."""

import re
import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import Any

from langchain_core.language_models import BaseChatModel

from app.runner import Outcome, open_runner
from app.supply_chain.trial import fill
from settings import Settings

GOAL = "Analyze supplier risk across our logistics network"
TODAY = date(2026, 3, 2)
_VARIES = re.compile(r"case[ -]?\d+|\bid = \d+", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """What a run told. `cases` are rows without ids and times, in the order of the suppliers."""

    plan: dict[str, Any]
    title: str
    sentences: list[Any]
    tables: list[Any]
    charts: list[Any]
    notes: list[Any]
    citations: list[Any]
    cases: list[Any]
    calls: int


async def flagship(settings: Settings, model: BaseChatModel | None = None) -> Told:
    """Run it, approve every case, and tell."""
    fill(settings)
    async with open_runner(settings, model=model) as runner:
        runner.services.today = lambda: TODAY
        outcome = await runner.run(GOAL)
        assert outcome.status == "interrupted", outcome.message
        for row in await runner.pending(outcome.thread_id):
            await runner.vote(row.id, "approve")
        outcome = await runner.resume(outcome.thread_id)
    assert outcome.status == "success", outcome.message
    return told(outcome, settings)


def told(outcome: Outcome, settings: Settings) -> Told:
    answer = outcome.answer
    assert answer and outcome.plan
    sections = [section.model_dump(mode="json") for section in answer.sections]
    with sqlite3.connect(settings.home / "supply_chain.db") as db:
        query = (
            "select s.name, c.title, c.severity, c.status, c.owner, c.due from cases c "
            "join suppliers s on s.id = c.supplier_id order by s.name"
        )
        cases = db.execute(query).fetchall()
    return Told(
        plan=outcome.plan,
        title=answer.title,
        sentences=steady([[s["heading"], s["sentences"]] for s in sections]),
        tables=steady([s["tables"] for s in sections]),
        charts=steady([s["charts"] for s in sections]),
        notes=steady([answer.missing, answer.issues, answer.caveats, sorted(answer.decisions)]),
        citations=steady([c.model_dump(mode="json") for c in answer.citations]),
        cases=cases,
        calls=outcome.usage["model_calls"],
    )


def steady(value: Any) -> Any:
    """Without what differs between any two runs: cases are numbered in the order they happen to be opened in."""
    if isinstance(value, dict):
        numbered = {"case_id", "opened_at"}
        if value.get("table") == "cases":
            numbered.add("keys")
        if str(value.get("ref")).endswith(".case_id"):
            numbered |= {"value", "shown"}
        return {k: steady(v) for k, v in value.items() if k not in numbered}
    if isinstance(value, list | tuple):
        return [steady(one) for one in value]
    return _VARIES.sub("…", value) if isinstance(value, str) else value
