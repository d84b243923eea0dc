"""Delegations: who handed the right to decide to whom, until when. Made by people through the application; asked by `voting.py`.

Only who holds a role in their own right hands it on, for themselves, to one other person of the same organisation: so nothing
that was lent is lent again. A delegation ends at its time or when its giver revokes it, and both making and revoking are events
of the ledger. Whoever is known to hold the role no more lends it no more.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, select, update

from database import Database
from governance.clock import Clock, parse, stamp
from governance.decisions import Decisions, Record
from governance.identity import Caller, RolesOf
from governance.tables import metadata

LONGEST = timedelta(days=90)

delegations = Table(
    "delegations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org", String(100), nullable=False),
    Column("giver", String(100), nullable=False, comment="holds the role in their own right"),
    Column("taker", String(100), nullable=False),
    Column("role", String(100), nullable=False),
    Column("tool", String(100), comment="only for this tool; null: whatever asks the role"),
    Column("made_at", String(32), nullable=False),
    Column("until", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Index("delegations_taker", "org", "taker"),
)


class DelegationRefused(ValueError):
    """A delegation that cannot be made or revoked; the message says why."""


@dataclass(frozen=True)
class Delegation:
    """`taker` may decide as `role`, for `giver`, until a time. `tool` None: whatever asks that role."""

    id: str
    org: str
    giver: str
    taker: str
    role: str
    tool: str | None
    made_at: datetime
    until: datetime
    revoked_at: datetime | None = None

    def open(self, at: datetime) -> bool:
        """Does it hold at this time?"""
        return self.revoked_at is None and at < self.until


class Delegations:
    """The delegations of one application database."""

    def __init__(self, db: Database, clock: Clock, decisions: Decisions, roles_of: RolesOf) -> None:
        self._db = db
        self._roles_of = roles_of
        self._clock = clock
        self._decisions = decisions

    async def give(self, giver: Caller, taker: str, role: str, until: datetime, tool: str | None = None) -> Delegation:
        """Hand a role's right to decide to another person. `until` has a zone. Raises `DelegationRefused`."""
        at = self._clock()
        wrong: Sequence[tuple[bool, str]] = (
            (not giver.person, f"{giver.user} is not a person: only people delegate"),
            (role not in giver.roles, f"{giver.user} does not hold the role {role}, and only who holds it can delegate it"),
            (not taker.strip(), "name the person to delegate to"),
            (taker == giver.user, f"{giver.user} cannot delegate to themselves"),
            (until <= at, f"the end of the delegation, {stamp(until)}, is already over"),
            (until > at + LONGEST, f"a delegation lasts at most {LONGEST.days} days, so until {stamp(at + LONGEST)}"),
        )
        for is_wrong, message in wrong:
            if is_wrong:
                raise DelegationRefused(message)
        made = Delegation(str(uuid.uuid4()), giver.org, giver.user, taker, role, tool, at, until)
        row = {**vars(made), "made_at": stamp(at), "until": stamp(until)}

        def work(c: Connection) -> None:
            c.execute(delegations.insert(), row)
            self._tell(c, made, "given")

        await self._db.run(work)
        return made

    async def revoke(self, giver: Caller, id: str) -> Delegation:
        """End a delegation of one's own now; votes given by it stay. Raises `DelegationRefused`."""

        def work(c: Connection) -> Delegation:
            mine = (delegations.c.id == id) & (delegations.c.org == giver.org) & (delegations.c.giver == giver.user)
            row = c.execute(select(delegations).where(mine).with_for_update()).mappings().one_or_none()
            if row is None:
                raise DelegationRefused(f"{giver.user} made no delegation {id}")
            if row["revoked_at"]:
                raise DelegationRefused(f"the delegation {id} was already revoked at {row['revoked_at']}")
            ended = _of({**row, "revoked_at": stamp(self._clock())})
            c.execute(update(delegations).where(mine).values(revoked_at=stamp(self._clock())))
            self._tell(c, ended, "revoked")
            return ended

        return await self._db.run(work)

    async def current(self, org: str) -> list[Delegation]:
        """What holds now in an organisation, in the order of its end."""
        query = select(delegations).where(delegations.c.org == org).order_by(delegations.c.until, delegations.c.id)
        return await self._db.run(
            lambda c: [one for one in map(_of, c.execute(query).mappings().all()) if not self.over(c, one)]
        )

    async def knows(self, org: str, user: str) -> bool:
        """Does the directory know this person?"""
        return await self._db.run(lambda c: self._roles_of(c, org, user) is not None)

    def over(self, c: Connection, one: Delegation) -> str:
        """Why a delegation does not hold now, for people; empty if it does."""
        if one.revoked_at:
            return "was revoked"
        if not one.open(self._clock()):
            return f"ended at {stamp(one.until)}"
        known = self._roles_of(c, one.org, one.giver)
        return (
            f"ended: {one.giver} does not hold the role {one.role} any more"
            if known is not None and one.role not in known
            else ""
        )

    def lent(self, c: Connection, taker: Caller, roles: Sequence[str], tool: str) -> Delegation | None:
        """What was delegated to a person for one of these roles and this tool: what holds now, else the last that did."""
        mine = (delegations.c.org == taker.org) & (delegations.c.taker == taker.user) & delegations.c.role.in_(list(roles))
        fits = mine & (delegations.c.tool.is_(None) | (delegations.c.tool == tool))
        found = [_of(row) for row in c.execute(select(delegations).where(fits)).mappings().all()]
        return max(found, key=lambda one: (not self.over(c, one), one.revoked_at is None, one.until, one.id), default=None)

    def _tell(self, c: Connection, one: Delegation, outcome: str) -> None:
        known = {"id": one.id, "to": one.taker, "role": one.role, "until": stamp(one.until)}
        nothing = dict.fromkeys(("execution_id", "step_id", "call_id", "agent", "version", "args_digest"), "")
        tool = one.tool or ""
        self._decisions.add(c, Record("delegated", outcome, org=one.org, user=one.giver, tool=tool, known=known, **nothing))  # type: ignore[arg-type]  # mypy takes the empty texts for any field


def _of(row: Mapping[Any, Any]) -> Delegation:
    times = {name: parse(row[name]) if row[name] else None for name in ("made_at", "until", "revoked_at")}
    return Delegation(**{**row, **times})
