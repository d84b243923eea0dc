"""Whom we buy from: the suppliers, one supplier's profile, and the items that only one supplier delivers."""

from decimal import Decimal
from typing import ClassVar

from pydantic import Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult
from tools.supply_chain.filters import Filters, on_record
from tools.supply_chain.lines import SMALL_SAMPLE, cite, late_lines, read_lines, spend_cents
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
    spend: Decimal
    small_sample: bool


class Suppliers(ToolResult):
    product: ClassVar[str] = "suppliers"
    rows: list[SupplierRow] = Field(default_factory=list)


@tool(READ)
def list_suppliers(args: Filters, ctx: ToolContext) -> Suppliers:
    """List the suppliers that deliver directly, with former names, order lines and spend. Later steps use those lines."""
    lines = read_lines(ctx, args)
    former = other_names(ctx, ("former",))
    rows = [
        SupplierRow(
            records=cite(own),
            supplier_id=supplier_id,
            supplier=own[0].supplier,
            former_names="; ".join(former.get(supplier_id, ())),
            lines=len(own),
            spend=dollars(spend_cents(own)),
            small_sample=len(own) < SMALL_SAMPLE,
        )
        for supplier_id, own in lines.by(lambda line: line.supplier_id).items()
    ]
    rows.sort(key=lambda row: (-row.spend, row.supplier))
    small = sum(row.small_sample for row in rows)
    everything = cite(lines.all)
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
        figures={
            "supplier_count": Figure(value=len(rows), unit="count", label="suppliers", records=everything),
            "lines": Figure(value=len(lines.all), unit="count", label="order lines", records=everything),
            "total_spend": Figure(value=dollars(spend_cents(lines.all)), unit="usd", label="spend", records=everything),
            "small_samples": Figure(value=small, unit="count", label=f"suppliers with fewer than {SMALL_SAMPLE} lines"),
        },
        highlights=[
            Highlight(
                text="{count} suppliers delivered {lines} order lines worth {spend}.",
                slots={"count": "figures.supplier_count", "lines": "figures.lines", "spend": "figures.total_spend"},
            ),
            Highlight(
                text="The largest is {supplier} with {spend}.", slots={"supplier": "rows[0].supplier", "spend": "rows[0].spend"}
            ),
        ],
        caveats=[WAREHOUSE, f"{small} of {len(rows)} suppliers have fewer than {SMALL_SAMPLE} lines: their rates say little."],
        chart=ChartHint(type="bar", title="Spend by supplier", x="supplier", y=["spend"]),
        query=lines.query,
    )


class ProfileArgs(Filters):
    supplier: str = Field(min_length=1, description="the supplier's canonical name")


