"""`query_records`: one SELECT over views that a domain allows, checked before it runs. Domain-neutral: it is handed the views.

A view is a SELECT that is put in front of the query as a common table expression, so nothing is created in the user's
database. The query is parsed and qualified against the views' columns: anything but one SELECT over them with known functions
is refused with the reason. It runs on a read-only connection with a limit on rows and on time.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Select
from sqlalchemy.exc import DBAPIError
from sqlglot import exp, parse, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from governance.manifest import DataClass, ToolManifest
from tools.registry import Tool, ToolContext, ToolError, tool
from tools.results import Column, Figure, Highlight, Records, Row, ToolResult, Unit

MANIFEST = ToolManifest(effect="read", output="untrusted", data_class="internal")  # its words are whatever the records hold
MAX_ROWS = 200
MAX_SECONDS = 5.0
_FUNCTION_NAMES = """
    ABS AND AVG CASE CAST CEIL COALESCE CONCAT COUNT CURRENT_DATE DATE DAY DENSE_RANK EXISTS EXTRACT FLOOR IF LAG LEAD
    LENGTH LOWER LTRIM MAX MIN MONTH NULLIF OR RANK ROUND ROW_NUMBER RTRIM SUBSTRING SUM TIME_TO_STR TRIM TS_OR_DS_TO_DATE
    TS_OR_DS_TO_TIMESTAMP UPPER XOR YEAR
