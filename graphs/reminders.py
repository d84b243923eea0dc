"""Reminders and escalations: the people whose approval a run waits for are reminded once, past the settings' share of its time,
and later further people may decide as well.

The approvals table keeps what was done when, so that a live run, the next process and a list all do one thing once.
Called by the execute node while a run is live (and when it comes back from a pause), and by the application's lists.
"""

import asyncio
from contextlib import suppress
from typing import Literal

from database import DatabaseUnavailable
from governance.approval import Approval
from graphs.events import Emit
from graphs.services import Services


def approval_event(row: Approval, change: Literal["reminded", "escalated"]) -> dict[str, object]:
    """The `approval` event of what just happened to an open approval."""
    return {
        "event": "approval",
        "change": change,
        "approval_id": row.id,
        "step": row.step_id,
        "tool": row.tool,
        "status": row.status,
        "approvers": list(row.approvers),
        "votes": [{"user": vote.user, "verdict": vote.verdict} for vote in row.votes],
        "expires_at": row.expires_at.isoformat(),
        "reminded_at": row.reminded_at.isoformat() if row.reminded_at else None,
        "escalated_at": row.escalated_at.isoformat() if row.escalated_at else None,
        "escalated_to": list(row.further),
    }


async def remind(services: Services, execution_id: str, emit: Emit) -> None:
    """Remind of and escalate what is due in an execution, and tell it."""
    for row in await services.approvals.remind(execution_id=execution_id):
        emit(approval_event(row, "reminded"))
    for row in await services.approvals.escalate(execution_id=execution_id):
        emit(approval_event(row, "escalated"))


async def keep_reminding(services: Services, execution_id: str, emit: Emit) -> None:
    """Remind of and escalate each open approval when it is due, until cancelled."""
    settings = services.settings
    share = min(settings.remind_after, settings.escalate_after)
    longest = settings.approval_hours * 3600 * share  # what is asked from now on is not due before that
    with services.approvals.subscribe(execution_id) as decided:
        while True:
            try:
                await remind(services, execution_id, emit)
                due = await services.approvals.due_in(execution_id)
            except DatabaseUnavailable as error:  # a reminder is not worth a run
                services.log.warning("no more reminders in execution %s: %s", execution_id, error)
                return
            with suppress(TimeoutError):  # an edit makes a request with less time: look again
                await asyncio.wait_for(decided.wait(), longest if due is None else min(longest, due.total_seconds()))
            decided.clear()
