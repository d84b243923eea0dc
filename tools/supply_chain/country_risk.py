"""Risk from the countries where suppliers manufacture, and the sites that sit in unstable ones."""

from decimal import Decimal
from typing import ClassVar

from pydantic import Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.filters import Filters
from tools.supply_chain.indicators import Governance, Measure, Reading
from tools.supply_chain.lines import Line, cite, read_lines, spend_cents, upstream
from tools.supply_chain.numbers import dollars, percent, rounded
from tools.supply_chain.procurement import WAREHOUSE, Suppliers
from tools.supply_chain.tables import indicators

READ = ToolManifest(effect="read", output="trusted", data_class="internal")


class CountryRiskArgs(Filters):
    suppliers_ref: str = product_ref("suppliers")


class CountryRiskRow(Row):
    supplier_id: int
    supplier: str
    countries: str
    risk_index: Decimal | None
    unknown_share: Decimal
    spend: Decimal


class CountryRisk(ToolResult):
    product: ClassVar[str] = "country_risk"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    needs_some: ClassVar[tuple[str, ...]] = ("site_country",)
    rows: list[CountryRiskRow] = Field(default_factory=list)


@tool(READ)
def country_risk(args: CountryRiskArgs, ctx: ToolContext) -> CountryRisk:
    """Measure geopolitical risk per supplier: the governance risk index (0-100) of where it manufactures, weighted by spend.

    Each line takes its site's country in the year of the line (scheduled, else ordered), or the nearest earlier year on record.
    """
    return assess(args, ctx, "estimate")


def assess(args: CountryRiskArgs, ctx: ToolContext, measure: Measure, last_year: int | None = None) -> CountryRisk:
    """Country risk by `measure`; with `last_year`, every line takes the latest year on record up to that one.

    A line without a known country, or whose country has no indicator, has no index; a supplier's index is the mean over its
    other lines, weighted by value, and None when there are none or they are worth nothing.
    """
    given = upstream(ctx, args.suppliers_ref, Suppliers)
    lines = read_lines(ctx, args, CountryRisk, within=[row.records for row in given.rows])
    governance = Governance(ctx, {line.site_iso3 for line in lines.all if line.site_iso3}, measure)
    readings: dict[int, Reading] = {}
    for line in lines.all:
        found = governance.at(line.site_iso3, last_year or line.day.year) if line.site_iso3 else None
        if found:
            readings[line.id] = found
    if not readings:
        raise ToolError("no manufacturing country of these lines has a governance indicator on record: load the indicators")
    rows = [
        CountryRiskRow(
            records=cite(own).beside(_measured(own, readings)),
            supplier_id=supplier_id,
            supplier=own[0].supplier,
            countries=", ".join(sorted({line.site_iso3 for line in own if line.site_iso3})) or "unknown",
            risk_index=_weighted(own, readings),
            unknown_share=percent(spend_cents(line for line in own if line.id not in readings), spend_cents(own)),
            spend=dollars(spend_cents(own)),
        )
        for supplier_id, own in lines.by(lambda line: line.supplier_id).items()
    ]
    rows.sort(key=lambda row: (-(row.risk_index if row.risk_index is not None else -1), -row.spend, row.supplier))
    known = [line for line in lines.all if line.id in readings]
    blind = sum(row.risk_index is None for row in rows)
    years = sorted({found.year for found in readings.values()})
    largest = max(range(len(rows)), key=lambda index: rows[index].spend)
    highlights = [
        Highlight(
            text="Weighted by spend, the countries of manufacture have a governance risk of {index} on a scale of 0 to 100.",
            slots={"index": "figures.network_index"},
        ),
        Highlight(
            text="{supplier} has the highest index, {index} ({countries}).",
            slots={"supplier": "rows[0].supplier", "index": "rows[0].risk_index", "countries": "rows[0].countries"},
        ),
        Highlight(
            text="For {share} of spend the country of manufacture is unknown.",
            slots={"share": "figures.unknown_share"},
            kind="limit",
        ),
    ]
    if rows[largest].risk_index is not None and largest:
        slots = {"supplier": f"rows[{largest}].supplier", "index": f"rows[{largest}].risk_index"}
        highlights.insert(2, Highlight(text="The largest supplier, {supplier}, stands at {index}.", slots=slots))
    source = "the estimates" if measure == "estimate" else "percentile ranks, not estimates"
    return CountryRisk(
        title="Country risk by supplier",
        scope=lines.scope,
        as_of=f"orders {lines.as_of}; indicators {years[0]} to {years[-1]}",
        rows=rows,
        columns=[
            Column(field="supplier", label="Supplier"),
            Column(field="countries", label="Countries of manufacture"),
            Column(field="risk_index", label="Governance risk", unit="score"),
            Column(field="unknown_share", label="Spend with unknown country", unit="percent"),
            Column(field="spend", label="Spend", unit="usd"),
        ],
        figures={
            "network_index": Figure(
                value=_weighted(list(lines.all), readings),
                unit="score",
                label="governance risk of all spend",
                records=cite(known).beside(_measured(known, readings)),
            ),
            "unknown_share": Figure(
                value=percent(spend_cents(lines.all) - spend_cents(known), spend_cents(lines.all)),
                unit="percent",
                label="share of spend with unknown country",
                records=cite(line for line in lines.all if line.id not in readings),
            ),
            "suppliers_without_index": Figure(value=blind, unit="count", label="suppliers with no known country"),
            "indicator_values": Figure(
                value=len({key for found in readings.values() for key in found.ids}),
                unit="count",
                label="indicator values used",
                records=Records.of("indicators", (key for found in readings.values() for key in found.ids)),
            ),
        },
        highlights=highlights,
        caveats=[
            WAREHOUSE,
            *lines.gaps,
            f"The index is known for {len(known)} of {len(lines.all)} lines; it uses {source}.",
            f"Every line takes the latest year on record up to {last_year}."
            if last_year
            else "The indicator's year follows the order's: a year without indicators takes the nearest earlier one.",
            "Governance of a country says nothing of one site's own condition.",
        ],
        chart=ChartHint(type="bar", title="Governance risk by supplier", x="supplier", y=["risk_index"]),
        query=lines.query,
    )


