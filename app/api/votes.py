"""The decisions of a resume, held against who sends them before a run is made. Used by `asking.py`.

The run records them as votes of its caller (`graphs/execute.py`), where one that does not count is a note that a client may not
see. One that the caller may not cast is refused here, with 403, and no run is made.
"""

from typing import Any, cast

from app.auth.access import acting, reached
from app.runs.making import ThreadMissing
from app.service import Service
from governance.approval import AlreadyDecided, ApprovalExpired, EffectsStopped, Verdict
from governance.identity import Caller
from graphs.replies import VERDICTS, replies_of


async def check_votes(service: Service, caller: Caller | None, thread_id: str, resume: Any) -> None:
    """Raises `WrongRole`, `NotAPerson`, `OwnRequest`, `EditDenied` for the first decision that the caller may not cast."""
    if service.services is None:
        return
    try:
        await reached(service, caller, thread_id, "write")
        row = await service.threads.get(thread_id)
    except ThreadMissing:
        return  # the queue says so
    voter = acting(caller, service)
    waiting = [one for several in row["interrupts"].values() for one in several]
    for one in waiting:
        by_id = isinstance(resume, dict) and any(other["id"] in resume for other in waiting)
        answer = resume.get(one["id"]) if by_id else resume
        asked = one["value"].get("approvals", []) if isinstance(one["value"], dict) else []
        for id, reply in zip(asked, replies_of(answer), strict=False):
            found = await service.services.approvals.resolve(id)
            if found.status != "pending" or found.thread_id != thread_id or reply.verdict not in VERDICTS:
                continue
            try:
                await service.services.approvals.check(found.id, voter, cast(Verdict, reply.verdict), args=reply.args)
            except (AlreadyDecided, ApprovalExpired, EffectsStopped):
                continue  # it is not that they may not: the run tells how it stands
