"""Where boxes and lines of a drawing go: layers from top to bottom, lines that pass through no box. Pure; used by `drawing.py`.

A line that spans several layers gets a narrow place of its own in each layer between, so it runs straight through gaps between
boxes and bends only in the free strips between layers. Lines from one box share their way as far as they can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

SWEEPS = 12
LANE, SPACE = 10.0, 22.0  # width of a line's place; free room between two places


@dataclass(frozen=True)
class Spot:
    """A place in a layer: a box, or a line that passes (`of` says whose)."""

    layer: int
    box: str = ""
    of: str = ""


@dataclass(frozen=True)
class Layout:
    """`rows` are the spots of each layer from left to right, `x` their middles, `links` pairs of spots of adjacent layers.

    `way` is the line from a box to another, by the pair of their ids, its spots always from top to bottom.
    """

    rows: list[list[Spot]]
    x: dict[Spot, float]
    way: dict[tuple[str, str], list[Spot]]

    @property
    def links(self) -> list[tuple[Spot, Spot]]:
        return list(dict.fromkeys(pair for way in self.way.values() for pair in pairwise(way)))


def depths(after: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """The layer of each box: one below the deepest it comes after. Raises `ValueError` for a cycle."""
    depth: dict[str, int] = {}
    while len(depth) < len(after):
        free = [id for id in after if id not in depth and after[id] <= depth.keys()]
        if not free:
            raise ValueError("the plan has a cycle and cannot be drawn")
        depth.update({id: 1 + max((depth[other] for other in after[id]), default=-1) for id in free})
    return depth


def lay_out(after: Mapping[str, frozenset[str]], back: Sequence[tuple[str, str]], width: float) -> Layout:
    """Place boxes of one width. `after`: what each box comes after; `back`: pairs (upper, lower) of loops, on lines of their own."""
    depth = depths({id: above | {upper for upper, lower in back if lower == id} for id, above in after.items()})
    place = {id: Spot(depth[id], box=id) for id in after}
    way: dict[tuple[str, str], list[Spot]] = {}
    forward = [(upper, lower) for lower, uppers in after.items() for upper in sorted(uppers)]
    for upper, lower in forward:
        between = [Spot(layer, of=upper) for layer in range(depth[upper] + 1, depth[lower])]
        way[upper, lower] = [place[upper], *between, place[lower]]
    for upper, lower in back:
        between = [Spot(layer, of=f"{lower}>{upper}") for layer in range(depth[upper] + 1, depth[lower])]
        way[lower, upper] = [place[upper], *between, place[lower]]
    rows: list[list[Spot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for spot in dict.fromkeys([*place.values(), *(spot for one in way.values() for spot in one)]):
        rows[spot.layer].append(spot)
    draft = Layout(rows, {}, way)
    above, below = _neighbours(draft.links)
    rows = _ordered(rows, above, below)
    return Layout(rows, _columns(rows, above, below, width), way)


Near = dict[Spot, list[Spot]]


def _neighbours(links: Sequence[tuple[Spot, Spot]]) -> tuple[Near, Near]:
    above: Near = {}
    below: Near = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    return above, below


def _ordered(rows: list[list[Spot]], above: Near, below: Near) -> list[list[Spot]]:
    """The order in each layer with the fewest crossings found: sweeps by the mean of the neighbours, then swaps of two."""
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(SWEEPS):
        rows = [list(row) for row in rows]
        down = sweep % 2 == 0
        for number in range(len(rows)) if down else reversed(range(len(rows))):
            fixed = number - 1 if down else number + 1
            if 0 <= fixed < len(rows):
                at = {spot: place for place, spot in enumerate(rows[fixed])}
                near = above if down else below
                old = {spot: place for place, spot in enumerate(rows[number])}
                means = {s: fmean([at[n] for n in near[s]]) if s in near else float(old[s]) for s in rows[number]}
                rows[number].sort(key=lambda spot: (means[spot], old[spot]))
        _swap(rows, above, below)
        if (found := _crossings(rows, below)) < fewest:
            best, fewest = rows, found
    return best


def _swap(rows: list[list[Spot]], above: Near, below: Near) -> None:
    """Exchange neighbours in a layer wherever that takes crossings away."""
    for number, row in enumerate(rows):
        at = {spot: place for r in rows[max(number - 1, 0) : number + 2] for place, spot in enumerate(r)}
        for place in range(len(row) - 1):
            left, right = row[place], row[place + 1]
            pairs = [
                (at[a], at[b]) for near in (above, below) for a in near.get(left, ()) for b in near.get(right, ()) if a != b
            ]
            if sum(a > b for a, b in pairs) > sum(a < b for a, b in pairs):
                row[place], row[place + 1] = right, left
                at[left], at[right] = place + 1, place


def _crossings(rows: list[list[Spot]], below: Near) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        at = {spot: place for place, spot in enumerate(lower)}
        ends = [sorted(at[n] for n in below.get(spot, ())) for spot in upper]
        count += sum(b < a for n, one in enumerate(ends) for a in one for other in ends[n + 1 :] for b in other)
    return count


def _columns(rows: list[list[Spot]], above: Near, below: Near, width: float) -> dict[Spot, float]:
    """Middles of all spots: near the mean of their neighbours', as far as the order and the widths allow."""
    x: dict[Spot, float] = {}
    for row in rows:
        offset, offsets = 0.0, []
        for left, right in zip([None, *row], row, strict=False):
            offset += _apart(left, right, width) if left else 0.0
            offsets.append(offset)
        x.update({spot: offset - offsets[-1] / 2 for spot, offset in zip(row, offsets, strict=True)})
    for sweep in range(2 * SWEEPS + 1):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wish, weight = [], []
            beside = fmean([x[spot] for spot in row if spot in above or spot in below] or [0.0])
            for spot in row:
                near = (above if down else below).get(spot) or (below if down else above).get(spot)
                wish.append(fmean([x[n] for n in near]) if near else beside)
                weight.append((1.0 if spot.box else 4.0) if near else 0.01)  # a line that passes is best straight
            x.update(zip(row, _fit(row, wish, weight, width), strict=True))
    least = min((x[spot] - _width(spot, width) / 2 for spot in x), default=0.0)
    return {spot: round(value - least, 1) for spot, value in x.items()}


def _width(spot: Spot, width: float) -> float:
    return width if spot.box else LANE


def _apart(left: Spot, right: Spot, width: float) -> float:
    """The least distance of the middles of two neighbours."""
    return (_width(left, width) + _width(right, width)) / 2 + (SPACE if left.box or right.box else 4.0)


def _fit(row: Sequence[Spot], wish: Sequence[float], weight: Sequence[float], width: float) -> list[float]:
    """The positions nearest to the wished ones that keep order and distance (isotonic regression, pooling neighbours)."""
    offset, offsets = 0.0, []
    for place, spot in enumerate(row):
        offset += _apart(row[place - 1], spot, width) if place else 0.0
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, heavy, least in zip(wish, weight, offsets, strict=True):
        mean, total, members = want - least, heavy, 1
        while blocks and blocks[-1][0] > mean:
            other, more, count = blocks.pop()
            mean, total, members = (mean * total + other * more) / (total + more), total + more, members + count
        blocks.append((mean, total, members))
    means = [mean for mean, _, members in blocks for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
