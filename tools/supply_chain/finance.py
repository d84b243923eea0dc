"""Where the money goes: exposure by supplier, by country of manufacture, by year."""

from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult, product_ref
from tools.supply_chain.filters import Filters
from tools.supply_chain.lines import Line, Lines, cite, read_lines, spend_cents, upstream
from tools.supply_chain.numbers import dollars, percent, ratio
from tools.supply_chain.procurement import WAREHOUSE, Suppliers

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
TOP = 5


class ExposureArgs(Filters):
    suppliers_ref: str = product_ref("suppliers")


class ExposureRow(Row):
    supplier_id: int
    supplier: str
    rank: int
    lines: int
    spend: Decimal
    share: Decimal


class Exposure(ToolResult):
    product: ClassVar[str] = "exposure"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    rows: list[ExposureRow] = Field(default_factory=list)


@tool(READ)
def financial_exposure(args: ExposureArgs, ctx: ToolContext) -> Exposure:
    """Measure financial exposure: spend, share and rank of each supplier, share of the top five, and concentration (HHI).

    HHI is the sum of squared shares as fractions: 1 is one supplier, 1/n is n equal ones.
    """
    given = upstream(ctx, args.suppliers_ref, Suppliers)
    lines = read_lines(ctx, args, Exposure, within=[row.records for row in given.rows])
    total, everything = spend_cents(lines.all), cite(lines.all)
    groups = sorted(lines.by(lambda line: line.supplier_id).values(), key=lambda own: (-spend_cents(own), own[0].supplier))
    rows = [
        ExposureRow(
            records=cite(own),
            supplier_id=own[0].supplier_id,
            supplier=own[0].supplier,
            rank=rank,
            lines=len(own),
            spend=dollars(spend_cents(own)),
            share=percent(spend_cents(own), total),
        )
        for rank, own in enumerate(groups, 1)
    ]
    top = [line for own in groups[:TOP] for line in own]
    hhi = ratio(sum(spend_cents(own) ** 2 for own in groups), total**2)
    return Exposure(
        title="Financial exposure by supplier",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="rank", label="Rank", unit="count"),
            Column(field="supplier", label="Supplier"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
            Column(field="share", label="Share of spend", unit="percent"),
        ],
        figures={
            "total_spend": Figure(value=dollars(total), unit="usd", label="total spend", records=everything),
            "top5_spend": Figure(
                value=dollars(spend_cents(top)), unit="usd", label="spend with the top five", records=cite(top)
            ),
            "top5_share": Figure(
                value=percent(spend_cents(top), total), unit="percent", label="share of the top five", records=everything
            ),
            "hhi": Figure(value=hhi, unit="ratio", label="concentration (HHI, 0 to 1)", records=everything),
            "supplier_count": Figure(value=len(rows), unit="count", label="suppliers", records=everything),
            "lines": Figure(value=len(lines.all), unit="count", label="order lines", records=everything),
        },
        highlights=[
            Highlight(
                text="The top five suppliers take {top5} of {total} spent with {count} suppliers.",
                slots={"top5": "figures.top5_share", "total": "figures.total_spend", "count": "figures.supplier_count"},
            ),
            Highlight(
                text="{supplier} alone takes {share} ({spend}).",
                slots={"supplier": "rows[0].supplier", "share": "rows[0].share", "spend": "rows[0].spend"},
            ),
            Highlight(text="Concentration (HHI) is {hhi} on a scale of 0 to 1.", slots={"hhi": "figures.hhi"}),
        ],
        caveats=[WAREHOUSE, *lines.gaps, *_narrowed(given.scope, lines.scope)],
        chart=ChartHint(type="bar", title="Spend by supplier", x="supplier", y=["spend"]),
        query=lines.query,
    )


class CountryRow(Row):
    country: str
    lines: int
    suppliers: int
    spend: Decimal
    share: Decimal


class CountryExposure(ToolResult):
    product: ClassVar[str] = "country_exposure"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    needs_some: ClassVar[tuple[str, ...]] = ("site_country",)
    rows: list[CountryRow] = Field(default_factory=list)


