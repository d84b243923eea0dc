"""Budgets: what a run, a step, a person's day and an organisation's day may still spend. Reserved before a call, settled after it.

A reservation is one conditional update for each limit, in a transaction of the caller's: two processes cannot both take the last
unit. A reservation that nobody settles, because its process died, is settled at the least that the call can have cost: as soon as
its execution is entered again, else when it expires. Only what has a limit is counted; without limits nothing is written.
Called by the gateway (tool calls) and by the graphs (model calls).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, delete, func, insert, select, update

from database import Database
from governance.clock import Clock, now, stamp
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.identity import Caller
from governance.limits import Limits, Scope, Unit, spoken
from governance.tables import insert_new, metadata

NAMES: Mapping[Scope, str] = {"run": "run", "step": "step", "user": "person's day", "org": "organisation's day"}
Amounts = Mapping[Unit, int]
KEEP_DAYS = timedelta(days=31)

accounts = Table(
    "budget_accounts",
    metadata,
    Column("scope", String(8), primary_key=True),
    Column("owner", String(250), primary_key=True, comment="see Spender.owner"),
    Column("unit", String(12), primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("raised", BigInteger, nullable=False, comment="what people added to the limit"),
)
reservations = Table(
    "budget_reservations",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("scope", String(8), primary_key=True),
    Column("unit", String(12), primary_key=True),
    Column("owner", String(250), nullable=False),
    Column("execution_id", String(36), nullable=False),
    Column("amount", BigInteger, nullable=False, comment="still reserved; 0: settled, and kept so that it is not taken twice"),
    Column("least", BigInteger, nullable=False, comment="charged if nobody settles it"),
    Column("expires_at", String(32), nullable=False),
    Index("budget_reservations_open", "execution_id", "expires_at"),
)


class BudgetSpent(RuntimeError):
    """A limit does not leave what is `asked` for. `scope` and `unit` name it."""

    def __init__(self, scope: Scope, unit: Unit, limit: int, taken: int, asked: int) -> None:
        self.scope, self.unit, self.asked = scope, unit, asked
        super().__init__(
            f"the budget of this {NAMES[scope]} is spent: {spoken(unit, taken)} of {spoken(unit, limit)} are used or reserved, "
            f"and the next call may need {spoken(unit, asked)}"
        )


class NotRaised(ValueError):
    """There is nothing to raise, or nothing to raise it by; the message says which."""


class RaiseRefused(PermissionError):
    """This person may not raise a budget; the message says who may."""


@dataclass(frozen=True)
class Spender:
    """Whose budgets a call draws on."""

    org: str
    user: str
    execution_id: str
    step_id: str

    def has(self, scope: Scope) -> bool:
        """Has it an account of this scope? Before its goal is understood a run has none of its own."""
        return scope in ("user", "org") or bool(self.execution_id and (scope == "run" or self.step_id))

    def owner(self, scope: Scope, day: str) -> str:
        """The account of a scope on a day (ISO date, UTC)."""
        return {
            "run": self.execution_id,
            "step": f"{self.execution_id}/{self.step_id}",
            "user": f"{self.org}/{self.user}/{day}",
            "org": f"{self.org}/{day}",
        }[scope]


@dataclass(frozen=True)
class Account:
    """One limit and how it stands, in parts of its unit (`limits.PARTS`). `raised` is part of `limit`."""

    scope: Scope
    owner: str
    unit: Unit
    limit: int
    used: int
    reserved: int
    raised: int

    @property
    def left(self) -> int:
        return self.limit - self.used - self.reserved


class Budgets:
    """The accounts of one database under `limits`. `owners` are the roles that may raise a budget."""

    def __init__(
        self,
        db: Database,
        decisions: Decisions,
        limits: Limits,
        owners: Sequence[str] = (),
        clock: Clock = now,
        *,
        keep: timedelta = timedelta(minutes=10),
    ) -> None:
        self._db, self._decisions, self.limits, self._owners, self._clock, self._keep = (
            db,
            decisions,
            limits,
            owners,
            clock,
            keep,
        )

    def counts(self, unit: Unit) -> bool:
        """Has this unit a limit anywhere?"""
        return any(named == unit for _, named in self.limits.of)

    def take(self, c: Connection, who: Spender, id: str, amounts: Amounts) -> None:
        """Spend at once, inside the caller's transaction; the same id spends once. Raises `BudgetSpent`: roll back then."""
        self._reserve(c, who, id, amounts, amounts)
        self._settle(c, id, amounts, keep=True)

    def give_back(self, c: Connection, id: str) -> None:
        """Take back what `take` spent under an id, inside the caller's transaction: it was not done, or was undone."""
        for row in c.execute(select(reservations).where(reservations.c.id == id).with_for_update()).mappings().all():
            mine = (accounts.c.scope == row["scope"], accounts.c.owner == row["owner"], accounts.c.unit == row["unit"])
            c.execute(update(accounts).where(*mine).values(used=accounts.c.used - row["least"]))
        c.execute(delete(reservations).where(reservations.c.id == id))

    async def left(self, who: Spender, unit: Unit, *, own: Collection[str] | None = None) -> int | None:
        """The least that any limit leaves of a unit, in its parts; None without a limit.

        What was spent under the ids `own` counts as left; None: all that the execution spent.
        """
        counted = reservations.c.execution_id == who.execution_id if own is None else reservations.c.id.in_(own)

        def work(c: Connection) -> int | None:
            found = []
            for scope, named in self.limits.of:
                if named == unit and who.has(scope):
                    mine = (reservations.c.scope == scope, reservations.c.unit == unit, counted)
                    known = c.execute(select(func.coalesce(func.sum(reservations.c.least), 0)).where(*mine)).scalar_one()
                    found.append(self._account(c, who, scope, unit).left + int(known))
            return min(found, default=None)

        return await self._db.run(work) if self.counts(unit) else None

    async def reserve(self, who: Spender, id: str, amounts: Amounts, least: Amounts) -> None:
        """Set aside what a call may need; `least` is charged if it is never settled. Raises `BudgetSpent`, having set aside nothing."""
        await self._db.run(lambda c: self._reserve(c, who, id, amounts, least), durable=False)  # a power cut ends the call too

    async def settle(self, id: str, real: Amounts) -> None:
        """Charge what a call really used, even where it is more than was set aside. Nothing happens the second time."""
        await self._db.run(lambda c: self._settle(c, id, real), durable=False)

    async def charge(self, who: Spender, used: Mapping[tuple[Scope, Unit], int]) -> None:
        """Add what was used without having been set aside (time), even over a limit."""

        def work(c: Connection) -> None:
            for scope, unit in sorted(self.limits.of):
                if used.get((scope, unit)) and who.has(scope):
                    owner = self._open(c, scope, who.owner(scope, self._day()), unit)
                    mine = (accounts.c.scope == scope, accounts.c.owner == owner, accounts.c.unit == unit)
                    c.execute(update(accounts).where(*mine).values(used=accounts.c.used + used[scope, unit]))

        await self._db.run(work)

    async def recover(self, execution_id: str) -> int:
        """Settle what a dead process left reserved; says how many calls. Only whoever holds the execution may ask."""

        def work(c: Connection) -> int:
            mine = select(reservations.c.id).where(reservations.c.execution_id == execution_id, reservations.c.amount > 0)
            return self._lost(c, c.scalars(mine.distinct()).all())

        return await self._db.run(work) if self.limits else 0

    async def tidy(self, execution_id: str) -> None:
        """Forget, of an execution that came to its end, which of its calls were counted: none of them is made again; the counts
        stay. And the accounts of days long past to which nobody added anything (what people added, the audit adds up)."""
        rows = (reservations.c.execution_id == execution_id, reservations.c.unit == "tool_calls", reservations.c.amount == 0)
        old = func.substr(accounts.c.owner, func.length(accounts.c.owner) - 9) < stamp(self._clock() - KEEP_DAYS)[:10]

        def work(c: Connection) -> None:
            c.execute(delete(reservations).where(*rows))
            c.execute(delete(accounts).where(accounts.c.scope.in_(("user", "org")), accounts.c.raised == 0, old))

        if self.limits:
            await self._db.run(work)

    async def accounts(self, who: Spender) -> list[Account]:
        """How each limit stands for a spender. Of a step only where `who` names one."""

        def work(c: Connection) -> list[Account]:
            self._expire(c)
            return [self._account(c, who, scope, unit) for scope, unit in self.limits.of if who.has(scope)]

        return await self._db.run(work) if self.limits else []

    async def raise_limit(self, caller: Caller, who: Spender, scope: Scope, unit: Unit, amount: int) -> Account:
        """Add to one limit of one run, step or day; in the ledger, refused or not. Raises `RaiseRefused`, `NotRaised`."""
        if (scope, unit) not in self.limits.of:
            raise NotRaised(f"a {NAMES[scope]} has no limit of {unit.replace('_', ' ')}, so there is nothing to raise")
        if amount <= 0:
            raise NotRaised(f"{amount} raises nothing: give an amount above 0")
        may = bool(set(caller.roles) & set(self._owners)) and caller.org == who.org

        def work(c: Connection) -> Account:
            if may:
                return self.add(c, caller, who, scope, unit, amount)
            found = self._account(c, who, scope, unit)
            text, known = _told(scope, found.owner, unit, amount)
            self._decisions.add(c, _record(caller, who, "refused", text, known), known)
            return found

        found = await self._db.run(work)
        if not may:
            raise RaiseRefused(
                f"{caller.user} may not raise a budget of {who.org}: that takes the role {' or '.join(self._owners)}"
            )
        return found

    # -- in a transaction -------------------------------------------------------------------------

    def add(
        self, c: Connection, by: Caller, who: Spender, scope: Scope, unit: Unit, amount: int, owner: str = "", **more: Any
    ) -> Account:
        """Add to one limit in the transaction of the agreement to it, which `more` names in the ledger. `owner`: today's if empty."""
        owner = self._open(c, scope, owner or who.owner(scope, self._day()), unit)
        mine = (accounts.c.scope == scope, accounts.c.owner == owner, accounts.c.unit == unit)
        c.execute(update(accounts).where(*mine).values(raised=accounts.c.raised + amount))
        text, known = _told(scope, owner, unit, amount)
        self._decisions.add(c, replace(_record(by, who, "raised", text, known), **more), known)
        return self._account(c, who, scope, unit)

    def standing(self, c: Connection, who: Spender, unit: Unit) -> list[Account]:
        """How each limit of a unit stands for a spender."""
        return [self._account(c, who, scope, named) for scope, named in self.limits.of if named == unit and who.has(scope)]

    def _reserve(self, c: Connection, who: Spender, id: str, amounts: Amounts, least: Amounts) -> None:
        if c.execute(select(reservations.c.id).where(reservations.c.id == id)).first():
            return
        expires = stamp(self._clock() + self._keep)
        swept = False
        for (scope, unit), limit in sorted(self.limits.of.items()):  # one order: two transactions cannot wait for each other
            amount = amounts.get(unit, 0)
            if not amount or not who.has(scope):
                continue
            owner = self._open(c, scope, who.owner(scope, self._day()), unit)
            taken = accounts.c.used + accounts.c.reserved
            mine = (accounts.c.scope == scope, accounts.c.owner == owner, accounts.c.unit == unit)
            fits = update(accounts).where(*mine, taken + amount <= limit + accounts.c.raised)
            fits = fits.values(reserved=accounts.c.reserved + amount)
            done = c.execute(fits.returning(accounts.c.owner)).first()
            if not done and not swept:
                swept = True
                self._expire(c)
                done = c.execute(fits.returning(accounts.c.owner)).first()
            if not done:
                found = self._account(c, who, scope, unit)
                raise BudgetSpent(scope, unit, found.limit, found.used + found.reserved, amount)
            row = dict(id=id, scope=scope, unit=unit, owner=owner, execution_id=who.execution_id, expires_at=expires)
            c.execute(insert(reservations).values(**row, amount=amount, least=least.get(unit, 0)))

    def _settle(self, c: Connection, id: str, real: Amounts | None, *, keep: bool = False) -> None:
        open = select(reservations).where(reservations.c.id == id, reservations.c.amount > 0).with_for_update()
        rows = c.execute(open.order_by(reservations.c.scope, reservations.c.unit)).mappings().all()
        for row in rows:
            used = row["least"] if real is None else real.get(row["unit"], 0)
            mine = (accounts.c.scope == row["scope"], accounts.c.owner == row["owner"], accounts.c.unit == row["unit"])
            moved = dict(used=accounts.c.used + used, reserved=accounts.c.reserved - row["amount"])
            c.execute(update(accounts).where(*mine).values(**moved))
        if keep:
            c.execute(update(reservations).where(reservations.c.id == id).values(amount=0))
        elif rows:
            c.execute(delete(reservations).where(reservations.c.id == id))

    def _expire(self, c: Connection) -> None:
        over = select(reservations.c.id).where(reservations.c.expires_at < stamp(self._clock()), reservations.c.amount > 0)
        self._lost(c, c.scalars(over.distinct()).all())

    def _lost(self, c: Connection, ids: Sequence[str]) -> int:
        for id in ids:
            self._settle(c, id, None)
        return len(ids)

    def _open(self, c: Connection, scope: Scope, owner: str, unit: Unit) -> str:
        insert_new(c, accounts, {"scope": scope, "owner": owner, "unit": unit, "used": 0, "reserved": 0, "raised": 0})
        return owner

    def _day(self) -> str:
        return stamp(self._clock())[:10]

    def _account(self, c: Connection, who: Spender, scope: Scope, unit: Unit) -> Account:
        owner = who.owner(scope, self._day())
        mine = (accounts.c.scope == scope, accounts.c.owner == owner, accounts.c.unit == unit)
        row = c.execute(select(accounts.c.used, accounts.c.reserved, accounts.c.raised).where(*mine)).first()
        used, reserved, raised = row or (0, 0, 0)
        return Account(scope, owner, unit, self.limits.of[scope, unit] + raised, used, reserved, raised)


def _told(scope: Scope, owner: str, unit: Unit, amount: int) -> tuple[str, dict[str, str | int]]:
    """A raise in words, and as the audit adds it up."""
    known: dict[str, str | int] = {"scope": scope, "owner": owner, "unit": unit, "amount": amount}
    return f"the budget of this {NAMES[scope]} by {spoken(unit, amount)}", known


def _record(caller: Caller, who: Spender, outcome: str, text: str, known: Mapping[str, str | int]) -> Record:
    return Record(
        phase="budget",
        outcome=outcome,
        org=caller.org,
        execution_id=who.execution_id,
        step_id=who.step_id,
        call_id="",
        agent="",
        user=caller.user,
        tool="budget",
        version="",
        args_digest=digest(known),
        reasons=(text,),
        roles=caller.roles,
        known=known,
    )
