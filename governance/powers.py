"""Do the tables of powers say what the ledger says? Kill switches, suspensions, delegations and raised budgets: of no one run.

`agreement.py` holds the tables of one execution against its events; this module holds what stands beside them: who stopped or
suspended what, who lent which role to whom, and what people added to a limit. Called by the audit, which has seen that the ledger
itself holds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from governance.budgets import accounts
from governance.decisions import Record, record_of
from governance.delegations import delegations
from governance.digest import digest
from governance.kill_switch import EVERYONE, switches
from governance.ledger_check import Fault
from governance.suspensions import suspensions
from governance.tables import ledger

PHASES = ("switch", "suspension", "delegated", "budget")
UNFLIPPED = (False, "", "")  # how the row of all organisations is made


def powers_disagree(c: Connection) -> list[Fault]:
    """Everything that these tables say otherwise than the events."""
    events = _events(c)
    by = {phase: [one for one in events if one.phase == phase and one.outcome != "refused"] for phase in PHASES}
    found = (_switches(c, by["switch"]), _suspensions(c, by["suspension"]), _delegations(c, by["delegated"]))
    return [*(fault for one in found for fault in one), *_raised(c, by["budget"])]


def _events(c: Connection) -> list[Record]:
    """The events of these phases of every organisation, in the order of their times."""
    named = or_(*(ledger.c.body.contains(f'"phase":"{phase}"', autoescape=True) for phase in PHASES))
    query = select(ledger.c.body).where(named).order_by(ledger.c.org, ledger.c.seq)
    found = [record_of(body) for body in c.scalars(query)]
    return sorted((one for one in found if one.phase in PHASES), key=lambda one: one.at)


def _switches(c: Connection, events: Sequence[Record]) -> Iterator[Fault]:
    said: dict[str, Record] = {}
    for one in events:  # a flip of all stands in the ledger of whoever flipped it
        everyone = one.args_digest == digest({"org": EVERYONE, "stop": one.outcome == "on"})
        said[EVERYONE if everyone else one.org] = one
    rows = {row.org: (row.stopped, row.by, row.reason) for row in c.execute(select(switches))}
    for org in sorted({*said, *rows, EVERYONE}):
        event, row = said.get(org), rows.get(org)
        whose = "all organisations" if org == EVERYONE else org
        place, seq = (event.org, event.seq) if event else (org, 0)
        if row is None:
            yield Fault(place, seq, f"the kill switch of {whose} is gone")
        elif row != ((event.outcome == "on", event.user, event.reasons[0]) if event else UNFLIPPED):
            stands = f"{event.outcome}, by {event.user}" if event else "never flipped"
            yield Fault(
                place,
                seq,
                f"the kill switch of {whose} is {'on' if row[0] else 'off'}, by {row[1] or 'nobody'}: by the ledger {stands}",
            )


def _suspensions(c: Connection, events: Sequence[Record]) -> Iterator[Fault]:
    last = {(one.org, one.known["kind"], one.known["name"]): one for one in events}
    rows = {(row.org, row.kind, row.name): (row.by, row.reason) for row in c.execute(select(suspensions))}
    for key in sorted({*last, *rows}):
        event, row = last.get(key), rows.get(key)
        said = (event.user, event.reasons[0]) if event and event.outcome == "suspended" else None
        if row != said:
            stands = f"suspended, by {said[0]}" if said else "not suspended"
            what = f"the {key[1]} {key[2]} is {f'suspended, by {row[0]}' if row else 'not suspended'}: by the ledger {stands}"
            yield Fault(key[0], event.seq if event else 0, what)


def _delegations(c: Connection, events: Sequence[Record]) -> Iterator[Fault]:
    given = {one.known["id"]: one for one in events if one.outcome == "given"}
    revoked = {one.known["id"] for one in events if one.outcome == "revoked"}
    rows = {row.id: row for row in c.execute(select(delegations))}
    for id in sorted({*given, *rows}):
        event, row = given.get(id), rows.get(id)
        if event is None:
            yield Fault(rows[id].org, 0, f"the ledger knows no delegation {id} of {rows[id].giver} to {rows[id].taker}")
        elif row is None:
            yield Fault(event.org, event.seq, f"the delegation {id} of {event.user} is gone")
        elif _lent(row) != (event.org, event.user, event.tool, *(event.known[name] for name in ("to", "role", "until"))):
            yield Fault(event.org, event.seq, f"the delegation {id} of {event.user} is not the one that was recorded")
        elif bool(row.revoked_at) != (id in revoked):
            stands = "revoked" if id in revoked else "not revoked"
            yield Fault(
                event.org,
                event.seq,
                f"the delegation {id} of {event.user} is {stands} by the ledger, and its row says otherwise",
            )


def _lent(row: Any) -> tuple[Any, ...]:
    return row.org, row.giver, row.tool or "", row.taker, row.role, row.until


def _raised(c: Connection, events: Sequence[Record]) -> Iterator[Fault]:
    said: Counter[tuple[str, str, str]] = Counter()
    last: dict[tuple[str, str, str], Record] = {}
    for one in events:
        if one.outcome == "raised":
            key = (one.known["scope"], one.known["owner"], one.known["unit"])
            said[key] += one.known["amount"]
            last[key] = one
    held = {(row.scope, row.owner, row.unit): row.raised for row in c.execute(select(accounts))}
    for key in sorted({*said, *held}):
        if said[key] != held.get(key, 0):
            place, seq = (last[key].org, last[key].seq) if key in last else ("budgets", 0)
            what = f"the {key[2]} of {key[0]} {key[1]} were raised by {held.get(key, 0)}, and by the ledger by {said[key]}"
            yield Fault(place, seq, what)
