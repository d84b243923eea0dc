"""The order lines a figure is computed from. Every read tool about orders starts here: scope and records mean one thing.

A tool that takes a `suppliers` product works on the lines of that product's scope and shows that product's suppliers, so that
what was set once holds downstream; its own filters narrow further.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Select, select

from tools.registry import ToolContext, ToolError
from tools.results import Records, ToolResult
from tools.supply_chain.columns import ORDER_COLUMNS
from tools.supply_chain.filters import Filters, on_record
from tools.supply_chain.tables import items, order_lines, sites, suppliers

K = TypeVar("K")
T = TypeVar("T")
P = TypeVar("P", bound=ToolResult)

DIRECT = "Direct Drop"
BASE = "base_lines"  # the figure of a `suppliers` product that cites the lines of all suppliers in its scope
SMALL_SAMPLE = 10  # lines; below it a rate says little


@dataclass(frozen=True)
class Line:
    """One order line. Money in cents, weight in grams; None: the source has text or nothing there."""

    id: int
    supplier_id: int
    supplier: str
    item_id: int | None
    item: str | None
    product_group: str | None
    site_id: int | None
    site: str | None
    site_iso3: str | None
    destination: str | None
    mode: str | None
    day: date
    scheduled: date | None
    delivered: date | None
    value_cents: int | None
    weight_grams: int | None
    freight_cents: int | None
    freight_note: str | None
    quantity: int | None

    @property
    def cents(self) -> int:
        """The line's value in US cents. Raises `ToolError` when it has none: no sum may pass it over in silence."""
        return known(self.value_cents, "value")

    @property
    def late(self) -> bool:
        """Delivered after the scheduled day. Raises `ToolError` when a date is missing."""
        return self.days_late > 0

    @property
    def days_late(self) -> int:
        """Days from the scheduled to the actual delivery. Raises `ToolError` when a date is missing."""
        return (known(self.delivered, "delivered") - known(self.scheduled, "scheduled")).days


HAS: dict[str, Callable[[Line], bool]] = {
    "value": lambda line: line.value_cents is not None,
    "scheduled": lambda line: line.scheduled is not None,
    "delivered": lambda line: line.delivered is not None,
    "item": lambda line: line.item_id is not None,
    "site": lambda line: line.site_id is not None,
    "site_country": lambda line: line.site_iso3 is not None,
    "destination": lambda line: line.destination is not None,
    "product_group": lambda line: bool(line.product_group),
    "mode": lambda line: line.mode is not None,
    "quantity": lambda line: bool(line.quantity),
    "weight": lambda line: line.weight_grams is not None,
    "freight": lambda line: line.freight_cents is not None,
}


def known(value: T | None, column: str) -> T:
    """`value`; raises `ToolError` naming the column when there is none."""
    if value is None:
        raise ToolError(lacks(column))
    return value


def lacks(column: str) -> str:
    """What a tool says that cannot do without a column the data does not have."""
    return f"this needs the {ORDER_COLUMNS[column].title}, which the order lines on record do not have"


@dataclass(frozen=True)
class Lines:
    """A population of order lines with its scope in words, its period, and the SQL that read it.

    `gaps` says how many lines were left out because they lack a column that was asked for. `base` is what shares, ranks and
    priors are measured against: `all`, and where suppliers were picked, the lines of all suppliers in scope.
    """

    all: tuple[Line, ...]
    scope: str
    as_of: str
    query: str
    gaps: tuple[str, ...] = ()
    base: tuple[Line, ...] = ()

    @property
    def picked(self) -> bool:
        """Are these the lines of some suppliers only?"""
        return len(self.all) < len(self.base)

    def have(self, column: str) -> bool:
        """Does any line have this column?"""
        return any(map(HAS[column], self.all))

    def by(self, key: Callable[[Line], K]) -> dict[K, list[Line]]:
        """Lines grouped by `key`, in order of first appearance."""
        return grouped(self.all, key)


