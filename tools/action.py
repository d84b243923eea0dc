"""What the gateway works with between its checks and its records: an action that may run, one that ran, one that was refused.

Used by the gateway and its parts alone.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from database import DatabaseUnavailable
from governance.approval import Approval
from governance.decisions import Phase, Record
from governance.ledger import LedgerBroken
from governance.policy import CallFacts, Decision
from tools.calls import ProposedCall, ToolOutcome
from tools.registry import Tool

UNRECORDED = (SQLAlchemyError, DatabaseUnavailable, LedgerBroken)
"""What is raised where something could not be recorded."""


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
    """A tool that ran: how it ended, and the record of that, which may be `kept` already."""

    outcome: ToolOutcome
    record: Record
    kept: bool = False


def lost(action: Action, why: str) -> str:
    """That nobody can tell whether an effect was done, and whether it can be asked for again all the same."""
    again = "asking again is safe" if action.facts.manifest.idempotent else "a person must look before it is tried again"
    return f"whether {action.tool.name} was done is unknown ({why}): {again}"
