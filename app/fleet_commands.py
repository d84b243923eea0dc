"""`clearance fleet …`: specialists and tools, and taking one out of service. Called by `cli_fleet.py` only; returns exit codes."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Console

from app.fleet.roster import fleet_of
from app.fleet.shapes import ConnectorShape, ModelShape, SpecialistShape, SuspensionShape, ToolShape
from app.runner import Runner, open_runner
from app.text import reveal
from governance.suspensions import Kind
from settings import Settings


def show(as_json: bool) -> int:
    """Print the fleet: a line for each of its parts."""

    async def go(runner: Runner) -> int:
        found = await fleet_of(runner.services, runner.caller)
        if as_json:
            print(found.model_dump_json())
            return 0
        console = Console(highlight=False)
        groups = {
            "Specialists": [_specialist(one) for one in found.specialists],
            "Tools": [_tool(one) for one in found.tools],
            "Connectors": [_connector(one) for one in found.connectors],
            "Models": [_model(one) for one in found.models],
        }
        for title, lines in groups.items():
            console.print(title, style="bold")
            for line in lines:
                console.print(f"  {reveal(line)}", markup=False, soft_wrap=True)
        return 0

    return _with_runner(go)


def _specialist(one: SpecialistShape) -> str:
    tries = f"{one.health.done} of the last {one.health.of} tries done" if one.health.of else "not used lately"
    return f"{one.name}  {one.owner}  {one.access.effect}  {tries}{_out(one.suspended)}"


def _tool(one: ToolShape) -> str:
    timed = f", half within {one.health.p50_ms:g} ms" if one.health.p50_ms is not None else ""
    used = f"{one.health.calls} calls, {one.health.failed} failed{timed}" if one.health.last_used else "not used lately"
    return f"{one.name}  {one.owner}  {one.effect}, {one.data_class}  {used}{_out(one.suspended)}"


def _connector(one: ConnectorShape) -> str:
    stands = f"{one.rows} rows{f', as of {one.as_of}' if one.as_of else ''}" if one.reachable else one.problem
    return f"{one.title}  {stands}"


def _model(one: ModelShape) -> str:
    return f"{one.name}  {one.where or 'in this process'}  {one.health.done} of the last {one.health.of} tries answered"


def _out(one: SuspensionShape | None) -> str:
    return f"  SUSPENDED by {one.by} at {one.at[:19]} UTC: {one.reason}" if one else ""


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
