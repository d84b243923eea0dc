"""What is kept, for how long: threads with their runs, logs and checkpoints, those of their steps too. Used by the threads' router and
by `app/chores.py`.

What a run holds or waits on is never let go: a thread that is busy or interrupted is not deleted, one that is busy keeps its
checkpoints too, and every other the newest of each of its graphs. What governance recorded of a thread (executions, approvals, effects,
ledger) stays.
"""

import logging

from langgraph.channels.delta import DeltaChannel

from app.db.lifetimes import Strategy, before
from app.pruning import crowded, keep_newest
from app.runs.queue import ThreadMissing
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


async def prune(service: Service, thread_id: str, strategy: Strategy, *, keep: int = 1) -> bool:
    """Delete a thread, or its checkpoints but the newest; False if a run holds it or waits on it, or there is none."""
    try:
        row = await service.threads.get(thread_id)
        if row["status"] == "busy" or (row["status"] == "interrupted" and strategy == "delete"):
            return False
        if strategy == "delete":
            await delete_thread(service, thread_id)
            return True
    except ThreadMissing:
        return False
    if await _needs_the_past(service, row["metadata"].get("graph_id")):
        return False
    for id in (thread_id, *await _steps_of(service, thread_id)):
        await keep_newest(service.saver, id, keep)
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
    if settings.checkpoints:
        last = ""
        while found := await crowded(service.saver, settings.checkpoints, last):
            for last in found:
                done += await prune(service, last, "keep_latest", keep=settings.checkpoints)
    if done:
        logger.info("%d threads were swept", done)
    return done


async def _needs_the_past(service: Service, graph_id: str | None) -> bool:
    """Does the state of this graph's threads begin in older checkpoints? Then they are all kept."""
    if not graph_id or graph_id not in service.catalogue.entries:
        return False
    graph = await service.catalogue.graph(graph_id, service.saver, {})
    return any(isinstance(channel, DeltaChannel) for channel in graph.channels.values())


async def _steps_of(service: Service, thread_id: str) -> list[str]:
    return await service.services.executions.threads_under(thread_id) if service.services else []