@tool(READ)
def country_exposure(args: Filters, ctx: ToolContext) -> CountryExposure:
    """Measure spend by country of manufacture (the site's, ISO-3166 alpha-3); the filter `countries` means destinations."""
    lines = read_lines(ctx, args, CountryExposure)
    total = spend_cents(lines.all)
    groups = sorted(
        lines.by(lambda line: line.site_iso3 or "unknown").items(), key=lambda pair: (-spend_cents(pair[1]), pair[0])
    )
    rows = [
        CountryRow(
            records=cite(own),
            country=country,
            lines=len(own),
            suppliers=len({line.supplier_id for line in own}),
            spend=dollars(spend_cents(own)),
            share=percent(spend_cents(own), total),
        )
        for country, own in groups
    ]
    unknown = [line for line in lines.all if not line.site_iso3]
    return CountryExposure(
        title="Spend by country of manufacture",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="country", label="Country of manufacture"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="suppliers", label="Suppliers", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
            Column(field="share", label="Share of spend", unit="percent"),
        ],
        figures={
            "total_spend": Figure(value=dollars(total), unit="usd", label="total spend", records=cite(lines.all)),
            "country_count": Figure(
                value=len({line.site_iso3 for line in lines.all if line.site_iso3}),
                unit="count",
                label="countries of manufacture",
            ),
            "unknown_share": Figure(
                value=percent(spend_cents(unknown), total),
                unit="percent",
                label="share of spend whose site's country is unknown",
                records=cite(unknown),
            ),
        },
        highlights=[
            Highlight(
                text="{share} of spend ({spend}) is made in {country}, by {suppliers} suppliers.",
                slots={n: f"rows[0].{n}" for n in ("share", "spend", "country", "suppliers")},
            ),
            Highlight(
                text="For {unknown} of spend the country of manufacture is unknown.",
                slots={"unknown": "figures.unknown_share"},
                kind="limit",
            ),
        ],
        caveats=[
            WAREHOUSE,
            *lines.gaps,
            f"The country is known for {len(lines.all) - len(unknown)} of {len(lines.all)} lines.",
        ],
        chart=ChartHint(type="bar", title="Spend by country of manufacture", x="country", y=["spend"]),
        query=lines.query,
    )


class YearRow(Row):
    year: int
    lines: int
    suppliers: int
    spend: Decimal


class AnnualSpend(ToolResult):
    product: ClassVar[str] = "annual_spend"
    needs: ClassVar[tuple[str, ...]] = ("value",)
    rows: list[YearRow] = Field(default_factory=list)


@tool(READ)
def annual_spend(args: Filters, ctx: ToolContext) -> AnnualSpend:
    """Show spend with suppliers by year of scheduled delivery (of the order where there is none)."""
    lines = read_lines(ctx, args, AnnualSpend)
    rows = [_year(year, own) for year, own in sorted(lines.by(lambda line: line.day.year).items())]
    peak = max(range(len(rows)), key=lambda index: rows[index].spend)
    return AnnualSpend(
        title="Spend by year",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="year", label="Year"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="suppliers", label="Suppliers", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
        ],
        figures=_total(lines),
        highlights=[
            Highlight(text="Spend over the whole period is {total}.", slots={"total": "figures.total_spend"}),
            Highlight(
                text="It was highest in {year}: {spend}.", slots={"year": f"rows[{peak}].year", "spend": f"rows[{peak}].spend"}
            ),
        ],
        caveats=[WAREHOUSE, *lines.gaps, "The first and the last year may be covered in part only."],
        chart=ChartHint(type="line", title="Spend by year", x="year", y=["spend"]),
        query=lines.query,
    )


def _narrowed(*scopes: str) -> list[str]:
    """A caveat when only some suppliers are in scope: a share then says nothing of the whole."""
    narrowed = any("supplier " in scope for scope in scopes)
    return ["Shares are of the spend with the chosen suppliers, not of all spend."] if narrowed else []


def _year(year: int, own: list[Line]) -> YearRow:
    suppliers = len({line.supplier_id for line in own})
    return YearRow(records=cite(own), year=year, lines=len(own), suppliers=suppliers, spend=dollars(spend_cents(own)))


def _total(lines: Lines) -> dict[str, Figure]:
    value = dollars(spend_cents(lines.all))
    return {"total_spend": Figure(value=value, unit="usd", label="total spend", records=cite(lines.all))}
