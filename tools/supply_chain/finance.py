"""Where the money goes: exposure by supplier, by country of manufacture, by year."""

from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult, product_ref
from tools.supply_chain.filters import Filters, Order, Ranked, on_record
from tools.supply_chain.lines import Line, Lines, cite, grouped, read_lines, read_suppliers, spend_cents, upstream
from tools.supply_chain.numbers import dollars, percent, ratio
from tools.supply_chain.procurement import WAREHOUSE, Suppliers
from tools.supply_chain.tables import sites

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
TOLD = 5  # rows that get a sentence of their own
ALL_SPEND = "Shares are of all spend in scope, not only of what was picked."


class ExposureArgs(Filters, Ranked):
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
    """Measure spend with suppliers: spend, share and rank of each, the share of the top ones, and concentration (HHI).

    Use it for spend in total, of one supplier, or of suppliers compared. Shares and ranks are among all suppliers in scope, also
    where some are picked. HHI is the sum of squared shares as fractions: 1 is one supplier, 1/n is n equal ones. Not for
    countries, years or items.
    """
    given = upstream(ctx, args.suppliers_ref, Suppliers)
    lines = read_suppliers(ctx, args, Exposure, within=given)
    total, everything = spend_cents(lines.base), cite(lines.base)
    every = grouped(lines.base, lambda line: line.supplier_id)
    groups = sorted(every.values(), key=lambda own: (-spend_cents(own), own[0].supplier))
    shown = {line.supplier_id for line in lines.all}
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
        if own[0].supplier_id in shown
    ]
    if args.order == "lowest":
        rows.reverse()
    named = rows[: args.top]
    top = [line for row in named for line in every[row.supplier_id]]
    hhi = ratio(sum(spend_cents(own) ** 2 for own in groups), total**2)
    figures = {
        "total_spend": Figure(value=dollars(total), unit="usd", label="spend with all suppliers in scope", records=everything),
        "top_count": Figure(value=len(named), unit="count", label="suppliers named", records=cite(top)),
        "top_spend": Figure(value=dollars(spend_cents(top)), unit="usd", label="spend with those named", records=cite(top)),
        "top_share": Figure(
            value=percent(spend_cents(top), total), unit="percent", label="share of those named", records=everything
        ),
        "hhi": Figure(value=hhi, unit="ratio", label="concentration (HHI, 0 to 1)", records=everything),
        "supplier_count": Figure(value=len(every), unit="count", label="suppliers in scope", records=everything),
        "lines": Figure(value=len(lines.base), unit="count", label="order lines", records=everything),
    }
    if lines.picked:
        mine = spend_cents(lines.all)
        figures |= {
            "picked_count": Figure(value=len(rows), unit="count", label="suppliers picked"),
            "spend": Figure(value=dollars(mine), unit="usd", label="spend with the suppliers picked", records=cite(lines.all)),
            "share": Figure(value=percent(mine, total), unit="percent", label="their share of all spend", records=everything),
        }
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
        figures=figures,
        highlights=_picked(rows) if lines.picked else _ranked(named, args.order),
        caveats=[WAREHOUSE, *lines.gaps, *([ALL_SPEND] if lines.picked else [])],
        chart=ChartHint(type="bar", title="Spend by supplier", x="supplier", y=["spend"]),
        query=lines.query,
    )


def _ranked(named: list[ExposureRow], order: Order) -> list[Highlight]:
    """What the first rows take of all spend, and who they are."""
    which = "largest" if order == "highest" else "smallest"
    slots = {f"supplier_{index}": f"rows[{index}].supplier" for index in range(len(named))}
    return [
        Highlight(
            text="Spend is {total} with {count} suppliers, on {lines} order lines.",
            slots={"total": "figures.total_spend", "count": "figures.supplier_count", "lines": "figures.lines"},
        ),
        Highlight(
            text=f"The {{top}} {which} suppliers take {{share}} of {{total}}: {'; '.join(f'{{{name}}}' for name in slots)}.",
            slots={"top": "figures.top_count", "share": "figures.top_share", "total": "figures.total_spend"} | slots,
        ),
        Highlight(
            text="{supplier} alone takes {share} ({spend}).",
            slots={"supplier": "rows[0].supplier", "share": "rows[0].share", "spend": "rows[0].spend"},
        ),
        Highlight(text="Concentration (HHI) is {hhi}, where one would be a single supplier.", slots={"hhi": "figures.hhi"}),
    ]


