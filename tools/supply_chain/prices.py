"""What one item costs from one supplier and from another."""

from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Row, ToolResult
from tools.supply_chain.filters import Filters, Order, Ranked, on_record
from tools.supply_chain.lines import Line, cite, grouped, known, read_lines, spend_cents
from tools.supply_chain.numbers import dollars, median, percent, rounded
from tools.supply_chain.procurement import WAREHOUSE
from tools.supply_chain.tables import items

READ = ToolManifest(effect="read", output="trusted", data_class="internal")


class PriceArgs(Filters, Ranked):
    item: str | None = Field(None, description="the item's description as on record; null: the items with most spend")
    order: Order = Field("lowest", description="lowest price first, or highest first")


class PriceRow(Row):
    item: str
    supplier_id: int
    supplier: str
    lines: int
    quantity: int
    spend: Decimal
    median_price: Decimal
    mean_price: Decimal
    lowest_price: Decimal
    highest_price: Decimal
    over_cheapest: Decimal
    last_bought: str


class PriceComparison(ToolResult):
    product: ClassVar[str] = "price_comparison"
    needs: ClassVar[tuple[str, ...]] = ("item", "value", "quantity")
    rows: list[PriceRow] = Field(default_factory=list)


@tool(READ)
def compare_prices(args: PriceArgs, ctx: ToolContext) -> PriceComparison:
    """Compare what suppliers charged for an item: median price a unit (order value over quantity, line by line), mean, lowest,
    highest.

    Use it for "who sells X cheapest". Without an `item` it compares the items with most spend that more than one supplier sold. A
    unit is what the orders count, for the public records a pack. Not for spend by supplier.
    """
    lines = read_lines(ctx, args, PriceComparison)
    spelt = ctx.resources.reading.run_sync(
        lambda c: on_record(c, [args.item] if args.item else [], items.c.description, "item")
    )
    wanted = spelt[0] if spelt else None
    by_item = lines.by(lambda line: known(line.item, "item"))
    if wanted is not None and wanted not in by_item:
        raise ToolError(f"{wanted} was not bought directly in this scope ({lines.scope}): widen the filters")
    several = {item: own for item, own in by_item.items() if len({line.supplier_id for line in own}) > 1}
    chosen = [wanted] if wanted else sorted(several, key=lambda item: (-spend_cents(by_item[item]), item))[: args.top]
    if not chosen:
        raise ToolError(f"no item was bought from more than one supplier ({lines.scope}): widen the filters")
    rows = [row for item in chosen for row in _of_item(item, by_item[item], args.order)]
    cheapest = {item: min((row for row in rows if row.item == item), key=lambda row: row.median_price) for item in chosen}
    highlights = []
    for item in chosen[:4]:
        low, high = (
            rows.index(cheapest[item]),
            rows.index(max((r for r in rows if r.item == item), key=lambda r: r.median_price)),
        )
        slots = {name: f"rows[{low}].{name}" for name in ("supplier", "item", "median_price", "lines")}
        text = "{supplier} is the cheapest for {item}: a median of {median_price} a unit over {lines} order lines"
        if low != high:
            text += "; {dearest} is the dearest at {dear}"
            slots |= {"dearest": f"rows[{high}].supplier", "dear": f"rows[{high}].median_price"}
        highlights.append(Highlight(text=f"{text}.", slots=slots))
    cited = [line for item in chosen for line in by_item[item]]
    return PriceComparison(
        title="Prices by supplier",
        scope=f"{lines.scope}; {f'item {wanted}' if wanted else f'{len(chosen)} items with most spend from several suppliers'}",
        as_of=lines.as_of,
        rows=rows,
        columns=[
            *([] if wanted else [Column(field="item", label="Item")]),
            Column(field="supplier", label="Supplier"),
            Column(field="median_price", label="Median price a unit", unit="usd"),
            Column(field="lines", label="Order lines", unit="count"),
            Column(field="lowest_price", label="Lowest", unit="usd"),
            Column(field="highest_price", label="Highest", unit="usd"),
            Column(field="mean_price", label="Spend over quantity", unit="usd"),
            Column(field="over_cheapest", label="Over the cheapest", unit="percent"),
            Column(field="quantity", label="Quantity", unit="count"),
            Column(field="spend", label="Spend", unit="usd"),
            Column(field="last_bought", label="Last bought", unit="date"),
            *([Column(field="item", label="Item")] if wanted else []),
        ],
        figures={
            "item_count": Figure(value=len(chosen), unit="count", label="items compared"),
            "total_spend": Figure(
                value=dollars(spend_cents(cited)), unit="usd", label="spend on the items compared", records=cite(cited)
            ),
            "lines": Figure(value=len(cited), unit="count", label="order lines", records=cite(cited)),
        },
        highlights=highlights,
        caveats=[
            WAREHOUSE,
            *lines.gaps,
            "Prices are of different years and quantities, as invoiced: a cheaper one may be an older one.",
        ],
        chart=ChartHint(type="bar", title="Median price by supplier", x="supplier", y=["median_price"]) if wanted else None,
        query=f"{lines.query}\n-- price of a line: value / quantity; ranked by the median of a supplier's lines",
    )


def _of_item(item: str, bought: list[Line], order: str) -> list[PriceRow]:
    """One item's suppliers by median price."""
    priced = {
        supplier_id: sorted(_price(line) for line in own)
        for supplier_id, own in grouped(bought, lambda line: line.supplier_id).items()
    }
    middle = {supplier_id: median(prices) or Decimal(0) for supplier_id, prices in priced.items()}
    least = min(middle.values())
    rows = []
    for supplier_id, own in grouped(bought, lambda line: line.supplier_id).items():
        quantity = sum(known(line.quantity, "quantity") for line in own)
        rows.append(
            PriceRow(
                records=cite(own),
                item=item,
                supplier_id=supplier_id,
                supplier=own[0].supplier,
                lines=len(own),
                quantity=quantity,
                spend=dollars(spend_cents(own)),
                median_price=middle[supplier_id],
                mean_price=rounded(dollars(spend_cents(own)) / quantity),
                lowest_price=rounded(priced[supplier_id][0]),
                highest_price=rounded(priced[supplier_id][-1]),
                over_cheapest=percent(middle[supplier_id] - least, least),
                last_bought=max(line.day for line in own).isoformat(),
            )
        )
    sign = -1 if order == "highest" else 1
    return sorted(rows, key=lambda row: (sign * row.median_price, row.supplier))


def _price(line: Line) -> Decimal:
    """US dollars a unit, unrounded."""
    return dollars(line.cents) / known(line.quantity, "quantity")
