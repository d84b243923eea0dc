"""How well deliveries run: by supplier, by mode, and over the whole network. Late means delivered after the scheduled day."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult, product_ref
from tools.supply_chain.filters import Filters, Order, Ranked
from tools.supply_chain.lines import SMALL_SAMPLE, Line, cite, lacks, late_lines, read_lines, read_suppliers, upstream
from tools.supply_chain.numbers import median, percent, ratio, rounded
from tools.supply_chain.procurement import WAREHOUSE, Suppliers

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
PRIOR_LINES = 10
LANES = "The publisher warns that lead time and cost per lane cannot be concluded from this data."
NOT_RECORDED = "not recorded"
TOLD = 5  # rows that get a sentence of their own


class DeliveryArgs(Filters, Ranked):
    suppliers_ref: str = product_ref("suppliers")


class DeliveryRow(Row):
    supplier_id: int
    supplier: str
    lines: int
    late_lines: int
    late_rate: Decimal
    shrunk_late_rate: Decimal
    average_days_late: Decimal | None
    small_sample: bool


class Deliveries(ToolResult):
    product: ClassVar[str] = "deliveries"
    needs: ClassVar[tuple[str, ...]] = ("scheduled", "delivered")
    rows: list[DeliveryRow] = Field(default_factory=list)


def shrunk_rate(late: int, lines: int, all_late: int, all_lines: int) -> Decimal:
    """A supplier's late rate in percent, pulled towards the population's (empirical Bayes).

    (late + K·p) / (lines + K), where p is the late rate of all lines in scope and K = 10 lines: the mean of a beta posterior
    whose prior has the population's mean and weighs as much as ten lines.
    """
    prior = Decimal(PRIOR_LINES * all_late) / all_lines
    return rounded(100 * (late + prior) / (lines + PRIOR_LINES))


@tool(READ)
def delivery_performance(args: DeliveryArgs, ctx: ToolContext) -> Deliveries:
    """Measure each supplier's deliveries: lines, late lines, late rate, that rate shrunk for small samples, days late.

    Use it to rank or compare suppliers on delivery. Rates of suppliers with few lines are pulled towards that of all suppliers in
    scope, and rows are ranked by them; where no row has fewer than ten lines, by the plain late rate. Not for the whole network.
    """
    given = upstream(ctx, args.suppliers_ref, Suppliers)
    lines = read_suppliers(ctx, args, Deliveries, within=given)
    late, late_of_all = late_lines(lines.all), late_lines(lines.base)
    rows = []
    for supplier_id, own in lines.by(lambda line: line.supplier_id).items():
        own_late = late_lines(own)
        rows.append(
            DeliveryRow(
                records=cite(own),
                supplier_id=supplier_id,
                supplier=own[0].supplier,
                lines=len(own),
                late_lines=len(own_late),
                late_rate=percent(len(own_late), len(own)),
                shrunk_late_rate=shrunk_rate(len(own_late), len(own), len(late_of_all), len(lines.base)),
                average_days_late=_average_days(own_late),
                small_sample=len(own) < SMALL_SAMPLE,
            )
        )
    small = sum(row.small_sample for row in rows)
    sign = 1 if args.order == "lowest" else -1
    rows.sort(key=lambda row: (sign * (row.shrunk_late_rate if small else row.late_rate), row.supplier))
    ranked = (
        f"{small} of {len(rows)} suppliers have fewer than {SMALL_SAMPLE} lines; the ranking uses rates shrunk towards that of all "
        f"suppliers in scope, which counts as {PRIOR_LINES} further lines."
        if small
        else f"No supplier shown has fewer than {SMALL_SAMPLE} lines: they are ranked by their plain late rates."
    )
    return Deliveries(
        title="Delivery performance by supplier",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="supplier", label="Supplier"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="late_lines", label="Late", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
            Column(field="shrunk_late_rate", label="Late rate, shrunk", unit="percent"),
            Column(field="average_days_late", label="Days late when late", unit="days"),
        ],
        figures=_figures(list(lines.all), late)
        | {
            "small_samples": Figure(value=small, unit="count", label=f"suppliers with fewer than {SMALL_SAMPLE} lines"),
            "late_rate_of_all": Figure(
                value=percent(len(late_of_all), len(lines.base)),
                unit="percent",
                label="late rate of all suppliers in scope",
                records=cite(lines.base),
            ),
        },
        highlights=[
            *_told(rows[: min(args.top, TOLD)], args.order),
            Highlight(
                text="Over all these suppliers {late} of {lines} lines came late ({rate}), by {days} on average.",
                slots={
                    "late": "figures.late_lines",
                    "lines": "figures.lines",
                    "rate": "figures.late_rate",
                    "days": "figures.average_days_late",
                },
            ),
        ],
        caveats=[
            WAREHOUSE,
            *lines.gaps,
            ranked,
        ],
        chart=ChartHint(type="bar", title="Late rate by supplier (shrunk)", x="supplier", y=["shrunk_late_rate"]),
        query=lines.query,
    )


def _told(rows: list[DeliveryRow], order: Order) -> list[Highlight]:
    """The first rows, one sentence each; the first is said to be the worst (or the best) if there are others."""
    said = []
    for index in range(len(rows)):
        slots = {name: f"rows[{index}].{name}" for name in ("supplier", "late_lines", "lines", "late_rate")}
        rank = f" is the {'worst' if order == 'highest' else 'best'} on delivery" if len(rows) > 1 and not index else ""
        said.append(Highlight(text=f"{{supplier}}{rank}: {{late_lines}} of {{lines}} lines late ({{late_rate}}).", slots=slots))
    return said


class ModeRow(Row):
    mode: str
    lines: int
    late_lines: int
    late_rate: Decimal
    average_days_late: Decimal | None
    freight_lines: int
    median_freight_per_kg: Decimal | None


class ModeComparison(ToolResult):
    product: ClassVar[str] = "mode_comparison"
    needs: ClassVar[tuple[str, ...]] = ("scheduled", "delivered")
    needs_some: ClassVar[tuple[str, ...]] = ("mode",)
    rows: list[ModeRow] = Field(default_factory=list)


@tool(READ)
def compare_modes(args: Filters, ctx: ToolContext) -> ModeComparison:
    """Compare shipment modes over all order lines: late rate, and median freight per kilogram where both are numbers.

    Use it for one mode, or for modes against each other (pass them in `modes`). Not for suppliers, nor for freight in total.
    """
    lines = read_lines(ctx, args, ModeComparison, direct_only=False)
    priced = [line for line in lines.all if freight_per_kg(line) is not None]
    unmoded = [line for line in lines.all if line.mode is None]
    textual = [line for line in lines.all if line.freight_note is not None]
    rows = []
    for mode, own in lines.by(lambda line: line.mode or NOT_RECORDED).items():
        costs = [cost for line in own if (cost := freight_per_kg(line)) is not None]
        own_late = late_lines(own)
        rows.append(
            ModeRow(
                records=cite(own),
                mode=mode,
                lines=len(own),
                late_lines=len(own_late),
                late_rate=percent(len(own_late), len(own)),
                average_days_late=_average_days(own_late),
                freight_lines=len(costs),
                median_freight_per_kg=median(costs),
            )
        )
    rows.sort(key=lambda row: (-row.lines, row.mode))
    dated = sorted((i for i, row in enumerate(rows) if row.mode != NOT_RECORDED), key=lambda i: -rows[i].late_rate)
    costed = sorted((i for i in dated if rows[i].median_freight_per_kg is not None), key=lambda i: -_cost(rows[i]))
    highlights = []
    if len(dated) > 1:
        first, last = dated[0], dated[-1]
        highlights.append(
            Highlight(
                text="{worst} is late most often ({worst_rate}), {best} least ({best_rate}).",
                slots={
                    "worst": f"rows[{first}].mode",
                    "worst_rate": f"rows[{first}].late_rate",
                    "best": f"rows[{last}].mode",
                    "best_rate": f"rows[{last}].late_rate",
                },
            )
        )
    for index in dated[:TOLD] if args.modes else ():
        slots = {name: f"rows[{index}].{name}" for name in ("mode", "late_lines", "lines", "late_rate")}
        highlights.append(Highlight(text="{mode}: {late_lines} of {lines} order lines late ({late_rate}).", slots=slots))
    if len(costed) > 1:
        first, last = costed[0], costed[-1]
        highlights.append(
            Highlight(
                text="Median freight per kilogram is highest by {dear} ({dear_cost}) and lowest by {cheap} ({cheap_cost}), "
                "over the {covered} of {lines} lines that record both as numbers.",
                slots={
                    "dear": f"rows[{first}].mode",
                    "dear_cost": f"rows[{first}].median_freight_per_kg",
                    "cheap": f"rows[{last}].mode",
                    "cheap_cost": f"rows[{last}].median_freight_per_kg",
                    "covered": "figures.freight_lines",
                    "lines": "figures.lines",
                },
            )
        )
    figures = _figures(list(lines.all), late_lines(lines.all)) | {
        "lines_without_mode": Figure(value=len(unmoded), unit="count", label="lines without a mode", records=cite(unmoded)),
        "freight_lines": Figure(
            value=len(priced), unit="count", label="lines with freight and weight as numbers", records=cite(priced)
        ),
        "freight_coverage": Figure(
            value=percent(len(priced), len(lines.all)),
            unit="percent",
            label="lines with freight and weight as numbers",
            records=cite(priced),
        ),
        "freight_text_share": Figure(
            value=percent(len(textual), len(lines.all)),
            unit="percent",
            label="lines whose freight cell holds text",
            records=cite(textual),
        ),
    }
    return ModeComparison(
        title="Shipment modes compared",
        scope=lines.scope,
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="mode", label="Mode"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="late_lines", label="Late", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
            Column(field="average_days_late", label="Days late when late", unit="days"),
            Column(field="freight_lines", label="Lines with freight and weight", unit="count"),
            Column(field="median_freight_per_kg", label="Median freight per kg", unit="usd"),
        ],
        figures=figures,
        highlights=highlights,
        caveats=[
            *lines.gaps,
            f"Freight per kilogram covers {len(priced)} of {len(lines.all)} lines: the others lack a number.",
            f"{len(unmoded)} lines have no shipment mode.",
            LANES,
        ],
        chart=ChartHint(type="bar", title="Late rate by mode", x="mode", y=["late_rate"]),
        query=lines.query,
    )


class NetworkArgs(Filters, Ranked):
    by: Literal["year", "destination", "product_group", "mode"] = Field("year", description="what the rows are grouped by")
    min_lines: int = Field(0, ge=0, description="leave out groups with fewer order lines, e.g. 50")


class NetworkRow(Row):
    group: str
    lines: int
    late_lines: int
    late_rate: Decimal
    average_days_late: Decimal | None


class NetworkDeliveries(ToolResult):
    product: ClassVar[str] = "network_deliveries"
    needs: ClassVar[tuple[str, ...]] = ("scheduled", "delivered")
    rows: list[NetworkRow] = Field(default_factory=list)


@tool(READ)
def network_deliveries(args: NetworkArgs, ctx: ToolContext) -> NetworkDeliveries:
    """Measure deliveries over the whole network, the internal warehouse included: the late share in total and by year,
    destination country, product group or mode.

    Use it for "what share of deliveries is late" and "which countries get late deliveries". Groups are ranked by late rate, years
    follow each other. Not to rank suppliers.
    """
    lines = read_lines(ctx, args, NetworkDeliveries, direct_only=False)
    if args.by != "year" and not lines.have(args.by):
        raise ToolError(lacks(args.by))
    keys: dict[str, Callable[[Line], str]] = {
        "year": lambda line: str(line.day.year),
        "destination": lambda line: line.destination or NOT_RECORDED,
        "product_group": lambda line: line.product_group or NOT_RECORDED,
        "mode": lambda line: line.mode or NOT_RECORDED,
    }
    groups = lines.by(keys[args.by])
    rows = []
    for group, own in sorted(groups.items()):
        if len(own) < args.min_lines:
            continue
        late = late_lines(own)
        rows.append(
            NetworkRow(
                records=cite(own),
                group=group,
                lines=len(own),
                late_lines=len(late),
                late_rate=percent(len(late), len(own)),
                average_days_late=_average_days(late),
            )
        )
    label = args.by.replace("_", " ")
    if not rows:
        raise ToolError(f"no {label} has {args.min_lines} order lines ({lines.scope}): lower min_lines")
    sign = 1 if args.order == "lowest" else -1
    ranking = sorted(range(len(rows)), key=lambda index: (sign * rows[index].late_rate, rows[index].group))
    if args.by != "year":
        rows, ranking = [rows[index] for index in ranking], list(range(len(rows)))
    named = [index for index in ranking if rows[index].lines >= SMALL_SAMPLE][: min(args.top, TOLD)]
    left_out = len(groups) - len(rows)
    highlights = [
        Highlight(
            text="{late} of {lines} order lines came late ({rate}), by {days} on average.",
            slots={
                "late": "figures.late_lines",
                "lines": "figures.lines",
                "rate": "figures.late_rate",
                "days": "figures.average_days_late",
            },
        )
    ]
    for place, index in enumerate(named):
        text = f"The late rate is {args.order} for {label} {{group}}" if not place else f"Then {label} {{group}}"
        slots = {name: f"rows[{index}].{name}" for name in ("group", "late_rate", "late_lines", "lines")}
        highlights.append(Highlight(text=f"{text}: {{late_rate}}, {{late_lines}} of {{lines}} lines.", slots=slots))
    return NetworkDeliveries(
        title=f"Deliveries over the network by {label}",
        scope=", ".join([lines.scope, *([f"at least {args.min_lines} lines each"] if args.min_lines else [])]),
        as_of=lines.as_of,
        rows=rows,
        columns=[
            Column(field="group", label=label.capitalize()),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="late_lines", label="Late", unit="count"),
            Column(field="late_rate", label="Late rate", unit="percent"),
            Column(field="average_days_late", label="Days late when late", unit="days"),
        ],
        figures=_figures(list(lines.all), late_lines(lines.all)),
        highlights=highlights,
        caveats=[*lines.gaps, *([f"{left_out} groups with fewer lines are left out."] if left_out else []), LANES],
        chart=ChartHint(type="line" if args.by == "year" else "bar", title=f"Late rate by {label}", x="group", y=["late_rate"]),
        query=lines.query,
    )


def _figures(lines: list[Line], late: list[Line]) -> dict[str, Figure]:
    records, late_records = cite(lines), cite(late)
    return {
        "lines": Figure(value=len(lines), unit="count", label="order lines", records=records),
        "late_lines": Figure(value=len(late), unit="count", label="late lines", records=late_records),
        "late_rate": Figure(value=percent(len(late), len(lines)), unit="percent", label="late rate", records=records),
        "average_days_late": Figure(
            value=_average_days(late), unit="days", label="average days late when late", records=late_records
        ),
    }


def _average_days(late: list[Line]) -> Decimal | None:
    return ratio(sum(line.days_late for line in late), len(late)) if late else None


def freight_per_kg(line: Line) -> Decimal | None:
    """US dollars a kilogram; None unless freight and weight are both numbers and there is a weight."""
    if line.freight_cents is None or not line.weight_grams:
        return None
    return Decimal(line.freight_cents * 10) / line.weight_grams


def _cost(row: ModeRow) -> Decimal:
    return row.median_freight_per_kg or Decimal(0)
