"""Draws a chart spec with matplotlib: colour-blind-safe, deterministic, readable on light and dark ground. Called by `charts.py`."""

import io
import re
import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, cast

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tools.charts import ChartSpec, Series

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f7f7f")  # Okabe and Ito
INK = "#123456"  # a placeholder in the drawing; becomes currentColor, so that the picture follows the page
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "++", "--")
WIDTH = 7.6  # inches; 72 points each
_STYLE = {
    "svg.hashsalt": "clearance",
    "svg.fonttype": "path",  # labels look the same, and fit, whatever fonts the reader has
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.4,
    "text.parse_math": False,  # a dollar sign is a dollar sign
}
_LOCK = threading.Lock()  # matplotlib's settings are the process's, and pictures are drawn in worker threads


def draw(spec: ChartSpec) -> str:
    """The spec as one `<svg>` element with title and description."""
    with _LOCK, matplotlib.rc_context(cast(Any, _STYLE)):
        figure = Figure(figsize=(WIDTH, _height(spec)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _DRAWERS[spec.type](axes, spec)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _finish(out.getvalue(), spec)


def _height(spec: ChartSpec) -> float:
    points = len(spec.x.values)
    if spec.type == "heatmap" or (spec.type in ("bar", "stacked_bar") and not _upright(spec)):
        each = 0.26 * (max(1, len(spec.series)) * 0.7 if spec.type == "bar" else 1)
        return min(60.0, 1.3 + max(0.26, each) * points)
    return 3.6


def _upright(spec: ChartSpec) -> bool:
    """Do the bars stand? Few, short labels stand; names lie, so that none is cut off."""
    names = [str(value) for value in spec.x.values]
    return len(names) <= 16 and sum(len(name) for name in names) <= 70 and max(map(len, names), default=0) <= 9


def _numbers(series: Series) -> list[float]:
    return [float("nan") if value is None else float(value) for value in series.values]


def _names(spec: ChartSpec) -> list[str]:
    return ["unknown" if value is None else _wrap(str(value)) for value in spec.x.values]


def _wrap(name: str, width: int = 38) -> str:
    """A long name on two lines; beyond that it is shortened (the data table has it whole)."""
    if len(name) <= width:
        return name
    cut = name.rfind(" ", 0, width)
    cut = cut if cut > 0 else width
    rest = name[cut:].strip()
    return f"{name[:cut]}\n{rest if len(rest) <= width else rest[: width - 1] + '…'}"


def short(value: float, unit: str) -> str:
    """A number as an axis or a bar shows it: `$72.2M`, `12.3%`, `1,186`."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if unit in ("usd", "count", "kg") and size >= 10_000:
        power, letter = next((p, s) for p, s in ((1e9, "B"), (1e6, "M"), (1e3, "k")) if size >= p)
        text = f"{size / power:.1f}".removesuffix(".0") + letter
    elif unit == "count" or size == int(size):
        text = f"{size:,.0f}"
    else:
        text = f"{size:,.2f}" if size < 1 or unit == "ratio" else f"{size:,.1f}"
    return f"{sign}{'$' if unit == 'usd' else ''}{text}{'%' if unit == 'percent' else ''}"


def _units(spec: ChartSpec) -> str:
    return spec.series[0].unit if len({series.unit for series in spec.series}) == 1 else "text"


def _axis_label(label: str, unit: str) -> str:
    said = {"usd": "US dollars", "percent": "%", "days": "days", "kg": "kg", "score": "score, 0 to 100"}.get(unit, "")
    return f"{label} ({said})" if said and said.split(",")[0] not in label else label


def _value_axis(axes: Axes, which: str, unit: str) -> None:
    axis: Any = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value, unit)))
    axis.set_major_locator(MaxNLocator(6))
    axes.grid(axis=cast(Any, which), color=INK, alpha=0.15, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left" if which == "x" else "bottom"].set_alpha(0.5)
    axes.spines["bottom" if which == "x" else "left"].set_visible(False)
    axes.tick_params(length=0)


def _legend(axes: Axes, spec: ChartSpec) -> None:
    if len(spec.series) > 1:
        columns = 1 if max(len(series.label) for series in spec.series) > 40 else 2
        figure = cast(Figure, axes.figure)
        figure.legend(
            frameon=False, loc="outside upper left", ncols=columns, handlelength=1.4
        )  # outside: the plot keeps its width


def _bars(axes: Axes, spec: ChartSpec) -> None:
    upright, stacked, unit = _upright(spec), spec.type == "stacked_bar", _units(spec)
    count, places = len(spec.series), range(len(spec.x.values))
    thick = 0.72 if stacked or count == 1 else 0.8 / count
    base_up, base_down = [0.0] * len(places), [0.0] * len(places)
    for index, series in enumerate(spec.series):
        values = [0.0 if value != value else value for value in _numbers(series)]
        shift = 0.0 if stacked or count == 1 else (index - (count - 1) / 2) * thick
        base = [up if value >= 0 else down for value, up, down in zip(values, base_up, base_down, strict=True)]
        at = [place + shift for place in places]
        look: dict[str, Any] = dict(color=PALETTE[index % 8], label=series.label, edgecolor="white", linewidth=0.4)
        look["hatch"] = HATCHES[index % 8] if count > 1 else None
        if upright:
            bars = axes.bar(at, values, thick, bottom=base if stacked else 0.0, **look)
        else:
            bars = axes.barh(at, values, thick, left=base if stacked else 0.0, **look)
        if stacked:
            base_up = [b + v if v >= 0 else b for b, v in zip(base_up, values, strict=True)]
            base_down = [b + v if v < 0 else b for b, v in zip(base_down, values, strict=True)]
        elif count <= 2:
            said = ["" if value is None else short(float(value), series.unit) for value in series.values]
            axes.bar_label(bars, said, padding=3, fontsize=8)
    if upright:
        axes.set_xticks(list(places), _names(spec))
        axes.set_ylabel(_series_label(spec))
        axes.set_xlabel(spec.x.label)
        _value_axis(axes, "y", unit)
        axes.margins(y=0.12)
    else:
        axes.set_yticks(list(places), _names(spec))
        axes.invert_yaxis()  # the first row on top, as in the table
        axes.set_xlabel(_series_label(spec))
        _value_axis(axes, "x", unit)
        axes.margins(x=0.14 if not stacked and count <= 2 else 0.03, y=0.02)
    _legend(axes, spec)


def _series_label(spec: ChartSpec) -> str:
    if len(spec.series) == 1:
        return _axis_label(spec.series[0].label, spec.series[0].unit)
    return _axis_label("", _units(spec)).strip(" ()") if _units(spec) != "text" else ""


def _line(axes: Axes, spec: ChartSpec) -> None:
    places, marks = range(len(spec.x.values)), "osD^vPX*"
    for index, series in enumerate(spec.series):
        colour = PALETTE[index % 8]
        axes.plot(
            places, _numbers(series), marker=marks[index % 8], markersize=5, linewidth=2, color=colour, label=series.label
        )
    step = max(1, -(-len(places) // 12))
    axes.set_xticks(list(places)[::step], [name.replace("\n", " ") for name in _names(spec)][::step])
    if max((len(name) for name in _names(spec)), default=0) > 9:
        axes.tick_params(axis="x", rotation=35)
    axes.set_xlabel(spec.x.label)
    axes.set_ylabel(_series_label(spec))
    _value_axis(axes, "y", _units(spec))
    if all(value is None or value >= 0 for series in spec.series for value in series.values):
        axes.set_ylim(bottom=0)
    _legend(axes, spec)


def _heatmap(axes: Axes, spec: ChartSpec) -> None:
    columns = [_numbers(series) for series in spec.series]
    together = _units(spec) != "text"
    everything = [value for column in columns for value in column if value == value]
    shades = []
    for column in columns:  # columns of different units are shaded each over its own range
        known = everything if together else [value for value in column if value == value]
        low, high = min([*known, 0.0]), max([*known, 0.0])
        shades.append([(value - low) / (high - low) if high > low else 0.0 for value in column])
    grid = [list(row) for row in zip(*shades, strict=True)]
    axes.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for x, series in enumerate(spec.series):
        for y, value in enumerate(_numbers(series)):
            said = short(value, series.unit) if value == value else "–"
            ink = INK if value != value else "black" if shades[x][y] > 0.45 else "white"  # no value: no cell
            axes.text(x, y, said, ha="center", va="center", color=ink, fontsize=8)
    axes.set_xticks(range(len(columns)), [_wrap(series.label, 16) for series in spec.series])
    axes.set_yticks(range(len(grid)), _names(spec))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _scatter(axes: Axes, spec: ChartSpec) -> None:
    across = [float("nan") if value is None else float(value) for value in spec.x.values]
    marks = "osD^vPX*"
    for index, series in enumerate(spec.series):
        look: dict[str, Any] = dict(color=PALETTE[index % 8], marker=marks[index % 8], label=series.label, alpha=0.85)
        axes.scatter(across, _numbers(series), s=34, edgecolor="white", linewidth=0.6, **look)
    if spec.labels and len(spec.series) == 1:
        up = _numbers(spec.series[0])
        known = [(x, y, n) for x, y, n in zip(across, up, spec.labels, strict=True) if x == x and y == y]
        _label_points(axes, known)
    axes.set_xlabel(_axis_label(spec.x.label, spec.x.unit))
    axes.set_ylabel(_series_label(spec))
    _value_axis(axes, "y", _units(spec))
    _value_axis(axes, "x", spec.x.unit)
    axes.spines["left"].set_visible(True)
    axes.margins(0.12)
    _legend(axes, spec)


def _label_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Name the points farthest out; labels that would lie on each other are left out (the data table has all)."""
    if not points:
        return
    wide = max(x for x, _, _ in points) - min(x for x, _, _ in points) or 1.0
    tall = max(y for _, y, _ in points) - min(y for _, y, _ in points) or 1.0
    placed: list[tuple[float, float]] = []
    for x, y, name in sorted(points, key=lambda point: -(abs(point[0]) / wide + abs(point[1]) / tall)):
        if any(abs(x - a) / wide < 0.28 and abs(y - b) / tall < 0.07 for a, b in placed) or len(placed) >= 10:
            continue
        placed.append((x, y))
        right = x > min(p[0] for p in points) + 0.55 * wide
        said = name if len(name) <= 28 else name[:27] + "…"
        axes.annotate(
            said, (x, y), (-6 if right else 6, 3), textcoords="offset points", ha="right" if right else "left", fontsize=8
        )


_DRAWERS: dict[str, Callable[[Axes, ChartSpec], None]] = {
    "bar": _bars,
    "stacked_bar": _bars,
    "line": _line,
    "heatmap": _heatmap,
    "scatter": _scatter,
}


def describe(spec: ChartSpec) -> str:
    """What the chart says, in words, for those who cannot see it."""
    shown = len(spec.x.values)
    what = f"{spec.type.replace('_', ' ')} chart of {', '.join(s.label for s in spec.series)} by {spec.x.label}, {shown} points"
    said = [f"{what}. {spec.scope}; {spec.as_of}."]
    for series in spec.series[:3]:
        known = [(float(v), str(x)) for v, x in zip(series.values, spec.labels or spec.x.values, strict=True) if v is not None]
        if known:
            (high, at), (low, lowest) = max(known), min(known)
            said.append(
                f"{series.label}: highest {short(high, series.unit)} ({at}), lowest {short(low, series.unit)} ({lowest})."
            )
    return " ".join(said)


def _finish(svg: str, spec: ChartSpec) -> str:
    """One accessible element that can stand in a page: no prolog, no group ids, a name, and the page's own ink."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = body.replace(INK, "currentColor")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)
    if not size:
        raise ValueError("matplotlib wrote no viewBox")
    ground = "light-dark(#1f2933, #e6e9ef)"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {size[1]} {size[2]}" '
        f'width="{float(size[1]) * 1.25:.0f}" role="img" style="max-width:100%;height:auto;color:{ground}">'
        f"<title>{escape(spec.title)}</title><desc>{escape(describe(spec))}</desc>"
    )
    return head + body[body.index(">") + 1 :].strip() + "\n"
