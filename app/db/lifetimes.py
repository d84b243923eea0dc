"""How long threads are kept after their last change, where somebody said so. Used by the threads' router and by `app/retention.py`."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from app.db.tables import lifetimes, threads
from database import Database

Strategy = Literal["delete", "keep_latest"]
AT_ONCE = 500
OPEN = ("busy", "interrupted")


def before(minutes: float) -> str:
    """So long ago, as the tables have times."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="microseconds")


class Lifetimes:
    """The lifetimes of one database's threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def say(self, thread_id: str, minutes: float, strategy: Strategy) -> None:
        """From now on the thread is kept so long."""

        def work(c: Connection) -> None:
            c.execute(delete(lifetimes).where(lifetimes.c.thread_id == thread_id))
            c.execute(insert(lifetimes).values(thread_id=thread_id, minutes=minutes, strategy=strategy))

        await self._db.run(work)

    async def over(self) -> list[tuple[str, Strategy, str]]:
        """Threads that were kept long enough, with their strategy and last change; none that a run holds or waits on."""

        def work(c: Connection) -> list[tuple[str, Strategy, str]]:
            found: list[tuple[str, Strategy, str]] = []
            for minutes in c.scalars(select(lifetimes.c.minutes).distinct()).all():
                query = select(lifetimes.c.thread_id, lifetimes.c.strategy, threads.c.updated_at)
                query = query.join(threads, threads.c.thread_id == lifetimes.c.thread_id)
                query = query.where(lifetimes.c.minutes == minutes, threads.c.updated_at < before(minutes))
                query = query.where(or_(lifetimes.c.swept_at.is_(None), lifetimes.c.swept_at != threads.c.updated_at))
                found += [(row[0], row[1], row[2]) for row in c.execute(_idle(query))]
            return found

        return await self._db.run(work, durable=False)

    async def swept(self, thread_id: str, changed: str) -> None:
        """Its old checkpoints went; it is looked at again when it changed."""
        change = update(lifetimes).where(lifetimes.c.thread_id == thread_id).values(swept_at=changed)
        await self._db.run(lambda c: c.execute(change), durable=False)

    async def unchanged_since(self, at: str) -> list[str]:
        """Threads that nothing happened to since then; none that a run holds or waits on."""
        query = _idle(select(threads.c.thread_id).where(threads.c.updated_at < at))
        return await self._db.run(lambda c: list(c.scalars(query)), durable=False)


def _idle(query: Select[Any]) -> Select[Any]:
    return query.where(threads.c.status.not_in(OPEN)).order_by(threads.c.updated_at).limit(AT_ONCE)
