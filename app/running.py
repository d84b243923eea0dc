"""What the commands do: run, resume, plan, draw. Opens a `Runner`, shows progress, asks for approvals, prints, writes.

Called by `cli.py` only. Each function returns the exit code.
"""

import asyncio
import json
import shutil
import signal
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from app.desk import Desk
from app.drawing import graph_svg, plan_mermaid, plan_svg
from app.goals import check_goal
from app.html import write
from app.prompt import at_prompt
from app.runner import Outcome, Runner, open_runner
from app.terminal import Checklist, print_answer, print_text
from governance.approval import VoteRefused
from graphs.plan import Plan
from graphs.state import WorkflowRun
from models.consent import confirm, confirmed, notice, what_leaves
from settings import Settings

CODES = {"success": 0, "interrupted": 3, "clarify": 3, "declined": 4, "failed": 1}
STOPPED = 130


def program() -> str:
    """How to type the command here: by its name where it is on the PATH, else by the path it was started with."""
    if shutil.which("clearance"):
        return "clearance"
    started = Path(sys.argv[0])
    return str(started) if started.name == "clearance" else "clearance"


class NotConfirmed(RuntimeError):
    """A live model is configured and nobody confirmed what it is sent."""


@dataclass(frozen=True)
class Options:
    """The options that `run` and `resume` share. `approve` None: ask on a terminal, else none."""

    approve: str | None = None
    json: bool = False
    out: Path | None = None
    review: bool = False
    yes: bool = False
    dry_run: bool = False

    @property
    def mode(self) -> str:
        return self.approve or ("ask" if sys.stdin.isatty() and sys.stdout.isatty() and not self.json else "none")


def consoles(options: Options) -> Console:
    """Where progress goes: nowhere with --json."""
    return Console(quiet=options.json, highlight=False, soft_wrap=False)


def consent(settings: Settings, options: Options, console: Console) -> None:
    """A live model is used only after somebody confirmed, once, what leaves the machine. Raises `NotConfirmed`."""
    if not settings.model:
        if text := notice(settings):
            console.print(text, style="dim")
        return
    disclosure = what_leaves(settings)
    if confirmed(settings.home, disclosure):
        return
    if not options.yes:
        if not sys.stdin.isatty() or options.json:
            raise NotConfirmed(f"{disclosure.text()}\nNobody has confirmed this yet: run it once on a terminal, or add --yes")
        console.print(disclosure.text())
        if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
            raise NotConfirmed("not confirmed, so nothing was sent; unset CLEARANCE_MODEL to use the offline model")
    confirm(settings.home, disclosure)


def run_goal(goal: str, options: Options, thread: str | None, workflow: WorkflowRun | None = None) -> int:
    settings = Settings()
    text = check_goal(goal, settings.goal_characters)

    id = thread or str(uuid.uuid4())

    async def go(runner: Runner, desk: Desk) -> Outcome:
        more: dict[str, Any] = {"review": options.review, "dry_run": options.dry_run, "workflow": workflow}
        return await runner.run(text, thread_id=id, new_thread=not thread, on_event=desk, **more)

    return asyncio.run(_session(settings, options, id, go))


def resume_thread(thread: str, answer: str | None, options: Options) -> int:
    settings = Settings()
    said = check_goal(answer, settings.goal_characters, name="answer") if answer is not None else None

    async def go(runner: Runner, desk: Desk) -> Outcome:
        desk.seen.recall((await runner.outcome(thread)).steps)
        return await runner.resume(thread, answer=said, on_event=desk)

    return asyncio.run(_session(settings, options, thread, go))


async def _session(settings: Settings, options: Options, thread: str, go: Callable[[Runner, Desk], Any]) -> int:
    console = consoles(options)
    consent(settings, options, console)
    stop_on_signals()
    try:
        return await _attend(settings, options, console, go)
    except asyncio.CancelledError:  # Ctrl-C or SIGTERM: the runner has ended what was under way
        print(f"\nStopped. Nothing is lost: {program()} resume {thread} goes on from here.", file=sys.stderr)
        return STOPPED


async def _attend(settings: Settings, options: Options, console: Console, go: Callable[[Runner, Desk], Any]) -> int:
    """Run, decide, tell, write."""
    async with open_runner(settings) as runner:
        async with Desk(runner, console, Checklist(console), hot=options.mode == "ask") as desk:
            with desk.seen:
                outcome = await go(runner, desk)
            outcome = await settle(runner, outcome, options, console, desk)
        if options.json:
            print(json.dumps(outcome.as_json(), ensure_ascii=False, default=str))
        else:
            tell(console, outcome, runner)
        if options.out and outcome.answer:
            picture = plan_svg(await runner.progress_of(outcome.execution_id))
            paths = await asyncio.to_thread(write, options.out, outcome.answer, outcome.as_json(), picture)
            console.print(
                f"Written: {', '.join(str(p) for p in paths[:3])}" + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
            )
    return CODES[outcome.status]


