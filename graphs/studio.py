"""Factories that `langgraph.json` names: LangGraph Studio and `langgraph dev` open the same graphs as the application.

`langgraph dev` calls a factory often, so services are opened once for each event loop and kept. The server brings its own
checkpointer for the orchestrator; step threads use Clearance's own saver. A specialist opened alone runs as a plan for its products.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig

from graphs.orchestrator import build_orchestrator
from graphs.services import Services, open_services
from settings import Settings

Factory = Callable[[RunnableConfig], Awaitable[Any]]
_services: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Services]] = WeakKeyDictionary()
_open = AsyncExitStack()


async def shared_services() -> Services:
    """The services of this event loop, opened at the first call."""
    loop = asyncio.get_running_loop()
    if loop not in _services:

        async def start() -> Services:
            settings = await asyncio.to_thread(Settings)
            return await _open.enter_async_context(open_services(settings))

        _services[loop] = loop.create_task(start())
    return await _services[loop]


async def orchestrator(config: RunnableConfig) -> Any:
    """The orchestrator's graph."""
    services = await shared_services()
    return await asyncio.to_thread(build_orchestrator, services)


def alone(name: str) -> Factory:
    """A factory of one specialist's graph: a plan for its own products, with what they need before them."""

    async def factory(config: RunnableConfig) -> Any:
        services = await shared_services()
        return await asyncio.to_thread(build_orchestrator, services, None, name)

    return factory


def role(name: str) -> Factory:
    """A factory of a core role's own graph, which takes a brief as its first message."""

    async def factory(config: RunnableConfig) -> Any:
        services = await shared_services()
        return await asyncio.to_thread(services.build, name, None)

    return factory


verifier, reporter = role("verifier"), role("reporter")
