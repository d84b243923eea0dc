"""The same figures for two periods side by side: "also compare with 2012"."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult
from tools.supply_chain.filters import Filters, years
from tools.supply_chain.lines import Line, cite, late_lines, read_lines, spend_cents
from tools.supply_chain.numbers import dollars, percent
from tools.supply_chain.procurement import WAREHOUSE

READ = ToolManifest(effect="read", output="trusted", data_class="internal")


class PeriodArgs(Filters):
    compare_years: list[int] = Field(
        min_length=1, max_length=5, description="years to set beside the period of year_from and year_to, e.g. 2012"
    )


class PeriodRow(Row):
    period: str
    suppliers: int
    lines: int
    spend: Decimal | None
    late_lines: int | None
    late_rate: Decimal | None


class PeriodComparison(ToolResult):
    product: ClassVar[str] = "period_comparison"
    rows: list[PeriodRow] = Field(default_factory=list)


@tool(READ)
def compare_periods(args: PeriodArgs, ctx: ToolContext) -> PeriodComparison:
    """Set spend and late deliveries with suppliers in some years beside those in the whole period (or in year_from to year_to).

    Use it for "compared with 2012" and "2013 against 2014" (that is year_from = year_to = 2013, compare_years = [2014]). Years go
    by scheduled delivery. Not for a course over all years, nor for suppliers against each other.
    """
    every = read_lines(ctx, args.model_copy(update={"year_from": None, "year_to": None}))
    first, last = args.year_from or 0, args.year_to or 9999
    if first > last:
        raise ToolError(f"year_from {first} is after year_to {last}: swap them")
    whole = years(args.year_from, args.year_to) if args.year_from or args.year_to else "the whole period"
    periods = {whole: [line for line in every.all if first <= line.day.year <= last]}
    periods |= {years(one, one): [line for line in every.all if line.day.year == one] for one in args.compare_years}
    for period, own in periods.items():
        if not own:
            span = f"{min(line.day.year for line in every.all)} to {max(line.day.year for line in every.all)}"
            raise ToolError(f"no order lines are on record {period} ({every.scope}): they run from {span}")
    rows = [_row(period, own) for period, own in periods.items()]
    columns = [("late_rate", every.have("scheduled") and every.have("delivered")), ("spend", every.have("value"))]
    known = [name for name, there in columns if there]
    figures: dict[str, Figure] = {}
    if "spend" in known and rows[0].spend:
        share = percent(sum((row.spend or Decimal(0) for row in rows[1:]), Decimal(0)), rows[0].spend)
        label = "spend of the years compared, in percent of the first period's"
        records = cite(line for own in periods.values() for line in own)
        figures["spend_ratio"] = Figure(value=share, unit="percent", label=label, records=records)
    return PeriodComparison(
        title="Periods compared",
        scope=f"{every.scope}; {' against '.join(periods)} (year of the scheduled delivery, of the order where there is none)",
        as_of=every.as_of,
        rows=rows,
        columns=[
            Column(field="period", label="Period"),
            Column(field="suppliers", label="Suppliers", unit="count"),
            Column(field="lines", label="Order lines", unit="count"),
            *([Column(field="spend", label="Spend", unit="usd")] if "spend" in known else []),
            Column(field="late_lines", label="Late", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
        ],
        figures=figures,
        highlights=[_told(index, row) for index, row in enumerate(rows)],
        caveats=[WAREHOUSE, *_unknown(every.all), "A year at the edge of the records may be covered in part only."],
        chart=ChartHint(type="bar", title="Periods compared", x="period", y=[known[-1] if known else "lines"]),
        query=every.query,
    )


def _row(period: str, own: list[Line]) -> PeriodRow:
    """A period's figures; None where no line says."""
    dated = [line for line in own if line.scheduled and line.delivered]
    valued = [line for line in own if line.value_cents is not None]
    late = len(late_lines(dated))
    return PeriodRow(
        records=cite(own),
        period=period,
        suppliers=len({line.supplier_id for line in own}),
        lines=len(own),
        spend=dollars(spend_cents(valued)) if valued else None,
        late_lines=late if dated else None,
        late_rate=percent(late, len(dated)) if dated else None,
    )


def _told(index: int, row: PeriodRow) -> Highlight:
    """One period in a sentence, with what is known of it."""
    names = ["period", "suppliers", "lines"]
    text = "For {period}: {suppliers} suppliers, {lines} order lines"
    if row.spend is not None:
        names, text = [*names, "spend"], f"{text}, spend {{spend}}"
    if row.late_rate is not None:
        names, text = [*names, "late_lines", "late_rate"], f"{text}, {{late_lines}} lines late ({{late_rate}})"
    return Highlight(text=f"{text}.", slots={name: f"rows[{index}].{name}" for name in names})


def _unknown(lines: Iterable[Line]) -> list[str]:
    """How many lines a column of the table leaves out."""
    every = list(lines)
    undated = sum(not (line.scheduled and line.delivered) for line in every)
    unvalued = sum(line.value_cents is None for line in every)
    said = [(undated, "both delivery dates: the late rate"), (unvalued, "an order value: spend")]
    return [f"{missing} of {len(every)} order lines lack {what} leaves them out." for missing, what in said if missing]
