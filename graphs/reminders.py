"""Reminders: the people whose approval a run waits for are reminded once, past the settings' share of its time.

The approvals table keeps who was reminded when, so that a live run, the next process and a list all remind of one thing once.
Called by the execute node while a run is live (and when it comes back from a pause), and by the application's lists.
"""

import asyncio
from contextlib import suppress

from database import DatabaseUnavailable
from governance.approval import Approval
from graphs.events import Emit
from graphs.services import Services


def reminder_event(row: Approval) -> dict[str, object]:
    """The `approval` event of a reminder."""
    return {
        "event": "approval",
        "approval_id": row.id,
        "step": row.step_id,
        "tool": row.tool,
        "status": row.status,
        "approvers": list(row.approvers),
        "votes": [{"user": vote.user, "verdict": vote.verdict} for vote in row.votes],
        "expires_at": row.expires_at.isoformat(),
        "reminded_at": row.reminded_at.isoformat() if row.reminded_at else None,
    }


async def remind(services: Services, execution_id: str, emit: Emit) -> None:
    """Remind of what is due in an execution, and tell it."""
    for row in await services.approvals.remind(execution_id=execution_id):
        emit(reminder_event(row))


async def keep_reminding(services: Services, execution_id: str, emit: Emit) -> None:
    """Remind of each open approval when it is due, until cancelled."""
    settings = services.settings
    longest = settings.approval_hours * 3600 * settings.remind_after  # what is asked from now on is not due before that
    with services.approvals.subscribe(execution_id) as decided:
        while True:
            try:
                await remind(services, execution_id, emit)
                due = await services.approvals.reminder_in(execution_id)
            except DatabaseUnavailable as error:  # a reminder is not worth a run
                services.log.warning("no more reminders in execution %s: %s", execution_id, error)
                return
            with suppress(TimeoutError):  # an edit makes a request with less time: look again
                await asyncio.wait_for(decided.wait(), longest if due is None else min(longest, due.total_seconds()))
            decided.clear()
