"""One engine over one SQL database, shared by the rooms that own tables in it. Floor 0: any room may import it.

A transaction is a plain function of a `Connection`, run whole in a worker thread: one hop instead of one a statement, no
blocking call on the event loop, and the same code on SQLite and PostgreSQL. Writers on SQLite take their lock at BEGIN, so two
processes never deadlock on an upgrade from read to write.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError

from together import Call, Together

T = TypeVar("T")
BUSY_MS = 15_000
THREADS = 2  # more of them fight over the interpreter
CONNECTIONS = 5  # to a server, a handle: a process of the service has 22 with its records, its checkpoints and its news
ASK_S = 1.0  # a connection that was idle for longer is asked whether it lives before it is used
AGAIN_S = 0.25  # between two tries to reach a server that is gone
SCHEMA = 0x636C6561  # the advisory lock of whoever makes or changes tables


class DatabaseUnavailable(RuntimeError):
    """The database cannot be used; the message names it and what to do."""


class ServerGone(DatabaseUnavailable):
    """The server cannot be reached, or went in the middle. `doubtful`: at a commit, so that nobody knows whether it took place."""

    def __init__(self, message: str, *, doubtful: bool = False) -> None:
        super().__init__(message)
        self.doubtful = doubtful


@dataclass(frozen=True)
class Patience:
    """How a task bears a server that is gone: it waits so long for it to come back. `doubt` is told of a doubtful commit,
    on whatever thread."""

    seconds: float
    doubt: Callable[[], None]


patience: ContextVar[Patience | None] = ContextVar("patience", default=None)
"""The patience of this task and of those that it starts; without any, `ServerGone` is raised at once."""


class _Bearing:
    """One transaction's patience with a server that is gone. `again`: it may be carried out twice."""

    def __init__(self, again: bool = False) -> None:
        self._own, self._again, self._began = patience.get(), again, time.monotonic()

    def bear(self, gone: ServerGone) -> None:
        """Return if it is to be tried again; else raise what happened."""
        if self._own is None:
            raise gone
        if gone.doubtful and not self._again:
            self._own.doubt()
            raise gone
        if time.monotonic() > self._began + self._own.seconds:
            raise gone


