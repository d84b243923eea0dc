"""The saver of the service: it writes a checkpoint only for who holds the run's lease.

Step threads are written through the same saver from tasks that the run started, so they check their parent's lease. Outside a
run (a state that a client updates) there is no lease to check.
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata

from app.runs.lease import current
from graphs.saver import Saver

OF_RUNS = "json_extract(CAST(metadata AS TEXT), '$.run_id') IN (SELECT value FROM json_each(?))"


class LeasedSaver(Saver):
    """The graphs' saver with the lease in front, and with what LangGraph's interface leaves open: copies, deletion by run."""

    async def aput(
        self, config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> RunnableConfig:
        await _check()
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await _check()
        await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that these runs wrote, on whatever thread."""
        ids = "[" + ",".join(f'"{id}"' for id in run_ids) + "]"
        async with self.lock, self.conn.cursor() as cursor:
            await cursor.execute(
                "DELETE FROM writes WHERE (thread_id, checkpoint_ns, checkpoint_id) IN "
                f"(SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints WHERE {OF_RUNS})",
                (ids,),
            )
            await cursor.execute(f"DELETE FROM checkpoints WHERE {OF_RUNS}", (ids,))
            await self.conn.commit()

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy every checkpoint of a thread, with its writes, to a thread that has none."""
        async with self.lock, self.conn.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                await cursor.execute(f"SELECT * FROM {table} LIMIT 0")
                columns = [column[0] for column in cursor.description]
                shown = ", ".join("?" if column == "thread_id" else column for column in columns)
                await cursor.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {shown} FROM {table} WHERE thread_id = ?",
                    (target_thread_id, source_thread_id),
                )
            await self.conn.commit()


async def _check() -> None:
    lease = current.get()
    if lease is not None:
        await lease.check()
