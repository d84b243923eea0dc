"""The measurements as Markdown tables, to read in a terminal and to paste into the README, or as JSON lines. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from evals.bench.ledger import BATCH, EventCost
from evals.bench.measure import Makespan, Memory, StepCost


def tables(spans: Sequence[Makespan], cost: StepCost, memory: Memory, event: EventCost) -> str:
    """All of it as Markdown."""
    makespans = table(
        ["plan", "steps", "latency", "critical path", "Clearance", "÷ path", "÷ own steps", "Send per wave", "÷ path"],
        [
            [
                one.shape,
                str(one.steps),
                one.latency,
                f"{one.path:.2f} s",
                f"{one.engine:.2f} s",
                f"{one.ratio:.2f}",
                f"{one.own_ratio:.3f}",
                f"{one.waves:.2f} s",
                f"{one.waves_ratio:.2f}",
            ]
            for one in spans
        ],
    )
    costs = table(
        ["one step, no model time", "ms", "Clearance ÷ it"],
        [
            ["Clearance", f"{cost.engine:.1f}", ""],
            ["bare create_agent, saver as it comes", f"{cost.bare:.1f}", f"{cost.ratio:.2f}"],
            ["bare create_agent, Clearance's saver", f"{cost.bare_light:.1f}", f"{cost.light_ratio:.2f}"],
        ],
    )
    held, resident = memory.held, memory.resident
    kept = table(
        ["memory of the flagship's shape", "after the first runs", f"after {memory.runs} runs", "KiB a run"],
        [
            ["held by Python", f"{held[0] / 1024:.1f} MiB", f"{held[1] / 1024:.1f} MiB", f"{memory.slope:+.1f}"],
            ["resident", f"{resident[0] / 1024:.1f} MiB", f"{resident[1] / 1024:.1f} MiB", ""],
        ],
    )
    events = table(
        ["one event of the ledger", "µs", "÷ bare SHA-256 + commit"],
        [
            [f"{BATCH} in a commit", f"{event.batched:.0f}", f"{event.ratio:.2f}"],
            ["with a commit of its own", f"{event.alone:.0f}", f"{event.alone_ratio:.2f}"],
            ["bare SHA-256 + commit", f"{event.bare:.0f}", ""],
            [f"bare SHA-256, {BATCH} in a commit", f"{event.bare_batched:.0f}", ""],
        ],
    )
    return f"{makespans}\n\n{costs}\n\n{kept}\n\n{events}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = [f"{'-' * (width - (i > 0))}{':' * (i > 0)}" for i, width in enumerate(widths)]

    def aligned(row: Sequence[str]) -> list[str]:
        return [text.rjust(width) if i else text.ljust(width) for i, (text, width) in enumerate(zip(row, widths, strict=True))]

    return "\n".join(f"| {' | '.join(line)} |" for line in [aligned(head), rule, *map(aligned, rows)])


def lines(spans: Sequence[Makespan], cost: StepCost, memory: Memory, event: EventCost) -> str:
    """One JSON object a line, `kind` first."""
    told = [{"kind": "makespan", **asdict(one), "ratio": one.ratio, "own_ratio": one.own_ratio} for one in spans]
    told.append({"kind": "step_cost", **asdict(cost), "ratio": cost.ratio, "light_ratio": cost.light_ratio})
    told.append({"kind": "memory", **asdict(memory)})
    told.append({"kind": "ledger", **asdict(event), "ratio": event.ratio, "batched_ratio": event.batched_ratio})
    return "\n".join(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in one.items()}) for one in told)
