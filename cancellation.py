"""Cancellation that waits: what must not be torn apart is carried to its end first. Floor 0: any room may import it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(task: asyncio.Future[T]) -> T:
    """The task's result, awaited to its end even if the waiter is cancelled meanwhile; then the cancellation goes on."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):  # another one: the first goes on, too
                await asyncio.wait({task})
        raise


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; a cancellation that comes meanwhile is raised when it has ended."""
    return await finish(asyncio.create_task(work))
