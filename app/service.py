"""The service, composed: database, graphs, saver, queue, log, worker. Opened by `app/main.py`; the routers get it whole."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from langgraph.store.base import BaseStore

from app import catalogue as catalogues
from app.auth.keys import Keys
from app.auth.rates import Rates
from app.catalogue import Catalogue
from app.db.assistants import Assistants
from app.db.crons import Crons
from app.db.lifetimes import Lifetimes
from app.db.threads import Threads
from app.db.upgrade import upgrade
from app.home_lock import home_lock
from app.rollback import rolls_back
from app.runs.deliveries import Deliveries
from app.runs.log import Log
from app.runs.queue import Queue
from app.runs.saver import LeasedSaver
from app.runs.worker import Worker
from app.store import OwnStore, acting, open_store
from database import Database
from graphs.caller import local_caller
from graphs.saver import open_saver
from graphs.services import Services, open_services
from settings import Settings

DRAIN_S = 5.0


@dataclass
class Service:
    """What a request needs. `services` are the floors below, None where other people's graphs are served; no `keys`: local mode."""

    settings: Settings
    catalogue: Catalogue
    saver: LeasedSaver
    assistants: Assistants
    threads: Threads
    queue: Queue
    log: Log
    worker: Worker
    rates: Rates
    crons: Crons
    deliveries: Deliveries
    lifetimes: Lifetimes
    store: BaseStore
    keys: Keys | None = None
    services: Services | None = None
    crons_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def mode(self) -> str:
        """How callers say who they are; local: they do not."""
        return "keys" if self.keys else "local"

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this after the request, which may be gone by then."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def open_service(settings: Settings, config: Path | None = None) -> AsyncIterator[Service]:
    """Compose the service for the product's own graphs, or for those of a `langgraph.json`; drain and close it in reverse order.

    Raises `HomeInUse` where another process serves the same home or database.
    """
    async with AsyncExitStack() as stack:
        db = await asyncio.to_thread(Database, settings.app_url())
        stack.push_async_callback(asyncio.to_thread, db.close)
        stack.enter_context(home_lock(settings.home, db))
        await asyncio.to_thread(upgrade, db)
        services = None
        if config is None:
            services = await stack.enter_async_context(open_services(settings, saver=LeasedSaver))
            saver, catalogue = services.saver, catalogues.own(services)
        else:
            saver = await stack.enter_async_context(open_saver(settings.home / "checkpoints.db", LeasedSaver))
            catalogue = await asyncio.to_thread(catalogues.from_file, config)
        assert isinstance(saver, LeasedSaver)
        store = await stack.enter_async_context(open_store(settings))
        local = local_caller(settings)
        catalogue.store = OwnStore(store, lambda: acting.get() or local)
        assistants, log = Assistants(db), Log(db)
        await assistants.make_for_graphs(catalogue.names)
        queue = Queue(db, f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
        worker = Worker(queue, log, catalogue, saver, capacity=settings.runs)
        if services is not None:
            worker.may_roll_back = partial(rolls_back, services, queue)
        await worker.open(alone=True)
        rates, keys = Rates(settings.rate), Keys(db) if settings.sign_in == "keys" else None
        try:
            yield Service(
                settings=settings,
                catalogue=catalogue,
                saver=saver,
                assistants=assistants,
                threads=Threads(db),
                queue=queue,
                log=log,
                worker=worker,
                rates=rates,
                crons=Crons(db),
                deliveries=Deliveries(db),
                lifetimes=Lifetimes(db),
                store=store,
                keys=keys,
                services=services,
            )
        finally:
            await worker.drain(DRAIN_S)
            await log.close()
