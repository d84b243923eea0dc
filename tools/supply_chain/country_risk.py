"""Risk from the countries where suppliers manufacture, and the sites that sit in unstable ones."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from pydantic import Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.filters import Filters
from tools.supply_chain.indicators import Governance, Measure, Reading
from tools.supply_chain.lines import Line, cite, read_lines, read_suppliers, spend_cents, upstream
from tools.supply_chain.numbers import dollars, percent, rounded
from tools.supply_chain.procurement import WAREHOUSE, Suppliers
from tools.supply_chain.tables import indicators

TOLD = 4  # rows or countries that get a sentence of their own
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
    lines = read_suppliers(ctx, args, CountryRisk, within=given)
    governance = Governance(ctx, {line.site_iso3 for line in lines.base if line.site_iso3}, measure)
    readings: dict[int, Reading] = {}
    for line in lines.base:
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
    used = {line.id: readings[line.id] for line in known}
    years = sorted({found.year for found in (used or readings).values()})
    largest = max(range(len(rows)), key=lambda index: rows[index].spend)
    highlights = [
        *(_told(rows) if used else []),
        Highlight(
            text="For {share} of spend the country of manufacture is unknown.",
            slots={"share": "figures.unknown_share"},
            kind="limit",
        ),
    ]
    if rows[largest].risk_index is not None and largest >= TOLD:
        slots = {"supplier": f"rows[{largest}].supplier", "index": f"rows[{largest}].risk_index"}
        highlights.insert(-1, Highlight(text="The largest supplier, {supplier}, stands at {index}.", slots=slots))
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
                value=len({key for found in used.values() for key in found.ids}),
                unit="count",
                label="indicator values used",
                records=Records.of("indicators", (key for found in used.values() for key in found.ids)),
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


def _told(rows: list[CountryRiskRow]) -> list[Highlight]:
    """The index of all, and the first suppliers that have one."""
    said = [
        Highlight(
            text="Weighted by spend, the countries of manufacture have a governance risk of {index} out of a hundred.",
            slots={"index": "figures.network_index"},
        )
    ]
    for index, row in enumerate(rows[:TOLD]):
        if row.risk_index is not None:
            has = "has the highest index," if not index and len(rows) > 1 else "has an index of"
            slots = {name: f"rows[{index}].{name}" for name in ("supplier", "risk_index", "countries")}
            said.append(Highlight(text=f"{{supplier}} {has} {{risk_index}} ({{countries}}).", slots=slots))
    return said


def _weighted(lines: list[Line], readings: dict[int, Reading]) -> Decimal | None:
    known = [line for line in lines if line.id in readings]
    weight = spend_cents(known)
    return rounded(sum(line.cents * readings[line.id].index for line in known) / weight) if weight else None


class UnstableArgs(Filters):
    max_percentile: float = Field(
        25, gt=0, le=100, description="political-stability percentile below which a country is unstable"
    )


@dataclass(frozen=True)
class Stability:
    """Political stability of a country in a year: the estimate (about -2.5 to 2.5, higher is better) and the percentile."""

    country: str
    year: int
    estimate: float | None
    percentile: float


class SiteRow(Row):
    site_id: int
    site: str
    country: str
    iso3: str
    stability: Decimal
    estimate: Decimal | None
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
    """Find manufacturing sites in unstable countries, the least stable country first: political-stability percentile below 25 (or
    `max_percentile`) in the year of the site's last order, with the estimate beside it.

    Use it for "which sites sit in unstable countries". Not to rate suppliers (`country_risk`), nor for spend by country.
    """
    lines = read_lines(ctx, args, UnstableSites)
    stability = _stability(ctx)
    rows: list[SiteRow] = []
    unplaced = [line for line in lines.all if line.site_iso3 not in stability]
    for own in lines.by(lambda line: line.site_id).values():
        site_id, site, iso3 = own[0].site_id, own[0].site, own[0].site_iso3
        if site_id is None or site is None or iso3 is None:
            continue
        last = max(line.day.year for line in own)
        years = [year for year in stability.get(iso3, {}) if year <= last]
        found = stability[iso3][max(years)] if years else None
        if found and found.percentile < args.max_percentile:
            rows.append(
                SiteRow(
                    records=cite(own),
                    site_id=site_id,
                    site=site,
                    country=found.country,
                    iso3=iso3,
                    stability=rounded(found.percentile),
                    estimate=None if found.estimate is None else rounded(found.estimate),
                    year=found.year,
                    suppliers="; ".join(sorted({line.supplier for line in own})),
                    lines=len(own),
                    spend=dollars(spend_cents(own)),
                )
            )
    cited = {key for row in rows for key in row.records.expand()}
    unstable = [line for line in lines.all if line.id in cited]
    newest = {row.country: row for row in sorted(rows, key=lambda row: row.year)}
    rows.sort(key=lambda row: (newest[row.country].stability, row.country, -row.year, -row.spend, row.site))
    highlights = [
        Highlight(
            text="{sites} sites that made {spend} of goods ({share} of spend) sit in unstable countries.",
            slots={"sites": "figures.site_count", "spend": "figures.spend", "share": "figures.share"},
        )
    ]
    if rows:
        most = max(range(len(rows)), key=lambda index: rows[index].spend)
        slots = {name: f"rows[{most}].{name}" for name in ("site", "country", "stability", "spend")}
        text = "The largest is {site} in {country} (stability percentile {stability}): {spend}."
        highlights.append(Highlight(text=text, slots=slots))
    first_of = {row.country: index for index, row in reversed(list(enumerate(rows)))}
    for index in sorted(first_of.values())[:TOLD]:
        slots = {name: f"rows[{index}].{name}" for name in ("country", "year", "stability", "estimate", "site")}
        text = "{country}: political stability in {year} at percentile {stability} (estimate {estimate}), with {site}."
        highlights.append(Highlight(text=text, slots=slots))
    nowhere = [line for line in lines.all if line.site_iso3 is None]
    highlights.append(
        Highlight(
            text="The country of manufacture is not known for {unplaced} of {lines} order lines.",
            slots={"unplaced": "figures.unplaced_lines", "lines": "figures.lines"},
        )
    )
    return UnstableSites(
        title="Manufacturing sites in unstable countries",
        scope=f"{lines.scope}; unstable: political-stability percentile below {args.max_percentile:g}",
        as_of=f"orders {lines.as_of}; indicators of the year of each site's last order",
        rows=rows,
        columns=[
            Column(field="site", label="Site"),
            Column(field="country", label="Country"),
            Column(field="stability", label="Stability percentile", unit="score"),
            Column(field="estimate", label="Estimate", unit="index"),
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
            "unplaced_lines": Figure(
                value=len(nowhere), unit="count", label="lines without a country of manufacture", records=cite(nowhere)
            ),
            "lines": Figure(value=len(lines.all), unit="count", label="order lines", records=cite(lines.all)),
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


def _stability(ctx: ToolContext) -> dict[str, dict[int, Stability]]:
    """Political stability by country (ISO-3166 alpha-3) and year, where the percentile is recorded."""
    column = indicators.c
    wanted = select(column.iso3, column.country, column.year, column.estimate, column.percentile)
    wanted = wanted.where(column.indicator == "pv", column.percentile.is_not(None))

    def work(connection: Connection) -> dict[str, dict[int, Stability]]:
        found: dict[str, dict[int, Stability]] = {}
        for iso3, country, year, estimate, percentile in connection.execute(wanted):
            found.setdefault(iso3, {})[year] = Stability(country, year, estimate, percentile)
        return found

    values: dict[str, dict[int, Stability]] = ctx.resources.reading.run_sync(work)
    return values
