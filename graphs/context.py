"""What one step attempt is handed at run time, outside its checkpointed state: who asks, what it may use, whom it tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from langchain_core.messages import AnyMessage

from governance.identity import Caller
from graphs.events import Emit, silent
from graphs.trace import Trace

Check = Callable[[Any, Sequence[AnyMessage]], list[str]]


def accept(response: Any, messages: Sequence[AnyMessage]) -> list[str]:
    """A `Check` that finds nothing wrong."""
    return []


@dataclass(frozen=True)
class StepContext:
    """The LangGraph `context` of a specialist's graph. `inputs` maps a reference ("s1.suppliers") to that product.

    `trace` is what was handed over, for the policy; `planned` are the tools that the plan granted before any text of others was
    read, None where there is no such plan.
    `asks_to_spend`: what a call would commit beyond a budget is asked for instead of refused.
    `check` says what is wrong with a response before it counts; the model is told and tries again.
    """

    caller: Caller
    execution_id: str
    step_id: str
    agent: str
    thread_id: str
    attempt: int = 1
    granted: frozenset[str] = frozenset()
    planned: frozenset[str] | None = None
    trace: Trace = field(default_factory=Trace, repr=False)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    item: Mapping[str, Any] | None = None
    item_of: str = ""
    resources: Any = field(default=None, repr=False)
    today: date = field(default_factory=date.today)
    user_request: str = ""
    dry_run: bool = False
    asks_to_spend: bool = False
    check: Check = accept
    emit: Emit = silent
