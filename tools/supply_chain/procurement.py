"""Whom we buy from: the suppliers, one supplier's profile, and the items that only one supplier delivers."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult
from tools.supply_chain.columns import ORDER_COLUMNS
from tools.supply_chain.filters import Filters, on_record
from tools.supply_chain.limits import SupplierFilters, within_limits
from tools.supply_chain.lines import (
    BASE,
    HAS,
    SMALL_SAMPLE,
    Line,
    cite,
    known,
    late_lines,
    read_lines,
    read_suppliers,
    spend_cents,
)
from tools.supply_chain.numbers import dollars, percent
from tools.supply_chain.tables import supplier_names
from tools.supply_chain.tables import suppliers as supplier_table

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
WAREHOUSE = "Lines from the internal warehouse are left out: it is no supplier."


class SupplierRow(Row):
    supplier_id: int
    supplier: str
    former_names: str
    lines: int
    spend: Decimal | None
    small_sample: bool


class Suppliers(ToolResult):
    product: ClassVar[str] = "suppliers"
    rows: list[SupplierRow] = Field(default_factory=list)


@tool(READ)
def list_suppliers(args: SupplierFilters, ctx: ToolContext) -> Suppliers:
    """List the suppliers that deliver directly, with former names, order lines and spend; the base of every supplier question.

    Filters and limits set here hold in the later steps that take this product. Naming suppliers or limits picks rows only:
    shares, ranks and scores stay those among all suppliers in scope. Not for one supplier's details.
    """
    lines = within_limits(args, read_suppliers(ctx, args))
    valued = lines.have("value")
    former = other_names(ctx, ("former",))
    rows = [
        SupplierRow(
            records=cite(own),
            supplier_id=supplier_id,
            supplier=own[0].supplier,
            former_names="; ".join(former.get(supplier_id, ())),
            lines=len(own),
            spend=_spend(own),
            small_sample=len(own) < SMALL_SAMPLE,
        )
        for supplier_id, own in lines.by(lambda line: line.supplier_id).items()
    ]
    rows.sort(key=lambda row: (-row.spend if row.spend is not None else Decimal(1), -row.lines, row.supplier))
    small = sum(row.small_sample for row in rows)
    everything = cite(lines.all)
    figures = {
        "supplier_count": Figure(value=len(rows), unit="count", label="suppliers", records=everything),
        "lines": Figure(value=len(lines.all), unit="count", label="order lines", records=everything),
        "small_samples": Figure(value=small, unit="count", label=f"suppliers with fewer than {SMALL_SAMPLE} lines"),
        BASE: Figure(
            value=len(lines.base), unit="count", label="order lines of all suppliers in scope", records=cite(lines.base)
        ),
    }
    counted = Highlight(
        text="{count} suppliers delivered {lines} order lines.",
        slots={"count": "figures.supplier_count", "lines": "figures.lines"},
    )
    largest = Highlight(
        text="{supplier} has the most order lines: {lines}.",
        slots={"supplier": "rows[0].supplier", "lines": "rows[0].lines"},
    )
    if valued:
        figures["total_spend"] = Figure(value=_spend(lines.all), unit="usd", label="spend", records=everything)
        counted = Highlight(
            text="{count} suppliers delivered {lines} order lines worth {spend}.",
            slots={"count": "figures.supplier_count", "lines": "figures.lines", "spend": "figures.total_spend"},
        )
        largest = Highlight(
            text="The largest is {supplier} with {spend}.", slots={"supplier": "rows[0].supplier", "spend": "rows[0].spend"}
        )
    return Suppliers(
        title="Suppliers",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="supplier", label="Supplier"),
            Column(field="former_names", label="Formerly"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
        ],
        figures=figures,
        highlights=[counted, largest],
        caveats=[
            WAREHOUSE,
            *_unvalued(lines.all),
            f"{small} of {len(rows)} suppliers have fewer than {SMALL_SAMPLE} lines: their rates say little.",
        ],
        chart=ChartHint(type="bar", title="Spend by supplier", x="supplier", y=["spend"])
        if valued
        else ChartHint(type="bar", title="Order lines by supplier", x="supplier", y=["lines"]),
        query=lines.query,
    )


class ProfileArgs(Filters):
    supplier: str = Field(min_length=1, description="the supplier's canonical name")


class ProfileRow(Row):
    year: int
    lines: int
    spend: Decimal | None
    late_lines: int | None
    late_rate: Decimal | None


class SupplierProfile(ToolResult):
    product: ClassVar[str] = "supplier_profile"
    rows: list[ProfileRow] = Field(default_factory=list)


@tool(READ)
def supplier_profile(args: ProfileArgs, ctx: ToolContext) -> SupplierProfile:
    """Profile one supplier: spend, share and rank, deliveries by year, sites, destinations, and what only it delivers."""
    name = ctx.resources.reading.run_sync(
        lambda connection: on_record(connection, [args.supplier], supplier_table.c.name, "supplier")[0]
    )
    lines = read_lines(ctx, args.model_copy(update={"suppliers": []}))  # share and rank are among all suppliers
    groups = lines.by(lambda line: line.supplier)
    if name not in groups:
        raise ToolError(f"{name} has no direct-drop order lines in this scope ({lines.scope}): widen the filters")
    own = groups[name]
    dated = [line for line in own if line.scheduled and line.delivered]
    late = late_lines(dated)
    records = cite(own)
    rows = [_of_year(year, mine) for year, mine in sorted(_by_year(own).items())]
    site_names = sorted({line.site for line in own if line.site})
    figures = {
        "supplier": Figure(value=name, unit="text", label="supplier", records=records),
        "former_names": Figure(
            value="; ".join(other_names(ctx, ("former",)).get(own[0].supplier_id, ())) or "none on record",
            unit="text",
            label="former names",
        ),
        "lines": Figure(value=len(own), unit="count", label="order lines", records=records),
        "sites": Figure(value="; ".join(site_names) or "unknown", unit="text", label="manufacturing sites", records=records),
    }
    columns = [Column(field="year", label="Year"), Column(field="lines", label="Order lines", unit="count")]
    highlights, absent = [], []
    valued = any(line.value_cents is not None for line in own)
    if valued:
        figures |= _money(name, groups)
        columns.append(Column(field="spend", label="Spend", unit="usd"))
        text = "{supplier} ranks {rank} by spend: {spend}, {share} of the total."
        highlights.append(_said(text, "supplier", "rank", "spend", "share"))
    else:
        absent.append("value")
    if dated:
        cited = cite(dated)
        figures |= {
            "dated_lines": Figure(value=len(dated), unit="count", label="lines with both delivery dates", records=cited),
            "late_lines": Figure(value=len(late), unit="count", label="late lines", records=cite(late)),
            "late_rate": Figure(value=percent(len(late), len(dated)), unit="percent", label="late rate", records=cited),
        }
        columns += [
            Column(field="late_lines", label="Late lines", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
        ]
        text = "{late_lines} of its {dated_lines} order lines came late ({late_rate})."
        highlights.append(_said(text, "late_lines", "dated_lines", "late_rate"))
    else:
        absent += [column for column in ("scheduled", "delivered") if not any(map(HAS[column], own))]
    if any(map(HAS["destination"], own)):
        figures["destinations"] = Figure(
            value=len({line.destination for line in own if line.destination}),
            unit="count",
            label="destination countries",
            records=records,
        )
    sole = [
        mine for key, mine in lines.by(lambda line: line.item_id).items() if key and {line.supplier for line in mine} == {name}
    ]
    if any(map(HAS["item"], own)):
        only = cite(line for mine in sole for line in mine)
        label = "items that only this supplier delivered"
        figures["sole_items"] = Figure(value=len(sole), unit="count", label=label, records=only)
        names, text = ["sole_items"], "If it stopped, {sole_items} items"
        if valued:
            worth = _spend([line for mine in sole for line in mine]) or Decimal(0)
            figures["sole_spend"] = Figure(value=worth, unit="usd", label=f"spend on {label}", records=only)
            names, text = [*names, "sole_spend"], f"{text} worth {{sole_spend}}"
        text += " would have no other supplier on record"
        if "destinations" in figures:
            names, text = [*names, "destinations"], f"{text}, and {{destinations}} destination countries would be touched"
        highlights.append(_said(f"{text}.", *names, kind="inference"))
    return SupplierProfile(
        title=f"Profile of {name}",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=columns,
        figures=figures,
        highlights=highlights or [_said("{supplier} has {lines} order lines on record.", "supplier", "lines")],
        caveats=[
            WAREHOUSE,
            *(f"The order lines on record have no {ORDER_COLUMNS[column].title}." for column in absent),
            *_unvalued(own),
            *([f"Only {len(own)} lines: its rates say little."] if len(own) < SMALL_SAMPLE else []),
        ],
        chart=ChartHint(type="line", title=f"{name} by year", x="year", y=["spend" if valued else "lines"]),
        query=lines.query,
    )


def _by_year(own: list[Line]) -> dict[int, list[Line]]:
    years: dict[int, list[Line]] = {}
    for line in own:
        years.setdefault(line.day.year, []).append(line)
    return years


def _of_year(year: int, mine: list[Line]) -> ProfileRow:
    dated = [line for line in mine if line.scheduled and line.delivered]
    late = len(late_lines(dated))
    return ProfileRow(
        records=cite(mine),
        year=year,
        lines=len(mine),
        spend=_spend(mine),
        late_lines=late if dated else None,
        late_rate=percent(late, len(dated)) if dated else None,
    )


def _money(name: str, groups: dict[str, list[Line]]) -> dict[str, Figure]:
    """Spend, share and rank among all suppliers' lines that have a value."""
    spent = {each: [line for line in own if line.value_cents is not None] for each, own in groups.items()}
    ranking = sorted(spent, key=lambda each: -spend_cents(spent[each]))
    mine, every = spent[name], [line for own in spent.values() for line in own]
    return {
        "spend": Figure(value=dollars(spend_cents(mine)), unit="usd", label="spend", records=cite(mine)),
        "share": Figure(
            value=percent(spend_cents(mine), spend_cents(every)), unit="percent", label="share of spend", records=cite(every)
        ),
        "rank": Figure(value=ranking.index(name) + 1, unit="count", label="rank by spend", records=cite(every)),
    }


