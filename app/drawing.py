"""A plan as a picture: SVG with a layout of its own (layers by longest path), and Mermaid. Pure functions of plan and results."""

from collections.abc import Mapping
from html import escape

from app.status import look
from app.text import reveal, seconds, shorten
from graphs.plan import Plan, StepResult
from graphs.scheduler import needs_of

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 176, 52, 20, 46, 16


def layers(plan: Plan) -> list[list[str]]:
    """Step ids by depth: a step stands one layer below the deepest step it waits for."""
    depth: dict[str, int] = {}
    waits = {step.id: needs_of(step) & set(plan.ids()) for step in plan.steps}
    while len(depth) < len(waits):
        free = [id for id, needs in waits.items() if id not in depth and all(n in depth for n in needs)]
        if not free:
            raise ValueError("the plan has a cycle and cannot be drawn")
        for id in free:
            depth[id] = 1 + max((depth[n] for n in waits[id]), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for id in plan.ids():
        rows[depth[id]].append(id)
    return rows


def plan_svg(plan: Plan, results: Mapping[str, StepResult] | None = None) -> str:
    """The plan as a standalone SVG, coloured by how each step ended; colours follow the viewer's light or dark scheme."""
    results = results or {}
    rows = layers(plan)
    widest = max((len(row) for row in rows), default=1)
    full = 2 * MARGIN + widest * WIDTH + (widest - 1) * ACROSS
    tall = 2 * MARGIN + len(rows) * HEIGHT + max(len(rows) - 1, 0) * DOWN
    at: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        own = len(row) * WIDTH + (len(row) - 1) * ACROSS
        for place, id in enumerate(row):
            at[id] = ((full - own) / 2 + place * (WIDTH + ACROSS), MARGIN + level * (HEIGHT + DOWN))
    edges, boxes = [], []
    for step in plan.steps:
        x, y = at[step.id]
        for other in sorted(needs_of(step) & set(at)):
            ox, oy = at[other]
            x1, y1, x2, y2 = ox + WIDTH / 2, oy + HEIGHT, x + WIDTH / 2, y
            bend = (y2 - y1) / 2
            edges.append(f'<path d="M{x1:g},{y1:g} C{x1:g},{y1 + bend:g} {x2:g},{y2 - bend:g} {x2:g},{y2:g}"/>')
        result = results.get(step.id)
        seen = look(result.status if result else "pending")
        under = f"{seen.symbol} {seen.word}" + (f" · {seconds(result.seconds)}" if result and result.seconds else "")
        title = escape(shorten(reveal(step.title), 27))
        boxes.append(
            f'<g><title>{escape(reveal(step.title))}: {escape(step.specialist)}</title>'
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="7" stroke="{seen.hue}"/>'
            f'<text x="{x + 10:g}" y="{y + 21:g}" class="t">{title}</text>'
            f'<text x="{x + 10:g}" y="{y + 39:g}" class="s">{escape(step.specialist)} · {escape(under)}</text></g>'
        )
    style = (
        "svg{color-scheme:light dark;background:light-dark(#fff,#16191d)}rect{fill:light-dark(#f6f8fa,#21262c);stroke-width:1.6}"
        "path{fill:none;stroke:light-dark(#b6bec8,#5b6570);stroke-width:1.3}"
        "text{font-family:system-ui,sans-serif;fill:light-dark(#1f2328,#e6e9ed)}.t{font-size:12px;font-weight:600}"
        ".s{font-size:11px;fill:light-dark(#57606a,#9aa4af)}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full:g} {tall:g}" width="{full:g}" height="{tall:g}" role="img">'
    name = f"<title>Plan, revision {plan.rev}: {len(plan.steps)} steps</title>"
    return f"{head}{name}<style>{style}</style>{''.join(edges)}{''.join(boxes)}</svg>\n"


def plan_mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart."""
    lines = ["flowchart TD"]
    for step in plan.steps:
        text = reveal(step.title).replace('"', "'")
        lines.append(f'    {step.id}["{text}<br/><small>{step.specialist}</small>"]')
    for step in plan.steps:
        lines.extend(f"    {other} --> {step.id}" for other in sorted(needs_of(step) & set(plan.ids())))
    return "\n".join(lines) + "\n"
