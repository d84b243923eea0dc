"""A plan or a graph as a picture: SVG and Mermaid. Pure functions of what is drawn; where things go is `layout.py`'s."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from app.layout import Spot, lay_out
from app.progress import Progress
from app.status import look
from app.text import reveal, seconds, shorten
from graphs.plan import needs

WIDTH, LINE, PAD, MARGIN = 200, 16, 9, 16
DOWN, STEEP = 44, 14  # pixels between layers: at least, and how much sideways takes one more
LETTERS = 27  # of a title, that fit a box


@dataclass(frozen=True)
class Box:
    """One box: a title of up to two lines, a line under it, a line in its colour; the boxes it comes after and leads back to."""

    id: str
    title: str
    under: str
    hue: str
    after: frozenset[str] = frozenset()
    back_to: frozenset[str] = frozenset()
    state: str = ""
    more: str = ""  # for the tooltip only

    def lines(self) -> list[str]:
        wrapped = textwrap.wrap(reveal(self.title), LETTERS) or [""]
        return [shorten(line, LETTERS) for line in [wrapped[0], " ".join(wrapped[1:])] if line]

    def height(self) -> int:
        return 2 * PAD + LINE * (len(self.lines()) + bool(self.under) + bool(self.state))


def boxes_svg(boxes: Sequence[Box], name: str) -> str:
    """Boxes and arrows as a standalone SVG; colours follow the viewer's light or dark scheme. Loops back are dashed."""
    known = {box.id: box for box in boxes}
    loops = [(upper, box.id) for box in boxes for upper in sorted(box.back_to)]
    plan = lay_out({box.id: box.after for box in boxes}, loops, WIDTH)
    x = {spot: MARGIN + at for spot, at in plan.x.items()}
    bent = [max((abs(x[a] - x[b]) for a, b in plan.links if a.layer == n), default=0.0) for n in range(len(plan.rows))]
    tops, tall = [], [max((known[s.box].height() for s in row if s.box), default=0) for row in plan.rows]
    y: float = MARGIN
    for high, wide in zip(tall, bent, strict=True):
        tops.append(y)
        y += high + DOWN + min(wide / STEEP, 2 * DOWN)
    full = max((at + (WIDTH if spot.box else 0) / 2 for spot, at in x.items()), default=0) + MARGIN
    bottom = tops[-1] + tall[-1] + MARGIN if tops else 2 * MARGIN

    drawn = "".join(_lines(plan.way, set(loops), x, tops, tall, known))
    frames = "".join(_frame(known[s.box], x[s], tops[s.layer]) for row in plan.rows for s in row if s.box)
    size = f'viewBox="0 0 {full:g} {bottom:g}" width="{full:g}" height="{bottom:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" class="boxes">'
    return f"{head}<title>{escape(name)}</title><style>{STYLE}</style>{drawn}{frames}</svg>\n"


STYLE = (
    ".boxes rect{fill:#f6f8fa;stroke-width:1.6}.boxes path{fill:none;stroke:#8b96a3;stroke-width:1.4}"
    ".boxes .a{fill:#8b96a3;stroke:none}.boxes .b{stroke-dasharray:5 4}"
    ".boxes text{font-family:system-ui,sans-serif;fill:#1f2328;font-size:12px;font-weight:600}"
    ".boxes .s{font-size:11px;font-weight:400;fill:#57606a}.boxes .w{font-size:11px}"
    "@media (prefers-color-scheme:dark){.boxes rect{fill:#21262c}.boxes path{stroke:#6b7683}.boxes .a{fill:#6b7683}"
    ".boxes text{fill:#e6e9ed}.boxes .s{fill:#9aa4af}}"
)


def _frame(box: Box, middle: float, top: float) -> str:
    left = middle - WIDTH / 2
    texts = [("t", line, "") for line in box.lines()]
    texts += [("s", shorten(reveal(box.under), LETTERS + 7), "")] if box.under else []
    texts += [("w", shorten(reveal(box.state), LETTERS + 7), f' style="fill:{box.hue}"')] if box.state else []
    told = ": ".join(reveal(part) for part in (box.title, box.under, box.state, box.more) if part)
    body = "".join(
        f'<text x="{left + 10:g}" y="{top + PAD + 12 + n * LINE:g}" class="{kind}"{look}>{escape(text)}</text>'
        for n, (kind, text, look) in enumerate(texts)
    )
    frame = f'<rect x="{left:g}" y="{top:g}" width="{WIDTH}" height="{box.height()}" rx="7" stroke="{box.hue}"/>'
    return f"<g><title>{escape(told)}</title>{frame}{body}</g>"


