"""The policy engine's interface, and the plain engine that reads manifests.

`decide` is asked before every tool call, `check_plan` before a plan's first step. Both are pure: facts in, verdict out, no
database. The gateway and the graphs call them; a richer engine replaces the plain one without either noticing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from governance.identity import Caller
from governance.manifest import ToolManifest

Outcome = Literal["allow", "approve", "deny"]


@dataclass(frozen=True)
class CallFacts:
    """One proposed tool call, as governance sees it."""

    caller: Caller
    agent: str
    tool: str
    manifest: ToolManifest
    args: Mapping[str, Any]
    execution_id: str
    step_id: str
    granted: frozenset[str] = frozenset()
    context_labels: frozenset[str] = frozenset()


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
class Decision:
    """The verdict on one call. `approvers` are roles, of which `quorum` people must agree when the outcome is approve."""

    outcome: Outcome
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    policy_version: str = ""


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
