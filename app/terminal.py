"""The terminal: a plan as a live checklist, approvals asked at the prompt, the answer printed. Called by the commands.

On a terminal the checklist redraws itself; elsewhere each change is one plain line.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.status import look
from app.text import reveal, seconds, shorten
from governance.approval import Approval
from governance.wording import spoken
from graphs.answer import Answer, AnswerTable
from graphs.formats import show
from graphs.markdown import NUMERIC, made_by, source
from tools.results import Column

GAP, SHORTEST, LONGEST_WORD = 2, 8, 18  # characters: between columns, of a narrow column, kept in one piece
OVER = frozenset({"succeeded", "failed", "skipped", "cancelled", "superseded", "compensated"})


class Checklist:
    """Takes a run's events and shows the plan: each step's status, elapsed time, specialist and why, or what went wrong.

    `redraw`: as one list that changes, where the console is a terminal; else as lines.
    """

    def __init__(self, console: Console, *, redraw: bool = True) -> None:
        self.console = console
        self._redraws = console.is_terminal and redraw
        self.head, self.steps, self.state, self.notes = "", [], {}, []  # type: ignore[var-annotated]
        self._live: Live | None = None
        self._open = self._held = False

    def __enter__(self) -> "Checklist":
        self._open = True
        self._draw()
        return self

    def __exit__(self, *error: object) -> None:
        self._open = False
        self._draw()

    def hold(self) -> None:
        """Leave the screen to somebody who asks a question. Events are still taken, and seen once it goes on."""
        self._held = True
        self._draw()

    def go_on(self) -> None:
        self._held = False
        self._draw()

    def _draw(self) -> None:
        """Start or stop redrawing, as it should be now."""
        drawing = self._redraws and self._open and not self._held
        if drawing and not self._live:
            self._live = Live(console=self.console, refresh_per_second=8, get_renderable=self.draw, transient=False)
            self._live.start()
        elif self._live and not drawing:
            self._live.stop()
            self._live = None

    def recall(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """How steps of an earlier run of the thread stand (`Outcome.steps`); their plan comes with the next event."""
        for step in steps:
            result = step.get("result") or {}
            known = {
                "status": step["status"],
                "error": (result.get("error") or {}).get("message"),
                "took": result.get("seconds"),
            }
            self.state.setdefault(step["id"], {}).update(known)

    def __call__(self, event: dict[str, Any]) -> None:
        """One event of the run."""
        kind = event.get("event")
        if kind == "plan":
            self._plan(event)
        elif kind == "step":
            self._step(event)
        elif kind == "note":
            self._note(event["text"])
        elif kind == "approval":
            until = datetime.fromisoformat(event["expires_at"])
            self._note(waits(event["change"], event["tool"], event["step"], event["approvers"], until))

    def _plan(self, event: dict[str, Any]) -> None:
        self.head = f"Plan, revision {event['rev']}: {reveal(event['reason'])}"
        self.steps = event["steps"]
        self._line(self.head)
        for step in self.steps if event["parent_rev"] is None else ():
            needs = f" after {', '.join(step['after'])}" if step["after"] else ""
            self._line(f"  {step['id']:<5} {reveal(step['title'])} ({step['specialist']}){needs}")

    def _step(self, event: dict[str, Any]) -> None:
        known = self.state.setdefault(event["step"], {})
        if event["status"] == "running" and "since" not in known:
            known["since"] = time.monotonic()
        if event["status"] in OVER and "since" in known and not event.get("retry"):
            known["took"] = time.monotonic() - known["since"]
        known.update(
            status=event["status"],
            error=event.get("error"),
            specialist=event.get("specialist"),
            attempt=event.get("attempt"),
            reused=event.get("reused"),
        )
        seen = look(event["status"])
        title = next((s["title"] for s in self.steps if s["id"] == event["step"]), event["step"])
        again = f", attempt {event['attempt']}" if (event.get("attempt") or 1) > 1 else ""
        error = f": {reveal(event['error'])}" if event.get("error") else ""
        used = ", used again" if event.get("reused") else ""
        self._line(f"  {seen.symbol} {event['step']:<5} {seen.word:<9} {reveal(title)}{again}{used}{error}")

    def _note(self, text: str) -> None:
        self.notes.append(reveal(text))
        self._line(f"  note: {reveal(text)}")

    def _line(self, text: str) -> None:
        if not self._redraws:
            self.console.print(Text(text), soft_wrap=True)

    def draw(self) -> Group:
        """The checklist as it stands."""
        table = Table(box=None, show_header=False, padding=(0, 1), expand=False)
        for width in (1, 9, None, 12, 6):
            table.add_column(width=width, no_wrap=width is not None, overflow="ellipsis")
        for step in self.steps:
            known = self.state.get(step["id"], {})
            seen = look(known.get("status", "pending"))
            took = known.get("took") or (time.monotonic() - known["since"] if "since" in known else None)
            about = (
                known.get("error")
                or ("used again from the answer before" if known.get("reused") else "")
                or (step["why"] if known.get("status") in (None, "running", "pending") else "")
            )
            title = Text(reveal(step["title"]))
            if about:
                title.append(f"\n{shorten(reveal(about), 160)}", style="red" if known.get("error") else "dim")
            who = known.get("specialist") or step["specialist"]
            table.add_row(Text(seen.symbol, seen.style), Text(seen.word, seen.style), title, Text(who, "dim"), seconds(took))
        return Group(Text(self.head, style="bold"), table, *(Text(f"  {note}", style="dim") for note in self.notes[-3:]))


def waits(change: str, tool: str, step: str, approvers: Sequence[str], expires_at: datetime) -> str:
    """What is said when an approval was reminded of or escalated."""
    said = {"reminded": "reminder", "escalated": "escalated, for nobody has decided"}[change]
    return f"{said}: {tool} in step {step} waits for {' or '.join(approvers)} until {expires_at:%Y-%m-%d %H:%M} UTC"


def so_far(row: Approval) -> str:
    """Who has agreed, and in whose stead; whom it was escalated to; when people were reminded. For people, " · " before each."""
    agreed = ", ".join(vote.by for vote in row.votes if vote.verdict == "approve")
    parts = [f"agreed so far: {agreed}"] if agreed else []
    if row.escalated_at:
        parts.append(f"escalated to {' or '.join(row.further)} {row.escalated_at:%Y-%m-%d %H:%M} UTC")
    if row.reminded_at:
        parts.append(f"reminded {row.reminded_at:%Y-%m-%d %H:%M} UTC")
    return reveal("".join(f" · {part}" for part in parts))


def approval_panel(row: Approval, number: int, count: int) -> Panel:
    """Everything an approver must see: exact arguments, where each came from, why it was stopped, who may decide."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold", ratio=3)
    table.add_column(style="dim", overflow="fold", ratio=2)
    for name, value in row.args.items():
        table.add_row(name, Text(reveal(str(value))), Text(reveal(row.provenance.get(name, ""))))
    goal = Text(f"{row.requester.user} wants: {shorten(reveal(row.user_request), 300)}", style="dim")
    why = Text(f"Asked because: {' '.join(row.reasons)} [{', '.join(row.rules)}]")
    known = Text(f"Known of it: {'; '.join(map(reveal, spoken(row.labels)))}." if row.labels else "", style="dim")
    who = f"Who must agree: {row.waits_for()}"
    until = f"expires {row.expires_at:%Y-%m-%d %H:%M} UTC{so_far(row)}"
    ends = f"{who} · {until} · effect: {row.effect} · proposed by {row.agent} in step {row.step_id}"
    title = f"◆ {row.tool}? ({number} of {count})"
    return Panel(
        Group(table, Text(""), goal, why, known, Text(ends, style="dim")),
        title=title,
        title_align="left",
        border_style="yellow",
    )


