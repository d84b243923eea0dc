"""What other policies would have said: recorded decisions judged again. Called by `clearance policy simulate`.

A record holds what the policies were told, so that no model, no tool and no result is needed for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from governance.cedar import CedarPolicy
from governance.decisions import Decisions, Record
from governance.identity import Caller
from governance.policy import Decision


@dataclass(frozen=True)
class Again:
    """One recorded decision and what would be decided now."""

    record: Record
    now: Decision

    @property
    def differs(self) -> bool:
        """Another outcome, or other people asked."""
        asked = self.now.outcome == "approve" and set(self.now.approvers) != set(self.record.approvers)
        return self.now.outcome != self.record.outcome or asked


@dataclass(frozen=True)
class Simulated:
    """The decisions that could be judged again, and those that could not: their arguments were erased, or the tool is gone."""

    again: tuple[Again, ...]
    lost: tuple[Record, ...]


async def simulate(executions: Iterable[str], decisions: Decisions, engine: CedarPolicy, tools: Iterable[str]) -> Simulated:
    """Judge what was decided in these executions. What never came before the policies (bad arguments) is left out."""
    again, lost, known = list[Again](), list[Record](), set(tools)
    for id in executions:
        for record in await decisions.for_execution(id):
            if record.phase != "decided" or not record.known:
                continue
            args: Mapping[str, Any] | None = await decisions.payload(record.args_digest)
            if args is None or record.tool not in known:
                lost.append(record)
                continue
            caller = Caller(record.user, record.org, record.roles)
            again.append(Again(record, engine.judge(caller, record.agent, record.tool, args, record.known)))
    return Simulated(tuple(again), tuple(lost))
