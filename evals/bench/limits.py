"""What the benchmark promises, and what is wrong with a measurement that breaks it. Pure.

The targets are for a quiet machine; a run fails only beyond a target's margin: neighbours on a shared one slow both sides,
never evenly, and the cost of a step, a quotient of two short times, shakes most.
"""

from collections.abc import Sequence

from evals.bench.decisions import COUNT, DecisionCost
from evals.bench.door import DoorCost
from evals.bench.ledger import EventCost
from evals.bench.measure import Makespan, Memory, StepCost

SMALL = 50  # steps up to which a plan is held to its limit; larger ones are reported
OWN_RATIO, OWN_MARGIN = 1.05, 1.03  # makespan ÷ critical path over the steps as they took
STEP_RATIO, STEP_MARGIN = 2.0, 1.25  # a step ÷ the same turns by a bare agent with the saver as it comes
EVENT_RATIO = 1.5  # a batched event of the ledger ÷ a bare SHA-256 with a commit of its own
DECISION_RATIO = {"allow": 2.5, "deny": 2.5, "approve": 5.0}  # ÷ a bare Cedar call; no margin: taken in turns, best of all
DOOR_MS = 1.0  # a governed read over the bare tool; no margin: the best of all rounds
SLOPE = 16.0  # KiB a run; no margin: allocations do not depend on neighbours


def broken(spans: Sequence[Makespan], cost: StepCost, memory: Memory, event: EventCost) -> list[str]:
    """A sentence for each limit that does not hold, margin included; empty when all do."""
    wrong = [
        f"{one.shape}, {one.latency}: the makespan is {one.own_ratio:.3f} × the critical path of its steps "
        f"(target {OWN_RATIO}, margin × {OWN_MARGIN})"
        for one in spans
        if one.steps <= SMALL and one.own_ratio > OWN_RATIO * OWN_MARGIN
    ]
    if cost.ratio > STEP_RATIO * STEP_MARGIN:
        told = f"a step costs {cost.ratio:.2f} × the bare agent's {cost.bare:.1f} ms"
        wrong.append(f"{told} (target {STEP_RATIO}, margin × {STEP_MARGIN})")
    if memory.slope > SLOPE:
        wrong.append(f"memory grows by {memory.slope:.1f} KiB a run (limit {SLOPE})")
    if event.ratio > EVENT_RATIO:
        told = f"an event of the ledger costs {event.ratio:.2f} × a bare hash and commit of {event.bare:.0f} µs"
        wrong.append(f"{told} (limit {EVENT_RATIO})")
    return wrong


def broken_decisions(costs: Sequence[DecisionCost]) -> list[str]:
    """A sentence for each outcome whose decision costs too much beside the bare Cedar call."""
    return [
        f"a decision to {one.outcome} with {COUNT} policies costs {one.ratio:.2f} × a bare Cedar call of {one.bare:.0f} µs "
        f"(limit {DECISION_RATIO[one.outcome]})"
        for one in costs
        if one.ratio > DECISION_RATIO[one.outcome]
    ]


def broken_door(cost: DoorCost) -> list[str]:
    """A sentence where a governed read costs too much beside the bare tool."""
    if cost.over <= DOOR_MS:
        return []
    told = f"a governed read takes {cost.over:.2f} ms more than the bare tool's {cost.bare:.2f} ms"
    return [f"{told} (limit {DOOR_MS})"]
