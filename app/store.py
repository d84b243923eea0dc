"""The store: what graphs remember across threads, on LangGraph's own stores, each caller's apart from every other's.

A view puts the owner before every namespace and takes it off every answer, so that neither a graph nor a request can name what is
another's. `/store` opens one for who calls; graphs get one that asks whose run is carried out (`acting`).
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from langgraph.store.base import BaseStore, GetOp, Item, ListNamespacesOp, MatchCondition, Op, PutOp, Result, SearchOp
from sqlalchemy import make_url

from governance.identity import Caller
from settings import Settings

acting: ContextVar[Caller | None] = ContextVar("acting", default=None)
"""For whom the run is, that this task or one that started it carries out; None: the local person."""


class OwnStore(BaseStore):
    """What one caller sees of a store. `whose` says who that is, at each operation."""

    supports_ttl = True

    def __init__(self, inner: BaseStore, whose: Callable[[], Caller]) -> None:
        self._inner, self._whose = inner, whose

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        own = _label(self._whose())
        return [_without(one) for one in self._inner.batch([_with(op, own) for op in ops])]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        own = _label(self._whose())
        return [_without(one) for one in await self._inner.abatch([_with(op, own) for op in ops])]


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[BaseStore]:
    """The whole store: a file of the home, or tables of the application's database on PostgreSQL."""
    ttl: Any = {"refresh_on_read": True, "sweep_interval_minutes": 5}
    url = make_url(settings.app_url())
    if url.get_backend_name() == "sqlite":
        from langgraph.store.sqlite.aio import AsyncSqliteStore

        async with AsyncSqliteStore.from_conn_string(str(settings.home / "store.db"), ttl=ttl) as store:
            await store.conn.execute("PRAGMA journal_mode=WAL")
            await store.conn.execute("PRAGMA busy_timeout=15000")
            await store.setup()
            await store.start_ttl_sweeper()
            try:
                yield store
            finally:
                await store.stop_ttl_sweeper()
        return
    from langgraph.store.postgres.aio import AsyncPostgresStore
    from psycopg import AsyncConnection

    from graphs.saver_postgres import making_tables

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with AsyncPostgresStore.from_conn_string(plain, ttl=ttl, pool_config={"min_size": 1, "max_size": 8}) as pooled:
        async with await AsyncConnection.connect(plain, autocommit=True) as connection, making_tables(connection):
            await pooled.setup()
        await pooled.start_ttl_sweeper()
        try:
            yield pooled
        finally:
            await pooled.stop_ttl_sweeper()


def _label(owner: Caller) -> str:
    """One label of fixed length: no owner's is the beginning of another's, and no character in it means anything to a store."""
    return hashlib.sha256(f"{owner.org}\0{owner.user}".encode()).hexdigest()[:32]


def _with(op: Op, own: str) -> Op:
    if isinstance(op, GetOp | PutOp):
        return op._replace(namespace=(own, *op.namespace))
    if isinstance(op, SearchOp):
        return op._replace(namespace_prefix=(own, *op.namespace_prefix))
    assert isinstance(op, ListNamespacesOp)
    asked = op.match_conditions or ()
    starts = [one for one in asked if one.match_type == "prefix"]
    first = tuple(MatchCondition("prefix", (own, *one.path)) for one in starts) or (MatchCondition("prefix", (own,)),)
    rest = tuple(one for one in asked if one.match_type != "prefix")
    depth = None if op.max_depth is None else op.max_depth + 1
    return op._replace(match_conditions=(*first, *rest), max_depth=depth)


def _without(result: Result) -> Result:
    if isinstance(result, Item):
        result.namespace = result.namespace[1:]
    elif isinstance(result, list):
        return [_short(one) for one in result]
    return result


def _short(one: Any) -> Any:
    if isinstance(one, tuple):
        return one[1:]
    one.namespace = one.namespace[1:]
    return one
