"""`make_chart` copies rows into a typed spec and never takes a number from a model; `render_svg` draws it, the same every time."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from governance.identity import Caller
from tests.support import open_tool
from tools.charts import ChartArgs, ChartSpec, make_chart, render_svg
from tools.registry import ToolContext, ToolError

RECORDS = {"table": "order_lines", "keys": "1-3", "count": 3}
ROWS = [
    {"supplier": f"Firm {n} <&> Söhne", "spend": str(100 * n), "late": n, "year": 2010 + n, "records": RECORDS}
    for n in range(1, 8)
]
PRODUCT: dict[str, Any] = {
    "title": "Spend",
    "scope": "all lines",
    "as_of": "2015",
    "rows": ROWS,
    "columns": [
        {"field": "supplier", "label": "Supplier", "unit": "text"},
        {"field": "year", "label": "Year", "unit": "count"},
        {"field": "spend", "label": "Spend", "unit": "usd"},
        {"field": "late", "label": "Late lines", "unit": "count"},
    ],
    "figures": {},
    "highlights": [],
    "caveats": [],
}


async def chart(**args: Any) -> ChartSpec:
    context = ToolContext(Caller("ann"), None, inputs={"s1.exposure": PRODUCT})
    made = ChartArgs.model_validate(
        {"ref": "s1.exposure", "title": "Spend", "x": "supplier", "y": ["spend"], "limit": 0} | args
    )
    found = open_tool(make_chart, made, context)
    assert isinstance(found, ChartSpec)
    return found


async def test_the_data_are_the_products_own() -> None:
    spec = await chart(type="bar", limit=3)
    assert [str(v) for v in spec.series[0].values] == ["100", "200", "300"]
    assert spec.x.values == [row["supplier"] for row in ROWS[:3]]
    assert spec.total_rows == 7 and spec.source == "s1.exposure" and spec.scope == "all lines"


@pytest.mark.parametrize("wrong", [{"x": "nothing"}, {"y": ["nothing"]}, {"y": ["supplier"]}])
async def test_a_field_that_is_not_there_is_named_with_those_that_are(wrong: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match=r"spend|Spend|number|numeric"):
        await chart(type="bar", **wrong)


@pytest.mark.parametrize(
    "given",
    [
        {"type": "bar"},
        {"type": "bar", "y": ["spend", "late"]},
        {"type": "stacked_bar", "y": ["spend", "late"]},
        {"type": "line", "x": "year"},
        {"type": "scatter", "x": "late"},
        {"type": "heatmap", "y": ["spend", "late"]},
    ],
    ids=lambda given: f"{given['type']}-{len(given.get('y', ['one']))}",
)
async def test_every_type_draws_the_same_bytes_twice_with_title_and_description(given: dict[str, Any]) -> None:
    spec = await chart(**given)
    first = render_svg(spec)
    assert first == render_svg(spec)
    root = ElementTree.fromstring(first)
    names = {element.tag.rpartition("}")[2] for element in root}
    assert root.tag.endswith("svg") and {"title", "desc"} <= names
    assert "<script" not in first and "http://" not in first.replace("http://www.w3.org", "")
