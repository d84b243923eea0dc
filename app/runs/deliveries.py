"""Webhooks that are owed: written in the transaction that ends a run, and kept until they arrived or were tried often enough.

`queue.py` owes them; `app/chores.py` takes them and sends them by `app/webhooks.py`. A process that dies while it sends leaves a row
that is due again: a receiver may get one twice, under the same id.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from app.db.clock import new_id, stamp
from app.db.tables import deliveries, runs
from app.encoding import dumps
from app.runs.spec import Ending
from database import Database

TOLD = ("run_id", "thread_id", "assistant_id", "graph_id", "metadata", "multitask_strategy", "created_at")
SENDING_S = 60.0  # how long one who took a delivery has for it
MOST = 12
FIRST_S, LONGEST_S = 5.0, 3600.0
KEPT_S = 7 * 86_400.0  # how long one that was given up can be looked at


@dataclass(frozen=True)
class Delivery:
    """One to be sent; `attempt` counts from 1."""

    id: str
    run_id: str
    url: str
    body: bytes
    attempt: int


def owe(c: Connection, run_id: str, url: str, ending: Ending) -> None:
    """Tell this address how a run ended."""
    row = c.execute(select(*(runs.c[name] for name in TOLD)).where(runs.c.run_id == run_id)).mappings().one()
    said = {"status": ending.status, "values": ending.values, "interrupts": ending.interrupts, "error": ending.error}
    body = dumps({**row, **said, "updated_at": stamp()})
    values = dict(delivery_id=new_id(), run_id=run_id, url=url, body=body, attempt=0, due=time.time(), created_at=stamp())
    c.execute(insert(deliveries).values(**values))


class Deliveries:
    """What one database owes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, limit: int) -> Sequence[Delivery]:
        """What is due; nobody else gets it for a while."""

        def work(c: Connection) -> list[Delivery]:
            due = select(deliveries.c.delivery_id).where(deliveries.c.due <= time.time()).order_by(deliveries.c.due)
            found = due.limit(limit).with_for_update(skip_locked=True)
            take = update(deliveries).where(deliveries.c.delivery_id.in_(found))
            take = take.values(due=time.time() + SENDING_S, attempt=deliveries.c.attempt + 1)
            rows = c.execute(take.returning(deliveries)).mappings()
            return [Delivery(row["delivery_id"], row["run_id"], row["url"], row["body"], row["attempt"]) for row in rows]

        return await self._db.run(work, durable=False)

    async def arrived(self, id: str) -> None:
        """It was taken in."""
        await self._db.run(lambda c: c.execute(delete(deliveries).where(deliveries.c.delivery_id == id)), durable=False)

    async def failed(self, one: Delivery, why: str, *, for_good: bool = False) -> bool:
        """It did not arrive: it is tried again later, twice as late each time. Says whether it is given up."""
        given_up = for_good or one.attempt >= MOST
        due = None if given_up else time.time() + min(LONGEST_S, FIRST_S * 2 ** (one.attempt - 1))
        change = update(deliveries).where(deliveries.c.delivery_id == one.id).values(due=due, error=why[:1000])
        await self._db.run(lambda c: c.execute(change), durable=False)
        return given_up

    async def wait(self) -> float | None:
        """Seconds until the next is due; None: nothing is owed."""
        query = select(func.min(deliveries.c.due))
        at = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return None if at is None else max(0.0, at - time.time())

    async def forget(self, before: str) -> None:
        """Delete what was given up and is older than this time."""
        old = deliveries.c.due.is_(None) & (deliveries.c.created_at < before)
        await self._db.run(lambda c: c.execute(delete(deliveries).where(old)), durable=False)

    async def of_run(self, run_id: str) -> list[dict[str, Any]]:
        """What is owed for a run, or was given up."""
        query = select(deliveries).where(deliveries.c.run_id == run_id)
        return await self._db.run(lambda c: [dict(row) for row in c.execute(query).mappings()], durable=False)
