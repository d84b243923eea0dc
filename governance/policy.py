"""The policy engine's interface, and the plain engine that reads manifests.

`decide` is asked before every tool call, `check_plan` before a plan's first step. Both are pure: facts in, verdict out, no
database. The gateway and the graphs call them; a richer engine (`governance/cedar.py`) replaces the plain one without either
noticing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    are that person's.
    """

    tool: str
    args: Mapping[str, Any]
    result: Any
    confirmed: bool = False


@dataclass(frozen=True)
class CallFacts:
    """One proposed tool call, as governance sees it.

    `granted` are the tools of the step. `request` is the user's own words. `planned` are the tools of the plan that was frozen
    before any text of others was read; None where there is no such plan, and then only the request's words say what was asked.
    `trace` is what the agent has seen so far. `context_labels` are labels that an earlier context handed on ("untrusted").
    `budget_left` is in hundredths, `now` with a zone.
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
    """One step of a plan: which agent, which tools it was granted, what it depends on."""

    id: str
    agent: str
    tools: tuple[str, ...]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanFacts:
    """A whole plan, handed over by the graphs before its first step."""

    caller: Caller
    steps: tuple[StepFacts, ...]


@dataclass(frozen=True)
class Panel:
    """Who one rule asks: `quorum` different people who each hold one of `roles`; `others` leaves out who asked for the run."""

    roles: tuple[str, ...]
    quorum: int = 1
    others: bool = False


@dataclass(frozen=True)
class Decision:
    """The verdict on one call. `approvers` are roles, of which `quorum` people must agree when the outcome is approve.

    `panels` says the same rule by rule, where several rules ask different people; every panel must be satisfied. `labels` are
    those of the context and of the arguments ("recipient:pointed"), for the record and for whoever approves.
    """

    outcome: Outcome
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    policy_version: str = ""
    panels: tuple[Panel, ...] = ()
    labels: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class ManifestPolicy:
    """The plain engine: reads run, effects need one person with an approver's role, everything else is denied."""

    manifests: Mapping[str, ToolManifest]
    version: str = "manifest-1"

    def decide(self, call: CallFacts) -> Decision:
        if call.tool not in call.granted:
            return self._deny("not-granted", f"step {call.step_id} was not granted {call.tool}")
        if call.tool not in self.manifests:
            return self._deny("unlisted-tool", f"{call.tool} has no manifest")
        manifest = self.manifests[call.tool]
        if manifest.effect == "read":
            return Decision("allow", ("reads-are-allowed",), ("it changes nothing",), policy_version=self.version)
        if not manifest.approvers:
            return self._deny("no-approver", f"{call.tool} changes something and names nobody who may approve it")
        rule = "irreversible-needs-approval" if manifest.effect == "irreversible" else "effects-need-approval"
        reason = f"{call.tool} changes something outside this run; one of {', '.join(manifest.approvers)} must approve it"
        return Decision("approve", (rule,), (reason,), manifest.approvers, 1, self.version)

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]:
        return [
            Violation(step.id, "unlisted-tool", f"{tool} has no manifest")
            for step in plan.steps
            for tool in step.tools
            if tool not in self.manifests
        ]

    def _deny(self, rule: str, reason: str) -> Decision:
        return Decision("deny", (rule,), (reason,), policy_version=self.version)
