"""Running one cleared tool function: in a thread or on the loop, with its time-out, its retries and its result's type checked.

Called by the gateway alone. Knows nothing of decisions or approvals.
"""

import asyncio
import contextvars
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel

from governance.digest import digest
from tools.registry import NoClearance, Run, Tool, ToolContext, ToolError

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

    async def run(self, tool: Tool, function: Run, args: BaseModel, context: ToolContext) -> tuple[dict[str, Any], str]:
        """The result as JSON values, and its digest. Tries again after a transient `ToolError`; an effect only if idempotent.

        Raises what the tool raised; `TimeoutError` after `manifest.timeout` seconds (a thread cannot be stopped, it ends
        by itself); `ValueError` for a result that is not what the tool declares, or that JSON cannot say.
        """
        manifest = tool.manifest
        tries = 1 + manifest.retries if manifest.effect == "read" or manifest.idempotent else 1
        for attempt in range(1, tries + 1):
            try:
                async with asyncio.timeout(manifest.timeout):
                    return await self._once(tool, function, args, context)
            except ToolError as error:
                if not error.transient or attempt == tries:
                    raise
            await asyncio.sleep(self._backoff * 2 ** (attempt - 1))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, tool: Tool, function: Run, args: BaseModel, context: ToolContext) -> tuple[dict[str, Any], str]:
        if inspect.iscoroutinefunction(function):
            return dump(tool, await function(args, context))
        inside = contextvars.copy_context()

        def call() -> tuple[dict[str, Any], str]:
            return dump(tool, inside.run(function, args, context))

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        self._pool.shutdown(wait=True)


def dump(tool: Tool, raw: Any) -> tuple[dict[str, Any], str]:
    """A tool's result as JSON values, and its digest. Raises `ValueError` for what the tool does not declare."""
    result = raw if isinstance(raw, tool.result) else tool.result.model_validate(raw)
    values = result.model_dump(mode="json")
    return values, digest(values)  # in the tool's thread: both take long for a large result
