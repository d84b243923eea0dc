"""`clearance effects …` and `clearance undo`: what was done to the world, what nobody knows, and taking it back. Called by `cli.py`.

Each function returns the exit code: 0, 1 where something could not be undone, 3 where people must agree first.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from rich.console import Console

from app.prompt import at_prompt
from app.runner import Runner, open_runner
from app.running import program
from app.terminal import approval_panel, decide
from app.text import reveal, shorten
from governance.approval import VoteRefused
from settings import Settings
from tools.undoing import OVER, Standing, Undoing

ARGS = 120  # characters of the arguments that are shown
LOOKS: dict[Standing, str] = {
    "open": "○ to undo",
    "compensated": "↶ undone",
    "impossible": "– stays",
    "waiting": "◆ needs approval",
    "failed": "✗ not undone",
    "denied": "✗ not allowed",
    "unknown": "? unknown",
    "not tried": "○ not tried",
}


def list_effects(execution: str, as_json: bool) -> int:
    """Print the effects of an execution, or of the caller's organisation."""

    async def go(runner: Runner) -> int:
        effects = runner.services.effects
        rows = [row for row in await effects.all_of(runner.caller.org) if execution in ("", row.execution_id)]
        if as_json:
            print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
            return 0
        console = Console(highlight=False)
        if not rows:
            console.print("Nothing was changed.")
        for row in rows:
            said = f"{row.state:<11} {row.tool} {_args(row.args)}"
            console.print(said, style="bold red" if row.state in ("unknown", "intended") else "", markup=False, soft_wrap=True)
            console.print(f"  {row.key} · step {row.step_id} of {row.execution_id}", style="dim", markup=False, soft_wrap=True)
            if row.error:
                console.print(f"  {reveal(row.error)}", markup=False)
        if any(row.state in ("unknown", "intended") for row in rows):
            console.print(f"Whether it was done, once you know: {program()} effects settle KEY done|not-done --reason TEXT")
        return 0

    return _run(go)


def settle_effect(key: str, happened: bool, reason: str) -> int:
    """Record what a person found out about an effect."""

    async def go(runner: Runner) -> int:
        row = await runner.acts.settle(key, happened, reason)
        print(f"{row.tool} in step {row.step_id} is recorded as {row.state}.")
        return 0

    return _run(go)


def undo_execution(execution: str, step: str, reason: str, mode: str, as_json: bool, *, go_on: bool) -> int:
    """Undo what an execution did; `mode` is ask, all or none. Without a reason, show what would be undone, or `go_on` with what
    somebody gave a reason for.
    """
    going = bool(reason) or go_on

    async def go(runner: Runner) -> int:
        told = await runner.acts.look(execution, step, reason)
        if going:
            told = await runner.acts.undo(execution, step, reason)
            while any([await _decided(runner, one, mode) for one in told if one.standing == "waiting"]):
                told = await runner.acts.undo(execution, step, reason)
        if as_json:
            print(json.dumps([asdict(one) for one in told], ensure_ascii=False))
        else:
            _tell(Console(highlight=False), told, going)
        if not going or all(one.standing in OVER for one in told):
            return 0
        return 3 if all(one.standing in {*OVER, "waiting", "not tried"} for one in told) else 1

    return _run(go)


async def _decided(runner: Runner, one: Undoing, mode: str) -> bool:
    """Was an undoing that waits decided here? Says why a vote did not count."""
    if mode == "none" or one.approval_id is None:
        return False
    console, decision = Console(highlight=False, stderr=True), dict[str, Any](type="approve")
    row = await runner.services.approvals.resolve(one.approval_id)
    if mode == "ask":
        console.print(approval_panel(row, 1, 1))
        said = await at_prompt(lambda: decide(console, row, input))
        if said is None:
            return False
        decision = said
    args = decision.get("edited_action", {}).get("args")
    try:
        await runner.vote(row.id, decision["type"], message=decision.get("message", ""), args=args)
    except VoteRefused as refused:
        console.print(f"Not counted: {refused}", style="yellow", markup=False)
        return False
    return (await runner.services.approvals.resolve(row.id)).status != "pending"


def _tell(console: Console, told: list[Undoing], tried: bool) -> None:
    if not told:
        console.print("Nothing was done that could be undone.")
    for one in told:
        row = one.effect
        console.print(f"{LOOKS[one.standing]}: {row.tool} {_args(row.args)} (step {row.step_id})", markup=False, soft_wrap=True)
        if one.tool:
            console.print(f"  by {one.tool} {_args(one.args)}", style="dim", markup=False, soft_wrap=True)
        if one.why:
            console.print(f"  {reveal(one.why)}", markup=False, soft_wrap=True)
    if not tried and any(one.standing == "open" for one in told):
        console.print("Nothing was undone yet: say why with --reason TEXT, and it is.")
    if any(one.standing == "waiting" for one in told):
        console.print("Somebody who may agree goes on with it by --approve ask or all.")


def _args(args: Any) -> str:
    return shorten(reveal(", ".join(f"{name}={value}" for name, value in args.items())), ARGS)


def _run(go: Callable[[Runner], Awaitable[int]]) -> int:
    async def whole() -> int:
        async with open_runner(Settings()) as runner:
            return await go(runner)

    return asyncio.run(whole())
