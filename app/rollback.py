"""May a run be rolled back? Not behind a change that it made outside and that still stands: the record of it would lie. Asked by the
runs' routers before they say yes, and by the worker when it comes to it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from app.api.errors import Refused
from app.runs.queue import Queue, RunMissing
from app.runs.spec import ACTIVE, Claim
from graphs.services import Services

if TYPE_CHECKING:  # the service asks this file, too
    from app.service import Service


async def refuse_behind_effects(service: "Service", thread_id: str, run_ids: list[str] | None = None) -> None:
    """Raises `Refused` (409) if one of these runs of a thread (None: those that go on) did something that stands."""
    if service.services is None:
        return
    if run_ids is None:
        rows = await service.queue.of_thread(thread_id, status="running", limit=1000, offset=0)
    else:
        rows = []
        for run_id in run_ids:
            try:
                rows.append(await service.queue.get(thread_id, run_id))
            except RunMissing:
                continue
    for row in [one for one in rows if one["status"] in ACTIVE]:
        if done := await stands(service.services, thread_id, row["created_at"]):
            raise Refused(
                409,
                f"run {row['run_id']} cannot be rolled back: it changed something that stands ({', '.join(done)}): undo that first, "
                "or interrupt the run",
            )


async def rolls_back(services: Services, queue: Queue, claim: Claim) -> bool:
    """May a run that was asked to roll back still do so, when its worker comes to it?"""
    row = await queue.get(claim.thread_id, claim.run_id)
    return not await stands(services, claim.thread_id, row["created_at"])


async def stands(services: Services, thread_id: str, since: str) -> list[str]:
    """What a thread's executions did since then, and nobody undid: tools and steps. What nobody knows of counts."""
    start, found = datetime.fromisoformat(since), list[str]()
    for execution in await services.executions.of_thread(thread_id):
        for row in await services.effects.for_execution(execution.id):
            if row.state in ("done", "unknown", "intended") and datetime.fromisoformat(row.intended_at) >= start:
                found.append(f"{row.tool} in step {row.step_id}")
    return found