def _measured(lines: list[Line], readings: dict[int, Reading]) -> Records:
    """The indicators that the lines' indexes were read from."""
    return Records.of("indicators", (key for line in lines if line.id in readings for key in readings[line.id].ids))


def _weighted(lines: list[Line], readings: dict[int, Reading]) -> Decimal | None:
    known = [line for line in lines if line.id in readings]
    weight = spend_cents(known)
    return rounded(sum(line.cents * readings[line.id].index for line in known) / weight) if weight else None


class UnstableArgs(Filters):
    max_percentile: float = Field(
        25, gt=0, le=100, description="political-stability percentile below which a country is unstable"
    )


class SiteRow(Row):
    site_id: int
    site: str
    country: str
    stability: Decimal
    year: int
    suppliers: str
    lines: int
    spend: Decimal


class UnstableSites(ToolResult):
    product: ClassVar[str] = "unstable_sites"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    needs_some: ClassVar[tuple[str, ...]] = ("site_country",)
    rows: list[SiteRow] = Field(default_factory=list)


@tool(READ)
def unstable_sites(args: UnstableArgs, ctx: ToolContext) -> UnstableSites:
    """Find manufacturing sites in unstable countries: political-stability percentile below 25 in the last order's year."""
    lines = read_lines(ctx, args, UnstableSites)
    stability = _stability(ctx)
    rows, unplaced = [], [line for line in lines.all if line.site_iso3 not in stability]
    for own in lines.by(lambda line: line.site_id).values():
        site_id, site, iso3 = own[0].site_id, own[0].site, own[0].site_iso3
        if site_id is None or site is None or iso3 is None:
            continue
        last = max(line.day.year for line in own)
        years = [year for year in stability.get(iso3, {}) if year <= last]
        if years and stability[iso3][max(years)] < args.max_percentile:
            rows.append(
                SiteRow(
                    records=cite(own),
                    site_id=site_id,
                    site=site,
                    country=iso3,
                    stability=rounded(stability[iso3][max(years)]),
                    year=max(years),
                    suppliers="; ".join(sorted({line.supplier for line in own})),
                    lines=len(own),
                    spend=dollars(spend_cents(own)),
                )
            )
    rows.sort(key=lambda row: (-row.spend, row.site))
    cited = {key for row in rows for key in row.records.expand()}
    unstable = [line for line in lines.all if line.id in cited]
    highlights = [
        Highlight(
            text="{sites} sites that made {spend} of goods ({share} of spend) sit in unstable countries.",
            slots={"sites": "figures.site_count", "spend": "figures.spend", "share": "figures.share"},
        )
    ]
    if rows:
        slots = {name: f"rows[0].{name}" for name in ("site", "country", "stability", "spend")}
        text = "The largest is {site} in {country} (stability percentile {stability}): {spend}."
        highlights.append(Highlight(text=text, slots=slots))
    return UnstableSites(
        title="Manufacturing sites in unstable countries",
        scope=f"{lines.scope}; unstable: political-stability percentile below {args.max_percentile:g}",
        as_of=f"orders {lines.as_of}; indicators of the year of each site's last order",
        rows=rows,
        columns=[
            Column(field="site", label="Site"),
            Column(field="country", label="Country"),
            Column(field="stability", label="Stability percentile", unit="score"),
            Column(field="year", label="Indicator year"),
            Column(field="suppliers", label="Suppliers"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
        ],
        figures={
            "site_count": Figure(value=len(rows), unit="count", label="sites in unstable countries", records=cite(unstable)),
            "spend": Figure(value=dollars(spend_cents(unstable)), unit="usd", label="spend made there", records=cite(unstable)),
            "share": Figure(
                value=percent(spend_cents(unstable), spend_cents(lines.all)),
                unit="percent",
                label="share of spend",
                records=cite(lines.all),
            ),
        },
        highlights=highlights,
        caveats=[
            WAREHOUSE,
            *lines.gaps,
            f"The country's stability is known for {len(lines.all) - len(unplaced)} of {len(lines.all)} lines.",
            "The indicator's year follows the site's last order, not today.",
        ],
        chart=ChartHint(type="bar", title="Spend at sites in unstable countries", x="site", y=["spend"]),
        query=lines.query,
    )


def _stability(ctx: ToolContext) -> dict[str, dict[int, float]]:
    """Political-stability percentile by country and year."""
    column = indicators.c
    wanted = select(column.iso3, column.year, column.percentile).where(column.indicator == "pv", column.percentile.is_not(None))

    def work(connection: Connection) -> dict[str, dict[int, float]]:
        found: dict[str, dict[int, float]] = {}
        for iso3, year, percentile in connection.execute(wanted):
            found.setdefault(iso3, {})[year] = percentile
        return found

    values: dict[str, dict[int, float]] = ctx.resources.reading.run_sync(work)
    return values