def decide(console: Console, row: Approval, ask: Callable[[str], str]) -> dict[str, Any] | None:
    """What a person decides of the approval on the screen, in the wire's form; None leaves it pending. `ask` reads a line."""
    while True:
        said = ask("[a]pprove, [e]dit, [r]eject or [s]kip? ").strip().lower()
        if said in ("a", "approve"):
            return {"type": "approve"}
        if said in ("s", "skip", ""):
            return None
        if said in ("r", "reject"):
            return {"type": "reject", "message": ask("Why? ").strip()}
        if said in ("e", "edit"):
            args = dict(row.args)
            for name, value in row.args.items():
                typed = ask(f"  {name} [{reveal(str(value))}]: ").strip()
                args[name] = retyped(value, typed) if typed else value
            if args != row.args:
                return {"type": "edit", "edited_action": {"name": row.tool, "args": args}}
            console.print("Nothing was changed.")
        else:
            console.print("Please type a, e, r or s.")


def retyped(value: Any, typed: str) -> Any:
    """What was typed, as the type of the value it replaces where that fits; the gateway checks it against the schema."""
    if isinstance(value, bool):
        return typed.lower() in ("y", "yes", "true", "1")
    if isinstance(value, int) and typed.lstrip("-").isdigit():
        return int(typed)
    if isinstance(value, list):
        return [part.strip() for part in typed.split(",") if part.strip()]
    return typed