def grouped(lines: Iterable[Line], key: Callable[[Line], K]) -> dict[K, list[Line]]:
    """Lines by `key`, in order of first appearance."""
    groups: dict[K, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return dict(groups)


def cite(lines: Iterable[Line]) -> Records:
    """The order lines as records."""
    return Records.of("order_lines", (line.id for line in lines))


def spend_cents(lines: Iterable[Line]) -> int:
    """Summed line value in US cents."""
    return sum(line.cents for line in lines)


def late_lines(lines: Iterable[Line]) -> list[Line]:
    """Those delivered after the scheduled day."""
    return [line for line in lines if line.late]


def read_lines(
    ctx: ToolContext,
    filters: Filters,
    needs: type[ToolResult] | None = None,
    *,
    direct_only: bool = True,
    within: ToolResult | None = None,
) -> Lines:
    """The lines that `filters` select: direct-drop ones of outside suppliers, or all with `direct_only=False`.

    `needs` is the product to be made: lines without a column it `needs` are left out and counted in `gaps`. `within` is the
    `suppliers` product whose scope this narrows further. Raises `ToolError` when nothing is left, or no line has a column that
    the product cannot do without.
    """

    def work(connection: Connection) -> tuple[list[Line], str]:
        statement = _statement().where(*filters.conditions(connection)).order_by(order_lines.c.id)
        if direct_only:
            statement = statement.where(order_lines.c.fulfil_via == DIRECT, suppliers.c.internal.is_(False))
        return [Line(*row) for row in connection.execute(statement)], sql_text(connection, statement)

    found, query = ctx.resources.reading.run_sync(work)
    scope = "direct-drop order lines" if direct_only else "all order lines, the internal warehouse included"
    if within is not None:
        cited = within.figures[BASE].records
        kept = set(cited.expand()) if cited else set()
        found = [line for line in found if line.id in kept]
        query += f"\n-- kept: the {len(found)} of these lines in the scope of the given suppliers"
        scope = within.scope
    scope = ", ".join([scope, *(part for part in filters.parts() if part not in scope)])
    if not found:
        raise ToolError(f"no order lines match ({scope}): widen the filters, or check that data is loaded")
    found, gaps = _complete(found, needs) if needs else (found, ())
    return Lines(tuple(found), scope, period(line.day for line in found), query, gaps, tuple(found))


def read_suppliers(
    ctx: ToolContext, filters: Filters, needs: type[ToolResult] | None = None, within: ToolResult | None = None
) -> Lines:
    """The direct-drop lines of the suppliers that are asked for: those named in `filters`, and of those the rows of `within`.

    All other filters narrow `base`; picking suppliers does not, so that a share of one supplier stays its share of all.
    Raises `ToolError` like `read_lines`, and when the suppliers have no lines in scope.
    """
    every = read_lines(ctx, filters.model_copy(update={"suppliers": []}), needs, within=within)
    if filters.suppliers:
        spelt = ctx.resources.reading.run_sync(lambda c: on_record(c, filters.suppliers, suppliers.c.name, "supplier"))
        every = pick(every, lambda own: own[0].supplier in spelt, f"supplier {' or '.join(spelt)}")
    if within is not None:
        rows = {row.supplier_id for row in within.rows}
        every = pick(every, lambda own: own[0].supplier_id in rows, "")
    return every


def pick(lines: Lines, wanted: Callable[[list[Line]], bool], said: str) -> Lines:
    """Only the suppliers whose lines are `wanted`; `base` stays. Raises `ToolError` when there is none."""
    groups = lines.by(lambda line: line.supplier_id).values()
    chosen = {own[0].supplier_id for own in groups if wanted(own)}
    scope = lines.scope if not said or said in lines.scope else f"{lines.scope}, {said}"
    if not chosen:
        raise ToolError(f"no supplier is left ({scope}): widen the filters")
    kept = tuple(line for line in lines.all if line.supplier_id in chosen)
    return replace(lines, all=kept, scope=scope, as_of=period(line.day for line in kept))


def _complete(found: list[Line], product: type[ToolResult]) -> tuple[list[Line], tuple[str, ...]]:
    """The lines with every column that `product` needs of each, and what was left out. Raises `ToolError`."""
    for column in (*product.needs, *product.needs_some):
        if not any(map(HAS[column], found)):
            raise ToolError(lacks(column))
    gaps = []
    for column in product.needs:
        kept = [line for line in found if HAS[column](line)]
        if missing := len(found) - len(kept):
            gaps.append(f"{missing} of {len(found)} order lines have no {ORDER_COLUMNS[column].title} and are left out.")
        found = kept
    if not found:
        raise ToolError(f"no order line has all of: {', '.join(ORDER_COLUMNS[column].title for column in product.needs)}")
    return found, tuple(gaps)


def period(days: Iterable[date]) -> str:
    """ "2006-06-02 to 2015-09-14"."""
    ordered = sorted(days)
    return f"{ordered[0].isoformat()} to {ordered[-1].isoformat()}"


def upstream(ctx: ToolContext, reference: str, kind: type[P]) -> P:
    """The product behind `reference`, typed. Raises `ToolError` when it is not there or is another product."""
    given: Mapping[str, Any] | None = ctx.inputs.get(reference)
    if given is None:
        raise ToolError(f"there is no {reference!r}; given are: {', '.join(ctx.inputs) or 'no products'}")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise ToolError(f"{reference!r} is not a product of the kind {kind.product!r} (see its {field})") from error


def sql_text(connection: Connection, statement: Select[Any]) -> str:
    """The statement as its database reads it, with its parameters."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    given = ", ".join(f"{name}={value!r}" for name, value in compiled.params.items())
    return " ".join(str(compiled).split()) + (f"\n-- {given}" if given else "")


def _statement() -> Select[Any]:
    line = order_lines.c
    return (
        select(
            line.id,
            line.supplier_id,
            suppliers.c.name,
            line.item_id,
            items.c.description,
            items.c.product_group,
            line.site_id,
            sites.c.name,
            sites.c.iso3,
            line.destination,
            line.mode,
            line.day,
            line.scheduled,
            line.delivered,
            line.value_cents,
            line.weight_grams,
            line.freight_cents,
            line.freight_note,
            line.quantity,
        )
        .join(suppliers, suppliers.c.id == line.supplier_id)
        .outerjoin(items, items.c.id == line.item_id)
        .outerjoin(sites, sites.c.id == line.site_id)
    )
