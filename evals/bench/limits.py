"""What the benchmark promises, and what is wrong with a measurement that breaks it. Pure.

The targets are for a quiet machine; a run fails only beyond a target's margin: neighbours on a shared one slow both sides,
never evenly, and the cost of a step, a quotient of two short times, shakes most.
"""

from collections.abc import Sequence

from evals.bench.decisions import COUNT, DecisionCost
from evals.bench.door import DoorCost
from evals.bench.ledger import EventCost
from evals.bench.many import Held
from evals.bench.measure import Makespan, Memory, StepCost
from evals.bench.service import ServiceCost

SMALL = 50  # steps up to which a plan is held to its limit; larger ones are reported
OWN_RATIO, OWN_MARGIN = 1.05, 1.03  # makespan ÷ critical path over the steps as they took
STEP_RATIO, STEP_MARGIN = 2.0, 1.25  # a step ÷ the same turns by a bare agent with the saver as it comes
EVENT_RATIO = 1.5  # a batched event of the ledger ÷ a bare SHA-256 with a commit of its own
DECISION_RATIO = {"allow": 2.5, "deny": 2.5, "approve": 5.0}  # ÷ a bare Cedar call; no margin: taken in turns, best of all
RUNS_RATIO = {"SQLite": 0.8, "PostgreSQL": 0.7}  # runs a second ÷ the bare application's
RUNS_MARGIN = 0.8
TOKENS_RATIO, TOKENS_MARGIN = 2.5, 1.25  # the time of 50 streamed tokens ÷ the bare application's
SOONER = 100.0  # the first event of a stream, times sooner than langgraph dev's
FIRST_MS, FIRST_MARGIN = 9.0, 3.0  # until the first event: a time, no quotient, so neighbours slow only this side
STORAGE_RATIO = 1.15  # bytes a turn late in a thread ÷ early in it
WAITING_MIB = 16.0  # memory of the second half of the threads that wait
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


def broken_service(cost: ServiceCost) -> list[str]:
    """A sentence for each way in which the service costs too much beside the bare application and langgraph dev, margin included."""
    wrong, least = [], RUNS_RATIO[cost.database]
    if cost.ratio < least * RUNS_MARGIN:
        told = (
            f"the service on {cost.database} carries out {cost.ours.runs:.0f} runs/s, {cost.ratio:.2f} × the bare application's"
        )
        wrong.append(f"{told} (target {least}, margin × {RUNS_MARGIN})")
    if cost.tokens_ratio > TOKENS_RATIO * TOKENS_MARGIN:
        told = f"50 tokens take {cost.tokens_ratio:.2f} × the bare application's {cost.bare.tokens:.0f} ms"
        wrong.append(f"{told} (target {TOKENS_RATIO}, margin × {TOKENS_MARGIN})")
    if cost.ours.first > FIRST_MS * FIRST_MARGIN:
        wrong.append(
            f"a stream's first event comes after {cost.ours.first:.1f} ms (target {FIRST_MS}, margin × {FIRST_MARGIN})"
        )
    if cost.dev and cost.sooner < SOONER / FIRST_MARGIN:
        told = f"a stream's first event comes {cost.sooner:.0f} × sooner than langgraph dev's"
        wrong.append(f"{told} (target {SOONER:.0f}, margin ÷ {FIRST_MARGIN:.0f})")
    return wrong


def broken_held(held: Held) -> list[str]:
    """A sentence for each thing that grows and should not."""
    wrong = []
    if held.storage.ratio > STORAGE_RATIO:
        told = f"a turn late in a thread takes {held.storage.ratio:.2f} × the storage of an early one"
        wrong.append(f"{told} (limit {STORAGE_RATIO})")
    if held.waiting.running:
        wrong.append(f"{held.waiting.running} threads that wait for a person hold a worker")
    if held.waiting.grown > WAITING_MIB:
        wrong.append(f"{held.waiting.threads // 2} threads that wait cost {held.waiting.grown:.1f} MiB (limit {WAITING_MIB})")
    return wrong
