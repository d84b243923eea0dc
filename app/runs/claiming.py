"""Taking runs from the queue: which may start, and what a worker then holds. Used by `queue.py`, inside its transactions.

On PostgreSQL workers pass over rows that another is taking (SKIP LOCKED); on SQLite one writes at a time.
"""

import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, func, literal, or_, select, update

from app.db.clock import stamp
from app.db.tables import runs, threads
from app.runs.lease import LEASE_S
from app.runs.spec import Claim, Spec

ATTEMPTS = 3
SERVER_NOW = func.extract("epoch", func.clock_timestamp()).cast(Float)
SKIP = 10_000
"""How far an attempt after a crash begins behind the log's end: more than are ever published and not yet written, so that no
number that a client has seen is given twice."""


def claim(
    c: Connection, worker: str, limit: int, *, thread_id: str | None = None, expired: bool = True, dead: bool = False
) -> list[Claim]:
    """Take runs that may start, of this thread or of any; with `expired` also those whose lease ran out (`dead`: every other's has)."""
    held, earlier = runs.alias("held"), runs.alias("earlier")
    here = held.c.thread_id == runs.c.thread_id
    free = ~select(held.c.run_id).where(here, held.c.status == "running").exists()
    first = ~(
        select(earlier.c.run_id)
        .where(earlier.c.thread_id == runs.c.thread_id, earlier.c.status == "pending", earlier.c.run_id < runs.c.run_id)
        .where(or_(earlier.c.not_before.is_(None), earlier.c.not_before <= now(c)))
        .exists()
    )
    due = or_(runs.c.not_before.is_(None), runs.c.not_before <= now(c))
    able: ColumnElement[bool] = (runs.c.status == "pending") & due & free & first
    if thread_id:
        able = able & (runs.c.thread_id == thread_id)
    elif expired:
        able = or_(able, lost(c, worker, dead) & (runs.c.attempt < ATTEMPTS))
    return take(c, worker, able, limit)


def take(c: Connection, worker: str, able: ColumnElement[bool], limit: int) -> list[Claim]:
    """Take runs for which `able` holds, each as its next attempt."""
    found = select(runs.c.run_id).where(able).order_by(runs.c.run_id).limit(limit).with_for_update(skip_locked=True)
    values: dict[str, Any] = dict(status="running", worker=worker, attempt=runs.c.attempt + 1, updated_at=stamp())
    change = update(runs).where(runs.c.run_id.in_(found)).values(**values, leased_until=now(c) + LEASE_S)
    rows = [dict(row) for row in c.execute(change.returning(runs)).mappings()]
    if not rows:
        return []
    held = threads.c.thread_id.in_([row["thread_id"] for row in rows])
    of = {t.thread_id: t for t in c.execute(select(threads.c.thread_id, threads.c.last_seq, threads.c.metadata).where(held))}
    claims = []
    for row in rows:  # the thread shows by which graph its state is to be read
        thread = of[row["thread_id"]]
        ids = {"graph_id": row["graph_id"], "assistant_id": row["assistant_id"]}
        change = update(threads).where(threads.c.thread_id == thread.thread_id)
        seq = thread.last_seq + (SKIP if row["attempt"] > 1 else 0)  # a holder before, if it lives, cannot write any more
        c.execute(change.values(metadata={**thread.metadata, **ids}, status="busy", last_seq=seq))
        claims.append(claimed(row, seq, alone=c.dialect.name == "sqlite"))
    return claims


def lost(c: Connection, worker: str, dead: bool) -> ColumnElement[bool]:
    """Does the lease of whoever holds it say that it is gone?"""
    over = runs.c.worker != worker if dead else runs.c.leased_until < now(c)
    return (runs.c.status == "running") & over


def claimed(row: dict[str, Any], seq: int, *, alone: bool) -> Claim:
    """`alone`: nobody can follow it through another process."""
    return Claim(
        run_id=row["run_id"],
        thread_id=row["thread_id"],
        assistant_id=row["assistant_id"],
        graph_id=row["graph_id"],
        spec=Spec.from_dict(row["kwargs"]),
        metadata=row["metadata"],
        attempt=row["attempt"],
        first_seq=seq,
        stateless=row["stateless"] and alone,
        cancel=row["cancel"],
    )


def now(c: Connection) -> ColumnElement[float]:
    """Seconds since the epoch by the one clock that all workers share."""
    if c.dialect.name == "postgresql":
        return SERVER_NOW
    return literal(time.time(), Float)
