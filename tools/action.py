"""What the gateway works with between its checks and its records: an action that may run, one that ran, one that was refused.

Used by the gateway alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from governance.approval import Approval
from governance.decisions import Phase, Record
from governance.policy import CallFacts, Decision
from tools.calls import ProposedCall, ToolOutcome
from tools.registry import Tool


class Refused(Exception):
    """The call may not run. `rule` names why for the record, the message says it for people."""

    def __init__(self, rule: str, reason: str, phase: Phase = "outcome") -> None:
        super().__init__(reason)
        self.rule = rule
        self.phase = phase


@dataclass(frozen=True)
class Action:
    """A call that was checked again and may run: the tool, its final facts, and the approval it rests on."""

    call: ProposedCall
    tool: Tool
    facts: CallFacts
    decision: Decision
    approval: Approval | None

    @property
    def approval_id(self) -> str | None:
        return self.approval.id if self.approval else None

    def record(self, phase: Phase, outcome: str, **more: Any) -> Record:
        people = tuple(sorted({v.user for v in self.approval.votes if v.verdict == "approve"})) if self.approval else ()
        made = self.decision
        known: dict[str, Any] = dict(rules=made.rules, policy_version=made.policy_version, labels=made.labels, approvers=people)
        return Record.of(self.facts, phase, outcome, self.call.call_id, **{**known, "approval_id": self.approval_id, **more})

    def ended(self, outcome: ToolOutcome, result_digest: str | None = None) -> Record:
        error = outcome.error or None
        return self.record("outcome", outcome.status, result_digest=result_digest, ms=outcome.ms, error=error)


@dataclass(frozen=True)
class Ran:
    """A tool that ran: how it ended, the record of that, and, for an effect, what is to be stored with the record."""

    outcome: ToolOutcome
    record: Record
    store: Callable[[Connection], None]
