"""The policy engine's interface: what it is told, and what it answers. `governance/cedar.py` is the engine.

`decide` is asked before every tool call, `check_plan` before a plan's first step and at every revision. Both are pure: facts
in, verdict out, no database. The gateway and the graphs call them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from governance.identity import Caller
from governance.manifest import ToolManifest

Outcome = Literal["allow", "approve", "deny"]


@dataclass(frozen=True, eq=False)
class Seen:
    """A finished call whose result the agent has before it: a read of its own step, or what an upstream step hands over.

    Two are the same only if they are one object: what is found out about a result is kept and used again. `result` is JSON
    values and must not be changed afterwards. `confirmed` says that a person approved exactly this call, so that its arguments
    are that person's. `derived` says that it was made from text of others, so that nothing in it is the system's, whatever its
    tool's manifest says.
    """

    tool: str
    args: Mapping[str, Any]
    result: Any
    confirmed: bool = False
    derived: bool = False


@dataclass(frozen=True)
class CallFacts:
    """One proposed tool call, as governance sees it.

    `granted` are the tools of the step. `request` is the user's own words. `planned` are the tools of the plan that was frozen
    before any text of others was read; None where there is no such plan, and then only the request's words say what was asked.
    `trace` is what the agent has seen so far. `context_labels` are labels that earlier contexts handed on ("untrusted",
    "read:confidential"; see `labels.handed_on`). `budget_left` is in hundredths, `now` with a zone.
    """

    caller: Caller
    agent: str
    tool: str
    manifest: ToolManifest
    args: Mapping[str, Any]
    execution_id: str
    step_id: str
    granted: frozenset[str] = frozenset()
    context_labels: frozenset[str] = frozenset()
    request: str = ""
    planned: frozenset[str] | None = None
    trace: tuple[Seen, ...] = ()
    budget_left: int | None = None
    now: datetime | None = None


@dataclass(frozen=True)
class StepFacts:
    """One step of a plan: which agent, which tools it was granted, what it depends on.

    `spend` is what its settings say that it spends, in hundredths. `fallbacks` are the agents that take over if it fails, each with
    the tools that it would use.
    """

    id: str
    agent: str
    tools: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    spend: int = 0
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def uses(self) -> tuple[tuple[str, str], ...]:
        """Every agent that may carry it out, with each tool that it would use."""
        own = ((self.agent, self.tools), *self.fallbacks.items())
        return tuple((agent, tool) for agent, tools in own for tool in tools)


@dataclass(frozen=True)
class PlanFacts:
    """A whole plan, handed over by the graphs before its first step. `budget_left` is in hundredths, None without a budget."""

    caller: Caller
    steps: tuple[StepFacts, ...]
    budget_left: int | None = None


@dataclass(frozen=True)
class Panel:
    """Who one rule asks: `quorum` different people who each hold one of `roles`; `others` leaves out who asked for the run.

    `further` are roles that may decide as well once the approval was escalated.
    """

    roles: tuple[str, ...]
    quorum: int = 1
    others: bool = False
    further: tuple[str, ...] = ()

    def __str__(self) -> str:
        roles = " or ".join(self.roles)
        return f"{self.quorum} of {roles}" * (self.quorum > 1) + roles * (self.quorum == 1) + ", not who asked" * self.others


def asked(panels: Iterable[Panel]) -> str:
    """Who must agree, for people to read."""
    return "; and ".join(dict.fromkeys(map(str, panels)))


@dataclass(frozen=True)
class Decision:
    """The verdict on one call. `approvers` are roles, of which `quorum` people must agree when the outcome is approve.

    `panels` says the same rule by rule, where several rules ask different people; every panel must be satisfied. `labels` are
    those of the context and of the arguments ("recipient:pointed"), for the record and for whoever approves. `known` is what
    the policies were told of the call beside who asks and the arguments themselves: recorded, it can be judged again.
    """

    outcome: Outcome
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    policy_version: str = ""
    panels: tuple[Panel, ...] = ()
    labels: tuple[str, ...] = ()
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asks(self) -> tuple[Panel, ...]:
        """Who must agree, as panels: those it names, else one of all its approvers."""
        return self.panels or (Panel(self.approvers, max(self.quorum, 1)),)


@dataclass(frozen=True)
class Violation:
    """Why a plan may not run as it is."""

    step_id: str
    rule: str
    reason: str


class PolicyEngine(Protocol):
    """What decides. Implementations never raise for a bad call: they deny."""

    @property
    def version(self) -> str: ...

    def decide(self, call: CallFacts) -> Decision: ...

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]: ...
