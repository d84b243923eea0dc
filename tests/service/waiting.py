"""Waiting for what another process does in its own time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

WAITS_S = 180
T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """Look until it is as wanted, and return what is seen then. Raises `TimeoutError` with what was seen last."""
    deadline = asyncio.get_running_loop().time() + WAITS_S
    while not wanted(found := await look()):
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"it did not come: {found}")
        await asyncio.sleep(0.1)
    return found
