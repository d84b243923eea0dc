"""Works that wait at the same time share a transaction, and nothing else: not a failure, not a cancellation."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import IntegrityError

from database import Database


def _insert(number: int) -> TextClause:
    return text(f"INSERT INTO numbers VALUES ({number})")


async def test_who_waits_at_the_same_time_shares_a_commit(tmp_path: Path) -> None:
    db, held, began = Database(f"sqlite:///{tmp_path / 'a.db'}"), threading.Event(), threading.Event()
    db.run_sync(lambda c: c.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")))
    commits: list[int] = []

    def wait(c: Connection) -> None:
        c.execute(_insert(0))
        began.set()
        held.wait(60)

    def work(number: int) -> Callable[[Connection], int]:
        def insert(c: Connection) -> int:
            commits.append(_seen(tmp_path))
            c.execute(_insert(number))
            if number == 3:
                raise ValueError("this one goes wrong")
            return number

        return insert

    first = asyncio.create_task(db.run(wait, durable=False))
    assert await asyncio.to_thread(began.wait, 60)
    rest = [asyncio.create_task(db.run(work(number), durable=False)) for number in (1, 2, 3, 3, 4)]
    await asyncio.sleep(0)
    rest[1].cancel()
    held.set()
    await first
    told = await asyncio.gather(*rest, return_exceptions=True)
    assert [told[0], told[4]] == [1, 4] and isinstance(told[1], asyncio.CancelledError)
    assert isinstance(told[2], ValueError) and isinstance(told[3], ValueError)
    assert db.run_sync(lambda c: list(c.execute(text("SELECT n FROM numbers")).scalars())) == [0, 1, 2, 4]
    assert commits == [1] * 5, "none of the five was committed before another was carried out"
    with pytest.raises(IntegrityError):  # the driver's own error, as SQLAlchemy's
        await db.run(lambda c: c.connection.cursor().execute("INSERT INTO numbers VALUES (1)"), durable=False)
    db.close()


def _seen(folder: Path) -> int:
    """What another connection sees of them."""
    with sqlite3.connect(folder / "a.db") as other:
        return int(other.execute("SELECT count(*) FROM numbers").fetchone()[0])
