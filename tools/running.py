"""Running one cleared tool function: in a thread or on the loop, with its time-out, its retries and its result's type checked.

Called by the gateway alone. Knows nothing of decisions or approvals.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from governance.digest import digest
from tools.registry import NoClearance, Run, Tool, ToolContext, ToolError

T = TypeVar("T")
THREADS = 16


class ReadOnly:
    """A domain's handles as a read tool sees them: all but `writing`."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources

    def __getattr__(self, name: str) -> Any:
        if name == "writing":
            raise NoClearance("a read tool asked for the writing handle: declare it as an effect, or read with `reading`")
        return getattr(self._resources, name)


class Runner:
    """Runs tools in a pool of threads of its own; `close()` lets those that run come to their end."""

    def __init__(self, backoff: float = 0.2) -> None:
        self._backoff = backoff
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="tool")

    async def run(
        self,
        tool: Tool,
        function: Run,
        args: BaseModel,
        context: ToolContext,
        end: Callable[[dict[str, Any], str], T],
        keep: Callable[[T], T] | None = None,
    ) -> T:
        """What `end` makes of the result as JSON values and its digest. Tries again after a transient `ToolError`; an effect only
        if idempotent. `keep` is given that in the tool's own thread, if the tool has one and somebody still waits for it.

        Raises what the tool raised; `TimeoutError` after `manifest.timeout` seconds (a thread cannot be stopped, it ends
        by itself); `ValueError` for a result that is not what the tool declares, or that JSON cannot say.
        """
        manifest = tool.manifest
        tries = 1 + manifest.retries if manifest.effect == "read" or manifest.idempotent else 1
        for attempt in range(1, tries + 1):
            try:
                if not inspect.iscoroutinefunction(function):
                    return await self._in_thread(tool, partial(function, args, context), end, keep)
                async with asyncio.timeout(manifest.timeout):
                    return end(*dump(tool, await function(args, context)))
            except ToolError as error:
                if not error.transient or attempt == tries:
                    raise
            await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _in_thread(
        self, tool: Tool, function: Callable[[], Any], end: Callable[[dict[str, Any], str], T], keep: Callable[[T], T] | None
    ) -> T:
        inside = contextvars.copy_context()
        last_word = threading.Lock()  # taken once: by the thread that keeps what came of it, or by whoever waits no longer

        def call() -> T:
            ended = end(*dump(tool, inside.run(function)))
            return keep(ended) if keep and last_word.acquire(blocking=False) else ended

        running = self._pool.submit(call)
        try:
            async with asyncio.timeout(tool.manifest.timeout):
                return await asyncio.wrap_future(running)
        except TimeoutError:
            if last_word.acquire(blocking=False):
                raise
            return await asyncio.wrap_future(running)  # it ended in time, and is being kept
        except asyncio.CancelledError:
            last_word.acquire(blocking=False)
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=True)


def dump(tool: Tool, raw: Any) -> tuple[dict[str, Any], str]:
    """A tool's result as JSON values, and its digest. Raises `ValueError` for what the tool does not declare."""
    result = raw if isinstance(raw, tool.result) else tool.result.model_validate(raw)
    values = result.model_dump(mode="json")
    return values, digest(values)  # in the tool's thread: both take long for a large result
