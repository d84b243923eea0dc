"""Transactions over a real database: what a read-only handle cannot do, and what people are told when there is none."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DatabaseError

from database import Database, DatabaseUnavailable, Patience, Rehearsal, ServerGone, patience, ping
from tests.postgres import Postgres

metadata = MetaData()
numbers = Table("numbers", metadata, Column("n", Integer, primary_key=True))


def test_a_read_only_handle_reads_and_nothing_else(database_url: str) -> None:
    writing, reading = Database(database_url), Database(database_url, readonly=True)
    writing.create(metadata)
    writing.run_sync(lambda c: c.execute(insert(numbers).values(n=1)))
    for statement in (
        "INSERT INTO numbers VALUES (2)",
        "DELETE FROM numbers",
        "DROP TABLE numbers",
        "CREATE TABLE other (n int)",
    ):
        for _ in range(2):  # whatever the first did to the connection
            with pytest.raises((DatabaseError, DatabaseUnavailable), match=r"(?i)read-?only"):
                reading.run_sync(lambda c, statement=statement: c.execute(text(statement)))
    assert reading.run_sync(lambda c: c.execute(select(numbers.c.n)).scalars().all()) == [1]
    reading.close()
    writing.close()


def test_what_is_rehearsed_is_seen_and_does_not_stay(database_url: str) -> None:
    database = Database(database_url)
    database.create(metadata)

    def work(connection: Connection) -> list[int]:
        connection.execute(insert(numbers).values(n=7))
        return list(connection.scalars(select(numbers.c.n)).all())

    assert [Rehearsal(database).run_sync(work) for _ in range(2)] == [[7], [7]]
    with pytest.raises(KeyError):
        Rehearsal(database).run_sync(lambda c: {}["nothing"])  # type: ignore[index]
    assert database.run_sync(lambda c: c.scalars(select(numbers.c.n)).all()) == []
    database.close()


async def test_a_transaction_that_fails_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    database.create(metadata)

    def work(connection) -> None:  # type: ignore[no-untyped-def]
        connection.execute(insert(numbers).values(n=1))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.run(work)
    assert await database.run(lambda c: c.execute(select(numbers)).all()) == []
    database.close()


async def test_writers_take_turns(database_url: str) -> None:
    database = Database(database_url)
    database.create(metadata)
    await asyncio.gather(*(database.run(lambda c, n=n: c.execute(insert(numbers).values(n=n))) for n in range(20)))
    assert len(await database.run(lambda c: c.execute(select(numbers)).all())) == 20
    database.close()


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://me:secret@/records?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable, match="start the database server, or check the URL") as error:
        ping(database)
    assert "secret" not in str(error.value)
    database.close()


def test_a_driver_that_is_not_there_is_named() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"needs the driver asyncpg.*psycopg\[binary\]"):
        Database("postgresql+asyncpg://localhost/records")


def test_tables_of_an_older_version_are_named_with_what_to_do(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'old.db'}")
    db.run_sync(lambda c: c.exec_driver_sql("CREATE TABLE things (id INTEGER PRIMARY KEY)"))
    newer = MetaData()
    Table("things", newer, Column("id", Integer, primary_key=True), Column("colour", String(10)))
    with pytest.raises(DatabaseUnavailable, match=r"older version \(things lacks colour\): move it away"):
        db.create(newer)
    db.close()


@pytest.mark.parametrize("again", [False, True])
async def test_a_commit_in_doubt_is_told_or_tried_again(postgres: Postgres, again: bool) -> None:
    database, doubts, tries = Database(postgres.new_url()), [], []
    database.create(metadata)

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.execute(insert(numbers).values(n=len(tries)))
        if len(tries) == 1:  # its connection goes before it commits
            postgres.server.do(f"SELECT pg_terminate_backend({connection.scalar(text('SELECT pg_backend_pid()'))}, 30000)")

    patience.set(Patience(60, lambda: doubts.append(1)))
    try:
        if again:
            await database.run(work, again=True)
        else:
            with pytest.raises(ServerGone, match="nobody knows"):
                await database.run(work)
    finally:
        patience.set(None)
    assert (len(doubts), len(tries)) == ((0, 2) if again else (1, 1))
    assert database.run_sync(lambda c: c.scalars(select(numbers.c.n)).all()) == ([2] if again else [])
    database.close()
