"""Who asked for which effect to be undone, and by which call: one row an effect, committed before that call is proposed.

The compensation itself is an effect like any other, with a row, a decision and an approval of its own; `Effects.finish` marks what it
undid in the same commit. Written by `tools/undoing.py` alone, with an event of the ledger in the same
transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, Text, delete, insert, select

from governance.identity import Caller
from governance.tables import effects, metadata

STARTED = ("intended", "unknown", "done")  # a compensation that may have happened keeps its arguments, and so its key

compensations = Table(
    "compensations",
    metadata,
    Column("key", String(64), primary_key=True, comment="of the effect that is to be undone"),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("call_id", String(100), nullable=False, unique=True, comment="of the call that undoes it"),
    Column("tool", String(100), nullable=False),
    Column("args", JSON, nullable=False),
    Column("requester", JSON, nullable=False, comment="Caller who asked for it"),
    Column("reason", Text, nullable=False),
)


@dataclass(frozen=True)
class Compensation:
    """The call that undoes the effect `key`, as it was asked for."""

    key: str
    execution_id: str
    call_id: str
    tool: str
    args: Mapping[str, Any]
    requester: Caller
    reason: str


def call_id_of(key: str) -> str:
    """The id of the call that undoes this effect."""
    return f"undo:{key}"


def begin(connection: Connection, wanted: Compensation) -> Compensation:
    """Keep what is asked for, and answer what counts: what was asked for before, if its call may have done something.

    The answer is `wanted` itself where that was kept.
    """
    known = find(connection, wanted.key)
    started = select(effects.c.key).where(effects.c.call_id == wanted.call_id, effects.c.state.in_(STARTED))
    if known and (known.reason == wanted.reason or connection.execute(started).first()):
        return known
    connection.execute(delete(compensations).where(compensations.c.key == wanted.key))
    values = {**vars(wanted), "args": dict(wanted.args), "requester": wanted.requester.as_dict()}
    connection.execute(insert(compensations).values(**values))
    return wanted


def find(connection: Connection, key: str) -> Compensation | None:
    row = connection.execute(select(compensations).where(compensations.c.key == key)).mappings().one_or_none()
    return from_row(row) if row else None


def of_execution(connection: Connection, execution_id: str) -> list[Compensation]:
    """What was asked to be undone of an execution."""
    query = select(compensations).where(compensations.c.execution_id == execution_id).order_by(compensations.c.key)
    return [from_row(row) for row in connection.execute(query).mappings()]


def from_row(row: Mapping[Any, Any]) -> Compensation:
    """A row of the table, as the database or a bundle tells it."""
    return Compensation(**{**row, "requester": Caller.from_dict(row["requester"])})


def calls_of(connection: Connection, execution_id: str) -> frozenset[str]:
    """The ids of an execution's calls that undo something."""
    query = select(compensations.c.call_id).where(compensations.c.execution_id == execution_id)
    return frozenset(connection.execute(query).scalars())
