"""Everything recorded of one execution, as the audit reads it and as a bundle tells it. Pure data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.agreement import Account, disagreements
from governance.approval import from_row
from governance.compensations import Compensation
from governance.decisions import Record
from governance.effects import EffectRow
from governance.ledger import Entry
from governance.ledger_check import Fault
from graphs.executions import Attempt, Execution


@dataclass(frozen=True)
class Story:
    """Everything recorded of one execution.

    `plans` maps a revision to the plan, and `approvals` are rows with their `votes`, both as stored. `args` maps the digest in a
    record to the arguments, unless they were erased; `policies` each version that decided to its files, unless nobody kept them.
    """

    execution: Execution
    plans: Mapping[int, Mapping[str, Any]]
    attempts: Sequence[Attempt]
    entries: Sequence[Entry]
    records: Sequence[Record]
    approvals: Sequence[Mapping[str, Any]]
    effects: Sequence[EffectRow]
    compensations: Sequence[Compensation]
    args: Mapping[str, Any]
    policies: Mapping[str, Mapping[str, str] | None]

    @property
    def models(self) -> list[str]:
        return sorted({one.model for one in self.records if one.model})

    @property
    def faults(self) -> list[Fault]:
        """What the tables say otherwise than the ledger."""
        own = self.execution
        account = Account(
            own.id,
            own.requester,
            self.plans,
            [one.result.model_dump(mode="json") for one in self.attempts if one.result],
            [from_row(row, row["votes"]) for row in self.approvals],
            self.effects,
            self.compensations,
        )
        return disagreements(account, self.records)
