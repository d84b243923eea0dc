"""`clearance approvals delegate|delegations|revoke`: who may decide in whose stead. Called by `cli.py` only; returns exit codes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import Console

from app.runner import Runner, open_runner
from app.text import reveal
from governance.delegations import Delegation, DelegationRefused
from settings import Settings

T = TypeVar("T")


def delegate(to: str, role: str, until: str, tool: str | None) -> int:
    """Hand a role of the caller's to another person. Raises `DelegationRefused`."""
    try:
        end = datetime.fromisoformat(until)
    except ValueError as error:
        raise DelegationRefused(f"--until {until!r} is no time: write it like 2026-05-01T18:00") from error
    end = end if end.tzinfo else end.replace(tzinfo=UTC)

    async def go(runner: Runner) -> Delegation:
        people, tools = runner.services.settings.people, runner.services.registry
        if people and to not in people:
            raise DelegationRefused(f"there is no {to}; there are: {', '.join(people)}")
        if tool and tool not in tools:
            raise DelegationRefused(f"there is no tool {tool}: leave --tool out for whatever asks {role}")
        return await runner.acts.delegate(to, role, end, tool)

    _show(_with_runner(go))
    return 0


def revoke(id: str) -> int:
    """End a delegation of the caller's. Raises `DelegationRefused`."""
    ended = _with_runner(lambda runner: runner.acts.revoke(id))
    Console(highlight=False).print(f"Revoked: {ended.taker} no longer decides as {ended.role} for {ended.giver}.", markup=False)
    return 0


def list_delegations(as_json: bool) -> int:
    """Print what holds now in the caller's organisation."""
    rows = _with_runner(lambda runner: runner.services.approvals.delegations.current(runner.caller.org))
    if as_json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False, default=lambda at: at.isoformat()))
        return 0
    if not rows:
        print("Nobody decides in another's stead.")
    for row in rows:
        _show(row)
    return 0


def _show(row: Delegation) -> None:
    what = f"only {row.tool}" if row.tool else "whatever asks that role"
    text = f"{row.taker} decides as {row.role} for {row.giver} until {row.until:%Y-%m-%d %H:%M} UTC: {what}  {row.id}"
    Console(highlight=False).print(reveal(text), markup=False, soft_wrap=True)


def _with_runner(work: Callable[[Runner], Awaitable[T]]) -> T:
    async def go() -> T:
        async with open_runner(Settings()) as runner:
            return await work(runner)

    return asyncio.run(go())
