"""How an execution stands, step by step, read from the rows alone: while it runs, in whatever process, or long after.

`progress` is pure; `progress_of` reads the rows for it. Drawings show the result.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from governance.effects import undone_steps
from graphs.executions import OPEN, Attempt, Execution
from graphs.plan import TERMINAL, Plan, Status, Step, needs, readiness
from graphs.services import Services


@dataclass(frozen=True)
class StepNow:
    """One step as it stands. `seconds` once it ended; `error` says why it did not succeed."""

    status: Status
    specialist: str
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Progress:
    """`steps` are those of the newest revision, after those that an earlier one had begun and a later one dropped."""

    rev: int
    steps: tuple[Step, ...]
    now: Mapping[str, StepNow]


async def progress_of(services: Services, found: Execution, *, held: bool) -> Progress | None:
    """How each step of an execution stands; None while it has no plan. `held`: somebody carries it out now."""
    executions, effects = services.executions, services.effects
    plans = await executions.plans(found.id)
    undone = undone_steps(await effects.for_execution(found.id), await effects.undoing(found.id))
    return (
        progress(plans, await executions.attempts(found.id), status=found.status, held=held, undone=undone) if plans else None
    )


def progress(
    plans: Sequence[Plan], attempts: Iterable[Attempt], *, status: str, held: bool, undone: Collection[str] = ()
) -> Progress:
    """`plans` are all revisions, oldest first; `status` is the execution's. `held`: somebody carries it out now.

    `undone` are the steps of whose effects nothing stands any more.
    """
    over = status not in OPEN
    newest, last = plans[-1], {attempt.step_id: attempt for attempt in attempts}  # the newest attempt of each step counts
    known = {step.id: step for plan in plans for step in plan.steps}
    dropped = [step for id, step in known.items() if id in last and id not in newest.ids()]
    now = {id: _attempted(attempt, id in newest.ids(), over, held) for id, attempt in last.items()}
    stands: dict[str, Status] = {id: one.status for id, one in now.items()}
    waiting = [step for step in newest.steps if step.id not in now]
    while waiting:  # in the order in which one step's fate decides the next one's
        free = [step for step in waiting if not any(other.id in needs(step) for other in waiting)] or waiting
        for step in free:
            stands[step.id] = _not_begun(step, stands) if status == "finished" else "cancelled" if over else "pending"
            now[step.id] = StepNow(stands[step.id], step.specialist)
        waiting = [step for step in waiting if step not in free]
    now |= {id: replace(one, status="compensated") for id, one in now.items() if id in undone}
    steps = (*dropped, *newest.steps)
    return Progress(newest.rev, steps, {step.id: now[step.id] for step in steps})


def _attempted(attempt: Attempt, planned: bool, over: bool, held: bool) -> StepNow:
    result = attempt.result
    status: Status = result.status if result else attempt.status  # type: ignore[assignment]  # a row holds a text
    if status not in TERMINAL:
        if not planned:
            status = "superseded"
        elif over:
            status = "cancelled"
        elif status == "running" and not held:  # its process is gone; whoever resumes the thread goes on with it
            status = "pending"
    error = result.error.message if result and result.error else ""
    return StepNow(status, attempt.specialist, result.seconds if result else 0.0, error)


def _not_begun(step: Step, stands: Mapping[str, Status]) -> Status:
    """A step without an attempt, once all is finished: it lacked something, or it was for each row and there were none."""
    return "skipped" if readiness(step, stands) == "blocked" or not step.for_each else "succeeded"
