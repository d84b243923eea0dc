"""The runs behind numbers: of each group of what is counted, how many and the newest; and pages of all of them."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from app.operations.items import BY_PEOPLE, STANDS, Window, asked, tool_calls, tries
from app.operations.shapes import Behind, Filter, RunRef, RunShape, RunsShape
from governance.identity import Caller
from graphs.tables import executions

NEWEST = 10
Reads = Callable[[Caller], bool]
"""May whoever asks read the threads of this person?"""


def ref(row: Any, reads: Reads) -> RunRef:
    """The run of a row with execution_id, thread_id and requester."""
    seen = reads(Caller.from_dict(row.requester))
    return RunRef(execution_id=row.execution_id, thread_id=row.thread_id if seen else None)


class Runs:
    """The runs behind the groups of `items` (execution_id, `key`), read in one query."""

    def __init__(self, c: Connection, items: Select[Any], reads: Reads) -> None:
        found = items.subquery()
        each = select(found.c.key, found.c.execution_id).distinct().subquery()
        newest = func.row_number().over(partition_by=each.c.key, order_by=(executions.c.created.desc(), executions.c.id.desc()))
        total = func.count().over(partition_by=each.c.key).label("total")
        columns = (each.c.key, each.c.execution_id, executions.c.thread_id, executions.c.requester)
        placed = (
            select(*columns, total, newest.label("place")).join(executions, executions.c.id == each.c.execution_id).subquery()
        )
        self._found: dict[str, tuple[int, list[RunRef]]] = {}
        for row in c.execute(select(placed).where(placed.c.place <= NEWEST).order_by(placed.c.key, placed.c.place)):
            self._found.setdefault(row.key, (row.total, []))[1].append(ref(row, reads))

    def of(self, key: str, filter: Filter) -> Behind:
        total, newest = self._found.get(key, (0, []))
        return Behind(total=total, newest=newest, filter=filter)


def page(c: Connection, window: Window, wanted: Filter, before: tuple[str, str] | None, limit: int, reads: Reads) -> RunsShape:
    """Runs of the window, the newest first, after the run `before` (when it began, its id)."""
    names = ("thread_id", "requester", "goal", "created", "ended")
    columns = (executions.c.id.label("execution_id"), *(executions.c[name] for name in names), STANDS.label("outcome"))
    query = select(*columns).where(*window.runs)
    if wanted.outcome:
        query = query.where(STANDS.in_([wanted.outcome]))
    for items in _behind(c, window, wanted):
        query = query.where(executions.c.id.in_(items))
    if before:
        at, id = before
        later = and_(executions.c.created == at, executions.c.id < id)
        query = query.where(or_(executions.c.created < at, later))
    rows = c.execute(query.order_by(executions.c.created.desc(), executions.c.id.desc()).limit(limit + 1)).all()
    shown = [_shape(row, reads) for row in rows[:limit]]
    return RunsShape(runs=shown, next=f"{shown[-1].created}/{shown[-1].execution_id}" if len(rows) > limit else None)


def _behind(c: Connection, window: Window, wanted: Filter) -> list[Select[Any]]:
    """For each part of a filter the ids of the runs that have what it says."""
    found = []
    if wanted.approval or wanted.waited:
        items = asked(c, window).subquery()
        said = [items.c.key == wanted.approval] if wanted.approval else []
        said += [items.c.key.in_(BY_PEOPLE)] if wanted.waited else []
        found.append(select(items.c.execution_id).where(*said))
    if wanted.specialist:
        items = tries(window).subquery()
        found.append(select(items.c.execution_id).where(items.c.key == wanted.specialist))
    if wanted.tool:
        items = tool_calls(c, window).subquery()
        wrong = or_(items.c.failed == 1, items.c.denied == 1)
        found.append(select(items.c.execution_id).where(items.c.key == wanted.tool, wrong))
    return found


def _shape(row: Any, reads: Reads) -> RunShape:
    values: Mapping[str, Any] = row._mapping
    told = {name: values[name] for name in ("goal", "outcome", "created", "ended")}
    return RunShape(**ref(row, reads).model_dump(), requester=Caller.from_dict(row.requester).user, **told)
