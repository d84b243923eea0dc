"""Look-ups in the reference data: a country's governance over the years, names on the sanctions list, and a second source of
country risk for when the first is missing."""

from decimal import Decimal
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Records, Row, ToolResult
from tools.supply_chain.country_risk import CountryRisk, CountryRiskArgs, assess
from tools.supply_chain.filters import on_record
from tools.supply_chain.lines import sql_text
from tools.supply_chain.names import nearest, normalise
from tools.supply_chain.numbers import rounded
from tools.supply_chain.sanctions import CANDIDATE, sanctions_list
from tools.supply_chain.tables import indicators

PUBLIC = ToolManifest(effect="read", output="trusted", data_class="public")
READ = ToolManifest(effect="read", output="trusted", data_class="internal")
LISTED = ToolManifest(effect="read", output="untrusted", data_class="public")  # names as third parties wrote them
RANKS_YEAR = 2015
MEANINGS = {
    "cc": "control of corruption",
    "ge": "government effectiveness",
    "pv": "political stability",
    "rl": "rule of law",
    "rq": "regulatory quality",
    "va": "voice and accountability",
}


class IndicatorArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    countries: list[str] = Field(min_length=1, max_length=30, description="ISO-3166 alpha-3 codes")
    year_from: int | None = Field(None, ge=1990, le=2100)
    year_to: int | None = Field(None, ge=1990, le=2100)


class IndicatorRow(Row):
    country: str
    iso3: str
    year: int
    indicator: str
    estimate: Decimal | None
    percentile: Decimal | None


class CountryIndicators(ToolResult):
    product: ClassVar[str] = "country_indicators"
    rows: list[IndicatorRow] = Field(default_factory=list)


@tool(PUBLIC)
def country_indicators(args: IndicatorArgs, ctx: ToolContext) -> CountryIndicators:
    """Look up the governance indicators of countries by year: estimate (-2.5 to 2.5, higher is better) and percentile rank."""
    column = indicators.c

    def work(connection: Connection) -> tuple[list[IndicatorRow], str]:
        codes = on_record(connection, args.countries, column.iso3, "country (ISO-3166 alpha-3)")
        wanted = select(
            column.id, column.country, column.iso3, column.year, column.indicator, column.estimate, column.percentile
        )
        wanted = wanted.where(column.iso3.in_(codes)).order_by(column.country, column.year, column.indicator)
        if args.year_from:
            wanted = wanted.where(column.year >= args.year_from)
        if args.year_to:
            wanted = wanted.where(column.year <= args.year_to)
        rows = [
            IndicatorRow(
                records=Records.of("indicators", [key]),
                country=country,
                iso3=iso3,
                year=year,
                indicator=MEANINGS.get(code, code),
                estimate=None if estimate is None else rounded(estimate),
                percentile=None if percentile is None else rounded(percentile),
            )
            for key, country, iso3, year, code, estimate, percentile in connection.execute(wanted)
        ]
        return rows, sql_text(connection, wanted)

    rows, query = ctx.resources.reading.run_sync(work)
    if not rows:
        raise ToolError(f"no indicators are on record for {', '.join(args.countries)} in these years: widen the years")
    years = sorted({row.year for row in rows})
    latest = [i for i, row in enumerate(rows) if row.percentile is not None and row.year == years[-1]]
    highlights = []
    if latest:
        lowest = min(latest, key=lambda index: rows[index].percentile or Decimal(0))
        slots = {name: f"rows[{lowest}].{name}" for name in ("country", "indicator", "percentile", "year")}
        text = "In {year} the lowest rank is that of {country} for {indicator}: percentile {percentile}."
        highlights.append(Highlight(text=text, slots=slots))
    missing = sum(row.estimate is None for row in rows)
    keys = [key for row in rows for key in row.records.expand()]
    return CountryIndicators(
        title="Governance indicators",
        scope=f"{', '.join(args.countries)}, {years[0]} to {years[-1]}",
        as_of=f"{years[0]} to {years[-1]}",
        rows=rows,
        columns=[
            Column(field="country", label="Country"),
            Column(field="year", label="Year"),
            Column(field="indicator", label="Indicator"),
            Column(field="estimate", label="Estimate", unit="score"),
            Column(field="percentile", label="Percentile", unit="score"),
        ],
        figures={
            "values": Figure(value=len(rows), unit="count", label="indicator values", records=Records.of("indicators", keys))
        },
        highlights=highlights,
        caveats=[f"{missing} of {len(rows)} values are missing in the source."] if missing else [],
        chart=ChartHint(type="line", title="Percentile by year", x="year", y=["percentile"]),
        query=query,
    )


class ListArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=200, description="the name to look for")
    limit: int = Field(10, ge=1, le=50)


class EntryRow(Row):
    entry_id: int
    entry: str
    programme: str
    similarity: Decimal


class ListEntries(ToolResult):
    product: ClassVar[str] = "list_entries"
    rows: list[EntryRow] = Field(default_factory=list)


@tool(LISTED)
def search_sanctions_list(args: ListArgs, ctx: ToolContext) -> ListEntries:
    """Search the sanctions list for names near a given one; returns the nearest entries with their similarity, no verdict."""
    entries, list_date, query = sanctions_list(ctx)
    near = nearest(normalise(args.name), [normalise(name) for _, name, _ in entries], args.limit)
    rows = [
        EntryRow(
            records=Records.of("sanctions", [entries[index][0]]),
            entry_id=entries[index][0],
            entry=entries[index][1],
            programme=entries[index][2],
            similarity=rounded(similarity),
        )
        for index, similarity in near
    ]
    slots = {name: f"rows[0].{name}" for name in ("entry", "similarity")}
    return ListEntries(
        title=f"Sanctions list: names near {args.name!r}",
        scope=f"{len(entries)} entries, vessels and aircraft left out",
        as_of=list_date,
        rows=rows,
        columns=[
            Column(field="entry", label="Entry"),
            Column(field="entry_id", label="Entry number"),
            Column(field="programme", label="Programme"),
            Column(field="similarity", label="Similarity", unit="score"),
        ],
        figures={"list_date": Figure(value=list_date, unit="date", label="date of the list")},
        highlights=[Highlight(text="The nearest name on the list is {entry} (similarity {similarity}).", slots=slots)],
        caveats=[CANDIDATE],
        query=query,
    )


@tool(READ)
def country_risk_from_ranks(args: CountryRiskArgs, ctx: ToolContext) -> CountryRisk:
    """Measure country risk per supplier from percentile ranks of the latest year up to 2015: a second, coarser source."""
    return assess(args, ctx, "percentile", last_year=RANKS_YEAR)
