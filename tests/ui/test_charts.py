"""Every kind of chart at a browser: drawn under the page's policy, said in words, with its data as a table and as CSV."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Route, expect

from graphs.answer import Answer, AnswerChart, AnswerSection
from tests.service.serving import Server
from tests.ui.conftest import WAIT_MS, Watched, accessible
from tools.charts import Axis, ChartRow, ChartSpec, ChartType, Series
from tools.results import Column, Unit

SUPPLIERS = ("Halden Biologics Ltd", "Nordfell Diagnostics and Medical Supplies AG", "\u202e=cmd|'/c'!A1", "Ipca")
SPEND = (Decimal("122334455.12"), Decimal("45000000"), Decimal("9000000"), None)
LATE = (Decimal("11.2"), Decimal("25.3"), Decimal("0.72"), Decimal("4"))


def drawn(type: ChartType, *measures: tuple[str, Unit, tuple[Decimal | None, ...]]) -> AnswerChart:
    """A chart of the four suppliers; a cloud has its first measure across and the suppliers' names at its points."""
    series = [Series(field=label.lower(), label=label, unit=unit, values=list(values)) for label, unit, values in measures]
    x = Axis(field="supplier", label="Supplier", unit="text", values=list(SUPPLIERS))
    if type == "scatter":
        first = series.pop(0)
        x = Axis(field=first.field, label=first.label, unit=first.unit, values=list(first.values))
    columns = [Column(field="supplier", label="Supplier")]
    columns += [Column(field=label.lower(), label=label, unit=unit) for label, unit, _ in measures]
    rows: list[dict[str, Any]] = [{"supplier": name, "records": {"table": "t", "keys": "1", "count": 1}} for name in SUPPLIERS]
    for label, _, values in measures:
        for row, value in zip(rows, values, strict=True):
            row[label.lower()] = value
    spec = ChartSpec(
        title=f"The {type}",
        scope="order lines",
        as_of="2015-09-14",
        rows=[ChartRow.model_validate(row) for row in rows],
        columns=columns,
        type=type,
        source="s2.exposure",
        x=x,
        series=series,
        labels=list(SUPPLIERS) if type == "scatter" else [],
        total_rows=9,
    )
    return AnswerChart(caption=spec.title, spec=spec.model_dump(mode="json"))


CHARTS = (
    drawn("bar", ("Spend", "usd", SPEND)),
    drawn("stacked_bar", ("Exposure", "score", LATE), ("Delivery", "score", LATE)),
    drawn("line", ("Late", "percent", LATE), ("Shrunk", "percent", LATE)),
    drawn("heatmap", ("Spend", "usd", SPEND), ("Late", "percent", LATE)),
    drawn("scatter", ("Spend", "usd", SPEND), ("Late", "percent", LATE)),
)

REDRAWN = """() => new Promise((done) => {
  const picture = () => document.querySelector('figure .picture').getBoundingClientRect();
  const look = () => picture().right <= 390 ? done() : requestAnimationFrame(look);
  look();
})"""


def test_every_kind_of_chart(served: Server, watched: Watched, tmp_path: Path) -> None:
    answer = Answer(
        title="Charts",
        goal="Charts",
        status="complete",
        sections=(AnswerSection(heading="All", charts=CHARTS),),
        made_on="2015-09-14",
    ).model_dump(mode="json")

    def answered(route: Route) -> None:  # no specialist draws all kinds, and nobody but a run may write an answer
        real = route.fetch()
        route.fulfill(response=real, json={**real.json(), "values": {**real.json()["values"], "answer": answer}})

    watched.context.route("**/threads/*/state", answered)
    with httpx.Client(base_url=served.url, timeout=WAIT_MS / 1000) as http:
        id = http.post("/threads", json={"metadata": {"goal": "Charts", "graph_id": "orchestrator"}}).json()["thread_id"]
        said = {"messages": [{"role": "user", "content": "Charts"}]}
        assert http.post(f"/threads/{id}/state", json={"values": said, "as_node": "report"}).status_code == 200
    page = watched.tab(f"#/t/{id}")
    pictures = page.locator("figure .picture")
    expect(pictures).to_have_count(5)
    figure = {chart.spec["type"]: page.locator("figure").nth(at) for at, chart in enumerate(CHARTS)}
    for type, spot in figure.items():
        picture = spot.locator(".picture")
        assert (picture.get_attribute("aria-label") or "").startswith(f"{type.replace('_', ' ')} chart by "), type
        expect(spot.locator("figcaption")).to_contain_text("4 of 9 rows: order lines; 2015-09-14")
        assert picture.locator("style").count() == 0
    bar = figure["bar"].locator(".picture")
    assert "highest $122.3M (Halden Biologics Ltd), lowest $9M (‹U+202E›=cmd" in (bar.get_attribute("aria-label") or "")
    expect(bar).to_contain_text("Spend (US dollars)")
    expect(bar).to_contain_text("‹U+202E›=cmd")
    fills = "(one) => new Set([...one.querySelectorAll('[data-mark=rect] rect')].map((bar) => bar.getAttribute('fill'))).size"
    assert figure["stacked_bar"].locator(".picture").evaluate(fills) == 2
    expect(figure["stacked_bar"].get_by_role("listitem")).to_have_text(["Exposure", "Delivery"])
    assert figure["line"].locator(".picture [data-mark=line]").count() == 2
    expect(figure["heatmap"].locator(".picture")).to_contain_text("$122.3M")
    expect(figure["scatter"].locator(".picture")).to_contain_text("Halden Biologics Ltd")

    figure["bar"].get_by_text("Data of this chart").click()
    expect(figure["bar"].get_by_role("row")).to_have_count(5)
    expect(figure["bar"].get_by_role("cell", name="$122,334,455.12")).to_be_visible()
    with page.expect_download() as saved:
        figure["bar"].get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "chart.csv")
    lines = (tmp_path / "chart.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["Supplier,Spend", "Halden Biologics Ltd,122334455.12"] and lines[4] == "Ipca,"
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate(REDRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
