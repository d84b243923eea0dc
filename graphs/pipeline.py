"""Statements that are asked for at the same time go to PostgreSQL together: one connection, one round trip, one commit.

For the saver (`saver_postgres.py`), whose many small writes each cost more on the way than in the database. What is asked while a
pipeline is under way gathers for the next one; what is asked alone goes at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass
class Recorder:
    """In the place of a cursor: takes statements down. Nothing can be fetched from it."""

    statements: list[tuple[Any, list[Any]]] = field(default_factory=list)

    async def execute(self, query: Any, params: Any = ()) -> None:
        self.statements.append((query, [params]))

    async def executemany(self, query: Any, params: Sequence[Any]) -> None:
        self.statements.append((query, list(params)))


@dataclass
class Asked:
    """What one write consists of, and who waits for it."""

    statements: list[tuple[Any, list[Any]]]
    done: asyncio.Future[None]

    def answer(self, error: Exception | None = None) -> None:
        if self.done.done():  # whoever asked does not wait any more
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Pipeline:
    """Carries out writes over a pool of connections, in the order in which they are asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: list[Asked] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, statements: list[tuple[Any, list[Any]]]) -> None:
        """Return when these statements, which take place together or not at all, are committed. Raises what the driver raises."""
        one = Asked(statements, asyncio.get_running_loop().create_future())
        self._asked.append(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._carry_on())
        await one.done

    async def _carry_on(self) -> None:
        while self._asked:
            batch, self._asked = self._asked, []
            try:
                await self._send(batch)
            except (OperationalError, PoolTimeout) as error:  # the server is gone or busy for all of them
                for one in batch:
                    one.answer(error)
            except Exception as error:  # of one of them: it is told to whoever asked, and does not fail the others
                for one in batch:
                    one.answer(await self._alone(one) if len(batch) > 1 else error)
            else:
                for one in batch:
                    one.answer()

    async def _alone(self, one: Asked) -> Exception | None:
        try:
            await self._send([one])
        except Exception as error:  # told to whoever asked
            return error
        return None

    async def _send(self, batch: Sequence[Asked]) -> None:
        """All of the batch in one transaction, statements that are alike together."""
        alike: dict[Any, list[Any]] = {}
        for one in batch:
            for query, params in one.statements:
                alike.setdefault(query, []).extend(params)
        async with self._pool.connection() as connection, connection.pipeline(), connection.cursor(binary=True) as cursor:
            for query, params in alike.items():
                await cursor.executemany(query, params)