def _picked(rows: list[ExposureRow]) -> list[Highlight]:
    """Each of the suppliers that were picked, and all of them together."""
    said = [
        Highlight(
            text="{supplier} takes {spend}: {share} of all spend, rank {rank} of {count}.",
            slots={name: f"rows[{index}].{name}" for name in ("supplier", "spend", "share", "rank")}
            | {"count": "figures.supplier_count"},
        )
        for index in range(min(len(rows), TOLD))
    ]
    if len(rows) > 1:
        text = "Together these {picked} suppliers take {spend}, {share} of {total}."
        slots = {"picked": "figures.picked_count"} | {name: f"figures.{name}" for name in ("spend", "share")}
        said.append(Highlight(text=text, slots=slots | {"total": "figures.total_spend"}))
    return said


class CountryArgs(Filters, Ranked):
    made_in: list[str] = Field(
        default_factory=list,
        description="countries of manufacture to show, ISO-3166 alpha-3, e.g. IND; shares stay those of all spend in scope",
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
def country_exposure(args: CountryArgs, ctx: ToolContext) -> CountryExposure:
    """Measure spend by country of manufacture (the site's, ISO-3166 alpha-3): how exposed are we to one country.

    `made_in` picks the countries to show, and their shares stay those of all spend; `countries` narrows to destinations. Not for
    where goods go, nor for the political risk of a country.
    """
    lines = read_lines(ctx, args.model_copy(update={"made_in": []}), CountryExposure)
    total = spend_cents(lines.all)
    groups = lines.by(lambda line: line.site_iso3 or "unknown")
    shown = ctx.resources.reading.run_sync(
        lambda c: on_record(c, args.made_in, sites.c.iso3, "country of manufacture (ISO-3166 alpha-3)")
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
        for country, own in groups.items()
        if not shown or country in shown
    ]
    if not rows:
        raise ToolError(f"nothing was made in {' or '.join(shown)} ({lines.scope}): widen the filters")
    sign = 1 if args.order == "lowest" else -1
    rows.sort(key=lambda row: (sign * row.spend, row.country))
    unknown = [line for line in lines.all if not line.site_iso3]
    figures = {
        "total_spend": Figure(value=dollars(total), unit="usd", label="all spend in scope", records=cite(lines.all)),
        "country_count": Figure(
            value=len({line.site_iso3 for line in lines.all if line.site_iso3}), unit="count", label="countries of manufacture"
        ),
        "unknown_share": Figure(
            value=percent(spend_cents(unknown), total),
            unit="percent",
            label="share of spend whose site's country is unknown",
            records=cite(unknown),
        ),
    }
    told = [
        Highlight(
            text="{share} of spend ({spend} on {lines} order lines) is made in {country}, by {suppliers} suppliers.",
            slots={n: f"rows[{index}].{n}" for n in ("share", "spend", "lines", "country", "suppliers")},
        )
        for index in range(min(len(rows), args.top, TOLD))
        if rows[index].country != "unknown"
    ]
    return CountryExposure(
        title="Spend by country of manufacture",
        scope=", ".join([lines.scope, *([f"manufacturing sites in {' or '.join(shown)}"] if shown else [])]),
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="country", label="Country of manufacture"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="suppliers", label="Suppliers", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
            Column(field="share", label="Share of spend", unit="percent"),
        ],
        figures=figures,
        highlights=[
            *told,
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
            *([ALL_SPEND] if shown else []),
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
    """Show spend with suppliers by year of scheduled delivery (of the order where there is none): the course over time.

    Not for one total, and not to set two periods side by side (`compare_periods`).
    """
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


def _year(year: int, own: list[Line]) -> YearRow:
    suppliers = len({line.supplier_id for line in own})
    return YearRow(records=cite(own), year=year, lines=len(own), suppliers=suppliers, spend=dollars(spend_cents(own)))


def _total(lines: Lines) -> dict[str, Figure]:
    value = dollars(spend_cents(lines.all))
    return {"total_spend": Figure(value=value, unit="usd", label="total spend", records=cite(lines.all))}
