"""`clearance budgets …` and `clearance kill-switch …`: what runs may spend, and the switch that stops effects. Called by `cli.py` only.

Each function returns the exit code: 0, or 1 where somebody may not do it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import get_args

from rich.console import Console

from app.goals import BadGoal
from app.runner import Runner, open_runner
from app.text import reveal
from governance.budgets import Spender
from governance.limits import PARTS, Scope, Unit, asked, spoken
from graphs.spending import left_of
from settings import Settings


def show(run: str, as_json: bool) -> int:
    """Print how each limit stands; with `run` those of that execution too, of which the user and day are the run's."""

    async def go(runner: Runner) -> int:
        budgets, caller = runner.services.budgets, runner.caller
        who = await runner.acts.spender(run) if run else Spender(caller.org, caller.user, "", "")
        found = await budgets.accounts(who)
        if as_json:
            told = left_of(found, priced=not runner.services.unpriced)
            print(json.dumps({"budgets": told, "warning": runner.services.unpriced}))
            return 0
        console = Console(highlight=False)
        if not budgets.limits:
            console.print("Nothing has a limit: name a file of limits in CLEARANCE_BUDGETS (docs/budgets.md).")
        elif not found:
            console.print("Only runs have limits: name one with --run.")
        if runner.services.unpriced:
            console.print(runner.services.unpriced, style="yellow", markup=False, soft_wrap=True)
        for one in found:
            if one.unit == "money" and runner.services.unpriced:
                console.print(
                    f"{one.scope}: limited to {spoken(one.unit, one.limit)}; what is used is not known", soft_wrap=True
                )
                continue
            amounts = [spoken(one.unit, n) for n in (one.left, one.limit, one.used, one.reserved)]
            console.print("{}: {} left of {} ({} used, {} reserved)".format(one.scope, *amounts), markup=False, soft_wrap=True)
        return 0

    return _with_runner(go)


def raise_budget(run: str, unit: str, amount: float, scope: str) -> int:
    """Add to a limit. Raises `BadGoal` for a unit, scope or amount that is none."""
    if unit not in get_args(Unit) or scope not in ("run", "user", "org"):
        raise BadGoal(f"{scope} {unit}: the units are {', '.join(get_args(Unit))}, the scopes run, user and org")
    whole = round(amount * PARTS[unit]) if unit in PARTS else int(amount)
    if whole <= 0 or (unit not in PARTS and whole != amount):
        raise BadGoal(f"{amount:g} {unit}: give a {asked(unit)} above 0")
    named: tuple[Scope, Unit] = (scope, unit)  # type: ignore[assignment]  # checked above

    async def go(runner: Runner) -> int:
        found = await runner.acts.raise_limit(run, *named, whole)
        left, limit = spoken(found.unit, found.left), spoken(found.unit, found.limit)
        print(f"Raised: {left} left of {limit}.")
        return 0

    return _with_runner(go)


def switch(action: str, reason: str, everyone: bool, as_json: bool) -> int:
    """Flip the kill switch, or say how it stands."""

    async def go(runner: Runner) -> int:
        own, caller = runner.services.switch, runner.caller
        if action != "status":
            await runner.acts.flip(action == "on", reason, everyone=everyone)
        found = await own.status(caller.org)
        if as_json:
            print(json.dumps({"stopped": any(one.stopped for one in found), "switches": [asdict(one) for one in found]}))
            return 0
        console = Console(highlight=False)
        for one in found:
            whose = "all organisations" if one.org == "*" else one.org
            last = f" (by {one.by} at {one.at[:19]} UTC: {one.reason})" if one.by else ""
            text = f"{whose}: {'ON, no effect starts' if one.stopped else 'off'}{last}"
            console.print(reveal(text), markup=False, soft_wrap=True)
        return 0

    return _with_runner(go)


def _with_runner(work: Callable[[Runner], Awaitable[int]]) -> int:
    async def go() -> int:
        async with open_runner(Settings()) as runner:
            return await work(runner)

    return asyncio.run(go())
