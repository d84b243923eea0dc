"""What a home says happened, read from its tables in plain SQL: a witness that shares no code with what it watches.

`seize` copies the databases of a process that was just killed, so that reading them changes nothing the next life will find.
"""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from evals.chaos.life import settings_of
from evals.chaos.subject import subject_of

CALLS = """SELECT json_extract(body, '$.step_id') FROM ledger
WHERE json_extract(body, '$.phase') IN ('decided', 'intent', 'outcome')"""


@dataclass(frozen=True)
class Attempt:
    """A row of `step_attempts`; `ended` is None while it was under way."""

    step: str
    number: int
    status: str
    ended: str | None


@dataclass(frozen=True)
class Effect:
    """A row of `effects`."""

    step: str
    tool: str
    state: str


@dataclass(frozen=True)
class Evidence:
    """One home at one moment. `calls` counts what the gateway recorded of each step; `cases` maps case to supplier."""

    executions: tuple[tuple[str, str], ...]  # id, status
    revisions: int
    attempts: tuple[Attempt, ...]
    calls: Counter[str]
    effects: tuple[Effect, ...]
    approvals: Counter[str]
    cases: dict[int, str]
    events: int
    notifications: int

    @property
    def finished(self) -> dict[str, Attempt]:
        """Steps that ended, with the attempt in which they did."""
        return {attempt.step: attempt for attempt in self.attempts if attempt.ended}

    @property
    def moment(self) -> str:
        """Where in the run this is, in one word."""
        if not self.executions:
            return "before the plan"
        if any(status == "finished" for _, status in self.executions):
            return "after the report"
        if any(effect.state == "intended" for effect in self.effects):
            return "during an effect"
        if self.cases:
            return "after an effect"
        if self.approvals:
            return "around the approvals"
        return "during the analysis" if self.attempts else "around the plan"

    def __str__(self) -> str:
        running = [attempt.step for attempt in self.attempts if not attempt.ended]
        parts = [f"{len(self.finished)} steps finished", f"open: {' '.join(running)}" if running else ""]
        return f"{self.moment} ({', '.join(filter(None, parts))})" if self.attempts else self.moment


def seize(home: Path, into: Path) -> Evidence:
    """Copy the databases with their write-ahead logs (nobody may have them open) and read the copy."""
    into.mkdir(parents=True)
    for database in _databases(home):
        for file in (database, database.with_name(f"{database.name}-wal")):
            if file.exists():
                shutil.copy(file, into)
    return read(into)


def read(home: Path) -> Evidence:
    """What the tables of a home say. No process may be writing."""
    subject = subject_of(settings_of(home))
    app_file, records_file = _databases(home)
    with closing(sqlite3.connect(app_file)) as app, closing(sqlite3.connect(records_file)) as records:
        calls = _rows(app, "ledger", CALLS)
        attempts = "SELECT step_id, attempt, status, ended FROM step_attempts ORDER BY id"
        effects = "SELECT step_id, tool, state FROM effects ORDER BY step_id"
        return Evidence(
            executions=tuple(_rows(app, "executions", "SELECT id, status FROM executions ORDER BY created")),
            revisions=len(_rows(app, "plan_revisions", "SELECT rev FROM plan_revisions")),
            attempts=tuple(Attempt(*row) for row in _rows(app, "step_attempts", attempts)),
            calls=Counter(step for (step,) in calls),
            effects=tuple(Effect(*row) for row in _rows(app, "effects", effects)),
            approvals=Counter(status for (status,) in _rows(app, "approvals", "SELECT status FROM approvals")),
            cases=dict(records.execute(subject.CASES).fetchall()),
            events=len(records.execute(subject.EVENTS).fetchall()),
            notifications=len(records.execute(subject.NOTIFICATIONS).fetchall()),
        )


def _databases(home: Path) -> list[Path]:
    """The application's and the system of record's files."""
    settings = settings_of(home)
    return [Path(str(make_url(url).database)) for url in (settings.app_url(), settings.sor_url())]


def _rows(connection: sqlite3.Connection, table: str, query: str) -> list[Any]:
    """The rows; none if the process was killed before it made the table."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    return connection.execute(query).fetchall() if known else []
