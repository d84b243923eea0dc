"""The desk: asks a person for approvals at the terminal, while the other steps of the run go on.

Takes the run's events in the checklist's stead (and hands them on to it). A step that waits brings its approvals to the desk; the
checklist then holds still, the questions are read in a thread, and each verdict goes through `Runner.vote`, which wakes the live
run. What is skipped stays pending and is not asked again. Used by `running.py`, once for each command.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Any

from rich.console import Console

from app.prompt import Lines, at_prompt, forget_typed_ahead
from app.runner import Runner
from app.terminal import Checklist, approval_panel, decide
from app.text import reveal
from governance.approval import Approval, VoteRefused
from governance.kill_switch import whose_switch

LOOK_SECONDS = 1.0  # how often an approval on the screen is looked up: other processes decide too, and do not tell this one


class Desk:
    """`async with Desk(…) as desk:`; `desk` is the run's event handler. Leaving it withdraws the question on the screen.

    `hot`: ask as soon as a step waits; else only what `ask` is given.
    """

    def __init__(self, runner: Runner, console: Console, seen: Checklist, *, hot: bool) -> None:
        self.seen = seen
        self._runner, self._approvals, self._console, self._hot = runner, runner.services.approvals, console, hot
        self._queue: deque[str] = deque()
        self._asked: set[str] = set()
        self._closed = False  # the person is gone: end of input
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Desk":
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    def __call__(self, event: dict[str, Any]) -> None:
        """One event of the run."""
        self.seen(event)
        if self._hot and event.get("event") == "step" and event.get("status") == "waiting_approval":
            self._bring([id for id in event["waiting_for"] if not whose_switch(id)])

    async def ask(self, ids: list[str]) -> None:
        """Ask for what was not asked yet, after what is on the screen; returns when nothing is left to ask."""
        self._bring(ids)
        if self._task:
            await self._task

    def _bring(self, ids: list[str]) -> None:
        self._queue.extend(id for id in ids if id not in self._queue)
        failed = self._task and self._task.done() and self._task.exception()  # told by `ask`
        if not failed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._attend())

    async def _attend(self) -> None:
        """Ask one after the other; the checklist holds still from the first question to the last."""
        try:
            while self._queue and not self._closed:
                row = await self._approvals.resolve(self._queue.popleft())
                if row.status != "pending":
                    self._approvals.wake(row.execution_id)  # another process decides, and cannot wake this run
                if row.status != "pending" or row.id in self._asked:
                    continue
                self._asked.add(row.id)
                self.seen.hold()
                await self._settle(row)
        finally:
            self.seen.go_on()

    async def _settle(self, row: Approval) -> None:
        decision = await self._decision(row)
        if decision is None:
            return
        args = decision.get("edited_action", {}).get("args")
        try:
            voted = await self._runner.vote(row.id, decision["type"], message=decision.get("message", ""), args=args)
            self._asked.add(voted.id)  # an edit makes a new row; if that still waits, it is for somebody else
        except VoteRefused as refused:
            self._console.print(f"Not counted: {refused}", style="yellow", markup=False)

    async def _decision(self, row: Approval) -> dict[str, Any] | None:
        """What the person says; None leaves it pending: skipped, at the end of the input, or when it is no longer open."""
        number = len(self._asked)
        self._console.print(approval_panel(row, number, number + len(self._queue)))
        forget_typed_ahead()
        lines = Lines()
        answer = asyncio.create_task(at_prompt(partial(self._question, row, lines)))
        try:
            while not (await asyncio.wait({answer}, timeout=LOOK_SECONDS))[0]:
                await self._approvals.expire()
                [now] = await self._approvals.get([row.id])
                if now.status != "pending":
                    self._gone(now)
                    return None
            return answer.result()
        except asyncio.CancelledError:  # the run has ended, which may have seen a verdict of elsewhere before the next look
            [now] = await self._approvals.get([row.id])
            if now.status != "pending":
                self._gone(now)
            raise
        except EOFError:
            self._closed = True
            self._console.print()
            return None
        finally:
            lines.withdraw()
            answer.cancel()

    def _question(self, row: Approval, lines: Lines) -> dict[str, Any] | None:
        """In the prompt's thread."""
        with lines:
            return decide(self._console, row, lines.ask)

    def _gone(self, row: Approval) -> None:
        why = f": {reveal(row.message)}" if row.message else ""
        text = f"\nNo longer asked: {row.tool} is {row.status}{row.by_whom}{why}"
        self._console.print(text, style="yellow", markup=False)
        self._approvals.wake(row.execution_id)
