"""Suspensions: one tool or one specialist of an organisation taken out of service, in every process that shares the database.

A suspended tool is not called; a suspended specialist begins no step and calls nothing. An effect asks `suspended` in the
transaction that commits its intent, after `kill_switch.halted`, and a suspension holds the row that `halted` locks: an effect had
its intent before it, or does not happen. A read asks `why`, which looks at the database once in `LOOK_S`: in this process it ends
at once, in others within that time. Asked by the gateway and before a step; changed by the application; every try is in the ledger.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Column, Connection, String, Table, Text, and_, bindparam, delete, or_, select, update

from database import Database
from governance.clock import Clock, now, stamp
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.identity import Caller
from governance.kill_switch import hold_effects
from governance.prepared import Prepared
from governance.tables import insert_new, metadata

Kind = Literal["specialist", "tool"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RULE = "suspended"
"""The rule by which the gateway denies a call of a suspended tool, or by a suspended specialist."""
LOOK_S = 1.0

suspensions = Table(
    "suspensions",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True, comment="specialist or tool"),
    Column("name", String(100), primary_key=True),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False),
    comment="what is suspended now; that it was is in the ledger",
)
_OF_CALL = Prepared(
    select(*(suspensions.c[name] for name in ("kind", "name", "by", "reason", "at"))).where(
        suspensions.c.org == bindparam("of"),
        or_(
            and_(suspensions.c.kind == "specialist", suspensions.c.name == bindparam("agent")),
            and_(suspensions.c.kind == "tool", suspensions.c.name == bindparam("called")),
        ),
    )
)


class SuspensionRefused(PermissionError):
    """This person may not suspend or resume; the message says who may."""


class NotSuspended(ValueError):
    """There is nothing to resume."""


@dataclass(frozen=True)
class Suspension:
    """One tool or specialist that is out of service: by whom, why, since when (ISO, UTC)."""

    org: str
    kind: Kind
    name: str
    by: str
    reason: str
    at: str

    @property
    def text(self) -> str:
        return f"the {self.kind} {self.name} is suspended: by {self.by} at {self.at[:19]} UTC ({self.reason})"


def suspended(connection: Connection, org: str, agent: str, tool: str) -> str:
    """Why this agent may not call this tool now; empty if it may. To be asked in the transaction of an effect's intent."""
    found = _OF_CALL.first(connection, {"of": org, "agent": agent, "called": tool})
    return Suspension(org, *found).text if found else ""


class Suspensions:
    """The suspensions of one database. `operators` are the roles that suspend and resume, for their own organisation."""

    def __init__(self, db: Database, decisions: Decisions, operators: Sequence[str] = (), clock: Clock = now) -> None:
        self._db, self._decisions, self._operators, self._clock = db, decisions, tuple(operators), clock
        self._known: dict[str, tuple[float, list[Suspension]]] = {}

    def may(self, caller: Caller) -> bool:
        """May they suspend and resume?"""
        return bool(set(caller.roles) & set(self._operators))

    async def suspend(self, caller: Caller, kind: Kind, name: str, reason: str) -> Suspension:
        """Take it out of service. Raises `SuspensionRefused`, `ValueError` without a reason."""
        made = self._made(caller, kind, name, reason)

        def work(c: Connection) -> None:
            if not insert_new(c, suspensions, vars(made)):
                c.execute(update(suspensions).where(*_key(made)).values(**vars(made)))

        await self._change(caller, made, "suspended", work)
        return made

    async def resume(self, caller: Caller, kind: Kind, name: str, reason: str) -> None:
        """Put it back into service. Raises `SuspensionRefused`, `NotSuspended`, `ValueError` without a reason."""
        made = self._made(caller, kind, name, reason)

        def work(c: Connection) -> None:
            if c.execute(delete(suspensions).where(*_key(made)).returning(suspensions.c.name)).first() is None:
                raise NotSuspended(f"the {kind} {name} is not suspended: there is nothing to resume")

        await self._change(caller, made, "resumed", work)

    async def current(self, org: str) -> list[Suspension]:
        """What is suspended in an organisation now."""
        asked = select(suspensions).where(suspensions.c.org == org).order_by(suspensions.c.kind, suspensions.c.name)
        return [Suspension(**row) for row in await self._db.run(lambda c: c.execute(asked).mappings().all(), durable=False)]

    async def why(self, org: str, agent: str, tool: str = "") -> str:
        """Why this agent may not begin a step, or call this tool, as known within `LOOK_S`; empty if it may."""
        looked, found = self._known.get(org, (-LOOK_S, []))
        if time.monotonic() - looked >= LOOK_S:
            at = time.monotonic()  # as of the asking, whatever the answer takes
            found = await self.current(org)
            self._known[org] = (at, found)
        named = (("specialist", agent), ("tool", tool))
        return next((one.text for one in found if (one.kind, one.name) in named), "")

    def _made(self, caller: Caller, kind: Kind, name: str, reason: str) -> Suspension:
        if not reason.strip():
            raise ValueError("a specialist or tool is suspended or resumed for a reason: say it with --reason")
        return Suspension(caller.org, kind, name, caller.user, reason.strip(), stamp(self._clock()))

    async def _change(self, caller: Caller, made: Suspension, outcome: str, work: Callable[[Connection], None]) -> None:
        may = self.may(caller)

        def change(c: Connection) -> None:
            hold_effects(c)
            if may:
                work(c)
            args = {"kind": made.kind, "name": made.name, "suspend": outcome == "suspended"}
            self._decisions.add(c, _record(caller, made, outcome if may else "refused", args), args)

        await self._db.run(change)
        self._known.pop(made.org, None)
        if not may:
            raise SuspensionRefused(
                f"{caller.user} may not suspend or resume anything of {caller.org}: that takes the role "
                f"{' or '.join(self._operators)}"
            )


def _key(made: Suspension) -> tuple[Any, ...]:
    return tuple(suspensions.c[name] == getattr(made, name) for name in ("org", "kind", "name"))


def _record(caller: Caller, made: Suspension, outcome: str, args: Mapping[str, Any]) -> Record:
    """In the ledger of the caller's organisation; it belongs to no execution."""
    return Record(
        phase="suspension",
        outcome=outcome,
        org=caller.org,
        execution_id="",
        step_id="",
        call_id="",
        agent=made.name if made.kind == "specialist" else "",
        user=caller.user,
        tool=made.name if made.kind == "tool" else "",
        version="",
        args_digest=digest(args),
        reasons=(made.reason,),
        roles=caller.roles,
        known={"kind": made.kind, "name": made.name},
    )
