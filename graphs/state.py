"""The state of the orchestrator's graph: plain, legible values, so that Studio, a snapshot and a client can read them."""

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

from graphs.plan import StepResult


class WorkflowRun(TypedDict, total=False):
    """A saved plan to be run, instead of one that is made for a goal; without `version` the newest."""

    name: str
    version: int
    parameters: dict[str, str]


class Request(TypedDict, total=False):
    """What intake made of the goal. `builds_on` is the execution of this thread whose evidence may be used again, `version` that
    of the records it is made from."""

    goal: str
    products: list[str]
    exclude: list[str]
    settings: dict[str, str]
    notes: list[str]
    feedback: list[str]
    review: bool
    dry_run: bool
    builds_on: str
    workflow: WorkflowRun
    version: str


class State(TypedDict, total=False):
    """`results` maps step id to a dumped StepResult, `steps` says for each step its status, attempt and child thread;
    `waiting` holds ids of approvals, `held_back` maps a step that waits for a time or an event to that in words, `queued` are goals
    that came while the thread waited for people; `unpaid`: there is no plan yet, for a budget must be raised to make it. `dry_run`
    and `workflow` are part of the input; what counts is the execution's own request, which takes them over when it is planned."""

    messages: Annotated[list[AnyMessage], add_messages]
    dry_run: bool
    workflow: WorkflowRun | None
    goal: str
    status: str
    request: Request
    question: dict[str, Any] | None
    execution_id: str
    seq: int
    plan: dict[str, Any]
    results: dict[str, dict[str, Any]]
    steps: dict[str, dict[str, Any]]
    waiting: list[str]
    held_back: dict[str, str]
    unpaid: bool
    decisions: Any
    queued: list[str]
    issues: list[dict[str, Any]]
    answer: dict[str, Any] | None
    usage: dict[str, int]


TOLD = ("messages", "dry_run", "workflow")
"""What of it a client says; the rest its nodes alone write, which stand on what they wrote before."""


def results_of(state: State) -> dict[str, StepResult]:
    """The results of the state, typed."""
    return {id: StepResult.model_validate(result) for id, result in state.get("results", {}).items()}
