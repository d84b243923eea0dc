"""The records behind a figure, opened: rows of a domain's views by the keys that a result cites. Domain-neutral, as `query.py` is.

Read by people through the application, never by a model: no tool calls this.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from database import Database
from tools.query import View
from tools.results import Records, UnknownPath

PAGE = 500
"""As many rows as one page holds at most, below every database's limit of bound parameters."""


def cited(result: Mapping[str, Any], row: int | None = None, figure: str | None = None) -> dict[str, list[int]]:
    """Table -> keys, ordered, that a dumped product cites: for one of its rows or figures, or altogether.

    Raises `UnknownPath` for a row or a figure that it does not have.
    """
    rows, figures = result.get("rows", []), result.get("figures", {})
    if row is not None and row >= len(rows):
        raise UnknownPath(f"there is no row {row}: the result has {len(rows)}")
    if figure is not None and figure not in figures:
        raise UnknownPath(f"there is no figure {figure!r}; there are: {', '.join(figures) or 'none'}")
    meant: Iterable[Mapping[str, Any]] = (*rows, *figures.values())
    if row is not None or figure is not None:
        meant = [*([rows[row]] if row is not None else []), *([figures[figure]] if figure is not None else [])]
    tables: dict[str, set[int]] = {}
    for one in meant:
        for records in Records.model_validate(one["records"]).every() if one.get("records") else ():
            tables.setdefault(records.table, set()).update(records.expand())
    return {table: sorted(keys) for table, keys in tables.items()}


def open_rows(db: Database, view: View, keys: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of a view with these keys, at most `PAGE` of them, in their order; what is no longer on record is left out. Blocking."""
    rows = view.definition.subquery()
    columns = [rows.c[name] for name in view.columns]
    query = select(*columns).where(rows.c[view.key].in_(keys[:PAGE])).order_by(rows.c[view.key])

    def work(c: Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in c.execute(query).mappings()]

    return db.run_sync(work)
