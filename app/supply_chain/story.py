"""`clearance demo`: the story on the generated company, told step by step with real runs in a home of its own.

What is staged is labelled as staged: one tool is taken out of service and one is held back. Everything else is the product.
"""

import asyncio
import shutil
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from app.runner import Outcome, Runner, open_runner
from app.terminal import OVER, Checklist, approval_panel, print_answer
from graphs.answer import Citation
from graphs.services import load_domain
from graphs.specialists.base import Domain
from settings import Settings
from tools.registry import ToolContext, ToolError
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import SystemOfRecord, open_records
from tools.supply_chain.tables import order_lines

GOAL = "Analyze supplier risk across our logistics network, and where are we single-sourced?"
PATIENCE = 600.0  # seconds that what is held back may wait: on a slow machine the first case takes its time
FOLLOW_UPS = ("Why is Oskvar Laboratories above Halden Biologics?", "Who is the worst on delivery?", "only ocean")


def staged(domain: Domain, opened: asyncio.Event) -> Domain:
    """The domain with `country_risk` out of service and `single_sourced_items` held back until `opened`."""

    def outage(args: Any, ctx: ToolContext) -> Any:
        raise ToolError("the indicator service does not answer (staged outage)", transient=True)

    def slowed(run: Any) -> Any:
        async def slow(args: Any, ctx: ToolContext) -> Any:
            await opened.wait()  # the tool's time-out is the limit, and the step's
            return await asyncio.to_thread(run, args, ctx)

        return slow

    changed = []
    for tool in domain.tools:
        if tool.name == "country_risk":
            changed.append(replace(tool, _run=outage))
        elif tool.name == "single_sourced_items":
            patient = tool.manifest.model_copy(update={"timeout": PATIENCE})
            changed.append(replace(tool, manifest=patient, _run=slowed(tool._run)))
        else:
            changed.append(tool)
    return replace(domain, tools=tuple(changed))


def demo() -> None:
    """Tell the story on the generated company: an outage, a re-plan, approvals while others work, a figure down to its records."""
    settings = Settings()
    home = settings.home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    asyncio.run(
        tell(
            settings.model_copy(
                update={"home": home, "model": "", "database_url": "", "records_url": "", "step_timeout": PATIENCE}
            ),
            Console(highlight=False),
        )
    )


async def tell(settings: Settings, console: Console) -> None:
    records = await asyncio.to_thread(open_records, settings)
    await asyncio.to_thread(make_demo, records.writing)
    try:
        opened = asyncio.Event()
        domain = staged(await asyncio.to_thread(load_domain, settings.domain), opened)
        async with open_runner(settings, domain=domain) as runner:
            outcome = await _flagship(runner, console, opened)
            await _open_a_figure(console, outcome, records)
            for goal in FOLLOW_UPS:
                await _follow_up(runner, console, outcome.thread_id, goal)
    finally:
        await asyncio.to_thread(records.close)
    console.print(f'\nAll of it is kept under {settings.home}. Your turn: clearance run "…"', markup=False)


async def _flagship(runner: Runner, console: Console, opened: asyncio.Event) -> Outcome:
    _say(console, f'1. A goal: "{GOAL}"')
    console.print(
        "   Staged for this demo: the tool country_risk is out of service, and single_sourced_items is held back until the first "
        "case is open.\n",
        style="yellow",
    )
    decided: list[str] = []
    tasks: list[asyncio.Task[None]] = []
    seen = Checklist(console)

    def on_event(event: dict[str, Any]) -> None:
        seen(event)
        if event.get("event") == "step" and event["step"] in decided and event["status"] in OVER:
            opened.set()
        if event.get("event") == "step" and event.get("status") == "waiting_approval" and not decided:
            decided.append(event["step"])
            tasks.append(asyncio.get_running_loop().create_task(_vote_while_others_work(runner, console, event)))

    with seen:
        outcome = await runner.run(GOAL, on_event=on_event)
    await asyncio.gather(*tasks)
    _say(console, "2. What still waits: one more is approved as it is, the last is rejected with a reason")
    rows = await runner.pending(outcome.thread_id)
    for number, row in enumerate(rows, 1):
        console.print(approval_panel(row, number, len(rows)))
    for row in rows[:-1]:
        await runner.vote(row.id, "approve")
    if rows:
        await runner.vote(rows[-1].id, "reject", message="already handled by the category manager")
    with Checklist(console) as seen:
        outcome = await runner.resume(outcome.thread_id, on_event=seen)
    if outcome.answer:
        print_answer(console, outcome.answer)
    return outcome


async def _vote_while_others_work(runner: Runner, console: Console, event: dict[str, Any]) -> None:
    """Edit and approve the first case while the slow step still runs: its case is opened before that step ends."""
    row = await runner.services.approvals.resolve(event["waiting_for"][0])
    console.print(approval_panel(row, 1, 1))
    console.print("→ edited (severity medium) and approved by local, while the others go on working\n", style="yellow")
    args = {**row.args, "severity": "medium" if row.args["severity"] != "medium" else "high"}
    await runner.vote(row.id, "edit", args=args)


async def _open_a_figure(console: Console, outcome: Outcome, records: SystemOfRecord) -> None:
    assert outcome.answer is not None
    cited = [c for c in outcome.answer.citations if c.records and c.records.table == "order_lines" and c.unit == "usd"]
    one = min(cited, key=lambda c: c.records.count if c.records else 0)
    _say(console, f"3. A figure, opened: {one.label} = {one.shown}")
    rows = await asyncio.to_thread(_lines, records, one)
    keys = one.records.keys if one.records else ""
    console.print(f"   source {one.n}: {one.tool} in step {one.step}; {len(rows)} records of order_lines: {keys}", markup=False)
    table = Table(box=None, header_style="bold")
    for name, side in (("line", "right"), ("vendor", "left"), ("scheduled", "left"), ("delivered", "left"), ("value", "right")):
        table.add_column(name, justify=side)  # type: ignore[arg-type]  # one of its literals
    for row in rows[:8]:
        table.add_row(str(row.id), row.vendor_name, str(row.scheduled), str(row.delivered), f"${row.value_cents / 100:,.2f}")
    console.print(table)
    total = sum(row.value_cents for row in rows)
    more = f"… and {len(rows) - 8} more. " if len(rows) > 8 else ""
    console.print(f"   {more}Their values add up to ${total // 100:,}.{total % 100:02d}.", markup=False)


def _lines(records: SystemOfRecord, cited: Citation) -> Any:
    assert cited.records is not None
    keys = cited.records.expand()
    query = select(order_lines).where(order_lines.c.id.in_(keys)).order_by(order_lines.c.id)
    return records.reading.run_sync(lambda c: c.execute(query).all())


async def _follow_up(runner: Runner, console: Console, thread: str, goal: str) -> None:
    _say(console, f'4. A follow-up in the same thread: "{goal}"')
    with Checklist(console) as seen:
        outcome = await runner.run(goal, thread_id=thread, on_event=seen)
    if outcome.answer:
        first = outcome.answer.sections[0]
        for sentence in first.sentences[:3]:
            console.print(f"   • {sentence.text}", markup=False)
    else:
        console.print(f"   {outcome.message}", markup=False)


def _say(console: Console, text: str) -> None:
    console.print()
    console.rule(Text(text, style="bold"), align="left")
