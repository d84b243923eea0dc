"""The kill switch: stops every effect at once, of one organisation or of all, in every process that shares the database.

The gateway asks `halted` in the transaction that commits an effect's intent. That and a flip exclude each other: SQLite has one
writer, and on PostgreSQL both lock the row of all organisations. So an effect had its intent before the switch, and then its
outcome is recorded as ever, or it does not happen. Reads go on. Flipped by the application; every try is in the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import DDL, Boolean, Column, Connection, String, Table, Text, event, select, update

from database import Database
from governance.clock import Clock, now, stamp
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.identity import Caller
from governance.tables import insert_new, metadata

EVERYONE = "*"
"""The row that stops all organisations. No organisation may be called so."""

RULE = "kill-switch"
"""The rule by which the gateway denies an effect while a switch is on."""

switches = Table(
    "kill_switches",
    metadata,
    Column("org", String(100), primary_key=True, comment="or *: all of them"),
    Column("stopped", Boolean, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
# the row that every effect and every flip locks must be there before the first of them
event.listen(
    switches,
    "after_create",
    DDL("INSERT INTO kill_switches (org, stopped, \"by\", reason, at) VALUES ('*', false, '', '', '')"),  # type: ignore[no-untyped-call]  # SQLAlchemy's
)


def until_off(org: str) -> str:
    """What an effect that no approval stands for waits for while the switch is on, in the place of an approval's id."""
    return f"{RULE}/{org}"


def whose_switch(id: str) -> str:
    """The organisation of an `until_off`; empty for an approval's id."""
    return id.removeprefix(f"{RULE}/") if id.startswith(f"{RULE}/") else ""


def hold_effects(connection: Connection) -> None:
    """Let no effect of any organisation start until this transaction ends."""
    connection.execute(select(switches.c.org).where(switches.c.org == EVERYONE).with_for_update())


class SwitchRefused(PermissionError):
    """This person may not flip this switch; the message says who may."""


@dataclass(frozen=True)
class Switch:
    """How one switch stands: `org` is an organisation or `*`; `by`, `reason` and `at` (ISO, UTC) are of the last flip."""

    org: str
    stopped: bool
    by: str
    reason: str
    at: str


def halted(connection: Connection, org: str) -> str:
    """Why no effect of an organisation may start now; empty if it may. To be asked in the transaction of the effect's intent."""
    asked = select(switches).where(switches.c.org.in_((EVERYONE, org))).order_by(switches.c.org).with_for_update(read=True)
    for row in connection.execute(asked).mappings():
        if row["stopped"]:
            whose = "every organisation" if row["org"] == EVERYONE else org
            return (
                f"the kill switch is on: {row['by']} stopped all effects of {whose} at {row['at'][:19]} UTC ({row['reason']})"
            )
    return ""


class KillSwitch:
    """The switches of one database. `operators` are the roles that stop their own organisation, `platform` those that stop all."""

    def __init__(
        self, db: Database, decisions: Decisions, operators: Sequence[str], platform: Sequence[str], clock: Clock = now
    ) -> None:
        self._db, self._decisions, self._clock = db, decisions, clock
        self._may = {"org": tuple(operators), "all": tuple(platform)}

    async def flip(self, caller: Caller, stop: bool, reason: str, *, everyone: bool = False) -> Switch:
        """Stop all effects, or let them go on. Raises `SwitchRefused`, `ValueError` for a flip without a reason."""
        if not reason.strip():
            raise ValueError("a kill switch is flipped for a reason: say it with --reason")
        scope: Literal["org", "all"] = "all" if everyone else "org"
        may = bool(set(caller.roles) & set(self._may[scope]))
        made = Switch(EVERYONE if everyone else caller.org, stop, caller.user, reason.strip(), stamp(self._clock()))

        def work(c: Connection) -> None:
            hold_effects(c)
            if may and not insert_new(c, switches, vars(made)):
                c.execute(update(switches).where(switches.c.org == made.org).values(**vars(made)))
            outcome = ("on" if stop else "off") if may else "refused"
            self._decisions.add(c, _record(caller, made, outcome), _args(made))

        await self._db.run(work)
        if not may:
            raise SwitchRefused(
                f"{caller.user} may not flip the kill switch of {'all organisations' if everyone else caller.org}: "
                f"that takes the role {' or '.join(self._may[scope])}"
            )
        return made

    async def status(self, org: str) -> list[Switch]:
        """How the switches that concern an organisation stand: that of all first."""
        asked = select(switches).where(switches.c.org.in_((EVERYONE, org))).order_by(switches.c.org != EVERYONE)
        return [Switch(**row) for row in await self._db.run(lambda c: c.execute(asked).mappings().all())]


def _args(made: Switch) -> dict[str, Any]:
    return {"org": made.org, "stop": made.stopped}


def _record(caller: Caller, made: Switch, outcome: str) -> Record:
    """In the ledger of the caller's organisation; it belongs to no execution."""
    return Record(
        phase="switch",
        outcome=outcome,
        org=caller.org,
        execution_id="",
        step_id="",
        call_id="",
        agent="",
        user=caller.user,
        tool="kill-switch",
        version="",
        args_digest=digest(_args(made)),
        reasons=(made.reason,),
        roles=caller.roles,
    )
