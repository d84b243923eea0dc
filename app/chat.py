"""`clearance chat`: one thread, message after message. What is typed while a run is going on steers it.

On a terminal a line may be typed at any time; elsewhere lines are taken one after the other, each when the one before has been
answered. Uses the same runner, desk and printing as `clearance run`. Called by `cli.py`.
"""

import asyncio
import sys
import uuid
from contextlib import suppress
from functools import partial

from rich.console import Console

from app.desk import Desk
from app.goals import BadGoal, check_goal
from app.prompt import Lines, Withdrawn, at_prompt
from app.runner import Outcome, Runner, open_runner
from app.running import Options, consent, consoles, settle, stop_on_signals, tell
from app.terminal import Checklist
from graphs.executions import AlreadyRunning
from settings import Settings

HELP = """Say what you want to know or have done; then ask on: "only ocean", "and Cipla?", "how did you get this?".
While a run is going on, what you type changes its plan. /stop stops it, /approvals asks for what waits, /quit ends the chat."""


def chat(thread: str | None, options: Options) -> int:
    """Talk until the input ends. Always exit code 0: each answer has told how it stands."""
    settings = Settings()
    with suppress(asyncio.CancelledError):  # Ctrl-C: the runner has ended what was under way
        asyncio.run(_talk(settings, thread, options))
    return 0


async def _talk(settings: Settings, thread: str | None, options: Options) -> None:
    console = consoles(options)
    consent(settings, options, console)
    stop_on_signals()
    async with open_runner(settings) as runner:
        if thread:
            tell(console, await runner.outcome(thread), runner)
        talk = Talk(runner, console, options, thread)
        console.print(HELP, style="dim", highlight=False)
        while (line := await talk.next_line()) is not None:
            await talk.take(line)
        console.print(f"\nGo on any time:  clearance chat --thread {talk.thread}" if talk.begun else "", markup=False)


class Talk:
    """One conversation: its thread, and what the next line means to it."""

    def __init__(self, runner: Runner, console: Console, options: Options, thread: str | None) -> None:
        self.thread, self.begun = thread or str(uuid.uuid4()), thread is not None
        self._runner, self._console, self._options = runner, console, options
        self._live = sys.stdin.isatty()
        self._last: Outcome | None = None

    async def next_line(self) -> str | None:
        """The next line; None at the end of the input."""
        try:
            line = await at_prompt(lambda: input("\nyou> " if self._live else ""))
        except EOFError:
            return None
        return None if line.strip() in ("/quit", "/exit") else line

    async def take(self, line: str) -> None:
        """Do what a line says, and tell what came of it."""
        text = line.strip()
        if not text:
            return
        if not self._live:
            self._console.print(f"\nyou> {text}", markup=False, style="bold")
        try:
            if text == "/help":
                self._console.print(HELP, style="dim", highlight=False)
            elif text == "/stop":
                self._told(await self._runner.cancel(self.thread))
            else:
                await self._run(text)
        except (BadGoal, AlreadyRunning) as error:
            self._console.print(str(error), style="yellow", markup=False)

    async def _run(self, text: str) -> None:
        said = check_goal(text, self._runner.services.settings.goal_characters)
        async with Desk(self._runner, self._console, Checklist(self._console, redraw=False), hot=False) as desk:
            with desk.seen:
                outcome = await self._attend(asyncio.create_task(self._start(said, desk)))
            if self._options.mode != "none":
                outcome = await settle(self._runner, outcome, self._options, self._console, desk)
        self._told(outcome)

    async def _start(self, text: str, desk: Desk) -> Outcome:
        asks = self._last and self._last.status == "clarify"
        if text == "/approvals" and self.begun:
            return await self._runner.resume(self.thread, on_event=desk)
        if asks:
            return await self._runner.resume(self.thread, answer=text, on_event=desk)
        fresh, self.begun = not self.begun, True
        return await self._runner.run(text, thread_id=self.thread, new_thread=fresh, on_event=desk)

    async def _attend(self, run: "asyncio.Task[Outcome]") -> Outcome:
        """Wait for a run; what is typed meanwhile goes to it."""
        while self._live and not run.done():
            lines = Lines()
            typed = asyncio.create_task(at_prompt(partial(self._ask, lines)))
            await asyncio.wait({run, typed}, return_when=asyncio.FIRST_COMPLETED)
            if not typed.done():
                lines.withdraw()
                await asyncio.wait({typed})
            if typed.exception() is None and (text := (typed.result() or "").strip()):
                await self._steer(text)
        return await run

    @staticmethod
    def _ask(lines: Lines) -> str:
        with lines, suppress(Withdrawn, EOFError):
            return lines.ask("")
        return ""

    async def _steer(self, text: str) -> None:
        try:
            if text in ("/stop", "/quit"):
                await self._runner.cancel(self.thread)
            else:
                await self._runner.run(text, thread_id=self.thread)
                self._console.print("  heard: the plan is looked at again", style="dim")
        except AlreadyRunning as error:
            self._console.print(f"  {error}", style="yellow", markup=False)

    def _told(self, outcome: Outcome) -> None:
        self._last = outcome
        tell(self._console, outcome, self._runner)
