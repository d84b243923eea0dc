"""Charts: the core tool `make_chart` turns rows of a product into a typed spec; `render_svg` draws a spec as a static picture.

The tool copies data from the product it is given; nobody types a number. A spec is data: the report carries it, and
renderers draw it (`tools/chart_drawing.py`).
"""

from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import Column, Figure, Row, ToolResult, Unit, product_ref

ChartType = Literal["bar", "line", "stacked_bar", "heatmap", "scatter"]


class ChartArgs(BaseModel):
    """What to draw. A heatmap has a row for each `x` and a column for each of `y`; a scatter needs a numeric `x`."""

    model_config = ConfigDict(extra="forbid")

    ref: str = product_ref("*", "reference to the product to draw, e.g. s2.exposure")
    type: ChartType
    title: str = Field(min_length=1, max_length=160, description="what the chart shows, in words")
    x: str = Field(description="the row field on the x axis: categories, years or dates")
    y: list[str] = Field(min_length=1, max_length=8, description="the numeric row fields to draw")
    limit: int = Field(20, ge=0, le=200, description="how many rows, from the first; 0: all, up to 200")


class Axis(BaseModel):
    """The x axis: a value for each point, as text or number."""

    field: str
    label: str
    unit: Unit
    values: list[Decimal | int | str | None]


class Series(BaseModel):
    """One row field over all points; None where the source has no value."""

    field: str
    label: str
    unit: Unit
    values: list[Decimal | int | None]


class ChartSpec(ToolResult):
    """A chart as data. `rows` are the source's rows (with their records), so that each point can be opened."""

    product: ClassVar[str] = "chart"

    type: ChartType
    source: str = Field(description="the product drawn, e.g. s2.exposure")
    x: Axis
    series: list[Series]
    labels: list[str] = Field(default_factory=list, description="names of the points of a scatter")
    total_rows: int = Field(description="rows of the source; more than the points if the chart is cut")


class ChartRow(Row):
    """A row of the source, with the fields drawn."""

    model_config = ConfigDict(extra="allow")


@tool(ToolManifest(effect="read", output="trusted", data_class="internal", timeout=10.0))
def make_chart(args: ChartArgs, ctx: ToolContext) -> ChartSpec:
    """Draw rows of an earlier product as a bar, line, stacked bar, heatmap or scatter chart. Pass a reference to the product
    and names of its row fields, never data."""
    source = ctx.inputs.get(args.ref)
    if source is None:
        raise ToolError(f"there is no product {args.ref!r}; there are: {', '.join(sorted(ctx.inputs)) or 'none'}")
    columns = [Column.model_validate(column) for column in source.get("columns", [])]
    named = {column.field: column for column in columns}
    all_rows: list[dict[str, Any]] = list(source.get("rows", []))
    if not all_rows:
        raise ToolError(f"{args.ref} has no rows: there is nothing to draw")
    for field in (args.x, *args.y):
        if field not in named:
            raise ToolError(f"{args.ref} has no field {field!r}; it has: {', '.join(named) or 'none'}")
    rows = all_rows[: args.limit or 200]
    series = [_series(named[field], rows, args.ref) for field in dict.fromkeys(args.y)]
    x = Axis(field=args.x, label=named[args.x].label, unit=named[args.x].unit, values=[row.get(args.x) for row in rows])
    if args.type == "scatter":
        x.values = list(_series(named[args.x], rows, args.ref).values)
    names = next((c.field for c in columns if c.unit == "text" and c.field != args.x), None) if args.type == "scatter" else None
    shown = [args.x, *([names] if names else []), *dict.fromkeys(args.y)]
    caveats = list(source.get("caveats", []))
    if len(rows) < len(all_rows):
        caveats.insert(0, f"the chart shows the first {len(rows)} of {len(all_rows)} rows")
    return ChartSpec(
        title=args.title,
        scope=source["scope"],
        as_of=source["as_of"],
        rows=[ChartRow.model_validate({field: row.get(field) for field in (*shown, "records")}) for row in rows],
        columns=[named[field] for field in dict.fromkeys(shown)],
        figures={"points": Figure(value=len(rows), unit="count", label="points drawn")},
        caveats=caveats,
        query=f"rows of {args.ref}",
        type=args.type,
        source=args.ref,
        x=x,
        series=series,
        labels=[str(row.get(names) or "") for row in rows] if names else [],
        total_rows=len(all_rows),
    )


def _series(column: Column, rows: list[dict[str, Any]], ref: str) -> Series:
    """A numeric column of the rows. Raises `ToolError` when a value is not a number."""
    return Series(
        field=column.field,
        label=column.label,
        unit=column.unit,
        values=[_number(row.get(column.field), column, ref) for row in rows],
    )


def _number(value: Any, column: Column, ref: str) -> Decimal | int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ToolError(f"{column.field} of {ref} is not numeric (it has {value!r}): draw a numeric field")
    return number


def render_svg(spec: ChartSpec) -> str:
    """The chart as a self-contained SVG element, the same bytes for the same spec. Blocking (about 0.2 s): call it in a thread."""
    from tools.chart_drawing import draw  # matplotlib is slow to import and only needed for pictures

    return draw(spec)
