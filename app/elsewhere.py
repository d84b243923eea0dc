"""What people say through another process about an execution that this one carries out: a verdict, or that it is to stop.

The process that was told so wrote it to the database and tells the others (`runs/news.py`); each wakes what it carries out itself.
Whatever is not heard is found a little later. Opened by `service.py` where several processes share a database.
"""

import asyncio
import logging
from collections.abc import Collection

from app.runs.news import News
from database import DatabaseUnavailable
from graphs.services import Services

LOOK_S = 3.0
logger = logging.getLogger("clearance")


class Elsewhere:
    """Joins the wake-ups of this process to those of the others."""

    def __init__(self, services: Services, news: News) -> None:
        self._services, self._wakes = services, services.approvals.wakes
        self._heard: set[str] = set()
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(execution_id: str) -> None:  # from whatever thread decided
            loop.call_soon_threadsafe(news.tell, "wake", execution_id)

        self._wakes.tell = tell
        self._looking = asyncio.create_task(self._look())

    def hear(self, execution_id: str) -> None:
        """Another process says that something was decided."""
        self._heard.add(execution_id)
        self._news.set()

    async def close(self) -> None:
        self._wakes.tell = lambda execution_id: None
        self._looking.cancel()
        await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            heard: set[str] | None = None
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
                self._news.clear()
                heard, self._heard = self._heard, set()
            except TimeoutError:
                pass
            try:
                await self._wake([id for id in self._wakes.waiting() if heard is None or id in heard])
            except DatabaseUnavailable as error:  # looked for again in a moment
                logger.warning("what was decided elsewhere could not be read: %s", error)

    async def _wake(self, ids: Collection[str]) -> None:
        if ids:
            self._services.cancelled |= await self._services.executions.stopping(ids)
            for id in ids:
                self._wakes.wake_here(id)
