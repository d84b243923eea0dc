"""What is kept, for how long: threads with their runs, logs and checkpoints, those of their steps too. Used by the threads' router and
by `app/chores.py`.

What a run holds or waits on is never let go: a thread that is busy or interrupted is not deleted, one that is busy keeps its
checkpoints too, and every other the newest of each of its graphs. While a thread grows its worker lets go what is too much
(`CLEARANCE_CHECKPOINTS`, `app/runs/worker.py`). What governance recorded of a thread (executions, approvals, effects,
ledger) stays.
"""

import logging

from app.db.lifetimes import Strategy, before
from app.runs.making import ThreadMissing
from app.service import Service

logger = logging.getLogger("clearance")
DAY = 24 * 60.0


async def delete_thread(service: Service, thread_id: str) -> None:
    """Delete a thread; what runs on it is stopped. Raises `ThreadMissing`."""
    running = await service.threads.delete(thread_id)
    service.worker.forget(running)
    for run_id in running:
        service.log.dropped(thread_id, run_id, "interrupted")
    for id in (thread_id, *await _steps_of(service, thread_id)):
        await service.saver.adelete_thread(id)


async def prune(service: Service, thread_id: str, strategy: Strategy) -> bool:
    """Delete a thread, or its checkpoints but the newest of each graph; False if a run holds it or waits on it, or there is none."""
    try:
        row = await service.threads.get(thread_id)
        if row["status"] == "busy" or (row["status"] == "interrupted" and strategy == "delete"):
            return False
        if strategy == "delete":
            await delete_thread(service, thread_id)
            return True
    except ThreadMissing:
        return False
    for id in (thread_id, *await _steps_of(service, thread_id)):
        await service.saver.akeep_newest(id, 1)
    return True


async def sweep(service: Service) -> int:
    """Let go what was kept long enough; how many threads that concerned."""
    done, settings = 0, service.settings
    for thread_id, strategy, changed in await service.lifetimes.over():
        if await prune(service, thread_id, strategy):
            done += 1
            await service.lifetimes.swept(thread_id, changed)
    if settings.thread_days:
        for thread_id in await service.lifetimes.unchanged_since(before(settings.thread_days * DAY)):
            done += await prune(service, thread_id, "delete")
    if done:
        logger.info("%d threads were swept", done)
    return done


async def _steps_of(service: Service, thread_id: str) -> list[str]:
    return await service.services.executions.threads_under(thread_id) if service.services else []
