"""Clearance's own saver of checkpoints: LangGraph's, set up for speed, safe to cancel, and asking first who may write.

Opened by `graphs/services.py`, the service and the benchmark; one object an application, for its runs and their step threads.
On SQLite it is a file under the home (here), on PostgreSQL the application's database (`saver_postgres.py`).
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from cancellation import whole
from database import Database, DatabaseUnavailable
from together import Call, Together

T = TypeVar("T")
Guard = Callable[[], Awaitable[None]]
RESPONSES = ("Intake", "PlanDraft", "Finding", "Report", "Verdict")
"""The wire types that a checkpoint may hold: what is not named, the serializer does not load."""
OF_RUNS = "json_extract(CAST(metadata AS TEXT), '$.run_id') IN (SELECT value FROM json_each(?))"


async def nobody_else() -> None:
    """The guard where no other process can hold a run: everyone may write."""


OLDEST_KEPT = (
    "SELECT checkpoint_id FROM checkpoints WHERE thread_id = {0} AND checkpoint_ns = '' "
    "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET {1}"
)
"""Checkpoint ids sort by time. {0}: the thread, {1}: how many newer ones are kept."""
LIVES_ON = (
    "(checkpoint_ns <> '' AND strpos(checkpoint_ns, ':') = 0 AND checkpoint_id = (SELECT max(other.checkpoint_id) "
    "FROM checkpoints other WHERE other.thread_id = checkpoints.thread_id AND other.checkpoint_ns = checkpoints.checkpoint_ns))"
)
"""The newest of a subgraph whose namespace is not one task's own: those have a colon. For SQLite: `strpos` is `instr`."""
DIFFERENCES = "counters_since_delta_snapshot"
"""What LangGraph notes in the metadata of a checkpoint whose state begins in older ones."""


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

    async def akeep_newest(self, thread_id: str, count: int) -> None:
        """Delete a thread's checkpoints but the newest `count` of its root graph.

        With a checkpoint of the root go those of the subgraphs that its tasks ran; a subgraph that lives on from turn to turn keeps
        its newest. What waits on the thread is its newest, so it stays. A thread whose state is told by older checkpoints (channels
        that keep differences) keeps them all.
        """
        await whole(self._bear(lambda: self._keep_newest(thread_id, count)))

    async def _bear(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry out what may be done twice; a saver over a network tries again here."""
        return await work()

    async def _delete_for_runs(self, run_ids: list[str]) -> None:
        raise NotImplementedError

    async def _copy_thread(self, source: str, target: str) -> None:
        raise NotImplementedError

    async def _keep_newest(self, thread_id: str, count: int) -> None:
        raise NotImplementedError


class Saver(Careful, SqliteSaver):
    """Checkpoints in a file of SQLite: LangGraph's plain saver in a thread of its own (`together.py`). Its asynchronous one goes to
    a thread and back for every statement and commits every write by itself; here a write is one hop, and those that are asked for
    at the same time share a commit. A write that has been asked for is whole, and what is asked later comes behind it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        super().__init__(conn, serde=serializer())
        self._thread = Together("checkpoints", self._transact)

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        await self.guard()
        return await self._thread.ask(lambda: self.put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self.guard()
        await self._thread.ask(lambda: self.put_writes(config, writes, task_id, task_path))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self._thread.ask(lambda: self.get_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        for one in await self._thread.ask(lambda: list(self.list(config, filter=filter, before=before, limit=limit))):
            yield one

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        return await self._thread.ask(lambda: self.get_delta_channel_history(config=config, channels=channels))

    async def adelete_thread(self, thread_id: str) -> None:
        await self._thread.ask(lambda: self.delete_thread(thread_id))

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """LangGraph's own statements: in the thread they are committed with those of others, elsewhere by themselves."""
        if not self._thread.inside:
            with super().cursor(transaction) as alone:
                yield alone
            return
        with closing(self.conn.cursor()) as shared:
            yield shared

    def close(self) -> None:
        """Write what was asked for, and close the file."""
        self._thread.close()
        self.conn.close()

    def _transact(self, calls: Sequence[Call[Any]]) -> None:
        with self.lock:
            try:
                for call in calls:
                    call.carry_out()
                self.conn.commit()
            except BaseException:
                self.conn.rollback()
                raise

    async def _delete_for_runs(self, run_ids: list[str]) -> None:
        ids = "[" + ",".join(f'"{id}"' for id in run_ids) + "]"
        of_runs = f"(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints WHERE {OF_RUNS})"

        def work() -> None:
            self.conn.execute(f"DELETE FROM writes WHERE (thread_id, checkpoint_ns, checkpoint_id) IN {of_runs}", (ids,))
            self.conn.execute(f"DELETE FROM checkpoints WHERE {OF_RUNS}", (ids,))

        await self._thread.ask(work)

    async def _keep_newest(self, thread_id: str, count: int) -> None:
        def work() -> None:
            found = self.conn.execute(OLDEST_KEPT.format("?", "?"), (thread_id, count - 1)).fetchone()
            if found is None:
                return
            here, old = "thread_id = ? AND checkpoint_id", (thread_id, *found)
            if self.conn.execute(
                f"SELECT 1 FROM checkpoints WHERE {here} = ? AND instr(CAST(metadata AS TEXT), ?)", (*old, DIFFERENCES)
            ).fetchone():
                return
            self.conn.execute(f"DELETE FROM checkpoints WHERE {here} < ? AND NOT {LIVES_ON.replace('strpos', 'instr')}", old)
            self.conn.execute(
                f"DELETE FROM writes WHERE {here} < ? AND NOT EXISTS (SELECT 1 FROM checkpoints c WHERE "
                "c.thread_id = writes.thread_id AND c.checkpoint_ns = writes.checkpoint_ns "
                "AND c.checkpoint_id = writes.checkpoint_id)",
                old,
            )

        await self._thread.ask(work)

    async def _copy_thread(self, source: str, target: str) -> None:
        def work() -> None:
            for table in ("checkpoints", "writes"):
                columns = [column[0] for column in self.conn.execute(f"SELECT * FROM {table} LIMIT 0").description]
                shown = ", ".join("?" if column == "thread_id" else column for column in columns)
                self.conn.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {shown} FROM {table} WHERE thread_id = ?",
                    (target, source),
                )

        await self._thread.ask(work)


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
    try:
        saver = await asyncio.to_thread(_opened, path)
    except sqlite3.DatabaseError as error:
        raise DatabaseUnavailable(
            f"the checkpoints {path} cannot be used ({error}): move the file away, or restore it"
        ) from error
    saver.guard = guard
    try:
        yield saver
    finally:
        await asyncio.to_thread(saver.close)


def _opened(path: Path, tries: int = 50) -> Saver:
    """A saver with its tables made. Switching to WAL fails at once while another connection ends, whatever the busy timeout says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    saver = Saver(sqlite3.connect(path, timeout=15, check_same_thread=False))
    try:
        for left in reversed(range(tries)):
            try:
                saver.setup()
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or not left:
                    raise
                time.sleep(0.1)
        saver.conn.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.DatabaseError:
        saver.close()
        raise
    return saver
