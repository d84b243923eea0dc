"""The service over HTTP: `create_app` is its whole composition. Started by `clearance serve` (`app/serve.py`), or by any ASGI server.

The lifespan opens the service (`app/service.py`) and drains it; a request finds it in `app.state.service`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import page
from app.api import (
    assistants,
    commands,
    configured,
    crons,
    errors,
    runs,
    signing_in,
    state,
    stateless,
    store,
    stream_events,
    system,
    threads,
    workflows,
)
from app.api.governance.routes import routers as governance
from app.api.guard import LOOPBACK_ORIGIN, Guard
from app.api.limits import BodyLimit
from app.api.operations import Operations, load_operations
from app.api.plain_json import PlainJson
from app.auth.access import admit
from app.build import STATIC, build_of
from app.chores import chores
from app.logs import Requests
from app.service import open_service
from settings import Settings


def create_app(settings: Settings, config: Path | None = None) -> FastAPI:
    """The application, not yet open. `config` names a `langgraph.json` whose graphs are served instead of the product's own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_service(settings, config) as service, chores(service):
            app.state.service = service
            yield

    app = FastAPI(
        title="Clearance",
        version=_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=errors.DOCUMENTED,
        dependencies=[Depends(admit)],
    )
    own = Operations() if config else load_operations(settings.domain)
    # they are asked in turn: what is asked most comes first
    threaded, alone = (
        (runs, threads, state, assistants, crons),
        (stateless, store, commands, stream_events, workflows, configured),
    )
    for router in (*(one.router for one in (*threaded, system, signing_in, *alone)), *governance, *own.routers):
        app.include_router(router)
    app.state.build = build_of(STATIC)
    errors.install(app)
    if config is None:
        page.install(app)
    app.add_middleware(PlainJson)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_origin_regex=LOOPBACK_ORIGIN,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["Content-Location", "Location", "X-Pagination-Total", "X-Pagination-Next"],
        allow_private_network=True,
    )
    app.add_middleware(BodyLimit, most=settings.body_bytes, files=dict.fromkeys(own.files, settings.file_bytes))
    app.add_middleware(Requests)
    local, url = not settings.sign_in, settings.public_url
    app.add_middleware(Guard, origins=settings.origins, local=local, public_url=url, files=own.files)
    return app


def _version() -> str:
    try:
        return version("clearance")
    except PackageNotFoundError:  # run from its source
        return "0"
