"""What the door costs: a read through the gateway (decided, run, both recorded) beside the bare tool, and the decision alone.

`python -m evals.bench.door` measures only this. The agent has ten results of a hundred rows before it, one of them text of others,
so that labels have something to be found in.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evals.bench.domain import WorkArgs, part, work
from evals.bench.engine import bench_services
from evals.bench.show import table
from governance.policy import CallFacts, Seen
from graphs.caller import local_caller
from graphs.services import Services
from tools.calls import ProposedCall

ROWS, RESULTS = 100, 10


@dataclass(frozen=True)
class DoorCost:
    """Milliseconds, the best of all rounds: the bare tool with its result as JSON values, the same through the door, the decision
    alone."""

    bare: float
    governed: float
    decision: float

    @property
    def over(self) -> float:
        return self.governed - self.bare


def seen() -> tuple[Seen, ...]:
    """What the agent has before it."""
    rows = [{"supplier": f"Supplier {n}", "account": f"NL{n:02d}ABNA{n:010d}", "spend": n * 17.5} for n in range(ROWS)]
    trusted = [Seen(work.name, {}, {"rows": [*rows]}) for _ in range(RESULTS - 1)]
    return (*trusted, Seen("letter", {"name": "bill.txt"}, "Please pay 98.70 to NL02INGB0001234567"))


async def door_cost(times: int) -> DoorCost:
    """Each in turns, after one round that warms up; on a shared machine noise only ever adds, so the best counts."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_services(Path(folder) / "home", {}, 1) as services:
            return await _measured(services, times)


async def _measured(services: Services, times: int) -> DoorCost:
    caller, before, granted = local_caller(services.settings), seen(), frozenset([work.name])

    async def bare() -> None:
        part([]).model_dump(mode="json")

    async def governed(number: int) -> None:
        head = ProposedCall(caller, "worker", work.name, {}, f"c{number}", "door", "s1", granted=granted, trace=before)
        clearing = await services.gateway.propose(head)
        assert (await services.gateway.act(head, clearing)).status == "ok", clearing.text

    async def decision() -> None:
        args = WorkArgs().model_dump(mode="json")
        facts = CallFacts(caller, "worker", work.name, work.manifest, args, "door", "s1", granted, trace=before)
        assert services.engine.decide(facts).outcome == "allow"

    taken: list[tuple[float, float, float]] = []
    gc.collect()
    for number in range(times + 1):
        taken.append((await _ms(bare), await _ms(partial(governed, number)), await _ms(decision)))
    return DoorCost(*(min(column) for column in zip(*taken[1:], strict=True)))


async def _ms(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def shown(cost: DoorCost) -> str:
    """As a Markdown table."""
    rows = [
        ["bare", f"{cost.bare:.3f}"],
        ["through the door", f"{cost.governed:.3f}"],
        ["what the door adds", f"{cost.over:.3f}"],
        ["of that, its decision", f"{cost.decision:.3f}"],
    ]
    return table(["one read", "ms"], rows)


if __name__ == "__main__":
    print(shown(asyncio.run(door_cost(300))))