class ProfileRow(Row):
    year: int
    lines: int
    spend: Decimal
    late_lines: int
    late_rate: Decimal


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
    own, late = groups[name], late_lines(groups[name])
    ranking = sorted(groups, key=lambda each: -spend_cents(groups[each]))
    records, everything = cite(own), cite(lines.all)
    sole = [mine for mine in lines.by(lambda line: line.item_id).values() if {line.supplier for line in mine} == {name}]
    years: dict[int, list[int]] = {}
    for index, line in enumerate(own):
        years.setdefault(line.scheduled.year, []).append(index)
    rows = []
    for year in sorted(years):
        mine = [own[index] for index in years[year]]
        rows.append(
            ProfileRow(
                records=cite(mine),
                year=year,
                lines=len(mine),
                spend=dollars(spend_cents(mine)),
                late_lines=len(late_lines(mine)),
                late_rate=percent(len(late_lines(mine)), len(mine)),
            )
        )
    spend = spend_cents(own)
    site_names = sorted({line.site for line in own if line.site})
    destinations = sorted({line.destination for line in own})
    figures = {
        "supplier": Figure(value=name, unit="text", label="supplier", records=records),
        "former_names": Figure(
            value="; ".join(other_names(ctx, ("former",)).get(own[0].supplier_id, ())) or "none on record",
            unit="text",
            label="former names",
        ),
        "spend": Figure(value=dollars(spend), unit="usd", label="spend", records=records),
        "share": Figure(
            value=percent(spend, spend_cents(lines.all)), unit="percent", label="share of spend", records=everything
        ),
        "rank": Figure(value=ranking.index(name) + 1, unit="count", label="rank by spend", records=everything),
        "lines": Figure(value=len(own), unit="count", label="order lines", records=records),
        "late_lines": Figure(value=len(late), unit="count", label="late lines", records=cite(late)),
        "late_rate": Figure(value=percent(len(late), len(own)), unit="percent", label="late rate", records=records),
        "sites": Figure(value="; ".join(site_names) or "unknown", unit="text", label="manufacturing sites", records=records),
        "destinations": Figure(value=len(destinations), unit="count", label="destination countries", records=records),
        "sole_items": Figure(
            value=len(sole),
            unit="count",
            label="items that only this supplier delivered",
            records=cite(line for mine in sole for line in mine),
        ),
        "sole_spend": Figure(
            value=dollars(sum(spend_cents(mine) for mine in sole)),
            unit="usd",
            label="spend on items that only this supplier delivered",
            records=cite(line for mine in sole for line in mine),
        ),
    }
    return SupplierProfile(
        title=f"Profile of {name}",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="year", label="Year"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
            Column(field="late_lines", label="Late lines", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
        ],
        figures=figures,
        highlights=[
            Highlight(
                text="{supplier} ranks {rank} by spend: {spend}, {share} of the total.",
                slots={n: f"figures.{n}" for n in ("supplier", "rank", "spend", "share")},
            ),
            Highlight(
                text="{late_lines} of its {lines} order lines came late ({late_rate}).",
                slots={n: f"figures.{n}" for n in ("late_lines", "lines", "late_rate")},
            ),
            Highlight(
                text="If it stopped, {sole_items} items worth {sole_spend} would have no other supplier on record, "
                "and {destinations} destination countries would be touched.",
                slots={n: f"figures.{n}" for n in ("sole_items", "sole_spend", "destinations")},
                kind="inference",
            ),
        ],
        caveats=[WAREHOUSE] + ([f"Only {len(own)} lines: its rates say little."] if len(own) < SMALL_SAMPLE else []),
        chart=ChartHint(type="line", title=f"{name} by year", x="year", y=["spend"]),
        query=lines.query,
    )


class SingleSourceArgs(Filters):
    min_spend: float = Field(100_000, ge=0, description="smallest spend on an item, in US dollars")


class SingleSourceRow(Row):
    item_id: int
    item: str
    product_group: str
    supplier_id: int
    supplier: str
    lines: int
    spend: Decimal


class SingleSource(ToolResult):
    product: ClassVar[str] = "single_source"
    rows: list[SingleSourceRow] = Field(default_factory=list)


@tool(READ)
def single_sourced_items(args: SingleSourceArgs, ctx: ToolContext) -> SingleSource:
    """Find items that were bought from one supplier only, from a minimum spend up, largest first."""
    asked = args.model_copy(update={"suppliers": []})  # whether an item has one source must be judged over all suppliers
    lines = read_lines(ctx, asked)
    wanted = {name.casefold() for name in args.suppliers}
    rows = []
    for item_id, bought in lines.by(lambda line: line.item_id).items():
        sources = {line.supplier_id for line in bought}
        enough = spend_cents(bought) >= args.min_spend * 100
        if len(sources) == 1 and enough and (not wanted or bought[0].supplier.casefold() in wanted):
            rows.append(
                SingleSourceRow(
                    records=cite(bought),
                    item_id=item_id,
                    item=bought[0].item,
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
        text="{items} items worth {spend}, {share} of spend, come from one supplier only.",
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
        caveats=[WAREHOUSE, "One source on record does not mean that no other exists on the market."],
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
