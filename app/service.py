"""The service, composed: database, graphs, saver, queue, log, worker. Opened by `app/main.py`; the routers get it whole."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from langgraph.store.base import BaseStore

from app import catalogue as catalogues
from app.auth.people import roles_of
from app.auth.rates import Rates
from app.auth.ways import Ways, ways_of
from app.catalogue import Catalogue
from app.db.assistants import Assistants
from app.db.crons import Crons
from app.db.lifetimes import Lifetimes
from app.db.threads import Threads
from app.db.upgrade import upgrade
from app.elsewhere import Elsewhere
from app.home_lock import home_lock
from app.rollback import rolls_back
from app.runs.deliveries import Deliveries
from app.runs.going_on import keep_going_on
from app.runs.lease import may_write
from app.runs.log import Log
from app.runs.news import Kind, News, Silence
from app.runs.queue import Queue
from app.runs.worker import Worker
from app.store import OwnStore, acting, open_store
from database import Database
from graphs.caller import local_caller
from graphs.saver import Careful, open_saver_of
from graphs.services import Services, open_services
from settings import Settings

DRAIN_S = 5.0
FILES = 2  # uploaded files that one process reads at once: each takes a thread, and memory


@dataclass
class Service:
    """What a request needs. `services` are the floors below, None where other people's graphs are served; without `ways` to
    sign in it is local mode."""

    settings: Settings
    db: Database
    catalogue: Catalogue
    saver: Careful
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
    ways: Ways | None = None
    services: Services | None = None
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES))
    crons_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def mode(self) -> str:
        """How callers say who they are; local: they do not."""
        return ",".join(self.settings.sign_in) or "local"

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this after the request, which may be gone by then."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def open_service(settings: Settings, config: Path | None = None) -> AsyncIterator[Service]:
    """Compose the service for the product's own graphs, or for those of a `langgraph.json`; drain and close it in reverse order.

    On SQLite one process serves a home (`HomeInUse`); on PostgreSQL any number of them share the database's runs.
    """
    async with AsyncExitStack() as stack:
        db = await asyncio.to_thread(Database, settings.app_url())
        stack.push_async_callback(asyncio.to_thread, db.close)
        if db.sqlite:
            stack.enter_context(home_lock(settings.home))
        await asyncio.to_thread(upgrade, db)
        services, ways = None, ways_of(settings, db)
        if ways:
            stack.push_async_callback(ways.close)
        if config is None:
            directory = roles_of if ways else None
            opened = open_services(settings, guard=may_write, database=db, roles_of=directory)
            services = await stack.enter_async_context(opened)
            saver, catalogue = services.saver, catalogues.own(services)
        else:
            saver = await stack.enter_async_context(open_saver_of(db, settings.home, may_write))
            catalogue = await asyncio.to_thread(catalogues.from_file, config)
        store = await stack.enter_async_context(open_store(settings))
        local = local_caller(settings)
        catalogue.store = OwnStore(store, lambda: acting.get() or local)
        me = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        async with _news(db, me) as (news, connect):
            elsewhere = Elsewhere(services, news) if services and not db.sqlite else None
            if elsewhere:
                stack.push_async_callback(elsewhere.close)
            assistants, log, queue = Assistants(db), Log(db, news), Queue(db, me)
            await assistants.make_for_graphs(catalogue.names)
            worker = Worker(queue, log, catalogue, saver, news, capacity=settings.runs, checkpoints=settings.checkpoints)
            if services is not None:
                worker.may_roll_back = partial(rolls_back, services, queue)
            await worker.open(alone=db.sqlite)
            connect(worker, elsewhere)
            rates = Rates(settings.rate)
            going_on = asyncio.create_task(keep_going_on(db, services, queue, worker)) if services else None
            try:
                yield Service(
                    settings=settings,
                    db=db,
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
                    ways=ways,
                    services=services,
                )
            finally:
                if going_on:
                    going_on.cancel()
                    await asyncio.gather(going_on, return_exceptions=True)
                await worker.drain(DRAIN_S)
                await log.write()


@asynccontextmanager
async def _news(db: Database, me: str) -> AsyncIterator[tuple[News, Callable[[Worker, Elsewhere | None], None]]]:
    """How this process tells the others on the database, and how it begins to hear them."""
    if db.sqlite:
        yield Silence(), lambda worker, elsewhere: None
        return
    from app.runs.wire import Wire  # its driver takes a while to import

    wire = Wire(db.url, me)

    def connect(worker: Worker, elsewhere: Elsewhere | None) -> None:
        def hear(kind: Kind, id: str) -> None:
            if kind != "wake":
                worker.hear(kind, id)
            elif elsewhere:
                elsewhere.hear(id)

        wire.open(hear, worker.missed)

    try:
        yield wire, connect
    finally:
        await wire.close()
