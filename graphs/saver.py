"""Clearance's own saver of checkpoints: LangGraph's, set up for speed, safe to cancel, and asking first who may write.

Opened by `graphs/services.py`, the service and the benchmark; one object an application, for its runs and their step threads.
On SQLite it is a file under the home (here), on PostgreSQL the application's database (`saver_postgres.py`).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from cancellation import whole
from database import Database, DatabaseUnavailable

T = TypeVar("T")
Guard = Callable[[], Awaitable[None]]
RESPONSES = ("Intake", "PlanDraft", "Finding", "Report", "Verdict")
"""The wire types that a checkpoint may hold: what is not named, the serializer does not load."""
OF_RUNS = "json_extract(CAST(metadata AS TEXT), '$.run_id') IN (SELECT value FROM json_each(?))"


async def nobody_else() -> None:
    """The guard where no other process can hold a run: everyone may write."""


class Careful(BaseCheckpointSaver[str]):
    """Stands before a saver of LangGraph's: `guard` is asked before a checkpoint is written (it raises where it may not be), and
    a write that has begun is whole: cancelled between a statement and its commit, LangGraph's leave a transaction open."""

    guard: Guard = staticmethod(nobody_else)

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        await self.guard()
        put = super().aput
        return await whole(self._bear(lambda: put(config, checkpoint, metadata, new_versions)))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self.guard()
        put = super().aput_writes
        await whole(self._bear(lambda: put(config, writes, task_id, task_path)))

    async def adelete_thread(self, thread_id: str) -> None:
        delete = super().adelete_thread
        await whole(self._bear(lambda: delete(thread_id)))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that these runs wrote, on whatever thread."""
        await whole(self._bear(lambda: self._delete_for_runs(list(run_ids))))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy every checkpoint of a thread, with its writes, to a thread that has none."""
        await whole(self._bear(lambda: self._copy_thread(source_thread_id, target_thread_id)))

    async def _bear(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry out what may be done twice; a saver over a network tries again here."""
        return await work()

    async def _delete_for_runs(self, run_ids: list[str]) -> None:
        raise NotImplementedError

    async def _copy_thread(self, source: str, target: str) -> None:
        raise NotImplementedError


class Saver(Careful, AsyncSqliteSaver):
    """Checkpoints in a file of SQLite. A transaction left open would lock it for every other process."""

    async def _delete_for_runs(self, run_ids: list[str]) -> None:
        ids = "[" + ",".join(f'"{id}"' for id in run_ids) + "]"
        async with self.lock, self.conn.cursor() as cursor:
            await cursor.execute(
                "DELETE FROM writes WHERE (thread_id, checkpoint_ns, checkpoint_id) IN "
                f"(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints WHERE {OF_RUNS})",
                (ids,),
            )
            await cursor.execute(f"DELETE FROM checkpoints WHERE {OF_RUNS}", (ids,))
            await self.conn.commit()

    async def _copy_thread(self, source: str, target: str) -> None:
        async with self.lock, self.conn.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                await cursor.execute(f"SELECT * FROM {table} LIMIT 0")
                columns = [column[0] for column in cursor.description]
                shown = ", ".join("?" if column == "thread_id" else column for column in columns)
                await cursor.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {shown} FROM {table} WHERE thread_id = ?",
                    (target, source),
                )
            await self.conn.commit()


def serializer() -> JsonPlusSerializer:
    """What every saver of ours reads and writes values with."""
    return JsonPlusSerializer(allowed_msgpack_modules=[("graphs.wire", name) for name in RESPONSES])


@asynccontextmanager
async def open_saver_of(db: Database, home: Path, guard: Guard = nobody_else) -> AsyncIterator[Careful]:
    """The saver that goes with the application's database. Raises `DatabaseUnavailable`."""
    if db.sqlite:
        async with open_saver(home / "checkpoints.db", guard) as saver:
            yield saver
    else:
        from graphs.saver_postgres import open_postgres_saver  # its driver takes a while to import

        async with open_postgres_saver(db.url, guard) as own:
            yield own


@asynccontextmanager
async def open_saver(path: Path, guard: Guard = nobody_else) -> AsyncIterator[Saver]:
    """A saver over a file: WAL mode with synchronous=NORMAL (safe against a process crash, about 1.5× the speed).

    Raises `DatabaseUnavailable`.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA busy_timeout=15000")
        saver = Saver(connection, serde=serializer())
        saver.guard = guard
        try:
            await _set_up(saver)
            await connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.DatabaseError as error:
            raise DatabaseUnavailable(
                f"the checkpoints {path} cannot be used ({error}): move the file away, or restore it"
            ) from error
        try:
            yield saver
        finally:
            async with saver.lock:  # a write that nobody waits for any more is not torn either
                await connection.close()


async def _set_up(saver: Saver, tries: int = 50) -> None:
    """Make the saver's tables. Switching to WAL fails at once while another connection ends, whatever the busy timeout says."""
    for left in reversed(range(tries)):
        try:
            return await saver.setup()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not left:
                raise
            await asyncio.sleep(0.1)
