"""A plan as a picture: SVG with a layout of its own (layers by longest path), and Mermaid. Pure functions of plan and results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app.status import look
from app.text import reveal, seconds, shorten
from graphs.plan import Plan, StepResult
from graphs.scheduler import needs_of

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 196, 52, 20, 46, 16


@dataclass(frozen=True)
class Box:
    """One box: two lines of text, the colour of its frame, the boxes it comes after and those it leads back to."""

    id: str
    title: str
    under: str
    hue: str
    after: frozenset[str] = frozenset()
    back_to: frozenset[str] = frozenset()


def layers(boxes: Sequence[Box]) -> list[list[Box]]:
    """Boxes by depth: each stands one layer below the deepest box it comes after."""
    depth: dict[str, int] = {}
    while len(depth) < len(boxes):
        free = [box for box in boxes if box.id not in depth and all(id in depth for id in box.after)]
        if not free:
            raise ValueError("the plan has a cycle and cannot be drawn")
        for box in free:
            depth[box.id] = 1 + max((depth[id] for id in box.after), default=-1)
    rows: list[list[Box]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for box in boxes:
        rows[depth[box.id]].append(box)
    return rows


def boxes_svg(boxes: Sequence[Box], name: str) -> str:
    """Boxes and arrows as a standalone SVG; colours follow the viewer's light or dark scheme. Loops back are dashed."""
    rows = layers(boxes)
    widest = max((len(row) for row in rows), default=1)
    side = 70 if any(box.back_to for box in boxes) else 0
    full = 2 * MARGIN + widest * WIDTH + (widest - 1) * ACROSS + side
    tall = 2 * MARGIN + len(rows) * HEIGHT + max(len(rows) - 1, 0) * DOWN
    at: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        own = len(row) * WIDTH + (len(row) - 1) * ACROSS
        for place, box in enumerate(row):
            at[box.id] = ((full - side - own) / 2 + place * (WIDTH + ACROSS), MARGIN + level * (HEIGHT + DOWN))
    lines, frames = [], []
    for box in boxes:
        x, y = at[box.id]
        for other in sorted(box.after):
            x1, y1, x2 = at[other][0] + WIDTH / 2, at[other][1] + HEIGHT, x + WIDTH / 2
            bend = (y - y1) / 2
            lines.append(f'<path d="M{x1:g},{y1:g} C{x1:g},{y1 + bend:g} {x2:g},{y - bend:g} {x2:g},{y:g}"/>')
        for other in sorted(box.back_to):
            x1, y1, (x2, y2) = x + WIDTH, y + HEIGHT / 2, at[other]
            out = max(x1, x2 + WIDTH) + side - 10
            lines.append(
                f'<path class="b" d="M{x1:g},{y1:g} C{out:g},{y1:g} {out:g},{y2 + HEIGHT / 2:g} {x2 + WIDTH:g},{y2 + HEIGHT / 2:g}"/>'
            )
        frames.append(
            f"<g><title>{escape(reveal(box.title))}: {escape(reveal(box.under))}</title>"
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="7" stroke="{box.hue}"/>'
            f'<text x="{x + 10:g}" y="{y + 21:g}" class="t">{escape(shorten(reveal(box.title), 25))}</text>'
            f'<text x="{x + 10:g}" y="{y + 39:g}" class="s">{escape(shorten(reveal(box.under), 30))}</text></g>'
        )
    style = (
        ".boxes rect{fill:#f6f8fa;stroke-width:1.6}.boxes path{fill:none;stroke:#98a2ad;stroke-width:1.3}"
        ".boxes .b{stroke-dasharray:4 4}.boxes text{font-family:system-ui,sans-serif;fill:#1f2328;font-size:12px;font-weight:600}"
        ".boxes .s{font-size:11px;font-weight:400;fill:#57606a}"
        "@media (prefers-color-scheme:dark){.boxes rect{fill:#21262c}.boxes path{stroke:#5b6570}.boxes text{fill:#e6e9ed}"
        ".boxes .s{fill:#9aa4af}}"
    )
    size = f'viewBox="0 0 {full:g} {tall:g}" width="{full:g}" height="{tall:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" class="boxes">'
    return f"{head}<title>{escape(name)}</title><style>{style}</style>{''.join(lines)}{''.join(frames)}</svg>\n"


def plan_svg(plan: Plan, results: Mapping[str, StepResult] | None = None) -> str:
    """A plan, each step coloured by how it ended."""
    results, boxes = results or {}, []
    for step in plan.steps:
        result = results.get(step.id)
        seen = look(result.status if result else "pending")
        took = f" · {seconds(result.seconds)}" if result and result.seconds else ""
        under = f"{step.specialist} · {seen.symbol} {seen.word}{took}"
        boxes.append(Box(step.id, step.title, under, seen.hue, frozenset(needs_of(step) & set(plan.ids()))))
    return boxes_svg(boxes, f"Plan, revision {plan.rev}: {len(plan.steps)} steps")


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


def plan_mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for step in plan.steps:
        text = reveal(step.title).replace('"', "'")
        lines.append(f'    {step.id}["{text}<br/><small>{step.specialist}</small>"]')
    for step in plan.steps:
        lines.extend(f"    {other} --> {step.id}" for other in sorted(needs_of(step) & set(plan.ids())))
    return "\n".join(lines) + "\n"
