"""The order lines a figure is computed from. Every read tool about orders starts here: scope and records mean one thing.

A tool that takes a `suppliers` product works on the very lines that product's rows cite, so that a filter set once holds
downstream; its own filters narrow further.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Select, select

from tools.registry import ToolContext, ToolError
from tools.results import Records, ToolResult
from tools.supply_chain.columns import ORDER_COLUMNS
from tools.supply_chain.filters import Filters
from tools.supply_chain.tables import items, order_lines, sites, suppliers

K = TypeVar("K")
T = TypeVar("T")
P = TypeVar("P", bound=ToolResult)

DIRECT = "Direct Drop"
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

    `gaps` says how many lines were left out because they lack a column that was asked for.
    """

    all: tuple[Line, ...]
    scope: str
    as_of: str
    query: str
    gaps: tuple[str, ...] = ()

    def have(self, column: str) -> bool:
        """Does any line have this column?"""
        return any(map(HAS[column], self.all))

    def by(self, key: Callable[[Line], K]) -> dict[K, list[Line]]:
        """Lines grouped by `key`, in order of first appearance."""
        groups: dict[K, list[Line]] = defaultdict(list)
        for line in self.all:
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
    within: Iterable[Records] | None = None,
) -> Lines:
    """The lines that `filters` select: direct-drop ones of outside suppliers, or all with `direct_only=False`.

    `needs` is the product to be made: lines without a column it `needs` are left out and counted in `gaps`. `within` narrows to
    cited order lines. Raises `ToolError` when nothing is left, or no line has a column that the product cannot do without.
    """

    def work(connection: Connection) -> tuple[list[Line], str]:
        statement = _statement().where(*filters.conditions(connection)).order_by(order_lines.c.id)
        if direct_only:
            statement = statement.where(order_lines.c.fulfil_via == DIRECT, suppliers.c.internal.is_(False))
        return [Line(*row) for row in connection.execute(statement)], sql_text(connection, statement)

    found, query = ctx.resources.reading.run_sync(work)
    scope = "direct-drop order lines" if direct_only else "all order lines, the internal warehouse included"
    if said := filters.describe():
        scope += f", {said}"
    if within is not None:
        kept = {key for records in within for key in records.expand()}
        found = [line for line in found if line.id in kept]
        query += f"\n-- kept: the {len(found)} of these lines that the given suppliers cite"
    if not found:
        raise ToolError(f"no order lines match ({scope}): widen the filters, or check that data is loaded")
    found, gaps = _complete(found, needs) if needs else (found, ())
    return Lines(tuple(found), scope, period(line.day for line in found), query, gaps)


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
        )
        .join(suppliers, suppliers.c.id == line.supplier_id)
        .outerjoin(items, items.c.id == line.item_id)
        .outerjoin(sites, sites.c.id == line.site_id)
    )
