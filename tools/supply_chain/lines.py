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
from tools.supply_chain.filters import Filters
from tools.supply_chain.tables import items, order_lines, sites, suppliers

K = TypeVar("K")
P = TypeVar("P", bound=ToolResult)

DIRECT = "Direct Drop"
SMALL_SAMPLE = 10  # lines; below it a rate says little


@dataclass(frozen=True)
class Line:
    """One order line. Money in cents, weight in grams; None: the source has text or nothing there."""

    id: int
    supplier_id: int
    supplier: str
    item_id: int
    item: str
    product_group: str
    site_id: int | None
    site: str | None
    site_iso3: str | None
    destination: str
    mode: str | None
    scheduled: date
    delivered: date
    value_cents: int
    weight_grams: int | None
    freight_cents: int | None

    @property
    def late(self) -> bool:
        """Delivered after the scheduled day."""
        return self.delivered > self.scheduled

    @property
    def days_late(self) -> int:
        return (self.delivered - self.scheduled).days


@dataclass(frozen=True)
class Lines:
    """A population of order lines with its scope in words, its period, and the SQL that read it."""

    all: tuple[Line, ...]
    scope: str
    as_of: str
    query: str

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
    return sum(line.value_cents for line in lines)


def late_lines(lines: Iterable[Line]) -> list[Line]:
    """Those delivered after the scheduled day."""
    return [line for line in lines if line.late]


def read_lines(
    ctx: ToolContext, filters: Filters, *, direct_only: bool = True, within: Iterable[Records] | None = None
) -> Lines:
    """The lines that `filters` select: direct-drop ones of outside suppliers, or all with `direct_only=False`.

    `within` narrows to cited order lines. Raises `ToolError` when nothing is left.
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
    return Lines(tuple(found), scope, period(line.scheduled for line in found), query)


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
            line.scheduled,
            line.delivered,
            line.value_cents,
            line.weight_grams,
            line.freight_cents,
        )
        .join(suppliers, suppliers.c.id == line.supplier_id)
        .join(items, items.c.id == line.item_id)
        .outerjoin(sites, sites.c.id == line.site_id)
    )
