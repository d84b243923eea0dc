"""Writes that are asked for at the same time go to PostgreSQL together: one hop to a thread, one round trip, one commit.

For the saver (`saver_postgres.py`), whose many small writes each cost more on the way than in the database. What is asked while
others are under way gathers for the next time; what is asked alone goes at once.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from langgraph.checkpoint.postgres import PostgresSaver as PlainSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg import AsyncConnection, Cursor, OperationalError
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from cancellation import finish

T = TypeVar("T")
Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass
class Recorder:
    """In the place of a cursor: takes statements down. Nothing can be fetched from it."""

    statements: list[tuple[Any, list[Any]]] = field(default_factory=list)

    def execute(self, query: Any, params: Any = ()) -> None:
        self.statements.append((query, [params]))

    def executemany(self, query: Any, params: Sequence[Any]) -> None:
        self.statements.append((query, list(params)))


class Dictation(PlainSaver):
    """LangGraph's plain saver, whose writes are taken down instead of sent."""

    def __init__(self, serde: SerializerProtocol) -> None:
        super().__init__(cast(Any, None), serde=serde)  # it has no connection
        self.taken = Recorder()

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        yield cast(Cursor[DictRow], self.taken)


@dataclass
class Asked(Generic[T]):
    """A write, what it consists of once it is taken down, and who waits for it."""

    work: Callable[[PlainSaver], T]
    done: asyncio.Future[T]
    statements: list[tuple[Any, list[Any]]] = field(default_factory=list)
    result: T | None = None
    error: Exception | None = None

    def take_down(self, dictation: Dictation) -> None:
        dictation.taken = Recorder()
        try:
            self.result = self.work(dictation)
        except Exception as error:  # what cannot be written: told to whoever asked
            self.error = error
        self.statements = dictation.taken.statements

    def answer(self) -> None:
        if self.error is None:
            self.done.set_result(cast(T, self.result))
        else:
            self.done.set_exception(self.error)


class Pipeline:
    """Carries out writes over a pool of connections, in the order in which they are asked for."""

    def __init__(self, pool: Pool, serde: SerializerProtocol) -> None:
        self._pool, self._dictation = pool, Dictation(serde)
        self._asked: list[Asked[Any]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, work: Callable[[PlainSaver], T]) -> T:
        """Carry out what `work` asks of the saver, whole or not at all, and return its result when it is committed; a cancellation that
        comes meanwhile goes on then. Raises what the driver raises."""
        one: Asked[T] = Asked(work, asyncio.get_running_loop().create_future())
        self._asked.append(one)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._carry_on())
        return await finish(one.done)

    async def _carry_on(self) -> None:
        while self._asked:
            batch, self._asked = self._asked, []
            await asyncio.to_thread(self._take_down, batch)
            sound = [one for one in batch if one.error is None]
            try:
                await self._send(sound)
            except (OperationalError, PoolTimeout) as error:  # the server is gone or busy for all of them
                for one in sound:
                    one.error = error
            except Exception as error:  # one of them is to blame: it must not fail the others
                for one in sound:
                    one.error = await self._alone(one) if len(sound) > 1 else error
            for one in batch:
                one.answer()

    def _take_down(self, batch: Sequence[Asked[Any]]) -> None:
        for one in batch:
            one.take_down(self._dictation)

    async def _alone(self, one: Asked[Any]) -> Exception | None:
        try:
            await self._send([one])
        except Exception as error:  # told to whoever asked
            return error
        return None

    async def _send(self, batch: Sequence[Asked[Any]]) -> None:
        """All of the batch in one transaction, statements that are alike together."""
        alike: dict[Any, list[Any]] = {}
        for one in batch:
            for query, params in one.statements:
                alike.setdefault(query, []).extend(params)
        if not alike:
            return
        async with self._pool.connection() as connection, connection.pipeline(), connection.cursor(binary=True) as cursor:
            for query, params in alike.items():
                await cursor.executemany(query, params)
