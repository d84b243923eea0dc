"""Plan, Step, StepResult: pure data and the rules of the DAG. No I/O, no model, no graph.

Used by the planner (makes plans), the scheduler (asks what is ready), verify and report (read results), the application (shows).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal[
    "pending",
    "ready",
    "running",
    "waiting_approval",
    "waiting_external",
    "succeeded",
    "failed",
    "skipped",
    "cancelled",
    "superseded",
    "compensated",
]
TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "skipped", "cancelled", "superseded", "compensated"})
On = Literal["success", "done", "any"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wait(Frozen):
    """What a step waits for once all it needs is there: a length of time (`after`: 90m, 3d), a moment (`until`: ISO 8601 with a zone),
    or an `event` by its name, which has to come `within` a time if that is said: else the step fails."""

    after: str = Field("", pattern=r"^(\d{1,6}[smhdw])?$")
    until: str = ""
    event: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,79})?$")
    within: str = Field("", pattern=r"^(\d{1,6}[smhdw])?$")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.after, self.until, self.event))) != 1 or (self.within and not self.event):
            raise ValueError("say one of after, until and event; within goes with an event")
        if self.until and datetime.fromisoformat(self.until).tzinfo is None:
            raise ValueError(f"{self.until} has no time zone: end it with Z or an offset")
        return self


class Step(Frozen):
    """One step. `inputs` maps a product to where it comes from ("s1.suppliers"); `item` is the row of a repeated step."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    title: str
    specialist: str
    produces: tuple[str, ...]
    inputs: dict[str, str] = Field(default_factory=dict)
    depends_on: dict[str, On] = Field(default_factory=dict)
    for_each: str | None = None
    item: dict[str, Any] | None = None
    item_of: str | None = Field(None, description="the product whose row `item` is")
    parent: str | None = Field(None, description="the repeated step this one was expanded from")
    tainted: bool = Field(False, description="planned after text that others can write had been read")
    settings: dict[str, str] = Field(default_factory=dict)
    wait: Wait | None = None
    tools: tuple[str, ...] = ()
    effect: Literal["read", "write", "irreversible"] = "read"
    attempts: int = 2
    timeout: float = 120.0
    fallbacks: tuple[str, ...] = ()
    why: str = ""
    alternatives: tuple[str, ...] = ()


class StepError(Frozen):
    """Why a step did not succeed. `kind` decides what happens next; unable: a tool said why it cannot, and would again."""

    kind: Literal[
        "raised",
        "timeout",
        "junk",
        "loop",
        "denied",
        "rejected",
        "expired",
        "upstream",
        "model",
        "cancelled",
        "tool",
        "unable",
        "budget",
    ]
    message: str


class StepResult(Frozen):
    """How a step ended: typed, never an exception. `data` maps product to the tool result; `calls` are its tool calls.

    `produces` is what it was to make: a later revision may have dropped the step, and what it lost must still be known.
    `labels` are those of its context at the end, which whoever consumes it is handed (governance/labels.py)."""

    step_id: str
    status: Status
    specialist: str
    produces: tuple[str, ...] = ()
    attempt: int = 1
    thread_id: str = ""
    headline: str = ""
    claims: tuple[dict[str, Any], ...] = ()
    data: dict[str, dict[str, Any]] = Field(default_factory=dict)
    calls: tuple[dict[str, Any], ...] = ()
    caveats: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    error: StepError | None = None
    reused: str = Field("", description="where it was taken over from: execution/step")
    seconds: float = 0.0
    usage: dict[str, int] = Field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    model: str = Field("", description="what the model calls itself in its last answer")


class Plan(Frozen):
    """A revision of a plan. Ids are never reused over revisions. `cause` is why there is this revision: a person's review of
    the plan, a failed step, the rows of a repeated step that are known now, what the user said while it ran, or a budget that
    is nearly used."""

    rev: int = 1
    parent_rev: int | None = None
    cause: Literal["goal", "workflow", "review", "failure", "rows", "steer", "budget"] = "goal"
    reason: str = ""
    steps: tuple[Step, ...] = ()
    assumptions: tuple[str, ...] = ()

    def step(self, id: str) -> Step:
        return next(step for step in self.steps if step.id == id)

    def ids(self) -> list[str]:
        return [step.id for step in self.steps]


