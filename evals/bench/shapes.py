"""The ladder of plan shapes: which step waits for which, and how long each one's model takes. Pure and deterministic.

Used by the benchmark and its tests.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graphs.plan import Plan, Step

Latency = Literal["even", "uneven"]
MEAN_SECONDS = 0.3
UNEVEN = (0.15, 0.15, 0.15, 0.75)  # one step in four takes five times as long; the mean is that of the even steps
STEP_TIMEOUT = 300.0


@dataclass(frozen=True)
class Shape:
    """A DAG by name: `upstream` maps each step's id to the ids it needs, in an order in which they could run."""

    name: str
    upstream: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.upstream)

    def plan(self) -> Plan:
        """A plan of one worker's steps, in which every edge carries a product."""
        return Plan(reason=self.name, steps=tuple(_step(id, upstream) for id, upstream in self.upstream.items()))

    def seconds(self, latency: Latency) -> dict[str, float]:
        """How long each step's model takes in all."""
        if latency == "even":
            return dict.fromkeys(self.upstream, MEAN_SECONDS)
        draw = random.Random(self.name)
        return {id: draw.choice(UNEVEN) for id in self.upstream}


def _step(id: str, upstream: tuple[str, ...]) -> Step:
    inputs = {f"part_of_{other}": f"{other}.part" for other in upstream}
    return Step(
        id=id, title=f"Part {id}", specialist="worker", produces=("part",), inputs=inputs, tools=("work",), timeout=STEP_TIMEOUT
    )


def chain(length: int) -> Shape:
    return Shape(f"chain of {length}", {f"s{n}": (f"s{n - 1}",) if n > 1 else () for n in range(1, length + 1)})


def fan_out(width: int) -> Shape:
    """One step, `width` beside each other, one that needs them all."""
    middle = [f"s{n}" for n in range(2, width + 2)]
    return Shape(f"fan-out of {width}", {"s1": (), **dict.fromkeys(middle, ("s1",)), f"s{width + 2}": tuple(middle)})


def lattice(side: int) -> Shape:
    """A square grid on its corner: each step needs its neighbours above and to the left, and the width grows and shrinks."""
    upstream = {}
    for row in range(side):
        for column in range(side):
            near = [(row - 1, column), (row, column - 1)]
            upstream[f"s{row}-{column}"] = tuple(f"s{r}-{c}" for r, c in near if r >= 0 and c >= 0)
    return Shape(f"diamond lattice {side}×{side}", upstream)


def flagship() -> Shape:
    """The sample goal's plan as it runs: one source, four analyses, a score, briefs, an escalation for each of three rows."""
    analyses = ("s2", "s3", "s4", "s5")
    head = {"s1": (), **dict.fromkeys(analyses, ("s1",)), "s6": analyses, "s7": ("s6",)}
    return Shape("flagship", {**head, **dict.fromkeys(("s8-1", "s8-2", "s8-3"), ("s7",))})


def random_dag(steps: int, *, seed: int = 7, reach: int = 12) -> Shape:
    """Each step needs up to three of the `reach` steps before it."""
    draw = random.Random(seed)
    upstream: dict[str, tuple[str, ...]] = {}
    for n in range(1, steps + 1):
        before = list(upstream)[-reach:]
        chosen = draw.sample(before, min(len(before), draw.randint(0 if n <= reach else 1, 3)))
        upstream[f"s{n}"] = tuple(sorted(chosen))
    return Shape(f"random DAG of {steps}", upstream)


def ladder(short: bool = False) -> list[Shape]:
    """The shapes that are measured, small ones first; `short` leaves out the large one."""
    small = [chain(10), fan_out(10), lattice(5), flagship(), random_dag(50)]
    return small if short else [*small, random_dag(400)]
