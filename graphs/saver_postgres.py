"""Checkpoints in the application's PostgreSQL: LangGraph's saver over a pool of connections, which outlives an outage of the server.

LangGraph's serialises an application's statements on one lock, which is right for one connection, and sends each write by itself.
Here reads have a connection of a pool each, and writes that are asked for at the same time go together (`pipeline.py`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres import PostgresSaver as PlainSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg_pool import PoolTimeout
from sqlalchemy import URL

from database import AGAIN_S, ServerGone, gone, patience
from graphs.pipeline import Pipeline, Pool
from graphs.saver import DIFFERENCES, LIVES_ON, OLDEST_KEPT, Careful, Guard, nobody_else, serializer

T = TypeVar("T")
CONNECTIONS = 5
WAITS_S = 10.0  # for a free connection, or for a server that may just be starting
TABLES = 0x636C6562  # the advisory lock of who makes LangGraph's tables
COPIED = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": "checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path",
}
UNUSED_BLOBS = (
    "DELETE FROM checkpoint_blobs b WHERE b.thread_id = ANY(%s) AND NOT EXISTS (SELECT 1 FROM checkpoints c "
    "WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns "
    "AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)"
)


class PostgresSaver(Careful, AsyncPostgresSaver):
    """Checkpoints in a database of PostgreSQL. Where the server is gone, a task with `patience` waits; else `ServerGone`."""

    def __init__(self, pool: Pool, where: str) -> None:
        super().__init__(pool, serde=serializer())
        self._pool, self._where = pool, where
        self._pipeline = Pipeline(pool, self.serde)
        self.lock = cast(asyncio.Lock, _Open())

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        get = super().aget_tuple
        return await self._bear(lambda: get(config))

    async def alist(self, config: RunnableConfig | None, **asked: Any) -> AsyncIterator[CheckpointTuple]:
        listed = super().alist

        async def found() -> list[CheckpointTuple]:
            return [one async for one in listed(config, **asked)]  # LangGraph's fetches all rows first, too

        for one in await self._bear(found):
            yield one

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        return await self._write(lambda saver: saver.put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self._write(lambda saver: saver.put_writes(config, writes, task_id, task_path))

    async def _write(self, work: Callable[[PlainSaver], T]) -> T:
        await self.guard()
        return await self._bear(lambda: self._pipeline.ask(work))

    async def _bear(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a saver does may be done twice, so a commit in doubt is no matter."""
        own, began = patience.get(), time.monotonic()
        for tries in range(10_000_000):
            try:
                return await work()
            except (OperationalError, PoolTimeout) as error:
                if not isinstance(error, PoolTimeout) and not gone(error):
                    raise
                if tries and (own is None or time.monotonic() > began + own.seconds):
                    said = f"the database {self._where} cannot be used ({error}): start the database server, or check the URL"
                    raise ServerGone(said) from error
            with suppress(OperationalError, PoolTimeout):
                await self._pool.check()  # connections of before a restart are let go
            if tries:
                await asyncio.sleep(AGAIN_S)
        raise AssertionError("unreachable: the patience ends before")

    async def _delete_for_runs(self, run_ids: list[str]) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "DELETE FROM checkpoint_writes w USING checkpoints c WHERE c.metadata ->> 'run_id' = ANY(%s) "
                "AND w.thread_id = c.thread_id AND w.checkpoint_ns = c.checkpoint_ns AND w.checkpoint_id = c.checkpoint_id",
                (run_ids,),
            )
            deleted = await connection.execute(
                "DELETE FROM checkpoints WHERE metadata ->> 'run_id' = ANY(%s) RETURNING thread_id", (run_ids,)
            )
            threads = list({row["thread_id"] for row in await deleted.fetchall()})
            await connection.execute(UNUSED_BLOBS, (threads,))

    async def _keep_newest(self, thread_id: str, count: int) -> None:
        here = "thread_id = %s AND checkpoint_id"
        async with self._pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(OLDEST_KEPT.format("%s", "%s").encode(), (thread_id, count - 1))).fetchone()
            if found is None:
                return
            old = (thread_id, found["checkpoint_id"])
            differs = f"SELECT 1 FROM checkpoints WHERE {here} = %s AND metadata ? %s"
            if await (await connection.execute(differs.encode(), (*old, DIFFERENCES))).fetchone():
                return
            gone = await connection.execute(f"DELETE FROM checkpoints WHERE {here} < %s AND NOT {LIVES_ON}".encode(), old)
            if not gone.rowcount:
                return
            await connection.execute(
                f"DELETE FROM checkpoint_writes w WHERE {here} < %s AND NOT EXISTS (SELECT 1 FROM checkpoints c WHERE "
                "c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns AND c.checkpoint_id = w.checkpoint_id)".encode(),
                old,
            )
            await connection.execute(UNUSED_BLOBS, ([thread_id],))

    async def _copy_thread(self, source: str, target: str) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            for table, columns in COPIED.items():
                copy = f"INSERT INTO {table} (thread_id, {columns}) SELECT %s, {columns} FROM {table} WHERE thread_id = %s"
                await connection.execute(f"{copy} ON CONFLICT DO NOTHING".encode(), (target, source))


class _Open:
    """In the place of a lock: everyone goes through."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


@asynccontextmanager
async def open_postgres_saver(url: URL, guard: Guard = nobody_else) -> AsyncIterator[PostgresSaver]:
    """A saver with its tables made, over a pool that reconnects. Raises `ServerGone`."""
    where = url.render_as_string(hide_password=True)
    pool = Pool(
        driver_url(url),
        connection_class=AsyncConnection[DictRow],
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        min_size=1,
        max_size=CONNECTIONS,
        timeout=WAITS_S,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=WAITS_S)
    except PoolTimeout as error:
        raise ServerGone(f"the database {where} cannot be used: start the database server, or check the URL") from error
    async with pool:
        saver = PostgresSaver(pool, where)
        saver.guard = guard
        await _set_up(saver, pool)
        yield saver


def driver_url(url: URL) -> str:
    """The URL as the driver reads it, its password in it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


async def _set_up(saver: PostgresSaver, pool: Pool) -> None:
    async with pool.connection() as connection, making_tables(connection):
        await saver.setup()


@asynccontextmanager
async def making_tables(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Only one process of all makes LangGraph's tables meanwhile. Who waits asks again: the indexes are made `CONCURRENTLY`, which
    waits for every statement that is under way, one that waits for a lock included. The connection commits each by itself."""
    while True:
        asked = connection.cursor(row_factory=tuple_row)
        taken = await (await asked.execute("SELECT pg_try_advisory_lock(%s)", (TABLES,))).fetchone()
        if taken and taken[0]:
            break
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock(%s)", (TABLES,))
