"""Escalation: what nobody decided for a share of its time may be decided by further roles as well. Used by `approvals.py` alone.

A policy names those roles (`@escalate`), or the settings do for rules that name none; they are part of what was asked (`Panel`),
so only that it happened is new. It is an event of the ledger, and without that a vote in such a role carries nothing
(`proofs.py`). It moves no deadline: after its time an approval is denied as ever.
"""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, update

from governance.approval import Approval
from governance.clock import Clock, stamp
from governance.tables import approvals

if TYPE_CHECKING:
    from governance.approvals import Approvals


class Escalation:
    """Escalates the approvals of `store` after a share of their time; `after` 1 is never."""

    def __init__(self, store: "Approvals", clock: Clock, after: float) -> None:
        self._store = store
        self._clock = clock
        self._after = after

    def due_at(self, one: Approval) -> datetime | None:
        """When further roles may decide it; None if nobody is named, or they may already."""
        if one.escalated_at or not any(panel.further for panel in one.panels):
            return None
        return one.created_at + (one.expires_at - one.created_at) * self._after

    def if_due(self, c: Connection, one: Approval) -> Approval:
        """The approval as it stands now: escalated here if it waited long enough."""
        at = self.due_at(one)
        due = one.status == "pending" and at is not None and at <= self._clock() < one.expires_at
        return self.escalate(c, one) if due else one

    def escalate(self, c: Connection, one: Approval) -> Approval:
        """Let the further roles decide from now on, and record it; nothing happens where nobody is named, or a second time."""
        if self.due_at(one) is None:
            return one
        at = self._clock()
        c.execute(update(approvals).where(approvals.c.id == one.id).values(escalated_at=stamp(at)))
        wider = replace(one, escalated_at=at)
        self._store.record(c, wider, "escalated", wider.status, approvers=wider.further)
        return wider