def stop_on_signals() -> None:
    """Ctrl-C and SIGTERM cancel the running goal: children are awaited, an effect under way is finished and recorded."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task and sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, task.cancel)


async def settle(runner: Runner, outcome: Outcome, options: Options, console: Console, desk: Desk) -> Outcome:
    """Approvals as `--approve` says, and go on, until nothing waits that we may decide. Nothing is asked twice."""
    tried: set[str] = set()
    while outcome.status == "interrupted":
        decisions = None
        if outcome.waits_for_plan:
            if options.mode == "none":
                return outcome
            decisions = [{"type": "approve"} if options.mode == "all" else await at_prompt(lambda: _review(console))]
        else:
            waiting = [row.id for row in await runner.pending(outcome.thread_id)]
            if options.mode == "ask":
                await desk.ask(waiting)
            elif options.mode == "all":
                await _approve(runner, console, [id for id in waiting if id not in tried])
                tried.update(waiting)
            outcome = await runner.outcome(outcome.thread_id)
            if not outcome.may_go_on:
                return outcome
        with desk.seen:
            outcome = await runner.resume(outcome.thread_id, decisions=decisions, on_event=desk)
    return outcome


async def _approve(runner: Runner, console: Console, ids: list[str]) -> None:
    """Approve what policy lets the local user approve."""
    for id in ids:
        try:
            await runner.vote(id, "approve")
        except VoteRefused as refused:
            console.print(f"Not counted: {refused}", style="yellow")


def _review(console: Console) -> dict[str, Any]:
    said = input("Run this plan? [a]pprove or [r]eject: ").strip().lower()
    if said in ("a", "approve", "y", "yes"):
        return {"type": "approve"}
    return {"type": "reject", "message": input("What should be different? ").strip()}


def tell(console: Console, outcome: Outcome, runner: Runner) -> None:
    if outcome.answer:
        print_answer(console, outcome.answer)
        console.print(f"\nThread {outcome.thread_id} · execution {outcome.execution_id}", style="dim")
        if lacks := len(outcome.answer.missing):  # its heading may have scrolled away
            console.print(f"The answer is {outcome.answer.status}: {lacks} missing, listed at its top.", style="red")
        return
    if outcome.message:
        print_text(console, outcome.message)
    if outcome.status == "interrupted":
        waiting = [a for a in outcome.approvals if a["status"] == "pending"]
        what = f"{len(waiting)} approval{'s' if len(waiting) != 1 else ''}" if waiting else "a decision"
        what = "what comes by itself" if outcome.waits_for == "event" else what
        what = "the kill switch to be off" if outcome.stopped and not waiting else what
        if outcome.so_far:
            console.print("\nFound so far:", style="bold")
            for line in outcome.so_far:
                console.print(f"  • {line}", markup=False)
        console.print(f"\nWaiting for {what}:", style="bold")
        if outcome.stopped:
            console.print(f"  What would change something waits: {outcome.stopped}", markup=False)
        for row in waiting:
            reminded = f" (reminded {row['reminded_at'][:16].replace('T', ' ')} UTC)" if row["reminded_at"] else ""
            console.print(f"  ◆ {row['tool']}: {row['args'].get('title') or row['args']}{reminded}", markup=False)
        for line in outcome.held_back:
            console.print(f"  ◇ {line}", markup=False)
        console.print(f"\nGo on with:  {program()} resume {outcome.thread_id} --approve ask", markup=False, soft_wrap=True)
    elif outcome.status == "clarify":
        for choice in outcome.choices:
            console.print(f"  • {choice}", markup=False)
        console.print(f'\nAnswer with:  {program()} resume {outcome.thread_id} --answer "…"', markup=False)


def plan_goal(goal: str, options: Options) -> int:
    settings = Settings()
    text = check_goal(goal, settings.goal_characters)
    console = consoles(options)

    async def go() -> int:
        consent(settings, options, console)
        async with open_runner(settings) as runner:
            outcome = await runner.plan(text)
        if isinstance(outcome, Plan):
            if options.json:
                print(outcome.model_dump_json())
            else:
                show_plan(console, outcome)
            return 0
        if options.json:
            print(json.dumps(outcome.as_json(), ensure_ascii=False, default=str))
        else:
            print_text(console, outcome.message)
        return CODES[outcome.status]

    return asyncio.run(go())


def show_plan(console: Console, plan: Plan) -> None:
    """A plan as a list: what, who, after what, with which tools."""
    from graphs.plan import needs

    console.print(f"Plan, revision {plan.rev}: {plan.reason}", style="bold", markup=False)
    for step in plan.steps:
        after = f" · after {', '.join(sorted(needs(step)))}" if needs(step) else ""
        each = f" · once for each row of {step.for_each}" if step.for_each else ""
        effect = " · changes something: needs an approval" if step.effect != "read" else ""
        console.print(
            f"  {step.id:<4} {step.title} · {step.specialist} ({', '.join(step.tools)}){after}{each}{effect}", markup=False
        )
        console.print(f"       {step.why}", style="dim", markup=False)
    for assumption in plan.assumptions:
        console.print(f"  assumes: {assumption}", style="dim", markup=False)


def draw(execution: str | None, out: Path | None) -> int:
    settings = Settings()

    async def go() -> tuple[str, str]:
        async with open_runner(settings) as runner:
            if execution:
                progress = await runner.progress_of(execution)
                return plan_mermaid(progress), plan_svg(progress)
            drawn = runner.graph.get_graph()
            return drawn.draw_mermaid(), graph_svg(drawn)

    mermaid, svg = asyncio.run(go())
    if out is None:
        print(mermaid, end="")
    elif out.suffix == ".svg":
        out.write_text(svg, encoding="utf-8")
        print(f"Written: {out}")
    elif out.suffix in (".mmd", ".md"):
        out.write_text(mermaid, encoding="utf-8")
        print(f"Written: {out}")
    else:
        raise UnknownFormat(f"{out} ends in neither .svg nor .mmd: name it by the format you want")
    return 0


class UnknownFormat(ValueError):
    """A file name whose ending says no format."""
