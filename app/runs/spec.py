"""What a run is asked to do: the part of a request that goes with the run's row and outlives the process that took it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from governance.identity import Caller

Strategy = Literal["reject", "enqueue", "interrupt", "rollback"]
Action = Literal["interrupt", "rollback"]
ACTIVE = ("pending", "running")


@dataclass(frozen=True)
class Spec:
    """A graph's run. `config` is complete: the assistant's and the request's, without what only the server may say."""

    input: Any = None
    command: dict[str, Any] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] | None = None
    stream_mode: tuple[str, ...] = ("values",)
    subgraphs: bool = False
    resumable: bool = False
    interrupt_before: Any = None
    interrupt_after: Any = None
    durability: str = "async"
    temporary: bool = False
    webhook: str = ""  # where its end is posted
    protocol: bool = False  # made by the event protocol, and streamed as that has it
    caller: dict[str, Any] | None = None  # who asked: a Caller; None in local mode

    def as_dict(self) -> dict[str, Any]:
        """As it is kept in the row and shown as `kwargs`."""
        kept = {**vars(self), "stream_mode": list(self.stream_mode)}
        return {name: value for name, value in kept.items() if value or name not in ("caller", "webhook", "protocol")}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Spec":
        return cls(**{**kept, "stream_mode": tuple(kept["stream_mode"])})


@dataclass(frozen=True)
class NewRun:
    """A run to be made. `thread_id` None: a thread of its own; `after` seconds pass before it may start.

    Its metadata is the assistant's (`base_metadata`), the thread's, and what was said with the run, in this order."""

    thread_id: str | None
    assistant_id: str
    graph_id: str
    spec: Spec
    strategy: Strategy = "enqueue"
    base_metadata: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    thread_metadata: dict[str, Any] = field(default_factory=dict)
    owner: Caller = field(default_factory=lambda: Caller("local"))  # of the thread if it is made
    make_thread: bool = False
    after: float = 0.0
    stateless: bool = False  # its thread ends with it


@dataclass(frozen=True)
class Claim:
    """A run that this process holds, as of one attempt; `first_seq` is where its events begin in the thread's log."""

    run_id: str
    thread_id: str
    assistant_id: str
    graph_id: str
    spec: Spec
    metadata: dict[str, Any]
    attempt: int
    first_seq: int
    stateless: bool
    cancel: Action | None = None


@dataclass(frozen=True)
class Ending:
    """How a run ended, and how its thread stands then. `next` are the nodes that would run; `values` is JSON-ready."""

    status: str  # success | error | interrupted | timeout
    values: Any = None
    interrupts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    next: tuple[str, ...] = ()
    error: dict[str, str] | None = None

    @property
    def thread_status(self) -> str:
        return "error" if self.status == "error" else "interrupted" if self.next else "idle"

    def result(self) -> Any:
        """What `wait` and `join` answer."""
        if self.error:
            return {"__error__": self.error}
        waiting = [one for several in self.interrupts.values() for one in several]
        if waiting and isinstance(self.values, dict):
            return {**self.values, "__interrupt__": [{"response_schema": None, **one} for one in waiting]}
        return self.values