"""
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())  # none touches a file, the engine or much memory
KEPT_UNIT = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Round)


# An alias that ends in a unit's name has that unit, where the expression does not tell.
NAMED_UNIT: dict[str, Unit] = {
    "_percent": "percent",
    "_usd": "usd",
    "_days": "days",
    "_kg": "kg",
    "_count": "count",
    "_lines": "count",
}


@dataclass(frozen=True)
class View:
    """An allowed view. `key` is the column that identifies a record of `table`; `columns` maps each column to its unit.

    `data_class` is what a person must be entitled to who opens its rows."""

    name: str
    description: str
    definition: Select[Any]
    table: str
    key: str
    columns: Mapping[str, Unit]
    data_class: DataClass = "internal"


class QueryArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sql: str = Field(min_length=1, max_length=4000, description="one SELECT over the allowed views")


class QueryRow(Row):
    """One row; its fields are the columns of the query."""

    model_config = ConfigDict(extra="allow")


class QueryResult(ToolResult):
    product: ClassVar[str] = "query"
    rows: list[QueryRow] = Field(default_factory=list)


def query_tool(views: Sequence[View]) -> Tool:
    """`query_records` over these views. Its description lists them with their columns."""
    known = {view.name: view for view in views}

    def query_records(args: QueryArgs, ctx: ToolContext) -> QueryResult:
        return _answer(args.sql, known, ctx)

    query_records.__doc__ = (
        f"Run one read-only SELECT, in the database's own dialect, over these views: {allowed(views)}. Include the key column "
        "to cite single records."
    )
    return tool(MANIFEST)(query_records)


def allowed(views: Iterable[View]) -> str:
    """The views with their columns, for people and models."""
    return "; ".join(f"{view.name}({', '.join(view.columns)})" for view in views)


def checked(sql: str, views: Mapping[str, View], dialect: str) -> exp.Select:
    """The parsed query with every column qualified. Raises `ToolError` with the reason and what is allowed."""
    try:
        statements = [statement for statement in parse(sql, read=dialect) if statement is not None]
        if len(statements) != 1:
            raise _refused(f"it holds {len(statements)} statements, one is allowed", views)
        tree = statements[0]
        if not isinstance(tree, exp.Select):
            raise _refused(f"it is a {tree.key.upper()}, only a SELECT is allowed", views)
        _check_nodes(tree, views)
        schema: dict[str, object] = {name: dict.fromkeys(view.columns, "text") for name, view in views.items()}
        qualified = qualify(tree, schema=schema, dialect=dialect, quote_identifiers=True, identify=True)
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        raise _refused(f"it cannot be read: {first}", views) from error
    assert isinstance(qualified, exp.Select)  # a SELECT stays one
    return qualified


def _check_nodes(tree: exp.Select, views: Mapping[str, View]) -> None:
    forbidden = (exp.DML, exp.DDL, exp.Command, exp.Pragma, exp.Into, exp.Lock, exp.Parameter, exp.Placeholder, exp.Attach)
    ctes = list(tree.find_all(exp.CTE))
    if len(ctes) > len(tree.ctes):
        raise _refused("WITH is allowed at the start only", views)
    if clash := {cte.alias.casefold() for cte in ctes} & set(views):
        raise _refused(f"it names a common table expression {', '.join(sorted(clash))} like a view", views)
    for node in tree.walk():
        if isinstance(node, forbidden) and not isinstance(node, exp.Query):
            raise _refused(f"{node.key.upper()} is not allowed", views)
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise _refused("recursive queries are not allowed", views)
        if isinstance(node, exp.Table):
            if not isinstance(node.this, exp.Identifier) or node.db or node.catalog:
                raise _refused(f"{node.sql()} is not a view", views)
            if node.name not in views and node.name not in _visible(node, tree):
                raise _refused(f"there is no view {node.name!r}", views)
        if isinstance(node, exp.Func):
            name = node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name()
            if name not in FUNCTIONS:
                raise _refused(f"the function {name} is not allowed", views)


def _visible(table: exp.Table, tree: exp.Select) -> set[str]:
    """The common table expressions that a table name may mean there: only earlier ones, else it would reach a real table."""
    names: set[str] = set()
    for cte in tree.ctes:
        if any(ancestor is cte for ancestor in _ancestors(table)):
            break
        names.add(cte.alias)
    return names


def _ancestors(node: exp.Expression) -> Iterator[object]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _refused(reason: str, views: Mapping[str, View]) -> ToolError:
    return ToolError(f"the query was refused: {reason}. Allowed is one SELECT over: {allowed(views.values())}")


def _answer(sql: str, views: Mapping[str, View], ctx: ToolContext) -> QueryResult:
    database = ctx.resources.reading
    dialect = "sqlite" if database.sqlite else "postgres"
    tree = checked(sql, views, dialect)
    sources = {table.name for table in tree.find_all(exp.Table) if table.name in views}
    used = [view for view in views.values() if view.name in sources]
    if not used:
        raise _refused("it reads no view", views)
    if "records" in tree.named_selects:
        raise _refused("a column may not be called records", views)
    keyed = next((view for view in used if view.key in tree.named_selects), None)
    keys_tree = None if keyed else _keys_query(tree, used)

    def work(connection: Connection) -> tuple[list[dict[str, Any]], list[int] | None]:
        with _time_limit(connection, dialect):
            _refuse_empty_columns(tree, used, dialect, connection)
            rows = _run(connection, _with_views(_limited(tree), used, dialect, connection))
            keys = _run(connection, _with_views(keys_tree, used, dialect, connection)) if keys_tree is not None else None
        return rows, None if keys is None else [next(iter(row.values())) for row in keys]

    found, keys = database.run_sync(work)
    more = len(found) > MAX_ROWS
    found = found[:MAX_ROWS]
    if keyed:
        cite = [Records.of(keyed.table, [row[keyed.key]] if row[keyed.key] is not None else []) for row in found]
        whole = Records.of(keyed.table, [row[keyed.key] for row in found if row[keyed.key] is not None])
    else:
        whole = Records.of(used[0].table, keys) if keys is not None else Records(table=used[0].table, keys="", count=0)
        cite = [whole] * len(found)
    caveats = [f"Only the first {MAX_ROWS} rows are shown."] if more else []
    if not keyed and keys is None:
        caveats.append("The records behind these rows cannot be named: include a view's key column to cite them.")
    elif not keyed and len(found) > 1:
        caveats.append("Each row cites all records that the query's filter selects, not its group alone.")
    columns = [_column(each, views) for each in tree.selects]
    return QueryResult(
        title="Query of the records",
        scope=_scope(sql, used, dialect),
        as_of=ctx.today.isoformat(),
        rows=[QueryRow.model_validate({**row, "records": records}) for row, records in zip(found, cite, strict=True)],
        columns=columns,
        figures={"row_count": Figure(value=len(found), unit="count", label="rows", records=whole)},
        highlights=[
            *_told(columns, found),
            Highlight(text="The query returned {rows} rows.", slots={"rows": "figures.row_count"}),
        ],
        caveats=caveats,
        query=sql.strip(),
    )


def _scope(sql: str, used: Sequence[View], dialect: str) -> str:
    """Which records a query is about: all of them, or those its condition selects."""
    about = ", ".join(view.table.replace("_", " ") for view in used)
    where = parse_one(sql, read=dialect).args.get("where")
    return f"{about} with {where.this.sql(dialect=dialect)}" if where else f"all {about}"


def _told(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[Highlight]:
    """The first row in a sentence, if its fields can be bound: the answer, where one row is the answer, or the head of a ranking."""
    shown = [
        c for c in columns if rows and rows[0][c.field] is not None and c.field.isidentifier() and c.field == c.field.lower()
    ]
    if not shown or any(character.isdigit() for c in shown for character in c.label):
        return []
    slots = {f"value_{letter}": f"rows[0].{c.field}" for letter, c in zip("abcd", shown, strict=False)}
    told = ", ".join(f"{c.label} {{{name}}}" for name, c in zip(slots, shown, strict=False))
    return [Highlight(text=f"{'First row: ' if len(rows) > 1 else ''}{told}.", slots=slots)]


def _limited(tree: exp.Select) -> exp.Select:
    """The query with its own limit, or one row more than may be shown, to know whether there are more."""
    limit = tree.args.get("limit")
    own = limit.expression if limit else None
    if isinstance(own, exp.Literal) and own.is_int and int(own.name) <= MAX_ROWS:
        return tree
    return tree.limit(MAX_ROWS + 1)


def _keys_query(tree: exp.Select, used: Sequence[View]) -> exp.Select | None:
    """For a query over one view without joins: the keys its filter selects. None when they cannot be derived."""
    simple = len(used) == 1 and not tree.ctes and len(list(tree.find_all(exp.Select))) == 1 and not tree.args.get("joins")
    table = tree.find(exp.Table)
    if not simple or table is None:
        return None
    query = exp.select(exp.column(used[0].key, table=table.alias_or_name, quoted=True)).from_(table.copy())
    where = tree.args.get("where")
    return query.where(where.this.copy()) if where else query


def _with_views(tree: exp.Select, used: Sequence[View], dialect: str, connection: Connection) -> str:
    """The query's text with the views' definitions in front of its own common table expressions."""
    definitions = [
        f'"{view.name}" AS ({view.definition.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})})'
        for view in used
    ]
    bare = tree.copy()
    definitions += [cte.sql(dialect=dialect) for cte in bare.ctes]
    own = bare.find(exp.With)
    if own and own.parent is bare:
        own.pop()
    return f"WITH {', '.join(definitions)} {bare.sql(dialect=dialect)}"


def _refuse_empty_columns(tree: exp.Select, used: Sequence[View], dialect: str, connection: Connection) -> None:
    """Raise `ToolError` if the query compares or sums a column that no record fills: it would count and add up to nothing.

    To show such a column, or to ask whether it is null, is allowed.
    """
    for view in used:
        aliases = {table.alias_or_name for table in tree.find_all(exp.Table) if table.name == view.name}
        asked = {
            column.name
            for column in tree.find_all(exp.Column)
            if column.table in aliases and column.name in view.columns and not isinstance(column.parent, (exp.Alias, exp.Is))
        }
        if not asked:
            continue
        counts = [exp.Count(this=exp.column(name, quoted=True)).as_(name, quoted=True) for name in sorted(asked)]
        every = exp.Count(this=exp.Star()).as_("every record", quoted=True)
        found = _run(connection, _with_views(exp.select(every, *counts).from_(view.name), [view], dialect, connection))[0]
        if found.pop("every record") and (empty := sorted(name for name, count in found.items() if not count)):
            raise ToolError(f"this needs {', '.join(empty)}, which no record of {view.name} has: ask without")


def _run(connection: Connection, sql: str) -> list[dict[str, Any]]:
    try:
        # no_parameters: a driver that looks for placeholders would stumble over the % of a LIKE
        result = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return [{name: _scalar(value) for name, value in row.items()} for row in result.mappings()]
    except DBAPIError as error:
        said = str(error.orig).lower()
        if "interrupt" in said or "timeout" in said or "canceling" in said:
            raise ToolError(f"the query took longer than {MAX_SECONDS:g} s: filter more, or join less") from error
        raise ToolError(f"the database refused the query: {error.orig}") from error


@contextmanager
def _time_limit(connection: Connection, dialect: str) -> Iterator[None]:
    """Stop a query after `MAX_SECONDS`."""
    if dialect != "sqlite":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(MAX_SECONDS * 1000)}")
        yield
        return
    deadline, driver = time.monotonic() + MAX_SECONDS, connection.connection.driver_connection
    assert driver is not None  # a checked-out connection has one
    driver.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _scalar(value: Any) -> Decimal | int | str | bool | None:
    if isinstance(value, float):
        return Decimal(str(round(value, 6)))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if isinstance(value, Decimal | int | str | bool) or value is None else str(value)


def _column(selected: exp.Expr, views: Mapping[str, View]) -> Column:
    name, inner = selected.alias_or_name, selected.unalias()
    unit: Unit = "count" if isinstance(inner, exp.Count) else "text"
    while isinstance(inner, KEPT_UNIT):
        inner = inner.this
    if isinstance(inner, exp.Column):
        unit = next((view.columns[inner.name] for view in views.values() if inner.name in view.columns), unit)
    named = next((known for ending, known in NAMED_UNIT.items() if unit == "text" and name.endswith(ending)), unit)
    return Column(field=name, label=name.replace("_", " "), unit=named)
