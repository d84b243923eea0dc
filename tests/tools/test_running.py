"""What came of a tool is kept in its own thread, or by whoever waits for it, and never by both."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from governance.identity import Caller
from governance.manifest import ToolManifest
from tools.registry import Tool, ToolContext
from tools.running import Runner

LONG = 60.0  # seconds: only a fault waits so long
CONTEXT = ToolContext(Caller(org="org", user="rita", roles=()), None, today=date(2026, 1, 1))


class Nothing(BaseModel):
    pass


class Found(BaseModel):
    n: int


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner(0.0)
    yield made
    made.close()


async def run(runner: Runner, function: Callable[..., Any], seconds: float, keep: Callable[[str], str] | None) -> str:
    manifest = ToolManifest(effect="read", output="trusted", timeout=seconds)
    tool = Tool("count", "Counts.", Nothing, Found, manifest, "", function)
    return await runner.run(tool, function, Nothing(), CONTEXT, lambda values, digest: f"found {values['n']}", keep)


async def test_it_is_kept_in_the_tools_thread_and_a_coroutine_has_none(runner: Runner) -> None:
    threads: list[int] = []

    def count(args: Nothing, ctx: ToolContext) -> Found:
        threads.append(threading.get_ident())
        return Found(n=3)

    def keep(ended: str) -> str:
        threads.append(threading.get_ident())
        return f"{ended}, kept"

    async def later(args: Nothing, ctx: ToolContext) -> Found:
        return Found(n=4)

    assert await run(runner, count, LONG, keep) == "found 3, kept"
    assert threads[0] == threads[1] != threading.get_ident()
    assert await run(runner, count, LONG, None) == "found 3"
    assert await run(runner, later, LONG, keep) == "found 4" and len(threads) == 3


async def test_what_is_being_kept_when_the_time_is_up_counts(runner: Runner) -> None:
    time_is_up, loop, limit = threading.Event(), asyncio.get_running_loop(), 2.0

    def keep(ended: str) -> str:
        loop.call_soon_threadsafe(loop.call_later, limit + 0.1, time_is_up.set)
        assert time_is_up.wait(LONG)
        return f"{ended}, kept"

    assert await run(runner, lambda args, ctx: Found(n=3), limit, keep) == "found 3, kept"


@pytest.mark.parametrize("how", ["the time is up", "the step is cancelled"])
async def test_what_nobody_waits_for_any_longer_is_not_kept(runner: Runner, how: str) -> None:
    began, go_on, kept = threading.Event(), threading.Event(), list[str]()

    def count(args: Nothing, ctx: ToolContext) -> Found:
        began.set()
        assert go_on.wait(LONG)
        return Found(n=3)

    def keep(ended: str) -> str:
        kept.append(ended)
        return ended

    running = asyncio.create_task(run(runner, count, 0.05 if how == "the time is up" else LONG, keep))
    if how == "the step is cancelled":
        await asyncio.to_thread(began.wait, LONG)
        running.cancel()
    with pytest.raises((TimeoutError, asyncio.CancelledError)):
        await running
    go_on.set()
    runner.close()  # waits for the tool's thread
    assert kept == []
