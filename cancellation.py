"""Cancellation that waits: what must not be torn apart is carried to its end first. Floor 0: any room may import it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(task: asyncio.Task[T]) -> T:
    """The task's result, awaited to its end even if the waiter is cancelled meanwhile; then the cancellation goes on."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    return task.result()


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; a cancellation that comes meanwhile is raised when it has ended."""
    return await finish(asyncio.create_task(work))
