"""Operations as they are told by `GET /governance/operations`. Times are ISO text in UTC."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["success", "partial", "refused", "failed", "stopped", "waiting", "running", "unknown"]
"""How a goal stands. refused: it could not be planned, or is none of ours; unknown: it ended before outcomes were kept."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Verdict = Literal["approved", "rejected", "answered", "edited", "expired", "void", "pending"]
"""How an approval stands. edited: asked anew with other arguments; void: withdrawn, for its step or run ended."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Filter(BaseModel):
    """Which runs: what `GET /governance/operations/runs` takes, with the same `since` and `until`. All that is said has to hold."""

    model_config = ConfigDict(extra="forbid")
    outcome: Outcome | None = Field(None, description="goals that stand so")
    approval: Verdict | None = Field(None, description="with an approval that stands so")
    waited: bool = Field(False, description="in which people decided an approval")
    specialist: str | None = Field(None, max_length=60, description="in which it ended a try at a step")
    tool: str | None = Field(None, max_length=100, description="in which a call of it failed or was denied")


class RunRef(BaseModel):
    """A run to open; `thread_id` is told to who may read the thread."""

    execution_id: str
    thread_id: str | None


class Behind(BaseModel):
    """The runs behind a number: how many, the newest of them, and how to ask for all."""

    total: int
    newest: list[RunRef]
    filter: Filter


class GoalsShape(BaseModel):
    """Goals that stand so."""

    outcome: Outcome
    count: int
    runs: Behind


class LargeRunShape(BaseModel):
    """One of the runs that used most tokens."""

    run: RunRef
    goal: str
    tokens: int


class UsageShape(BaseModel):
    """What models used, as far as steps and roles ended. `cost` is in US dollars at the price that is set now; null: none is."""

    model_calls: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    largest: list[LargeRunShape]


class WaitingShape(BaseModel):
    """How long people took to decide, of the requests that they decided, edits and all; null without any."""

    decided: int
    p50_seconds: float | None
    p95_seconds: float | None
    runs: Behind


class ApprovalsShape(BaseModel):
    """Approvals that stand so."""

    verdict: Verdict
    count: int
    runs: Behind


class StepsShape(BaseModel):
    """How long a specialist's tries took that came to an end."""

    specialist: str
    count: int
    p50_seconds: float
    p95_seconds: float
    runs: Behind


class SlowStepShape(BaseModel):
    """One of the longest tries."""

    run: RunRef
    step_id: str
    attempt: int
    specialist: str
    status: str
    seconds: float


class FailingToolShape(BaseModel):
    """A tool some of whose calls failed or were denied. `calls` are those that ran; of `failed` some have an unknown outcome."""

    tool: str
    calls: int
    failed: int
    denied: int
    runs: Behind


class OperationsShape(BaseModel):
    """Of the runs that began at or after `since` and before `until`. `success_rate` is of the goals that came to their end and were
    not stopped; null without any."""

    since: str
    until: str
    goals: list[GoalsShape]
    success_rate: float | None
    usage: UsageShape
    waiting: WaitingShape
    approvals: list[ApprovalsShape]
    steps: list[StepsShape]
    slowest_steps: list[SlowStepShape]
    failing_tools: list[FailingToolShape]


class RunShape(RunRef):
    """A run, as a list shows it."""

    goal: str
    requester: str
    outcome: Outcome
    created: str
    ended: str | None


class RunsShape(BaseModel):
    """A page of runs, the newest first; `next` is the `before` of the next page, null at the end."""

    runs: list[RunShape]
    next: str | None
