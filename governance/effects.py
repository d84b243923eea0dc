"""The effects: what was done to the world, once. The intent is committed before the tool is called, the outcome after.

Used by the gateway alone; read by the application. States: intended → done | failed | unknown. failed means the tool said that
nothing was done; unknown that nobody knows (no outcome was recorded, or the tool broke off).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from database import Database
from governance.clock import Clock, now, stamp
from governance.digest import effect_key
from governance.policy import CallFacts
from governance.tables import effects, insert_new

State = Literal["new", "intended", "done", "failed", "unknown"]


@dataclass(frozen=True)
class EffectRow:
    """An effect as it stands. `state` is "new" only in the answer of the transaction that made the row."""

    key: str
    state: State
    execution_id: str
    step_id: str
    tool: str
    args: Mapping[str, Any]
    approval_id: str | None
    compensation: str | None
    intended_at: str
    ended_at: str | None
    result: dict[str, Any] | None
    error: str | None


class Effects:
    """The effects of one application database."""

    def __init__(self, db: Database, clock: Clock = now) -> None:
        self._db = db
        self._clock = clock

    def intend(self, connection: Connection, facts: CallFacts, *, call_id: str, approval_id: str | None) -> EffectRow:
        """Say, inside the caller's transaction, that this effect is about to happen.

        The answer's state tells what the caller may do: "new" go on; "done" use `result`; "failed" nothing was done, so it
        may `restart`; "intended" or "unknown" an earlier attempt left no outcome.
        """
        key = effect_key(facts)
        row = dict(
            key=key,
            state="intended",
            org=facts.caller.org,
            execution_id=facts.execution_id,
            step_id=facts.step_id,
            call_id=call_id,
            tool=facts.tool,
            args=dict(facts.args),
            compensation=facts.manifest.compensation,
            approval_id=approval_id,
            intended_at=stamp(self._clock()),
        )
        made = insert_new(connection, effects, row)
        found = connection.execute(select(effects).where(effects.c.key == key).with_for_update()).mappings().one()
        return _row(found, "new" if made else None)

    def restart(self, connection: Connection, key: str, approval_id: str | None) -> None:
        """Intend again what failed, or what a tool may do twice under one key."""
        self._set(connection, key, state="intended", approval_id=approval_id, ended_at=None, error=None)

    def finish(self, connection: Connection, key: str, result: dict[str, Any]) -> None:
        """It was done; `result` is what a retry is given."""
        self._set(connection, key, state="done", result=result, error=None, ended_at=stamp(self._clock()))

    def fail(self, connection: Connection, key: str, error: str) -> None:
        """The tool said why nothing was done."""
        self._set(connection, key, state="failed", error=error, ended_at=stamp(self._clock()))

    def lose(self, connection: Connection, key: str, error: str) -> None:
        """Nobody knows whether it was done."""
        self._set(connection, key, state="unknown", error=error, ended_at=stamp(self._clock()))

    async def get(self, key: str) -> EffectRow | None:
        query = select(effects).where(effects.c.key == key)
        row = await self._db.run(lambda c: c.execute(query).mappings().one_or_none())
        return _row(row) if row is not None else None

    async def for_execution(self, execution_id: str) -> list[EffectRow]:
        """The effects of an execution in the order intended: undone, if need be, in the reverse order of `ended_at`."""
        query = select(effects).where(effects.c.execution_id == execution_id).order_by(effects.c.intended_at, effects.c.key)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all())
        return [_row(row) for row in rows]

    def _set(self, connection: Connection, key: str, **values: Any) -> None:
        # what is done stays done: a late failure of a duplicate must not hide it
        change = update(effects).where(effects.c.key == key, effects.c.state != "done").values(**values)
        connection.execute(change)


def _row(row: Mapping[Any, Any], state: State | None = None) -> EffectRow:
    values = {one.name: row[one.name] for one in fields(EffectRow)}
    return EffectRow(**{**values, "state": state or row["state"]})
