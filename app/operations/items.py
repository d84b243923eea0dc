"""What is counted, in SQL: goals, tries at steps, approvals, calls of tools, each with the run that it belongs to.

Each is a select of one window of time: runs of one organisation that began at or after one moment and before another.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, Subquery, case, cast, func, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from app.ledger_sql import BROKE, RAN, calls
from governance.tables import approvals
from graphs.tables import attempts, executions
from graphs.usage import OWN

STANDS: ColumnElement[str] = case(
    (executions.c.status.in_(("stopping", "cancelled", "replaced")), "stopped"),
    (executions.c.status.in_(("running", "waiting")), executions.c.status),
    else_=func.coalesce(executions.c.outcome, "unknown"),
)
"""How a goal stands: `shapes.Outcome`."""
SAID: ColumnElement[str] = case(
    (approvals.c.status == "consumed", "approved"),
    (approvals.c.status == "superseded", "edited"),
    else_=approvals.c.status,
)
"""How an approval stands: `shapes.Verdict`."""
BY_PEOPLE = ("approved", "rejected", "answered")
"""Verdicts of people on a request. An edit is none yet: the request goes on with other arguments."""


@dataclass(frozen=True)
class Window:
    """Whose runs, begun when: ISO times in UTC, `until` not included."""

    org: str
    since: str
    until: str

    @property
    def runs(self) -> tuple[ColumnElement[bool], ...]:
        began = executions.c.created
        return executions.c.org == self.org, began >= self.since, began < self.until


def goals(window: Window) -> Select[Any]:
    """execution_id and how it stands (`key`)."""
    return select(executions.c.id.label("execution_id"), STANDS.label("key")).where(*window.runs)


def asked(c: Connection, window: Window) -> Select[Any]:
    """Approvals: execution_id, how they stand (`key`), `seconds` from being asked first, before any edit, to the verdict."""
    first = _first_asked(window)
    columns = (approvals.c.execution_id, SAID.label("key"), _seconds(c, first.c.begun, approvals.c.decided_at).label("seconds"))
    return select(*columns).join_from(first, approvals, approvals.c.id == first.c.id)


def _first_asked(window: Window) -> Subquery:
    """Of each approval the `id`, and when (`begun`) it or the first of those whose edits led to it was asked.

    An edit closes a row and opens another that its editor mostly approves in the same moment: timed apart, people would seem twice as
    many and twice as fast.
    """
    own = select(approvals.c.id.label("id"), approvals.c.created_at.label("begun"))
    own = own.join_from(executions, approvals, approvals.c.execution_id == executions.c.id).where(*window.runs)
    reached = own.cte("reached", recursive=True)
    edited = select(approvals.c.superseded_by, reached.c.begun).join_from(reached, approvals, approvals.c.id == reached.c.id)
    reached = reached.union(edited.where(approvals.c.superseded_by.is_not(None)))
    return select(reached.c.id, func.min(reached.c.begun).label("begun")).group_by(reached.c.id).subquery()


def _seconds(c: Connection, begin: ColumnElement[str], end: ColumnElement[str]) -> ColumnElement[float]:
    if c.dialect.name == "sqlite":
        return (func.julianday(end) - func.julianday(begin)) * 86400
    moment = TIMESTAMP(timezone=True)
    return cast(func.extract("epoch", cast(end, moment) - cast(begin, moment)), Float)


def tries(window: Window) -> Select[Any]:
    """Tries at steps that came to an end: execution_id, the specialist (`key`), step_id, attempt, status, seconds."""
    columns = (attempts.c.execution_id, attempts.c.specialist.label("key"), attempts.c.step_id, attempts.c.attempt)
    joined = select(*columns, attempts.c.status, attempts.c.seconds).join_from(
        executions, attempts, attempts.c.execution_id == executions.c.id
    )
    return joined.where(*window.runs, attempts.c.seconds.is_not(None), OWN)


def tool_calls(c: Connection, window: Window) -> Select[Any]:
    """Calls of tools that ran, or were denied: execution_id, the tool (`key`), and each of `ran`, `failed` and `denied` as 0 or 1."""
    found = calls(c, *window.runs).subquery()
    flags = {"ran": RAN, "failed": BROKE, "denied": ("denied",)}
    told = [case((found.c.outcome.in_(those), 1), else_=0).label(name) for name, those in flags.items()]
    return select(found.c.execution_id, found.c.tool.label("key"), *told)
