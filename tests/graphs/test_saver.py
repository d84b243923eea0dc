"""The savers of checkpoints: LangGraph's own conformance suite on both; their writes are whole, whenever they are cancelled."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.conformance import checkpointer_test, validate

from database import Database
from graphs.saver import Careful, open_saver, open_saver_of

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "c"}}
MUST = {"put", "put_writes", "get_tuple", "list", "delete_thread", "delete_for_runs", "copy_thread"}


async def put(saver: Careful) -> Any:
    return await saver.aput(CONFIG, empty_checkpoint(), {}, {})


async def put_writes(saver: Careful) -> Any:
    return await saver.aput_writes(CONFIG, [("a", 1), ("b", 2)], "task")


async def delete(saver: Careful) -> Any:
    return await saver.adelete_thread("t")


async def test_the_savers_conform(database_url: str, tmp_path: Path) -> None:
    db, number = Database(database_url), iter(range(100))

    async def fresh() -> AsyncIterator[Careful]:
        async with open_saver_of(db, tmp_path / str(next(number))) as saver:
            yield saver

    report = await validate(checkpointer_test(name="ours")(fresh))  # type: ignore[arg-type]  # an async generator is what it takes
    told = {name: (one.detected, one.passed, one.tests_passed, one.failures) for name, one in report.results.items()}
    for name in MUST:
        assert told[name][:2] == (True, True), told[name]
    assert all(passed is not False for _, passed, _, _ in told.values()), told
    assert sum(count for _, _, count, _ in told.values()) >= 60
    db.close()


async def test_what_the_guard_forbids_is_not_written(database_url: str, tmp_path: Path) -> None:
    async def nobody() -> None:
        raise PermissionError("not yours")

    db = Database(database_url)
    async with open_saver_of(db, tmp_path, nobody) as saver:
        for write in (put, put_writes):
            with pytest.raises(PermissionError):
                await write(saver)
        assert await saver.aget_tuple({"configurable": {"thread_id": "t"}}) is None
    db.close()


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


async def test_a_write_that_was_cancelled_under_way_is_there(database_url: str, tmp_path: Path) -> None:
    db = Database(database_url)
    async with open_saver_of(db, tmp_path) as saver:
        task = asyncio.create_task(put(saver))
        await asyncio.sleep(0)  # it has begun
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await saver.aget_tuple({"configurable": {"thread_id": "t"}})
    db.close()


async def test_of_writes_that_go_together_one_fails_alone(database_url: str, tmp_path: Path) -> None:
    def of(thread: str) -> RunnableConfig:
        return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}

    db, names = Database(database_url), [f"t{number}" for number in range(20)]
    async with open_saver_of(db, tmp_path) as saver:
        await put(saver)  # the pipeline is under way: what follows gathers
        asked = [saver.aput(of(name), empty_checkpoint(), {}, {}) for name in [*names[:10], "no\x00name", *names[10:]]]
        ended = await asyncio.gather(*asked, return_exceptions=True)
        failed = [place for place, one in enumerate(ended) if isinstance(one, Exception)]
        assert failed == ([] if db.sqlite else [10])  # PostgreSQL keeps no text with a zero in it
        assert all([await saver.aget_tuple(of(name)) for name in names])
    db.close()
