"""`clearance fleet …`: specialists and tools, and taking one out of service. Called by `cli_fleet.py` only; returns exit codes."""

import asyncio
from collections.abc import Awaitable, Callable

from app.runner import Runner, open_runner
from governance.suspensions import Kind
from settings import Settings


def suspend(kind: Kind, name: str, reason: str) -> int:
    """Take it out of service. Raises `UnknownPart`, `SuspensionRefused`, `ValueError` without a reason."""

    async def go(runner: Runner) -> int:
        await runner.acts.suspend(kind, name, reason)
        print(f"Suspended: no step and no call of the {kind} {name} begins until it is resumed.")
        return 0

    return _with_runner(go)


def put_back(kind: Kind, name: str, reason: str) -> int:
    """Put it back into service. Raises as `suspend`, and `NotSuspended`."""

    async def go(runner: Runner) -> int:
        await runner.acts.put_back(kind, name, reason)
        print(f"Resumed: the {kind} {name} is in service again.")
        return 0

    return _with_runner(go)


def _with_runner(work: Callable[[Runner], Awaitable[int]]) -> int:
    async def go() -> int:
        async with open_runner(Settings()) as runner:
            return await work(runner)

    return asyncio.run(go())
