"""The cost of an event of the ledger, beside the least that could be done: a SHA-256 of the same bytes, stored and committed.

Both write to SQLite files with every commit reaching the disk, in turns. The bare side hashes and inserts bodies that are ready; it
keeps no chain, no head and no object.
"""

import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from sqlalchemy import text

from database import Database
from governance.decisions import Decisions, Record
from governance.tables import metadata

BATCH = 100  # events of one commit
TABLE = (
    "CREATE TABLE bare (org TEXT, seq INTEGER, execution_id TEXT, body TEXT, hash TEXT, PRIMARY KEY (org, seq)) WITHOUT ROWID",
    "CREATE INDEX bare_execution ON bare (execution_id)",
)
RECORD = Record(
    phase="decided",
    outcome="approve",
    org="bench",
    execution_id="e" * 36,
    step_id="s1",
    call_id="call-1",
    agent="worker",
    user="local",
    tool="work",
    version="1",
    args_digest="0" * 64,
    labels=("untrusted",),
    provenance=("who: said by the user", "amount: said by the user"),
    rules=("effects-need-approval",),
    reasons=("work changes something outside this run; one of risk-manager must approve it",),
    policy_version="0" * 16,
    roles=("requester",),
    known=dict(
        asked=True, tainted=False, read_class=1, target="user", amount="user", link="none", secret=False, hour=9, weekday=1
    ),
    approvers=("risk-manager",),
    ms=1.25,
)


@dataclass(frozen=True)
class EventCost:
    """Microseconds of one event, the median over the rounds.

    `batched`: one of `BATCH` in a commit; `alone`: with a commit of its own. `bare` is a hash and a commit of its own,
    `bare_batched` one of as many in a commit.
    """

    batched: float
    alone: float
    bare: float
    bare_batched: float

    @property
    def ratio(self) -> float:
        """A batched event ÷ a bare hash and commit."""
        return self.batched / self.bare

    @property
    def alone_ratio(self) -> float:
        return self.alone / self.bare

    @property
    def batched_ratio(self) -> float:
        return self.batched / self.bare_batched


def event_cost(rounds: int) -> EventCost:
    """Write in four ways in turns, `rounds` times; one round warms up."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'ledger.db'}")
        db.create(metadata)
        decisions = Decisions(db)
        db.run_sync(lambda c: decisions.add(c, RECORD))
        body = str(db.run_sync(lambda c: c.execute(text("SELECT body FROM ledger")).scalar_one()))
        with closing(sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)) as connection:
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *TABLE):
                connection.execute(statement)
            numbers = count(1)

            def bare(many: int) -> None:
                connection.execute("BEGIN IMMEDIATE")
                for n in (next(numbers) for _ in range(many)):
                    name = hashlib.sha256(b"\0" + body.encode()).hexdigest()
                    connection.execute("INSERT INTO bare VALUES (?, ?, ?, ?, ?)", ("bench", n, RECORD.execution_id, body, name))
                connection.execute("COMMIT")

            def ours(many: int) -> None:
                db.run_sync(lambda c: decisions.add_all(c, [RECORD] * many))

            ways: list[tuple[Callable[[int], None], int]] = [(ours, BATCH), (ours, 1), (bare, 1), (bare, BATCH)]
            taken = [[_seconds(way, many) for way, many in ways] for _ in range(rounds + 1)][1:]
        db.close()
    return EventCost(*(median(column) * 1e6 for column in zip(*taken, strict=True)))


def _seconds(way: Callable[[int], None], many: int) -> float:
    began = time.perf_counter()
    way(many)
    return (time.perf_counter() - began) / many
