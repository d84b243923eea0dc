"""The saver of checkpoints: its writes are whole, whenever they are cancelled."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from graphs.saver import Saver, open_saver

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "c"}}


async def put(saver: Saver) -> Any:
    return await saver.aput(CONFIG, empty_checkpoint(), {}, {})


async def put_writes(saver: Saver) -> Any:
    return await saver.aput_writes(CONFIG, [("a", 1), ("b", 2)], "task")


async def delete(saver: Saver) -> Any:
    return await saver.adelete_thread("t")


@pytest.mark.parametrize("write", [put, put_writes, delete])
async def test_a_cancelled_write_leaves_no_lock_behind(tmp_path: Path, write: Any) -> None:
    async with open_saver(tmp_path / "checkpoints.db") as saver:
        for moment in range(12):
            task = asyncio.create_task(write(saver))
            for _ in range(moment):
                await asyncio.sleep(0)
            cancelled = task.cancel()
            ended = (await asyncio.gather(task, return_exceptions=True))[0]
            assert not cancelled or isinstance(ended, asyncio.CancelledError)
            other = sqlite3.connect(tmp_path / "checkpoints.db", timeout=0)
            other.execute("BEGIN IMMEDIATE")  # raises while the saver's connection holds the lock
            other.close()


async def test_a_write_that_was_cancelled_under_way_is_there(tmp_path: Path) -> None:
    async with open_saver(tmp_path / "checkpoints.db") as saver:
        task = asyncio.create_task(put(saver))
        await asyncio.sleep(0)  # it has begun
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await saver.aget_tuple({"configurable": {"thread_id": "t"}})
