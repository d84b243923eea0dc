"""Waits: steps that wait for a time or for an event from outside. Kept in the application's database, they outlive every process.

The execute node asks whether a step may start (`may_start`); the application tells of events (`arrive`) and asks which threads can
go on (`graphs/ready.py`). An event only lets a step start: what it carries is kept and recorded, and no model reads it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from database import Database
from governance.clock import Clock, now, parse, stamp
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.tables import insert_new
from graphs.plan import Step, Wait
from graphs.tables import executions, step_waits

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class NobodyWaits(LookupError):
    """No step waits for this event."""


@dataclass(frozen=True)
class Held:
    """A step that may not start yet: for what it waits, in words, and the moment that ends it (None: an event without a deadline)."""

    waits: str
    due: datetime | None


@dataclass(frozen=True)
class TooLate:
    """The event a step waits for did not come in its time."""

    said: str


def span(text: str) -> timedelta:
    """`90m`, `3d`: as `Wait` writes them."""
    return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])


def wait_of(text: str) -> Wait:
    """A wait as people type it: `3d`, a moment such as 2027-01-31T09:00+01:00, or `event:NAME` (`event:NAME within 5d`).

    Raises `ValueError`, in words.
    """
    if found := re.fullmatch(r"event:(\S+)(?:\s+within\s+(\S+))?", text):
        return Wait(event=found[1], within=found[2] or "")
    return Wait(after=text) if re.fullmatch(r"\d+[smhdw]", text) else Wait(until=text)


class Waits:
    """The waits of one application database."""

    def __init__(self, db: Database, decisions: Decisions, clock: Clock = now) -> None:
        self._db, self._decisions, self._clock = db, decisions, clock

    async def may_start(self, execution_id: str, step: Step) -> Held | TooLate | None:
        """None: it may. The first call begins the wait."""
        wait = step.wait
        if wait is None:
            return None
        key = and_(step_waits.c.execution_id == execution_id, step_waits.c.step_id == step.id)

        def work(c: Connection) -> Mapping[Any, Any]:
            at = self._clock()
            length = wait.after or wait.within
            due = stamp(parse(wait.until)) if wait.until else stamp(at + span(length)) if length else None
            row = dict(execution_id=execution_id, step_id=step.id, event=wait.event or None, due=due, begun=stamp(at))
            insert_new(c, step_waits, row)
            return c.execute(select(step_waits).where(key)).mappings().one()

        row = await self._db.run(work)
        due = parse(row["due"]) if row["due"] else None
        over = due is not None and due <= self._clock()
        if row["event"] is None:
            return None if over else Held(f"until {due:%Y-%m-%d %H:%M} UTC", due)
        if row["arrived"]:
            return None
        if over:
            return TooLate(f"the event {row['event']} did not come by {due:%Y-%m-%d %H:%M} UTC")
        by = f", at the latest by {due:%Y-%m-%d %H:%M} UTC" if due else ""
        return Held(f"for the event {row['event']}{by}", due)

    async def over(self, execution_id: str) -> bool:
        """Is there a step of the execution whose wait is over and that has not started?"""
        mine = and_(step_waits.c.execution_id == execution_id, step_waits.c.taken.is_(None))
        query = select(step_waits.c.step_id).where(mine, self._over()).limit(1)
        return await self._db.run(lambda c: c.execute(query).first()) is not None

    async def arrive(
        self, org: str, event: str, data: Mapping[str, Any], sender: str, *, execution_id: str = "", message_id: str = ""
    ) -> list[str]:
        """An event came, from a sender whose signature was checked: whoever in the organisation waits for it may start.

        The executions. With `execution_id` only that one's. Recorded in the ledger, with the digest of what it carried. Told twice (the
        same `message_id`), it does nothing more: not for a wait that began since, either. Raises `NobodyWaits`.
        """
        mine = [executions.c.org == org, step_waits.c.event == event, executions.c.ended.is_(None)]
        mine += [executions.c.id == execution_id] if execution_id else []

        def work(c: Connection) -> list[str]:
            joined = step_waits.join(executions, executions.c.id == step_waits.c.execution_id)
            columns = (step_waits.c.execution_id, step_waits.c.step_id, step_waits.c.arrived, step_waits.c.due)
            at = stamp(self._clock())
            before = [executions.c.org == org, step_waits.c.message_id == message_id]
            ids = select(step_waits.c.execution_id).select_from(joined).where(*before)
            if message_id and (told := c.execute(ids).scalars().all()):
                return sorted(set(told))
            found = c.execute(select(*columns).select_from(joined).where(*mine)).all()
            if not found:
                whose = f"execution {execution_id}" if execution_id else "any execution"
                raise NobodyWaits(f"no step of {whose} waits for the event {event!r}")
            fresh = [row for row in found if row.arrived is None and (row.due is None or row.due > at)]
            for row in fresh:
                key = and_(step_waits.c.execution_id == row.execution_id, step_waits.c.step_id == row.step_id)
                c.execute(
                    update(step_waits)
                    .where(key)
                    .values(arrived=at, sender=sender, data=dict(data), message_id=message_id or None)
                )
                head = (org, row.execution_id, row.step_id, "", "", sender, "", event, digest(dict(data)))
                self._decisions.add(c, Record("event", "arrived", *head), dict(data))
            return sorted({row.execution_id for row in found})

        return await self._db.run(work)

    async def take(self, execution_id: str, step_id: str) -> None:
        """A step started, or failed, after its wait: nobody need be woken for it any more."""
        key = and_(step_waits.c.execution_id == execution_id, step_waits.c.step_id == step_id)
        taken = update(step_waits).where(key).values(taken=stamp(self._clock()))
        await self._db.run(lambda c: c.execute(taken))

    def _over(self) -> Any:
        return or_(step_waits.c.due <= stamp(self._clock()), step_waits.c.arrived.is_not(None))
