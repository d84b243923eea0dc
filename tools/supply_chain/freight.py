"""What freight cost, as far as it is recorded as a number: in total, by mode, destination country or year, and per kilogram."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult
from tools.supply_chain.filters import Filters, Ranked
from tools.supply_chain.lines import Line, cite, known, lacks, read_lines
from tools.supply_chain.numbers import dollars, median, percent
from tools.supply_chain.shipments import LANES, NOT_RECORDED, TOLD, freight_per_kg

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
KEYS: dict[str, Callable[[Line], str]] = {
    "mode": lambda line: line.mode or NOT_RECORDED,
    "destination": lambda line: line.destination or NOT_RECORDED,
    "year": lambda line: str(line.day.year),
    "product_group": lambda line: line.product_group or NOT_RECORDED,
}


class FreightArgs(Filters, Ranked):
    by: Literal["mode", "destination", "year", "product_group"] = Field("mode", description="what the rows are grouped by")


class FreightRow(Row):
    group: str
    freight_lines: int
    freight: Decimal
    share: Decimal
    weighed_lines: int
    median_freight_per_kg: Decimal | None


class FreightCosts(ToolResult):
    product: ClassVar[str] = "freight_costs"
    needs_some: ClassVar[tuple[str, ...]] = ("freight",)
    rows: list[FreightRow] = Field(default_factory=list)


@tool(READ)
def freight_costs(args: FreightArgs, ctx: ToolContext) -> FreightCosts:
    """Sum freight over all order lines, the internal warehouse included: in total, by mode, destination country, year or product
    group, with the median per kilogram, and say how many lines record an amount.

    Use it for the freight bill and for freight per kilogram by mode or country. Not for late deliveries, nor for the price of goods.
    """
    lines = read_lines(ctx, args, FreightCosts, direct_only=False)
    if args.by in ("destination", "mode", "product_group") and not lines.have(args.by):
        raise ToolError(lacks(args.by))
    billed = [line for line in lines.all if line.freight_cents is not None]
    weighed = [line for line in billed if freight_per_kg(line) is not None]
    textual = [line for line in lines.all if line.freight_note is not None]
    total = _cents(billed)
    groups: dict[str, list[Line]] = {}
    for line in billed:
        groups.setdefault(KEYS[args.by](line), []).append(line)
    rows = [_row(group, own, total) for group, own in sorted(groups.items())]
    sign = 1 if args.order == "lowest" else -1
    if args.by != "year":
        rows.sort(key=lambda row: sign * row.freight)
    label = args.by.replace("_", " ")
    ranking = sorted(range(len(rows)), key=lambda index: sign * rows[index].freight)
    told = [_told(label, index, rows[index]) for index in ranking[: min(args.top, TOLD)]]
    return FreightCosts(
        title=f"Freight by {label}",
        scope=f"{lines.scope}; freight: the {len(billed)} of {len(lines.all)} lines that record an amount",
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="group", label=label.capitalize()),
            Column(field="freight_lines", label="Lines with an amount", unit="count"),
            Column(field="freight", label="Freight", unit="usd"),
            Column(field="share", label="Share of freight", unit="percent"),
            Column(field="weighed_lines", label="Lines with amount and weight", unit="count"),
            Column(field="median_freight_per_kg", label="Median freight per kg", unit="usd"),
        ],
        figures={
            "freight": Figure(
                value=dollars(total), unit="usd", label="freight where an amount is recorded", records=cite(billed)
            ),
            "freight_lines": Figure(value=len(billed), unit="count", label="lines with an amount", records=cite(billed)),
            "lines": Figure(value=len(lines.all), unit="count", label="order lines", records=cite(lines.all)),
            "coverage": Figure(
                value=percent(len(billed), len(lines.all)),
                unit="percent",
                label="lines with an amount",
                records=cite(lines.all),
            ),
            "text_lines": Figure(
                value=len(textual), unit="count", label="lines whose freight cell holds text", records=cite(textual)
            ),
            "median_freight_per_kg": Figure(
                value=median([cost for line in weighed if (cost := freight_per_kg(line)) is not None]),
                unit="usd",
                label="median freight per kilogram",
                records=cite(weighed),
            ),
            "weighed_lines": Figure(
                value=len(weighed), unit="count", label="lines with amount and weight", records=cite(weighed)
            ),
        },
        highlights=[
            Highlight(
                text="Freight is {freight} on the {covered} of all {lines} order lines that record an amount ({coverage}); on "
                "{text} lines the cell holds text instead.",
                slots={
                    "freight": "figures.freight",
                    "covered": "figures.freight_lines",
                    "lines": "figures.lines",
                    "coverage": "figures.coverage",
                    "text": "figures.text_lines",
                },
            ),
            *told,
        ],
        caveats=[
            *lines.gaps,
            f"Freight is known for {len(billed)} of {len(lines.all)} lines; the others refer to another line, have it in the price, "
            "or were invoiced apart: the true bill is higher.",
            f"Freight per kilogram covers {len(weighed)} lines.",
            LANES,
        ],
        chart=ChartHint(type="line" if args.by == "year" else "bar", title=f"Freight by {label}", x="group", y=["freight"]),
        query=lines.query,
    )


def _cents(lines: list[Line]) -> int:
    return sum(known(line.freight_cents, "freight") for line in lines)


def _row(group: str, own: list[Line], total: int) -> FreightRow:
    costs = [cost for line in own if (cost := freight_per_kg(line)) is not None]
    return FreightRow(
        records=cite(own),
        group=group,
        freight_lines=len(own),
        freight=dollars(_cents(own)),
        share=percent(_cents(own), total),
        weighed_lines=len(costs),
        median_freight_per_kg=median(costs),
    )


def _told(label: str, index: int, row: FreightRow) -> Highlight:
    names = ["group", "freight", "share", "freight_lines"]
    text = f"Freight for {label} {{group}}: {{freight}} ({{share}}) on {{freight_lines}} lines"
    if row.median_freight_per_kg is not None:
        names, text = [*names, "median_freight_per_kg"], f"{text}; the median per kilogram is {{median_freight_per_kg}}"
    return Highlight(text=f"{text}.", slots={name: f"rows[{index}].{name}" for name in names})
