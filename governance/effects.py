"""The effects: what was done to the world, once. The intent is committed before the tool is called, the outcome after.

Written by the gateway, the undoing and the settling alone (tools/); read by the application. States: intended → done | failed |
unknown, unknown → done | failed, done → compensated. failed means the tool said that nothing was done; unknown that nobody knows (no
outcome was recorded, or the tool broke off); compensated that it was done and undone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sqlalchemy import Connection, and_, select, update

from database import Database
from governance.amounts import spend_of
from governance.budgets import Budgets, Spender
from governance.clock import Clock, now, stamp
from governance.compensations import calls_of, compensations
from governance.digest import effect_key
from governance.policy import CallFacts
from governance.tables import effects, insert_new

State = Literal["new", "intended", "done", "failed", "unknown", "compensated"]


@dataclass(frozen=True)
class EffectRow:
    """An effect as it stands. `state` is "new" only in the answer of the transaction that made the row."""

    key: str
    state: State
    org: str
    execution_id: str
    step_id: str
    call_id: str
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

    def __init__(self, db: Database, clock: Clock = now, budgets: Budgets | None = None) -> None:
        self._db = db
        self._clock = clock
        self._budgets = budgets if budgets and budgets.counts("spend") else None

    def intend(self, connection: Connection, facts: CallFacts, *, call_id: str, approval_id: str | None) -> EffectRow:
        """Say, inside the caller's transaction, that this effect is about to happen.

        The answer's state tells what the caller may do: "new" go on; "done" use `result`; "failed" nothing was done, so it
        may `restart`; "intended" or "unknown" an earlier attempt left no outcome; "compensated" it was done and undone since.
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

    def afford(self, connection: Connection, facts: CallFacts) -> None:
        """Spend what an effect commits, inside the caller's transaction; once, however often it is tried. Raises `BudgetSpent`."""
        if self._budgets and (amount := spend_of(facts.manifest, facts.args)):
            who = Spender(facts.caller.org, facts.caller.user, facts.execution_id, facts.step_id)
            self._budgets.take(connection, who, spent_under(effect_key(facts)), {"spend": amount})

    async def left_to_spend(self, facts: CallFacts, call_id: str) -> int | None:
        """What the budgets leave for a call, in hundredths; None without a limit. What an earlier try of it committed counts as left,
        also where that try was of arguments that an approver had edited."""
        if self._budgets is None:
            return None
        same = (
            (effects.c.execution_id == facts.execution_id)
            & (effects.c.step_id == facts.step_id)
            & (effects.c.call_id == call_id)
        )
        keys = await self._db.run(lambda c: c.scalars(select(effects.c.key).where(same)).all())
        who = Spender(facts.caller.org, facts.caller.user, facts.execution_id, facts.step_id)
        return await self._budgets.left(who, "spend", own=[spent_under(key) for key in {*keys, effect_key(facts)}])

    def restart(self, connection: Connection, key: str, approval_id: str | None) -> None:
        """Intend again what failed, or what a tool may do twice under one key."""
        self._set(connection, key, state="intended", approval_id=approval_id, ended_at=None, error=None)

    def finish(self, connection: Connection, key: str, result: dict[str, Any] | None) -> None:
        """It was done, and with it undone what it compensates. `result` is what a retry is given; None: nobody knows it."""
        self._set(connection, key, state="done", result=result, error=None, ended_at=stamp(self._clock()))
        own = select(effects.c.call_id, effects.c.execution_id, effects.c.tool).where(effects.c.key == key).subquery()
        same = [compensations.c[name] == own.c[name] for name in ("call_id", "execution_id", "tool")]
        for undone in connection.execute(select(compensations.c.key).join(own, and_(*same))).scalars().all():
            change = update(effects).where(effects.c.key == undone, effects.c.state == "done")
            connection.execute(change.values(state="compensated"))
            self._give_back(connection, undone)

    def fail(self, connection: Connection, key: str, error: str) -> None:
        """The tool said why nothing was done."""
        self._set(connection, key, state="failed", error=error, ended_at=stamp(self._clock()))
        self._give_back(connection, key)

    def lose(self, connection: Connection, key: str, error: str) -> None:
        """Nobody knows whether it was done."""
        self._set(connection, key, state="unknown", error=error, ended_at=stamp(self._clock()))

    async def get(self, key: str) -> EffectRow | None:
        query = select(effects).where(effects.c.key == key)
        row = await self._db.run(lambda c: c.execute(query).mappings().one_or_none())
        return _row(row) if row is not None else None

    def locked(self, connection: Connection, key: str) -> EffectRow | None:
        """The effect, held by the caller's transaction."""
        query = select(effects).where(effects.c.key == key).with_for_update()
        row = connection.execute(query).mappings().one_or_none()
        return _row(row) if row is not None else None

    async def all_of(self, org: str) -> list[EffectRow]:
        """Every effect of an organisation, the newest first."""
        query = select(effects).where(effects.c.org == org).order_by(effects.c.intended_at.desc(), effects.c.key)
        return [_row(row) for row in await self._db.run(lambda c: c.execute(query).mappings().all())]

    async def undoing(self, execution_id: str) -> frozenset[str]:
        """The ids of an execution's calls that undo something."""
        return await self._db.run(lambda c: calls_of(c, execution_id))

    async def for_execution(self, execution_id: str) -> list[EffectRow]:
        """The effects of an execution in the order intended: undone, if need be, in the reverse order of `ended_at`."""
        query = select(effects).where(effects.c.execution_id == execution_id).order_by(effects.c.intended_at, effects.c.key)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all())
        return [_row(row) for row in rows]

    def _give_back(self, connection: Connection, key: str) -> None:
        if self._budgets:
            self._budgets.give_back(connection, spent_under(key))

    def _set(self, connection: Connection, key: str, **values: Any) -> None:
        # what is done stays done: a late failure of a duplicate must not hide it
        change = update(effects).where(effects.c.key == key, effects.c.state.not_in(("done", "compensated"))).values(**values)
        connection.execute(change)


def spent_under(key: str) -> str:
    """The id under which a budget keeps what an effect commits."""
    return f"spend:{key}"


def undone_steps(rows: Iterable[EffectRow], undoing: Collection[str] = ()) -> frozenset[str]:
    """The steps that did something of which nothing stands any more. `undoing`: the calls that undid it (`calls_of`)."""
    did: dict[str, set[State]] = {}
    for row in rows:
        if row.call_id not in undoing and row.state != "failed":
            did.setdefault(row.step_id, set()).add(row.state)
    return frozenset(step for step, states in did.items() if states == {"compensated"})


def standing(connection: Connection, execution_id: str, kept: Collection[str]) -> list[EffectRow]:
    """What an execution did, or may have done, in other steps than those kept, and what nobody undid."""
    query = select(effects).where(effects.c.execution_id == execution_id, effects.c.step_id.not_in(kept))
    query = query.where(effects.c.state.in_(("intended", "unknown", "done"))).order_by(effects.c.intended_at, effects.c.key)
    undoing = calls_of(connection, execution_id)
    return [_row(row) for row in connection.execute(query).mappings() if row["call_id"] not in undoing]


def _row(row: Mapping[Any, Any], state: State | None = None) -> EffectRow:
    values = {one.name: row[one.name] for one in fields(EffectRow)}
    return EffectRow(**{**values, "state": state or row["state"]})