class Database:
    """Transactions over one SQLAlchemy URL. `close()` drains the worker threads before the engine goes."""

    def __init__(self, url: str, *, readonly: bool = False) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.readonly = readonly
        self._writer = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="db")
        self.engine = self._make_engine()
        self._held: dict[Engine, Connection] = {}
        self._light = self._make_engine("NORMAL") if self.sqlite and not readonly else self.engine
        self._together = Together("light", self._transact) if self._light is not self.engine else None

    def _make_engine(self, synchronous: str = "FULL") -> Engine:  # full: an effect's intent must outlive a power cut
        if not self.sqlite:
            return self._make_server_engine()
        memory = self.url.database in (None, "", ":memory:")
        if memory:
            raise ValueError("an in-memory SQLite database is one per connection: use a file")
        if not self.readonly:
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, record: Any) -> None:
            connection.isolation_level = None  # BEGIN is ours, below
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            cursor.execute("PRAGMA foreign_keys=ON")
            if self.readonly:
                cursor.execute("PRAGMA query_only=ON")
            else:
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute(f"PRAGMA synchronous={synchronous}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def on_begin(connection: Connection) -> None:
            connection.connection.cursor().execute("BEGIN" if self.readonly else "BEGIN IMMEDIATE")

        return engine

    def _make_server_engine(self) -> Engine:
        try:
            engine = create_engine(self.url, pool_size=CONNECTIONS, max_overflow=1)
        except ModuleNotFoundError as error:
            raise DatabaseUnavailable(
                f"the database {self.url.render_as_string()} needs the driver {error.name}, which is not installed: "
                "install it (for PostgreSQL, psycopg[binary])"
            ) from error
        driver: Any = engine.dialect.loaded_dbapi

        @event.listens_for(engine, "checkin")
        def on_checkin(connection: Any, record: Any) -> None:
            record.info["used"] = time.monotonic()

        @event.listens_for(engine, "checkout")
        def on_checkout(connection: Any, record: Any, proxy: Any) -> None:
            if time.monotonic() - record.info.get("used", time.monotonic()) > ASK_S:
                try:
                    engine.dialect.do_ping(connection)
                except driver.Error as error:
                    raise DisconnectionError from error  # the pool makes another

        if self.readonly:

            @event.listens_for(engine, "connect")
            def on_connect(connection: Any, record: Any) -> None:
                cursor = connection.cursor()
                cursor.execute("SET default_transaction_read_only = on")
                cursor.close()
                connection.commit()  # a setting made in a transaction goes with its rollback

        return engine

    def run_sync(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run `work` in one transaction on this thread. Raises `DatabaseUnavailable` for a locked, missing or corrupt file.

        `durable=False` is for what can be made again: it outlives the process, but on SQLite a power cut may take it back
        (until the next durable commit, for the log is written in order). In a context with `patience` it waits for a server that is
        gone.
        """
        bearing = _Bearing()
        while True:
            try:
                return self._run_once(work, durable)
            except ServerGone as gone:
                bearing.bear(gone)
            time.sleep(AGAIN_S)

    def _run_once(self, work: Callable[[Connection], T], durable: bool) -> T:
        worked = False
        with self._writer if self.sqlite and not self.readonly else nullcontext():
            try:
                with self._transaction(self.engine if durable else self._light) as connection:
                    result = work(connection)
                    worked = True
                return result
            except DatabaseError as error:
                raise self._explain(error, worked) from error

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        """One transaction. A writer on SQLite, who is alone, keeps its connection until something fails: to check one out and
        in again costs several times what the database does. Errors of the driver become SQLAlchemy's."""
        driver: Any = engine.dialect.loaded_dbapi
        try:
            if not self.sqlite or self.readonly:
                with engine.begin() as connection:
                    yield connection
                return
            connection = self._held.pop(engine) if engine in self._held else engine.connect()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._held[engine] = connection
        except driver.Error as error:
            raise DBAPIError.instance(None, None, error, driver.Error) from error

    async def run(self, work: Callable[[Connection], T], *, durable: bool = True, again: bool = False) -> T:
        """Run `work` in one transaction in a worker thread; see `run_sync`. In a task with `patience` it waits for a server that
        is gone; `again` says that `work` does no harm where its commit is in doubt and it is carried out a second time."""
        if self._together and not durable:
            try:
                return await self._together.ask(work)
            except DatabaseError as error:
                raise self._explain(error, False) from error
        loop, bearing = asyncio.get_running_loop(), _Bearing(again)
        while True:
            try:
                return await loop.run_in_executor(self._pool, partial(copy_context().run, self._run_once, work, durable))
            except ServerGone as gone:
                bearing.bear(gone)
            await asyncio.sleep(AGAIN_S)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads and may take long, and hold nobody up meanwhile: on SQLite, where every other transaction is a
        writer's, over a connection of its own, which sees what was committed."""
        return await (asyncio.to_thread(self._read_apart, work) if self.sqlite else self.run(work))

    def _read_apart(self, work: Callable[[Connection], T]) -> T:
        reader = Database(self.url.render_as_string(hide_password=False), readonly=True)
        try:
            return reader.run_sync(work)
        finally:
            reader.close()

    def _transact(self, calls: Sequence[Call[Any]]) -> None:
        """Carry out light works in one transaction; one that fails takes back what it did, and only that."""
        driver: Any = self._light.dialect.loaded_dbapi
        with self._writer, self._transaction(self._light) as connection:
            plain = connection.connection.cursor()
            for call in calls:
                if len(calls) > 1:
                    plain.execute("SAVEPOINT one")
                call.carry_out(connection)
                if isinstance(call.error, driver.Error):
                    call.error = DBAPIError.instance(None, None, call.error, driver.Error)
                if call.error and len(calls) > 1:
                    plain.execute("ROLLBACK TO one")
                elif call.error:
                    raise call.error

    def create(self, metadata: MetaData) -> None:
        """Create the missing tables of a room. Raises `DatabaseUnavailable` for tables that an older version made otherwise."""

        def make(c: Connection) -> None:
            alone(c)
            metadata.create_all(c)

        self.run_sync(make)
        there = self.run_sync(lambda c: {t: {one["name"] for one in inspect(c).get_columns(t)} for t in metadata.tables})
        columns = [(table.name, column.name) for table in metadata.tables.values() for column in table.columns]
        if old := [f"{table} lacks {column}" for table, column in columns if column not in there[table]]:
            where = self.url.render_as_string(hide_password=True)
            raise DatabaseUnavailable(
                f"the database {where} was made by an older version ({', '.join(old)}): move it away, or use another CLEARANCE_HOME"
            )

    def close(self) -> None:
        if self._together:
            self._together.close()
        self._pool.shutdown(wait=True)
        with self._writer:
            for connection in self._held.values():
                connection.close()
            self._held.clear()
        self.engine.dispose()
        self._light.dispose()

    def _explain(self, error: DatabaseError, worked: bool) -> Exception:
        """A message with the fix for what a user can mend; any other error as it is."""
        where, said = self.url.render_as_string(hide_password=True), str(error.orig).lower()
        if not self.sqlite and (error.connection_invalidated or gone(error.orig)):
            doubt = "; nobody knows whether its last change took place" if worked else ""
            fix = (
                "check the host in the URL"
                if "failed to resolve host" in said
                else "start the database server, or check the URL"
            )
            return ServerGone(f"the database {where} cannot be used ({error.orig}{doubt}): {fix}", doubtful=worked)
        fixes = {
            "locked": "another process is writing to it: wait for it to end, or use another CLEARANCE_HOME",
            "malformed": "the file is damaged: restore it from a backup, or move it away to start anew",
            "not a database": "the file is not a SQLite database: move it away, or point the setting elsewhere",
            "unable to open": "the file or its folder is missing or not writable: check the path and its permissions",
            "readonly database": "the file is not writable: check its permissions",
            "disk is full": "free some disk space",
        }
        for sign, fix in fixes.items():
            if sign in said:
                return DatabaseUnavailable(f"the database {where} cannot be used ({error.orig}): {fix}")
        return error


class Rehearsal:
    """A database whose transactions are carried out and then taken back: what would happen, without its happening."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def run_sync(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """The result of `work`, of which nothing stays. Raises as `Database.run_sync`."""
        results: list[T] = []

        def rehearse(connection: Connection) -> None:
            results.append(work(connection))
            raise _TakenBack

        try:
            self._db.run_sync(rehearse, durable=durable)
        except _TakenBack:
            return results[0]
        raise AssertionError("unreachable: a rehearsal always takes back")


class _TakenBack(Exception):
    """Ends a rehearsal's transaction, so that it is rolled back."""


def gone(error: BaseException | None) -> bool:
    """Does an error of PostgreSQL's driver say that the server cannot be reached, or that it went?"""
    if not any(kind.__name__ == "OperationalError" for kind in type(error).__mro__):  # the driver is not imported on SQLite
        return False
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(("08", "57P", "53300"))


def alone(connection: Connection) -> None:
    """Be the only one who makes or changes tables, until the transaction ends (on SQLite every writer is)."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(SCHEMA)))


def ping(database: Database) -> None:
    """Raise `DatabaseUnavailable` if the database does not answer."""
    database.run_sync(lambda connection: connection.execute(text("SELECT 1")))
