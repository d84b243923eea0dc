"""Crons: runs that are asked for again and again. Their rows, and the one transaction in which one fires. Used by their router and
by `app/chores.py`.

What was due while no process ran is made up for once, not for each time that was missed.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter
from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from app.auth.reach import Deed, Owner, may, reaches_all
from app.db.clock import new_id, stamp
from app.db.filters import contains
from app.db.tables import crons
from database import Database
from governance.identity import Caller

T = TypeVar("T")
SORTED_BY = ("cron_id", "assistant_id", "thread_id", "created_at", "updated_at", "next_run_date", "end_time")
FIELDS = 5


class CronMissing(LookupError):
    """There is no such cron."""


class BadSchedule(ValueError):
    """A schedule or time zone that cannot be read, or that never comes."""


def next_of(schedule: str, zone: str | None, after: float) -> float:
    """When a schedule is next due, in seconds since the epoch. Raises `BadSchedule`."""
    try:
        where = ZoneInfo(zone) if zone else UTC
    except (KeyError, ValueError, OSError) as error:
        raise BadSchedule(f"timezone: there is no {zone!r}: use an IANA name such as Europe/Berlin") from error
    if len(schedule.split()) != FIELDS:
        raise BadSchedule(f"schedule: {schedule!r} has not five fields: minute, hour, day, month, weekday")
    try:
        return float(croniter(schedule, datetime.fromtimestamp(after, where)).get_next(float))
    except CroniterBadDateError as error:
        raise BadSchedule(f"schedule: {schedule!r} never comes") from error
    except (CroniterBadCronError, ValueError) as error:
        raise BadSchedule(f"schedule: {schedule!r} cannot be read: {error}") from error


class Crons:
    """The crons of one database. Rows are as the table has them; `shown` makes of one what the API answers."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, owner: Caller, caller: Caller | None, **fields: Any) -> dict[str, Any]:
        """A new one. Raises `BadSchedule`."""
        at = stamp()
        row = {**fields, "cron_id": new_id(), "org": owner.org, "owner": owner.user, "created_at": at, "updated_at": at}
        row |= {"caller": caller.as_dict() if caller else None, "next_run": _next(row, time.time())}
        await self._db.run(lambda c: c.execute(insert(crons).values(**row)))
        return row

    async def get(self, cron_id: str, caller: Caller | None, deed: Deed) -> dict[str, Any]:
        """Raises `CronMissing`, also for one that is not the caller's to reach."""
        return await self._db.run(lambda c: _get(c, cron_id, caller, deed), durable=False)

    async def change(self, cron_id: str, caller: Caller | None, payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Change these fields, and these of the request. Raises `CronMissing`, `BadSchedule`."""

        def work(c: Connection) -> dict[str, Any]:
            row = {**_get(c, cron_id, caller, "write"), **fields, "updated_at": stamp()}
            row |= {"payload": {**row["payload"], **payload}, "next_run": _next(row, time.time())}
            c.execute(update(crons).where(crons.c.cron_id == cron_id).values(**row))
            return row

        return await self._db.run(work)

    async def delete(self, cron_id: str, caller: Caller | None) -> None:
        """Raises `CronMissing`."""

        def work(c: Connection) -> None:
            _get(c, cron_id, caller, "write")
            c.execute(delete(crons).where(crons.c.cron_id == cron_id))

        await self._db.run(work)

    async def search(
        self,
        caller: Caller | None,
        *,
        metadata: dict[str, Any],
        equal: dict[str, Any],
        limit: int,
        offset: int,
        sort_by: str,
        descending: bool,
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of those that the caller may read (None: all), and how many there are in all."""
        column = crons.c["next_run" if sort_by == "next_run_date" else sort_by]

        def matching(query: Select[Any]) -> Select[Any]:
            query = query.where(*contains(crons.c.metadata, metadata))
            query = query.where(*(crons.c[name] == value for name, value in equal.items() if value is not None))
            if caller:
                query = query.where(crons.c.org == caller.org)
                if not reaches_all(caller, "read"):
                    query = query.where(crons.c.owner == caller.user)
            return query

        def work(c: Connection) -> tuple[list[dict[str, Any]], int]:
            order = column.desc() if descending else column.asc()
            page = c.execute(matching(select(crons)).order_by(order, crons.c.cron_id).limit(limit).offset(offset)).mappings()
            return [dict(row) for row in page], c.execute(matching(select(func.count()).select_from(crons))).scalar_one()

        return await self._db.run(work, durable=False)

    async def due(self) -> list[dict[str, Any]]:
        """Those that are due now, the latest first."""
        query = select(crons).where(_open(), crons.c.next_run <= time.time()).order_by(crons.c.next_run).limit(100)
        return await self._db.run(lambda c: [dict(row) for row in c.execute(query).mappings()], durable=False)

    async def wait(self) -> float | None:
        """Seconds until the next is due; None: there is none."""
        query = select(func.min(crons.c.next_run)).where(_open())
        at = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return None if at is None else max(0.0, at - time.time())

    async def fire(self, row: dict[str, Any], insert_run: Callable[[Connection], T]) -> T | None:
        """Make the run of one that is due and say when it is due next, both or neither; None if another process did."""
        here = (crons.c.cron_id == row["cron_id"]) & (crons.c.next_run == row["next_run"]) & _open()

        def work(c: Connection) -> T | None:
            if c.execute(select(crons.c.cron_id).where(here).with_for_update(skip_locked=True)).first() is None:
                return None
            c.execute(update(crons).where(crons.c.cron_id == row["cron_id"]).values(next_run=_next(row, time.time())))
            return insert_run(c)

        return await self._db.run(work)

    async def disable(self, cron_id: str) -> None:
        """It fires no more until somebody enables it."""
        change = update(crons).where(crons.c.cron_id == cron_id).values(enabled=False, updated_at=stamp())
        await self._db.run(lambda c: c.execute(change))


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A cron as the API answers it."""
    hidden = ("caller", "org", "owner", "next_run")
    next_run = row["next_run"] if row["enabled"] else None
    body = {name: value for name, value in row.items() if name not in hidden}
    return {**body, "user_id": row["owner"], "next_run_date": next_run and datetime.fromtimestamp(next_run, UTC).isoformat()}


def _next(row: dict[str, Any], after: float) -> float | None:
    at = next_of(row["schedule"], row["timezone"], after)
    return None if row["end_time"] and at >= datetime.fromisoformat(row["end_time"]).timestamp() else at


def _open() -> ColumnElement[bool]:
    return crons.c.enabled.is_(True) & crons.c.next_run.is_not(None)


def _get(c: Connection, cron_id: str, caller: Caller | None, deed: Deed) -> dict[str, Any]:
    row = c.execute(select(crons).where(crons.c.cron_id == cron_id)).mappings().one_or_none()
    if row is None or (caller and not may(caller, deed, Owner(row["org"], row["owner"]))):
        raise CronMissing(f"Cron with ID {cron_id} not found")
    return dict(row)
