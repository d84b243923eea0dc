"""One service a home and a database: on SQLite a lock on a file in the home, on PostgreSQL an advisory lock beside it.

Whoever holds them knows that every lease of another process is dead. Several processes on one database are not supported yet:
checkpoints lie in the home, so another one could not take a run over.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import func, select

from database import Database

SERVICE = 0x636C6561  # which of a database's advisory locks is ours


class HomeInUse(RuntimeError):
    """Another process serves this home, or this database."""


@contextmanager
def home_lock(home: Path, db: Database) -> Iterator[None]:
    """Hold the home and the database until the end; the system lets them go if the process dies. Raises `HomeInUse`."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeInUse(f"another process serves {home}: use it, stop it, or set CLEARANCE_HOME") from error
        with nullcontext() if db.sqlite else _database_lock(db):
            yield


@contextmanager
def _database_lock(db: Database) -> Iterator[None]:
    """Held by a connection of its own, which is in no transaction meanwhile."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(select(func.pg_try_advisory_lock(SERVICE))).scalar_one():
            where = db.url.render_as_string(hide_password=True)
            raise HomeInUse(f"another process serves the database {where}: use it, stop it, or set CLEARANCE_DATABASE_URL")
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(SERVICE)))  # the pool would keep the connection, and the lock
