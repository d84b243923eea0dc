"""What was decided on a proposed call, and how the gateway keeps a decision in mind from a proposal to its action.

Used by the gateway alone. What is kept here was decided by this process itself, about this very call; unlike a `Clearing`, which may
come from a checkpoint or from anybody, it can be relied on, as long as nothing that a policy goes by can have changed since.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from weakref import ref

from governance.approval import Approval, seal
from governance.decisions import Phase, Record
from governance.policy import CallFacts, Decision, asked
from tools.calls import Clearing, ProposedCall


@dataclass(frozen=True)
class Judged:
    """The facts of a proposed call and what was decided on them. `outcome` is the decision's, or invalid for bad arguments."""

    facts: CallFacts
    decision: Decision
    outcome: Literal["allow", "approve", "deny", "invalid"]
    phase: Phase = "decided"

    def stands(self, version: str, at: datetime) -> bool:
        """Would the policies of `version` decide the same of it at `at`, unasked? Yes, if they are those that decided it, in the same
        minute of the clock: policies are told no finer time, and the rest of the facts is the call itself, which is frozen."""
        now = self.facts.now
        return self.decision.policy_version == version and now is not None and _minute(now) == _minute(at)

    def record(self, call_id: str, row: Approval | None = None) -> Record:
        """The event that tells of it; `row` is the approval that was asked for."""
        return Record.of(
            self.facts,
            self.phase,
            self.outcome,
            call_id,
            rules=self.decision.rules,
            reasons=self.decision.reasons,
            policy_version=self.decision.policy_version,
            labels=self.decision.labels,
            roles=self.facts.caller.roles,
            known=self.decision.known,
            approvers=self.decision.approvers,
            approval_id=row.id if row else None,
            result_digest=seal(row) if row else None,
            provenance=tuple(f"{name}: {words}" for name, words in row.provenance.items()) if row else (),
        )

    def clearing(self, approval_id: str | None = None, approval_status: str | None = None) -> Clearing:
        """What whoever proposed the call is told."""
        made = self.decision
        needs = asked(made.asks) if self.outcome == "approve" else ""
        return Clearing(self.outcome, self.facts.args, made.rules, made.reasons, approval_id, approval_status, needs)


class Held:
    """What was decided on calls that nobody has acted on yet, each as long as its call lives: an abandoned one leaves nothing."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[ref[ProposedCall], Judged]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, call: ProposedCall, judged: Judged) -> None:
        key = id(call)
        self._kept[key] = ref(call, lambda _: self._kept.pop(key, None)), judged

    def take(self, call: ProposedCall) -> Judged | None:
        """What was kept for this very object, once."""
        found = self._kept.pop(id(call), None)
        return found[1] if found and found[0]() is call else None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
