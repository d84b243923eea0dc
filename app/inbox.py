"""The approver's list: every open approval of the organisation, with whom it waits for and until when. Called by `cli.py` only."""

import asyncio
import json

from rich.console import Console

from app.runner import approval_json, open_runner
from app.running import program
from app.terminal import so_far
from app.text import reveal
from governance.approval import Approval
from settings import Settings


def list_approvals(as_json: bool) -> int:
    """Print the list; returns the exit code."""

    async def go() -> list[Approval]:
        async with open_runner(Settings()) as runner:
            return await runner.inbox()

    rows = asyncio.run(go())
    if as_json:
        print(json.dumps([approval_json(row) for row in rows], ensure_ascii=False, default=str))
        return 0
    console = Console(highlight=False)
    if not rows:
        console.print("No approval is open.")
    for row in rows:
        console.print(f"◆ {row.tool}: {reveal(str(row.args.get('title') or dict(row.args)))}", markup=False)
        until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC{so_far(row)}"
        console.print(f"  waits for {row.waits_for()} {until} · asked for {row.requester.user}", markup=False)
        again = f"resume {row.thread_id}" if row.thread_id else f"undo {row.execution_id}"  # no thread waits for an undoing
        console.print(f"  {program()} {again} --approve ask", style="dim", markup=False, soft_wrap=True)
    return 0
