"""Assistants: a graph with a config of its own, in versions. One is made for each graph at start. Used by the assistants' router."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from app.db.clock import new_id, stamp
from app.db.filters import contains
from app.db.tables import assistants, crons, versions
from database import Database
from governance.prepared import Prepared
from governance.tables import insert_new

T = TypeVar("T")
OF_GRAPHS = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""The namespace of the assistants that are made for graphs, as LangGraph's clients know their ids."""
VERSIONED = ("graph_id", "name", "description", "config", "context", "metadata")
_ONE = Prepared(select(assistants).where(assistants.c.assistant_id == bindparam("of_id")))  # read for every run
SORTED_BY = ("assistant_id", "graph_id", "name", "created_at", "updated_at")


class AssistantMissing(LookupError):
    """There is no such assistant, or no such version of it."""


class AssistantExists(RuntimeError):
    """There is an assistant with this id."""


def id_of(graph_id: str) -> str:
    """The id of the assistant that is made for a graph."""
    return str(uuid.uuid5(OF_GRAPHS, graph_id))


class Assistants:
    """The assistants of one database. Rows are dicts as the API answers them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, dict[str, Any]] = {}  # on SQLite, where only this process writes them

    async def make_for_graphs(self, graph_ids: Sequence[str]) -> None:
        """See to it that each graph has its assistant."""
        await self._db.run(
            lambda c: [self._insert(c, id_of(g), graph_id=g, name=g, metadata={"created_by": "system"}) for g in graph_ids]
        )

    async def create(self, assistant_id: str | None, *, org: str, keep: bool, **fields: Any) -> dict[str, Any]:
        """A new one of an organisation. With `keep` one that is there, and theirs or a graph's, is answered as it is.

        Raises `AssistantExists`.
        """
        id = assistant_id or new_id()

        def work(c: Connection) -> dict[str, Any]:
            made = self._insert(c, id, org=org, **fields)
            row = self._get(c, id)
            if not made and not (keep and row["org"] in (None, org)):
                raise AssistantExists(f"Assistant with ID {id} already exists")
            return row

        return await self._db.run(work)

    async def get(self, assistant_id: str) -> dict[str, Any]:
        """Raises `AssistantMissing`."""
        if assistant_id in self._known:
            return self._known[assistant_id]
        return await self._db.run(lambda c: self.row(c, assistant_id), durable=False)

    def row(self, c: Connection, assistant_id: str) -> dict[str, Any]:
        """The assistant as a transaction of the caller's sees it. Raises `AssistantMissing`."""
        found = self._known.get(assistant_id) or self._get(c, assistant_id)
        if self._db.sqlite:
            self._known[assistant_id] = found
        return found

    async def change(self, assistant_id: str, **fields: Any) -> dict[str, Any]:
        """A new version with these fields changed; metadata is merged. Raises `AssistantMissing`."""

        def work(c: Connection) -> dict[str, Any]:
            row = self._get(c, assistant_id)
            if "metadata" in fields:
                fields["metadata"] = {**row["metadata"], **fields["metadata"]}
            newest = select(func.max(versions.c.version)).where(versions.c.assistant_id == assistant_id)
            made = {name: fields.get(name, row[name]) for name in VERSIONED}
            version = int(c.execute(newest).scalar_one()) + 1
            at = stamp()
            c.execute(insert(versions).values(assistant_id=assistant_id, version=version, created_at=at, **made))
            return self._use(c, assistant_id, version, made, at)

        return await self._change(assistant_id, work)

    async def use(self, assistant_id: str, version: int) -> dict[str, Any]:
        """Go back, or on, to a version. Raises `AssistantMissing`."""

        def work(c: Connection) -> dict[str, Any]:
            where = (versions.c.assistant_id == assistant_id) & (versions.c.version == version)
            row = c.execute(select(versions).where(where)).mappings().one_or_none()
            if row is None:
                raise AssistantMissing(f"Assistant with ID {assistant_id} has no version {version}")
            return self._use(c, assistant_id, version, {name: row[name] for name in VERSIONED}, stamp())

        return await self._change(assistant_id, work)

    async def versions(self, assistant_id: str, metadata: dict[str, Any], limit: int, offset: int) -> list[dict[str, Any]]:
        """Its versions, the newest first."""
        query = select(versions).where(versions.c.assistant_id == assistant_id, *contains(versions.c.metadata, metadata))
        query = query.order_by(versions.c.version.desc()).limit(limit).offset(offset)
        return await self._db.run(lambda c: [dict(row) for row in c.execute(query).mappings()], durable=False)

    async def search(
        self,
        *,
        metadata: dict[str, Any],
        graph_id: str | None,
        name: str | None,
        limit: int,
        offset: int,
        sort_by: str,
        descending: bool,
        org: str | None,
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of those that an organisation may use (None: of all), and how many there are in all."""
        column = assistants.c[sort_by]
        order = (column.desc() if descending else column.asc(), assistants.c.assistant_id)

        def work(c: Connection) -> tuple[list[dict[str, Any]], int]:
            matching = partial(self._matching, metadata=metadata, graph_id=graph_id, name=name, org=org)
            query = matching(select(assistants)).order_by(*order).limit(limit).offset(offset)
            total = c.execute(matching(select(func.count()).select_from(assistants))).scalar_one()
            return [dict(row) for row in c.execute(query).mappings()], total

        return await self._db.run(work, durable=False)

    async def delete(self, assistant_id: str) -> None:
        """Raises `AssistantMissing`."""

        def work(c: Connection) -> None:
            self._get(c, assistant_id)
            for table in (assistants, versions, crons):
                c.execute(delete(table).where(table.c.assistant_id == assistant_id))

        await self._change(assistant_id, work)

    async def _change(self, assistant_id: str, work: Callable[[Connection], T]) -> T:
        """A change of one that is known: what is remembered of it goes before and, read meanwhile, after."""
        self._known.pop(assistant_id, None)
        try:
            return await self._db.run(work)
        finally:
            self._known.pop(assistant_id, None)

    def _matching(
        self, query: Select[Any], *, metadata: dict[str, Any], graph_id: str | None, name: str | None, org: str | None
    ) -> Select[Any]:
        query = query.where(*contains(assistants.c.metadata, metadata))
        if org is not None:
            query = query.where(assistants.c.org.is_(None) | (assistants.c.org == org))
        if graph_id:
            query = query.where(assistants.c.graph_id == graph_id)
        if name:
            query = query.where(assistants.c.name.icontains(name, autoescape=True))
        return query

    def _insert(self, c: Connection, id: str, **fields: Any) -> bool:
        """Says whether it was not there."""
        at, org = stamp(), fields.pop("org", None)
        own = {"description": None, "config": {}, "context": {}, "metadata": {}, "name": "Untitled", **fields}
        row = dict(assistant_id=id, org=org, version=1, created_at=at, updated_at=at, **own)
        if not insert_new(c, assistants, row):
            return False
        c.execute(insert(versions).values(assistant_id=id, version=1, created_at=at, **own))
        return True

    def _use(self, c: Connection, id: str, version: int, made: dict[str, Any], at: str) -> dict[str, Any]:
        c.execute(update(assistants).where(assistants.c.assistant_id == id).values(version=version, updated_at=at, **made))
        return self._get(c, id)

    def _get(self, c: Connection, id: str) -> dict[str, Any]:
        row = _ONE.row(c, {"of_id": id})
        if row is None:
            raise AssistantMissing(f"Assistant with ID {id} not found")
        return row