def diff_of(before: Plan, after: Plan) -> dict[str, list[str]]:
    """The steps that a revision added and dropped."""
    old, new = set(before.ids()), set(after.ids())
    return {"added": sorted(new - old), "dropped": sorted(old - new)}


def needs(step: Step) -> dict[str, On]:
    """What a step waits for: what it says, and the producer of each input (which must succeed unless it says otherwise)."""
    upstream = {ref.partition(".")[0]: "success" for ref in (*step.inputs.values(), *filter(None, [step.for_each]))}
    return {**upstream, **step.depends_on}  # type: ignore[dict-item]  # "success" is one of On


def find_cycle(steps: Iterable[Step]) -> list[str]:
    """The ids on one cycle, or an empty list."""
    waits = {step.id: sorted(needs(step)) for step in steps}
    state: dict[str, int] = {}
    for root in waits:
        trail: list[tuple[str, list[str]]] = [(root, list(waits[root]))] if root not in state else []
        if trail:
            state[root] = 1
        while trail:
            here, rest = trail[-1]
            if not rest:
                state[here] = 2
                trail.pop()
                continue
            above = rest.pop()
            if state.get(above) == 1:
                path = [id for id, _ in trail]
                return path[path.index(above) :]
            if above in waits and above not in state:
                state[above] = 1
                trail.append((above, list(waits[above])))
    return []


def check(plan: Plan, known: Mapping[str, Iterable[str]], *, used: Iterable[str] = ()) -> list[str]:
    """What is wrong with a plan, in sentences a planner can act on. `known` maps specialist to what it can produce;
    `used` are ids of steps that an earlier revision had and this one dropped."""
    wrong: list[str] = []
    seen: set[str] = set()
    for step in plan.steps:
        if step.id in seen or step.id in set(used):
            wrong.append(f"step id {step.id} is used twice: give it a fresh one")
        seen.add(step.id)
        if step.specialist not in known:
            wrong.append(f"step {step.id}: there is no specialist {step.specialist!r}; there are: {', '.join(sorted(known))}")
            continue
        for product in step.produces:
            if product not in set(known[step.specialist]):
                wrong.append(f"step {step.id}: {step.specialist} does not produce {product!r}")
    made = {f"{step.id}.{product}" for step in plan.steps for product in step.produces}
    for step in plan.steps:
        for ref in (*step.inputs.values(), *filter(None, [step.for_each])):
            if ref not in made:
                wrong.append(f"step {step.id}: nothing produces {ref}")
        wrong.extend(
            f"step {step.id} depends on {other}, which is not in the plan" for other in step.depends_on if other not in seen
        )
    if cycle := find_cycle(plan.steps):
        wrong.append(f"the steps wait for each other in a circle: {' → '.join([*cycle, cycle[0]])}")
    return wrong


def readiness(step: Step, status: Mapping[str, Status]) -> Literal["ready", "wait", "blocked"]:
    """May a step start? blocked: something it needs has ended without success."""
    ready = True
    for id, on in needs(step).items():
        ended = status.get(id, "pending")
        if on == "any" and ended != "pending":
            continue
        if ended not in TERMINAL:
            ready = False
        elif on == "success" and ended != "succeeded":
            return "blocked"
    return "ready" if ready else "wait"


def downstream(plan: Plan, id: str) -> list[str]:
    """Every step that depends on `id`, directly or not, in plan order."""
    reached = {id}
    grew = True
    while grew:
        more = {step.id for step in plan.steps if step.id not in reached and reached & set(needs(step))}
        grew = bool(more)
        reached |= more
    return [step.id for step in plan.steps if step.id in reached and step.id != id]


def critical_path(plan: Plan, seconds: Mapping[str, float]) -> float:
    """The shortest time in which the plan can run, given each step's seconds."""
    ends: dict[str, float] = {}
    waiting = {step.id: step for step in plan.steps}
    while waiting:
        free = [step for step in waiting.values() if all(id in ends or id not in waiting for id in needs(step))]
        for step in free:
            ends[step.id] = max((ends.get(id, 0.0) for id in needs(step)), default=0.0) + seconds.get(step.id, 0.0)
            del waiting[step.id]
        if not free:
            raise ValueError("the plan has a cycle")
    return max(ends.values(), default=0.0)
