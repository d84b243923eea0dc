"""`python -m evals.bench [--short] [--json] [--service]`: measure, print, and exit 1 when a limit of `limits.py` does not hold.

In full it takes some ten minutes on two cores. `--short` takes two to three: one repetition, no plan of 400 steps,
uneven latencies for the largest plan only, fewer runs for memory.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from evals.bench.decisions import decision_costs
from evals.bench.decisions import shown as decisions_shown
from evals.bench.door import door_cost, shown
from evals.bench.ledger import EventCost, event_cost
from evals.bench.limits import SMALL, broken, broken_decisions, broken_door, broken_held, broken_service
from evals.bench.many import held
from evals.bench.many import shown as held_shown
from evals.bench.measure import Makespan, Memory, StepCost, makespan, memory, step_cost
from evals.bench.service import service_cost
from evals.bench.service import shown as service_shown
from evals.bench.shapes import Latency, ladder
from evals.bench.show import lines, tables
from evals.chaos.postgres import NoPostgres, own_postgres

LATENCIES: tuple[Latency, ...] = ("even", "uneven")


async def measure(short: bool) -> tuple[list[Makespan], StepCost, Memory, EventCost]:
    """Everything, one measurement after the other; says on standard error what it is at."""
    print("measuring the cost of a step …", file=sys.stderr)
    cost = await step_cost(6 if short else 20)
    spans = []
    shapes = ladder(short)
    for shape in shapes:
        for latency in LATENCIES if shape is shapes[-1] or not short else LATENCIES[:1]:
            print(f"measuring {shape.name}, {latency} steps …", file=sys.stderr)
            spans.append(await makespan(shape, latency, 1 if short or len(shape) > SMALL else 2))
    print("measuring memory …", file=sys.stderr)
    kept = await memory(20 if short else 100)
    print("measuring the ledger …", file=sys.stderr)
    return spans, cost, kept, await asyncio.to_thread(event_cost, 50 if short else 200)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description="Benchmark of the engine and of the service.")
    parser.add_argument("--short", action="store_true", help="about a minute, for CI")
    parser.add_argument("--no-limits", action="store_true", help="say which limits do not hold, and exit 0 all the same")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of tables")
    parser.add_argument("--service", action="store_true", help="only the service")
    parser.add_argument(
        "--database", default="", metavar="URL", help="this PostgreSQL for the service, instead of one of its own"
    )
    chosen = parser.parse_args(arguments)
    wrong = ([] if chosen.service else engine(chosen)) + service(chosen)
    for sentence in wrong:
        print(f"limit: {sentence}", file=sys.stderr)
    return 1 if wrong and not chosen.no_limits else 0


def service(chosen: argparse.Namespace) -> list[str]:
    """Measure the service and print it; what is wrong."""
    wrong = []
    with postgres(chosen.database) as server:
        for url in dict.fromkeys(["", server]):
            print(f"measuring the service{' on PostgreSQL' * bool(url)} …", file=sys.stderr)
            cost = service_cost(rounds=1 if chosen.short else 5, runs=64 if chosen.short else 320, url=url, dev=not url)
            told = json.dumps({"kind": "service", **asdict(cost), "ratio": cost.ratio})
            print(told if chosen.json else f"\n{service_shown(cost)}")
            wrong += broken_service(cost)
    print("measuring what the service holds …", file=sys.stderr)
    found = held(chosen.short)
    print(json.dumps({"kind": "held", **asdict(found)}) if chosen.json else f"\n{held_shown(found)}")
    return wrong + broken_held(found)


@contextmanager
def postgres(url: str) -> Iterator[str]:
    """The URL of a PostgreSQL: this one, or of a server of the benchmark's own; empty where none can be started."""
    with ExitStack() as started:
        if not url:
            try:
                url = started.enter_context(own_postgres()).url.render_as_string(hide_password=False)
            except NoPostgres as error:
                print(f"{error}: the service is measured on SQLite alone", file=sys.stderr)
        yield url


def engine(chosen: argparse.Namespace) -> list[str]:
    """Measure the engine, the ledger, the door and decisions, and print it; what is wrong."""
    measured = asyncio.run(measure(chosen.short))
    print((lines if chosen.json else tables)(*measured))
    door = asyncio.run(door_cost(300))
    print(json.dumps({"kind": "door", **asdict(door), "over": door.over}) if chosen.json else f"\n{shown(door)}")
    decisions = decision_costs(100 if chosen.short else 300)
    if chosen.json:
        for one in decisions:
            print(json.dumps({"kind": "decision", **asdict(one), "ratio": one.ratio}))
    else:
        print(f"\n{decisions_shown(decisions)}")
    return broken(*measured) + broken_door(door) + broken_decisions(decisions)


if __name__ == "__main__":
    raise SystemExit(main())