def print_answer(console: Console, answer: Answer, *, sources: bool = False) -> None:
    """The report: missing parts first, then sections with tables, decisions, checks, caveats, and the sources on request."""
    console.print()
    console.rule(Text(reveal(answer.title), style="bold"), align="left")
    if answer.status != "complete":
        console.print(Text(f"This answer is {answer.status}: what is missing is said here.", style="bold red"))
    _lines(console, "Still to decide", answer.undecided, "yellow")
    _lines(console, "Missing", answer.missing, "red")
    for section in answer.sections:
        console.print(Text(f"\n{reveal(section.heading)}", style="bold"))
        for said in section.sentences:
            text = Text(reveal(said.text))
            text.append("".join(f"[{n}]" for n in said.citations), style="cyan")
            if said.flagged:
                text.append(f" (not relied on: {reveal(said.flagged)})", style="red")
            _bullet(console, text)
        for table in section.tables:
            console.print(_table(table, console.width))
    _lines(console, "Decisions", answer.decisions)
    _lines(console, "What the checks found", answer.issues)
    _lines(console, "Caveats", answer.caveats, "dim")
    if sources:
        _lines(console, "Sources", tuple(f"{c.n}. {source(c)}" for c in answer.citations), "dim")
    elif answer.citations:
        console.print(Text(f"\n{len(answer.citations)} figures are traced to records: --out DIR writes them all.", style="dim"))
    console.print(Text(made_by(answer), style="dim"))


def _table(table: AnswerTable, room: int) -> RenderableType:
    """The rows as a table no wider than `room`; one field a line where not even the figures would fit side by side."""
    rows = [[reveal(show(row.get(column.field), column.unit)) for column in table.columns] for row in table.rows]
    caption = Text(reveal(table.caption), style="dim")
    more = f"{len(table.rows)} of {table.total_rows} rows" if len(table.rows) < table.total_rows else ""
    widths = column_widths(table.columns, rows, room)
    if widths is None:
        fields = (f"{column.label}: {cell}" for row in rows for column, cell in zip(table.columns, row, strict=True))
        return Group(caption, *map(Text, fields), Text(more, style="dim"))
    shown = Table(title=caption, title_justify="left", box=None, header_style="bold", padding=(0, GAP, 0, 0))
    for column, width in zip(table.columns, widths, strict=True):
        shown.add_column(column.label, justify="right" if column.unit in NUMERIC else "left", overflow="fold", width=width)
    for row in rows:
        shown.add_row(*map(Text, row))
    shown.caption, shown.caption_justify = more or None, "left"
    return shown


def column_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """How wide each column is: a figure is never broken, a name between its words if that fits. None: there is no room."""
    need, least, want = [], [], []
    for place, column in enumerate(columns):
        cells, heading = [row[place] for row in rows], max(map(cell_len, column.label.split()), default=1)
        longest = max(map(cell_len, cells), default=1)
        word = max((cell_len(word) for cell in cells for word in cell.split()), default=1)
        number = column.unit in NUMERIC
        need.append(max(heading, longest if number else min(word, LONGEST_WORD)))
        least.append(need[-1] if number else min(need[-1], max(heading, SHORTEST)))
        want.append(max(longest, cell_len(column.label)))
    room -= GAP * len(columns)
    widths = need if sum(need) <= room else least
    spare = room - sum(widths)
    if spare < 0:
        return None
    for place in sorted(range(len(columns)), key=lambda n: want[n] - widths[n]):  # those that lack little first
        grown = min(spare, max(want[place] - widths[place], 0))
        widths[place] += grown
        spare -= grown
    return widths


def _lines(console: Console, heading: str, lines: tuple[str, ...], style: str = "") -> None:
    if lines:
        console.print(Text(f"\n{heading}", style="bold"))
        for line in lines:
            _bullet(console, Text(reveal(line), style=style))


def _bullet(console: Console, text: Text) -> None:
    """One point of a list, its further lines under the first one's text."""
    for number, line in enumerate(text.wrap(console, max(console.width - 4, 20))):
        line.rstrip()
        console.print(Text.assemble("    " if number else "  • ", line))


def print_text(console: Console, text: str) -> None:
    """A short message in Markdown, such as a question or a refusal."""
    console.print(Markdown(reveal(text)))
