"""What `/governance` answers, as models, so that the OpenAPI page says it. Times are ISO text in UTC."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.approval import Approval, Status


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class VoteShape(Shape):
    """A vote of a person; `behalf` is who delegated the role to them."""

    user: str
    roles: tuple[str, ...]
    verdict: str
    message: str
    at: datetime
    behalf: str | None


class ApprovalShape(Shape):
    """What is asked, why, of whom, and what was said. `args_schema` is the JSON Schema of the arguments, null for a tool that is no
    more. `provenance` says where each argument comes from. `masked`: the caller may not read the arguments. `thread_id` is told to
    who may read the thread."""

    id: str
    status: Status
    execution_id: str
    step_id: str
    thread_id: str | None
    requester: str
    agent: str
    tool: str
    effect: str
    args: Mapping[str, Any]
    args_schema: Mapping[str, Any] | None = None
    provenance: Mapping[str, str]
    labels: tuple[str, ...]
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    approvers: tuple[str, ...]
    policy_version: str
    user_request: str
    created_at: datetime
    expires_at: datetime
    reminded_at: datetime | None
    decided_at: datetime | None
    decided_by: tuple[str, ...]
    message: str
    superseded_by: str | None
    votes: tuple[VoteShape, ...]
    masked: bool = False

    @classmethod
    def of(cls, row: Approval) -> "ApprovalShape":
        names = [name for name in ApprovalShape.model_fields if name not in ("requester", "votes", "masked", "args_schema")]
        return cls(
            requester=row.requester.user,
            votes=tuple(VoteShape.model_validate(vote) for vote in row.votes),
            **{name: getattr(row, name) for name in names},
        )


class PlannedShape(BaseModel):
    """A step of the plan: `after` are the steps that it waits for."""

    id: str
    title: str
    specialist: str
    tools: tuple[str, ...]
    effect: str
    after: list[str]


class EvidenceShape(BaseModel):
    """A result that the agent had before it when it asked; `masked`: the caller may not read it."""

    tool: str
    args: Mapping[str, Any]
    result: Any
    masked: bool


class ApprovalDetail(ApprovalShape):
    """An approval with the steps that lead to it, and what it was judged by: null where that was erased since."""

    plan: list[PlannedShape]
    evidence: list[EvidenceShape] | None


class VoteBody(BaseModel):
    """A verdict. `args` are the new arguments of an edit, `message` the reason of a rejection or the answer of a respond."""

    model_config = ConfigDict(extra="forbid")
    verdict: Literal["approve", "reject", "edit", "respond"]
    message: str = Field("", max_length=10_000)
    args: dict[str, Any] | None = None


class EffectShape(Shape):
    """Something that was changed outside, or was about to be."""

    key: str
    state: str
    execution_id: str
    step_id: str
    tool: str
    args: Mapping[str, Any]
    approval_id: str | None
    error: str | None
    masked: bool = False


class SwitchShape(Shape):
    """How a kill switch stands; `org` * is that of all organisations."""

    org: str
    stopped: bool
    by: str
    reason: str
    at: str


class FlipBody(BaseModel):
    """Why the switch is flipped; `everyone` for all organisations."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=10_000)
    everyone: bool = False


class AttemptShape(BaseModel):
    """One try at a step."""

    step_id: str
    attempt: int
    specialist: str
    status: str
    result: Any
    masked: bool


class UsedShape(BaseModel):
    """What was used of models, by steps and by the core's roles."""

    model_calls: int
    input_tokens: int
    output_tokens: int


class ExecutionShape(BaseModel):
    """An execution as it stands: every revision of its plan, the tries at its steps, its approvals and effects, what it used."""

    id: str
    thread_id: str | None
    requester: str
    goal: str
    status: str
    plans: list[Any]
    attempts: list[AttemptShape]
    approvals: list[ApprovalShape]
    effects: list[EffectShape]
    usage: UsedShape


class DelegationShape(Shape):
    """`taker` decides as `role` for `giver` until then; of one tool, or of whatever asks that role."""

    id: str
    giver: str
    taker: str
    role: str
    tool: str | None
    made_at: datetime
    until: datetime
    revoked_at: datetime | None


class DelegationBody(BaseModel):
    """To whom, which role, until when (UTC where no zone is said)."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field(max_length=100)
    role: str = Field(max_length=100)
    until: datetime
    tool: str | None = Field(None, max_length=100)


class CancelShape(BaseModel):
    """What was asked to stop; `run_id` is the run that ends an execution that waited."""

    execution_id: str
    run_id: str | None


class SettleBody(BaseModel):
    """What was found out, and how; it is recorded."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["done", "not-done"]
    reason: str = Field(min_length=1, max_length=10_000)


class UndoBody(BaseModel):
    """Why, and of which step; without one of all."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=10_000)
    step: str = Field("", max_length=40)


class UndoingShape(Shape):
    """One effect and its undoing by another tool. `why` says how it stands; `approval_id` is what waits."""

    effect: EffectShape
    standing: str
    tool: str
    args: Mapping[str, Any]
    why: str
    approval_id: str | None


class RecordsShape(BaseModel):
    """A page of the ledger; `next` is the `before` of the next page, null at its end."""

    records: list[dict[str, Any]]
    next: int | None


class FindingShape(BaseModel):
    """Is the record sound? `entries` and `unsigned` are counted by organisation."""

    model_config = ConfigDict(extra="allow")
    sound: bool
    faults: list[dict[str, Any]]


class SteerBody(BaseModel):
    """What is said."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=100_000)


class SteerShape(BaseModel):
    """What was heard."""

    execution_id: str
    text: str
