"""What the service does without being asked: fires crons, sends webhooks, lets go what was kept long enough. Begun by `app/main.py`.

Each chore is a loop that sleeps until there is something to do. Several processes on one database may do them at once: what one of
them took, the others do not get.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from app.api.asking import assistant_of, new_run, tell
from app.api.bodies import RunCreate
from app.api.errors import Refused
from app.catalogue import UnknownGraph
from app.db.assistants import AssistantMissing
from app.db.crons import BadSchedule
from app.retention import sweep
from app.runs.deliveries import KEPT_S, Delivery
from app.runs.making import Created, StaleResume, ThreadBusy, ThreadMissing
from app.runs.spec import NewRun
from app.service import Service
from app.webhooks import Forbidden, NotSent, Sender, secret_of
from database import DatabaseUnavailable
from governance.identity import Caller

AGAIN_S = 5.0
LOOK_S = 15.0  # another process may have added what this one does not hear of
SWEEP_S = 60.0
AT_ONCE = 16
logger = logging.getLogger("clearance")


@asynccontextmanager
async def chores(service: Service) -> AsyncIterator[None]:
    """Do them until the end."""
    sender = Sender(await asyncio.to_thread(secret_of, service.settings), service.settings.webhook_networks)

    async def send() -> None:
        await _send(service, sender)

    works: list[Callable[[], Awaitable[None]]] = [lambda: _fire(service), send, lambda: _sweep(service)]
    tasks = [asyncio.create_task(_forever(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await sender.close()


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except DatabaseUnavailable as error:
            logger.warning("put off for %g s: %s", AGAIN_S, error)
            await asyncio.sleep(AGAIN_S)
        except Exception:  # a fault of ours in one round must not end all that come after it
            logger.exception("put off for %g s", AGAIN_S)
            await asyncio.sleep(AGAIN_S)


async def _fire(service: Service) -> None:
    """Fire what is due, then wait for what comes next."""
    service.crons_changed.clear()
    for row in await service.crons.due():
        await fire(service, row)
    await _until(service.crons_changed, await service.crons.wait())


async def fire(service: Service, row: dict[str, Any]) -> str | None:
    """Make the run of a cron that is due; its id, or None if another process made it, or it could not be made."""
    asked = {**row["payload"], "assistant_id": row["assistant_id"], "on_completion": row["on_run_completed"]}
    try:
        caller = Caller.from_dict(row["caller"]) if row["caller"] else None
        body = RunCreate.model_validate(asked)
        assistant = await assistant_of(service, body.assistant_id, caller)
        new = new_run(service, caller, row["thread_id"], body, assistant)
        made = await service.crons.fire(row, lambda c: _made(service, new, c))
    except (Refused, AssistantMissing, UnknownGraph, ThreadMissing, BadSchedule, ValueError) as error:
        logger.warning("cron %s fires no more: %s", row["cron_id"], error)
        await service.crons.disable(row["cron_id"])
        return None
    if made is None:
        return None
    tell(service, new, made)
    service.worker.expect(0)
    return str(made.row["run_id"])


def _made(service: Service, new: NewRun, c: Any) -> Created | None:
    try:
        return service.queue.insert(c, new)
    except (ThreadBusy, StaleResume) as error:  # this time is left out, as was asked
        logger.info("a cron's run was not made: %s", error)
        return None


async def _send(service: Service, sender: Sender) -> None:
    """Send what is due, then wait for what is owed next."""
    service.queue.owed.clear()
    while found := await service.deliveries.take(AT_ONCE):
        await asyncio.gather(*(_deliver(service, sender, one) for one in found))
    await _until(service.queue.owed, await service.deliveries.wait())


async def _deliver(service: Service, sender: Sender, one: Delivery) -> None:
    try:
        await sender.send(one.url, one.id, one.body)
    except NotSent as error:
        given_up = await service.deliveries.failed(one, str(error), for_good=isinstance(error, Forbidden))
        logger.warning("webhook of run %s, try %d%s: %s", one.run_id, one.attempt, ", the last" * given_up, error)
        return
    await service.deliveries.arrived(one.id)


async def _sweep(service: Service) -> None:
    """Let go what was kept long enough, then wait a while."""
    await sweep(service)
    await service.deliveries.forget((datetime.now(UTC) - timedelta(seconds=KEPT_S)).isoformat())
    await asyncio.sleep(SWEEP_S)


async def _until(news: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), LOOK_S if seconds is None else min(LOOK_S, seconds))
