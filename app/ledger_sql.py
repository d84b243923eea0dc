"""What entries of the ledger say, in SQL: how calls of tools came out. Used where they are counted (`app/fleet/`, `app/operations/`).

An entry's body is text that is hashed as it is. SQL reads it as JSON here; on SQLite, where somebody may have broken an entry, one
that is none says nothing.
"""

from sqlalchemy import JSON, ColumnElement, Connection, Float, Select, String, case, cast, func, select

from governance.tables import ledger
from graphs.tables import executions

RAN = ("ok", "error", "unknown", "simulated")
"""Outcomes of calls that really ran; a denied or a replayed one did not."""
BROKE = ("error", "unknown")


def said(connection: Connection, name: str) -> ColumnElement[str]:
    """A field of an entry, as text."""
    if connection.dialect.name == "sqlite":
        text: ColumnElement[str] = cast(func.json_extract(ledger.c.body, f"$.{name}"), String)
        return case((func.json_valid(ledger.c.body) == 1, text))
    json: ColumnElement[str] = cast(ledger.c.body, JSON)[name].as_string()
    return json


def calls(connection: Connection, *those: ColumnElement[bool]) -> Select[tuple[str, str, str, float, str]]:
    """execution_id, tool, outcome, ms and at of each call of a tool, in those executions.

    Joined by the execution alone, which has one organisation: where PostgreSQL has no statistics yet, a join by the organisation too
    is done over its whole ledger for every run (43 s instead of 3 s for 2,000 runs).
    """
    at = said(connection, "at").label("at")
    ms = cast(said(connection, "ms"), Float).label("ms")
    columns = (ledger.c.execution_id, said(connection, "tool").label("tool"), said(connection, "outcome").label("outcome"))
    outcome = (ledger.c.body.contains('"phase":"outcome"'), said(connection, "phase") == "outcome")
    return (
        select(*columns, ms, at).join_from(executions, ledger, ledger.c.execution_id == executions.c.id).where(*outcome, *those)
    )


def rank(share: int, of: ColumnElement[int]) -> ColumnElement[int]:
    """The place of a percentile among so many ordered values, from 1: the nearest rank."""
    return (of * share + 99) // 100
