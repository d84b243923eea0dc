"""Lets go of old checkpoints, on LangGraph's savers for SQLite and PostgreSQL. Used by `app/retention.py`, which knows when it may.

Each graph of a thread (a checkpoint namespace) keeps its newest. A subgraph that one task of its parent ran has a namespace of that
task's own, which goes with the parent's checkpoint; one that lives on from turn to turn is counted like its parent.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from cancellation import whole

OLD = """
SELECT checkpoint_ns, checkpoint_id FROM (
    SELECT checkpoint_ns, checkpoint_id,
        row_number() OVER (PARTITION BY checkpoint_ns ORDER BY checkpoint_id DESC) AS place
    FROM checkpoints WHERE thread_id = {0}
) AS placed
WHERE place > {1} OR (checkpoint_ns LIKE '%:%' AND checkpoint_id < (
    SELECT min(checkpoint_id) FROM (
        SELECT checkpoint_id FROM checkpoints WHERE thread_id = {0} AND checkpoint_ns = ''
        ORDER BY checkpoint_id DESC LIMIT {1}
    ) AS kept
))
"""
CROWDED = """
SELECT thread_id FROM checkpoints WHERE checkpoint_ns = '' AND thread_id > {0}
GROUP BY thread_id HAVING count(*) > {0} ORDER BY thread_id LIMIT 500
"""


async def keep_newest(saver: BaseCheckpointSaver[str], thread_id: str, count: int) -> int:
    """Delete a thread's checkpoints but the newest `count` of each graph; how many went. Nothing may be writing to it."""
    return await whole(_keep_sqlite(saver, thread_id, count) if _sqlite(saver) else _keep_postgres(saver, thread_id, count))


async def crowded(saver: BaseCheckpointSaver[str], count: int, after: str = "") -> list[str]:
    """A page of the threads that have more checkpoints than this, by their ids, behind `after`."""
    if _sqlite(saver):
        async with saver.lock, saver.conn.execute(CROWDED.format("?"), (after, count)) as found:  # type: ignore[attr-defined]
            return [row[0] for row in await found.fetchall()]
    async with saver._cursor() as cursor:  # type: ignore[attr-defined]  # LangGraph's own way to a connection, pooled or not
        await cursor.execute(CROWDED.format("%s"), (after, count))
        return [row["thread_id"] for row in await cursor.fetchall()]


def _sqlite(saver: Any) -> bool:
    return isinstance(saver, AsyncSqliteSaver)


async def _keep_sqlite(saver: Any, thread_id: str, count: int) -> int:
    async with saver.lock, saver.conn.cursor() as cursor:
        await cursor.execute(OLD.format("?1", "?2"), (thread_id, count))
        old = [(thread_id, *row) for row in await cursor.fetchall()]
        for table in ("writes", "checkpoints"):
            await cursor.executemany(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?", old
            )
        await saver.conn.commit()
    return len(old)


async def _keep_postgres(saver: Any, thread_id: str, count: int) -> int:
    async with saver._cursor() as cursor:
        await cursor.execute(OLD.format("%(id)s", "%(count)s").replace("'%:%'", "'%%:%%'"), {"id": thread_id, "count": count})
        old = [(thread_id, row["checkpoint_ns"], row["checkpoint_id"]) for row in await cursor.fetchall()]
        for table in ("checkpoint_writes", "checkpoints"):
            await cursor.executemany(
                f"DELETE FROM {table} WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = %s", old
            )
        await cursor.execute(
            "DELETE FROM checkpoint_blobs b WHERE b.thread_id = %s AND NOT EXISTS (SELECT 1 FROM checkpoints c "
            "WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns "
            "AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)",
            (thread_id,),
        )
    return len(old)