def _lines(
    ways: dict[tuple[str, str], list[Spot]],
    loops: set[tuple[str, str]],
    x: dict[Spot, float],
    tops: list[float],
    tall: list[int],
    known: dict[str, Box],
) -> list[str]:
    """The arrows. Between two layers a line may bend; beside a box it runs straight down its own place."""
    arriving: dict[str, list[tuple[float, tuple[str, str]]]] = {}
    for (a, b), way in ways.items():
        arriving.setdefault(way[-1].box, []).append((x[way[-2]], (a, b)))
    port: dict[tuple[str, str], float] = {}
    for lines in arriving.values():
        step = min(14.0, (WIDTH - 40) / len(lines))
        for n, (_, pair) in enumerate(sorted(lines)):
            port[pair] = x[ways[pair][-1]] + (n - (len(lines) - 1) / 2) * step
    drawn: dict[str, None] = {}  # a way that two lines share is drawn once
    for pair, way in ways.items():
        back = (pair[1], pair[0]) in loops
        kind = ' class="b"' if back else ""
        for upper, lower in pairwise(way):
            x1, x2 = x[upper] + (16 if back and upper.box else 0), x[lower] if not lower.box else port[pair]
            y1 = tops[upper.layer] + (known[upper.box].height() if upper.box else tall[upper.layer])
            strip, y2 = tops[upper.layer] + tall[upper.layer], tops[lower.layer]
            start, end = y1 + (6 if back and upper.box else 0), y2 - (6 if not back and lower.box else 0)
            middle = (strip + y2) / 2
            bend = f"M{x1:g},{start:g} V{strip:g} C{x1:g},{middle:g} {x2:g},{middle:g} {x2:g},{end:g}"
            through = "" if lower.box else f" V{y2 + tall[lower.layer]:g}"
            drawn[f'<path{kind} d="{bend}{through}"/>'] = None
        tip, at, way_up = (x[way[0]] + 16, tops[way[0].layer] + known[way[0].box].height(), 1) if back else (
            port[pair], tops[way[-1].layer], -1)  # fmt: skip
        drawn[f'<path class="a" d="M{tip:g},{at:g} l-4,{7 * way_up} h8 Z"/>'] = None
    return list(drawn)


def plan_boxes(progress: Progress) -> list[Box]:
    """The steps of an execution, each as it stands now."""
    boxes, known = [], {step.id for step in progress.steps}
    for step in progress.steps:
        now = progress.now[step.id]
        seen = look(now.status)
        took = f" · {seconds(now.seconds)}" if now.seconds else ""
        after = frozenset(needs(step).keys() & known)
        state = f"{seen.symbol} {seen.word}{took}"
        boxes.append(Box(step.id, step.title, f"{step.id} · {now.specialist}", seen.hue, after, state=state, more=now.error))
    return boxes


def plan_svg(progress: Progress) -> str:
    """An execution's plan, each step coloured by how it stands."""
    return boxes_svg(plan_boxes(progress), f"Plan, revision {progress.rev}: {len(progress.steps)} steps")


ABOUT = {
    "intake": "is this a goal for us?",
    "clarify": "pauses for an answer",
    "answered": "takes the answer",
    "plan": "goal → checked plan",
    "review": "pauses if asked to",
    "reviewed": "approve, edit, reject",
    "execute": "runs the plan, revises it",
    "prepare": "gathers what waits",
    "ask": "pauses for approvals",
    "apply": "records the votes",
    "verify": "checks every result",
    "report": "claims → cited answer",
}


def graph_svg(drawn: Any) -> str:
    """A LangGraph graph (`graph.get_graph()`) in the same style."""
    order = [name for name in drawn.nodes if name not in ("__start__", "__end__")]
    rank = {name: number for number, name in enumerate(order)}
    pairs = [(e.source, e.target) for e in drawn.edges if e.source in rank and e.target in rank]
    boxes = [
        Box(
            name,
            name,
            ABOUT.get(name, ""),
            "#2f80c9",
            frozenset(a for a, b in pairs if b == name and rank[a] < rank[b]),
            frozenset(b for a, b in pairs if a == name and rank[b] < rank[a]),
        )
        for name in order
    ]
    return boxes_svg(boxes, "The orchestrator's graph")


def plan_mermaid(progress: Progress) -> str:
    """The same as a Mermaid flowchart."""
    lines, boxes = ["flowchart TD"], plan_boxes(progress)
    for box in boxes:
        text = "<br/>".join([_quoted(box.title), f"<small>{_quoted(box.under)}</small>", box.state])
        lines.append(f'    {box.id}["{text}"]')
    for box in boxes:
        lines.extend(f"    {other} --> {box.id}" for other in sorted(box.after))
    lines.extend(f"    style {box.id} stroke:{box.hue}" for box in boxes)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Text inside a Mermaid label, where markup and quotes would be read."""
    return escape(reveal(text)).replace("&#x27;", "'").replace("&", "#").replace("##", "#")
