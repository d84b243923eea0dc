"""Clearance's own saver of checkpoints: LangGraph's for SQLite, set up for speed and safe to cancel.

Opened by `graphs/services.py` and by the benchmark; one connection an object, one object an application.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from cancellation import whole
from database import DatabaseUnavailable

RESPONSES = ("Intake", "PlanDraft", "Finding", "Report", "Verdict")
"""The wire types that a checkpoint may hold: what is not named, the serializer does not load."""


class Saver(AsyncSqliteSaver):
    """A saver whose writes are whole: cancelled between a statement and its commit, the stock saver leaves a transaction open,
    and with it the file locked for every other process until this one writes again."""

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        return await whole(super().aput(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await whole(super().aput_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        await whole(super().adelete_thread(thread_id))


S = TypeVar("S", bound=Saver)


@asynccontextmanager
async def open_saver(path: Path, kind: type[S] = Saver) -> AsyncIterator[S]:  # type: ignore[assignment]  # its own default
    """A saver over a file: WAL mode with synchronous=NORMAL (safe against a process crash, about 1.5× the speed).

    `kind` is its class, the service's or the plain one. Raises `DatabaseUnavailable`.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA busy_timeout=15000")
        serde = JsonPlusSerializer(allowed_msgpack_modules=[("graphs.wire", name) for name in RESPONSES])
        saver = kind(connection, serde=serde)
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