def _said(text: str, *names: str, kind: Literal["figure", "inference"] = "figure") -> Highlight:
    return Highlight(text=text, slots={name: f"figures.{name}" for name in names}, kind=kind)


def _spend(lines: Iterable[Line]) -> Decimal | None:
    """Spend on the lines that have a value; None when none has."""
    valued = [line for line in lines if line.value_cents is not None]
    return dollars(spend_cents(valued)) if valued else None


def _unvalued(lines: Sequence[Line]) -> list[str]:
    """A caveat when only some lines have a value."""
    missing = sum(line.value_cents is None for line in lines)
    said = f"{missing} of {len(lines)} order lines have no order value: spend leaves them out."
    return [said] if 0 < missing < len(lines) else []


class SingleSourceArgs(Filters):
    min_spend: float = Field(100_000, ge=0, description="smallest spend on an item, in US dollars")


class SingleSourceRow(Row):
    item_id: int
    item: str
    product_group: str | None
    supplier_id: int
    supplier: str
    lines: int
    spend: Decimal


class SingleSource(ToolResult):
    product: ClassVar[str] = "single_source"
    needs: ClassVar[tuple[str, ...]] = ("item", "value")
    rows: list[SingleSourceRow] = Field(default_factory=list)


@tool(READ)
def single_sourced_items(args: SingleSourceArgs, ctx: ToolContext) -> SingleSource:
    """Find items that were bought from one supplier only, from a minimum spend up, largest first."""
    asked = args.model_copy(update={"suppliers": []})  # whether an item has one source must be judged over all suppliers
    lines = read_lines(ctx, asked, SingleSource)
    wanted = {name.casefold() for name in args.suppliers}
    rows = []
    for item_id, bought in lines.by(lambda line: known(line.item_id, "item")).items():
        sources = {line.supplier_id for line in bought}
        enough = spend_cents(bought) >= args.min_spend * 100
        if len(sources) == 1 and enough and (not wanted or bought[0].supplier.casefold() in wanted):
            rows.append(
                SingleSourceRow(
                    records=cite(bought),
                    item_id=item_id,
                    item=known(bought[0].item, "item"),
                    product_group=bought[0].product_group,
                    supplier_id=bought[0].supplier_id,
                    supplier=bought[0].supplier,
                    lines=len(bought),
                    spend=dollars(spend_cents(bought)),
                )
            )
    rows.sort(key=lambda row: (-row.spend, row.item))
    total = spend_cents(lines.all)
    cited = {key for row in rows for key in row.records.expand()}
    records = cite(line for line in lines.all if line.id in cited)
    sole = sum((row.spend for row in rows), Decimal(0))
    counted = Highlight(
        text="{items} items worth {spend}, {share} of spend, come from one supplier only."
        if len(rows) != 1
        else "{items} item worth {spend}, {share} of spend, comes from one supplier only.",
        slots={"items": "figures.item_count", "spend": "figures.spend", "share": "figures.share"},
    )
    largest = Highlight(
        text="The largest is {item} from {supplier}: {spend}.",
        slots={"item": "rows[0].item", "supplier": "rows[0].supplier", "spend": "rows[0].spend"},
    )
    return SingleSource(
        title="Single-sourced items",
        scope=f"{lines.scope}, items with spend of at least ${args.min_spend:,.0f}",
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="item", label="Item"),
            Column(field="supplier", label="Only supplier"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
        ],
        figures={
            "item_count": Figure(value=len(rows), unit="count", label="single-sourced items", records=records),
            "supplier_count": Figure(
                value=len({row.supplier_id for row in rows}), unit="count", label="suppliers concerned", records=records
            ),
            "spend": Figure(value=sole, unit="usd", label="spend on single-sourced items", records=records),
            "share": Figure(value=percent(sole * 100, total), unit="percent", label="share of spend", records=cite(lines.all)),
        },
        highlights=[counted, largest] if rows else [counted],
        caveats=[WAREHOUSE, *lines.gaps, "One source on record does not mean that no other exists on the market."],
        chart=ChartHint(type="bar", title="Single-sourced spend by item", x="item", y=["spend"]),
        query=lines.query,
    )


def other_names(ctx: ToolContext, kinds: tuple[str, ...]) -> dict[int, list[str]]:
    """Names of these kinds (former, alias) by supplier id."""

    def work(connection: Connection) -> dict[int, list[str]]:
        names: dict[int, list[str]] = {}
        columns = supplier_names.c
        wanted = select(columns.supplier_id, columns.name).where(columns.kind.in_(kinds)).order_by(columns.id)
        for supplier_id, name in connection.execute(wanted):
            names.setdefault(supplier_id, []).append(name)
        return names

    found: dict[int, list[str]] = ctx.resources.reading.run_sync(work)
    return found
