"""Threads: their rows, searched, changed, copied and deleted, for the routers. What runs do to them is `app/runs/queue.py`'s."""

from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from app.auth.reach import Owner, may, reaches_all
from app.db.clock import stamp
from app.db.filters import contains
from app.db.tables import crons, lifetimes, runs, threads
from app.runs.making import ThreadBusy, ThreadMissing, new_thread
from app.runs.queue import forget
from app.runs.spec import ACTIVE, Ending
from database import Database
from governance.identity import Caller
from governance.tables import insert_new

SORTED_BY = ("thread_id", "status", "created_at", "updated_at", "state_updated_at")


class ThreadExists(RuntimeError):
    """There is a thread with this id."""


class Threads:
    """The threads of one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, thread_id: str | None, metadata: dict[str, Any], *, keep: bool, owner: Caller) -> dict[str, Any]:
        """A new one. With `keep` one that is there, and the owner's to read, is answered as it is. Raises `ThreadExists`."""

        def work(c: Connection) -> dict[str, Any]:
            there = self._find(c, thread_id) if thread_id else None
            if there is not None:
                if keep and may(owner, "read", Owner(there["org"], there["owner"])):
                    return there
                raise ThreadExists(f"Thread with ID {thread_id} already exists")
            row = new_thread(thread_id, metadata, stamp(), owner)
            return row if insert_new(c, threads, row) else work(c)  # another request made it meanwhile

        return await self._db.run(work, durable=False)

    async def get(self, thread_id: str) -> dict[str, Any]:
        """Raises `ThreadMissing`."""

        def work(c: Connection) -> dict[str, Any]:
            return self._get(c, thread_id)

        return await self._db.run(work, durable=False)

    async def owner(self, thread_id: str) -> Owner:
        """Whose it is. Raises `ThreadMissing`."""
        query = select(threads.c.org, threads.c.owner).where(threads.c.thread_id == thread_id)
        row = await self._db.run(lambda c: c.execute(query).one_or_none(), durable=False)
        if row is None:
            raise ThreadMissing(f"Thread with ID {thread_id} not found")
        return Owner(row.org, row.owner)

    async def change(self, thread_id: str, metadata: dict[str, Any]) -> dict[str, Any]:
        """Merge metadata. Raises `ThreadMissing`."""

        def work(c: Connection) -> dict[str, Any]:
            row = {**self._get(c, thread_id), "updated_at": stamp()}
            row["metadata"] = {**row["metadata"], **metadata}
            change = update(threads).where(threads.c.thread_id == thread_id)
            c.execute(change.values(metadata=row["metadata"], updated_at=row["updated_at"]))
            return row

        return await self._db.run(work, durable=False)

    async def idle(self, thread_id: str) -> dict[str, Any]:
        """The row of a thread that no run holds or waits for. Raises `ThreadMissing`, `ThreadBusy`."""

        def work(c: Connection) -> dict[str, Any]:
            row = self._get(c, thread_id)
            active = select(runs.c.run_id).where(runs.c.thread_id == thread_id, runs.c.status.in_(ACTIVE))
            if ids := c.execute(active).scalars().all():
                raise ThreadBusy(f"Thread {thread_id} has in-flight runs: {', '.join(ids)}")
            return row

        return await self._db.run(work, durable=False)

    async def stands(self, thread_id: str, ending: Ending) -> None:
        """Record a state that a client made."""
        at = stamp()
        values = dict(values=ending.values, interrupts=ending.interrupts, status=ending.thread_status, updated_at=at)
        change = update(threads).where(threads.c.thread_id == thread_id).values(**values, state_updated_at=at)
        await self._db.run(lambda c: c.execute(change), durable=False)

    async def copy(self, thread_id: str, owner: Caller) -> dict[str, Any]:
        """A thread that stands as this one does; its checkpoints are the saver's to copy. Raises `ThreadMissing`."""

        def work(c: Connection) -> dict[str, Any]:
            own, at = self._get(c, thread_id), stamp()
            kept = {name: own[name] for name in ("values", "interrupts", "config")}
            status = "idle" if own["status"] == "busy" else own["status"]
            row = {**new_thread(None, own["metadata"], at, owner), **kept, "status": status}
            c.execute(insert(threads).values(**row))
            return row

        return await self._db.run(work, durable=False)

    async def delete(self, thread_id: str) -> list[str]:
        """Delete its rows, runs included; the ids of those that were running. Raises `ThreadMissing`."""

        def work(c: Connection) -> list[str]:
            self._get(c, thread_id)
            active = select(runs.c.run_id).where(runs.c.thread_id == thread_id, runs.c.status.in_(ACTIVE))
            ids = list(c.execute(active).scalars())
            forget(c, thread_id)
            for table in (crons, lifetimes):
                c.execute(delete(table).where(table.c.thread_id == thread_id))
            return ids

        return await self._db.run(work)

    async def search(
        self,
        *,
        ids: list[str],
        metadata: dict[str, Any],
        values: dict[str, Any],
        status: str | None,
        limit: int,
        offset: int,
        sort_by: str,
        descending: bool,
        caller: Caller | None,
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of those that the caller may read (None: all), and how many there are in all."""
        column = threads.c[sort_by]
        order = (column.desc() if descending else column.asc(), threads.c.thread_id)

        def matching(query: Select[Any]) -> Select[Any]:
            query = query.where(*contains(threads.c.metadata, metadata), *contains(threads.c["values"], values))
            if caller:
                query = query.where(threads.c.org == caller.org)
                if not reaches_all(caller, "read"):
                    query = query.where(threads.c.owner == caller.user)
            if ids:
                query = query.where(threads.c.thread_id.in_(ids))
            return query.where(threads.c.status == status) if status else query

        def work(c: Connection) -> tuple[list[dict[str, Any]], int]:
            page = c.execute(matching(select(threads)).order_by(*order).limit(limit).offset(offset)).mappings()
            total = c.execute(matching(select(func.count()).select_from(threads))).scalar_one()
            return [dict(row) for row in page], total

        return await self._db.run(work, durable=False)

    def _find(self, c: Connection, thread_id: str) -> dict[str, Any] | None:
        row = c.execute(select(threads).where(threads.c.thread_id == thread_id)).mappings().one_or_none()
        return None if row is None else dict(row)

    def _get(self, c: Connection, thread_id: str) -> dict[str, Any]:
        row = self._find(c, thread_id)
        if row is None:
            raise ThreadMissing(f"Thread with ID {thread_id} not found")
        return row
