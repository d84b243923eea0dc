"""The news over PostgreSQL's NOTIFY: gathered for a moment, sent by a connection of its own, heard by another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from psycopg import AsyncConnection, OperationalError, sql
from sqlalchemy import URL

from app.runs.news import Hear, Kind
from database import gone
from graphs.saver_postgres import driver_url

GATHER_S = 0.01
AGAIN_S = 0.5  # between two tries to reach the server
LONGEST = 7000  # bytes of one notice; PostgreSQL allows 8000
ALIVE_S = 30.0
logger = logging.getLogger("clearance")


class Wire:
    """The news of one database of PostgreSQL, for the process named `me`. `open` it with who hears what others tell."""

    def __init__(self, url: URL, me: str) -> None:
        self._url, self._me = driver_url(url), me
        self._out: dict[tuple[Kind, str], None] = {}
        self._waiting = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def tell(self, kind: Kind, id: str = "") -> None:
        """Tell the others soon. Costs no I/O; the same is told once."""
        self._out[(kind, id)] = None
        self._waiting.set()

    def open(self, hear: Hear, missed: Callable[[], None]) -> None:
        """Begin to tell and to listen. `missed` is called whenever something may have gone unheard."""
        loops: tuple[Coroutine[Any, Any, None], ...] = (
            self._connected(lambda connection, channel: self._listen(connection, channel, hear, missed)),
            self._connected(self._send),
        )
        self._loops = [asyncio.create_task(one) for one in loops]

    async def close(self) -> None:
        """Tell what is left, as far as that is possible at once, and stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while self._out:  # noqa: ASYNC110  # there is no event for it, and this is the end
                    await asyncio.sleep(GATHER_S)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def _connected(self, work: Callable[[AsyncConnection[Any], str], Awaitable[None]]) -> None:
        """Do this over a connection, and over the next one when it breaks."""
        while True:
            try:
                connecting = AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=10, keepalives_idle=10, keepalives_interval=5
                )
                async with await connecting as connection:
                    schema = await (await connection.execute("SELECT current_schema()")).fetchone()
                    await work(connection, f"clearance_{schema[0] if schema else ''}")
            except OperationalError as error:
                if not gone(error):
                    raise
                logger.warning("the other processes cannot be heard or told: %s", str(error).strip())
            await asyncio.sleep(AGAIN_S)

    async def _listen(self, connection: AsyncConnection[Any], channel: str, hear: Hear, missed: Callable[[], None]) -> None:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        missed()
        while True:
            async for notice in connection.notifies(timeout=ALIVE_S):
                who, *lines = notice.payload.split("\n")
                if who != self._me:
                    for line in lines:
                        kind, _, id = line.partition(" ")
                        hear(kind, id)  # type: ignore[arg-type]  # a Kind: another process of ours wrote it
            await connection.execute("SELECT 1")  # a server that went without a word is found out

    async def _send(self, connection: AsyncConnection[Any], channel: str) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._out:
                taken = self._some()
                for one in taken:  # first: what is told of it from now on is told again
                    del self._out[one]
                text = "\n".join([self._me, *(f"{kind} {id}" for kind, id in taken)])
                await connection.execute("SELECT pg_notify(%s, %s)", (channel, text))
            await asyncio.sleep(GATHER_S)

    def _some(self) -> list[tuple[Kind, str]]:
        """As much as goes into one notice."""
        taken: list[tuple[Kind, str]] = []
        size = len(self._me)
        for kind, id in self._out:
            size += len(kind) + len(id) + 2
            if taken and size > LONGEST:
                break
            taken.append((kind, id))
        return taken
