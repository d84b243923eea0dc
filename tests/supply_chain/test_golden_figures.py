"""Every golden figure of the goals out of a tool, and every new figure against pandas on the raw files, without the product's code.

`QUESTIONS` says which tool and which arguments answer a goal; the values are those of the goals' files.
"""

from typing import Any

import pandas as pd
import pytest
import yaml

from evals.goals.golden import HERE, latest, read_orders, top
from tests.supply_chain.bench import Bench, data_folder
from tools.registry import Tool
from tools.supply_chain.briefs import approval_briefs
from tools.supply_chain.country_risk import country_risk, unstable_sites
from tools.supply_chain.evidence import check_evidence
from tools.supply_chain.finance import country_exposure, financial_exposure
from tools.supply_chain.freight import freight_costs
from tools.supply_chain.periods import compare_periods
from tools.supply_chain.prices import compare_prices
from tools.supply_chain.procurement import list_suppliers
from tools.supply_chain.sanctions import screen_suppliers
from tools.supply_chain.score import score_suppliers
from tools.supply_chain.shipments import compare_modes, delivery_performance, network_deliveries

AUROBINDO, CIPLA, HETERO, ORGENICS = "Aurobindo Pharma Limited", "CIPLA LIMITED", "HETERO LABS LIMITED", "Orgenics, Ltd"
MYLAN, TRINITY = "MYLAN LABORATORIES LTD (FORMERLY MATRIX LABORATORIES)", "Trinity Biotech, Plc"
EFAVIRENZ = "Efavirenz 600mg, tablets, 30 Tabs"
OF = {"suppliers_ref": "s.suppliers"}
Question = tuple[str, Tool, dict[str, Any], dict[str, Any], dict[str, str]]
QUESTIONS: list[Question] = [  # goal, tool, settings of list_suppliers, arguments of the tool, {label of a golden figure: path}
    ("total-spend", financial_exposure, {}, OF, {"direct-drop spend": "total_spend", "lines": "lines", "vendors": "supplier_count"}),
    ("top-five-share", financial_exposure, {}, OF, {"share of the top five": "top_share"}),
    ("late-share", network_deliveries, {}, {}, {"late lines": "late_rate", "days late when late": "average_days_late"}),
    ("worst-on-delivery", delivery_performance, {"min_lines": 100}, OF, {"late share of the worst": "rows.late_rate"}),
    ("air-or-ocean", compare_modes, {}, {"modes": ["Air", "Ocean"]},
     {"late by air": "Air.late_rate", "late by ocean": "Ocean.late_rate"}),
    ("freight-booked", freight_costs, {}, {}, {"freight with an amount": "freight", "lines with an amount": "freight_lines"}),
    ("cipla-or-hetero", financial_exposure, {"suppliers": [CIPLA, HETERO]}, OF,
     {"spend with Cipla": f"{CIPLA}.spend", "spend with Hetero": f"{HETERO}.spend"}),
    ("cipla-or-hetero", delivery_performance, {"suppliers": [CIPLA, HETERO]}, OF,
     {"late with Cipla": f"{CIPLA}.late_rate", "late with Hetero": f"{HETERO}.late_rate"}),
    ("hiv-test-kits", financial_exposure, {"product_groups": ["HIV test"]}, OF, {"spend on HIV tests": "total_spend"}),
    ("spend-2014", financial_exposure, {"year_from": 2014, "year_to": 2014}, OF,
     {"direct-drop spend 2014": "total_spend", "lines": "lines"}),
    ("late-destinations", network_deliveries, {}, {"by": "destination", "min_lines": 50},
     {"late in the worst country": "rows.late_rate"}),
    ("made-in-india", country_exposure, {}, {"made_in": ["IND"]}, {"share of direct-drop spend made in India": "rows.share"}),
    ("sanctions-screen", screen_suppliers, {}, OF, {"suppliers screened": "screened"}),
    ("efavirenz-price", compare_prices, {}, {"item": EFAVIRENZ}, {"median pack price of the cheapest": "rows.median_price"}),
    ("no-shipment-mode", compare_modes, {}, {}, {"lines without a mode": "lines_without_mode"}),
    ("concentration-index", financial_exposure, {}, OF, {"HHI": "hhi"}),
    ("aurobindo-or-mylan", delivery_performance, {"suppliers": [AUROBINDO, MYLAN]}, OF,
     {"late with Aurobindo": f"{AUROBINDO}.late_rate", "late with Mylan": f"{MYLAN}.late_rate"}),
    ("haiti-by-ocean", compare_modes, {}, {"countries": ["HTI"], "modes": ["Ocean"]}, {"lines to Haiti by ocean": "lines"}),
    ("trinity-spend", financial_exposure, {"suppliers": [TRINITY]}, OF,
     {"spend with Trinity": "spend", "share of all spend": "share"}),
    ("truck-lateness", compare_modes, {}, {"modes": ["Truck"]}, {"late by truck": "late_rate"}),
    ("india-only", financial_exposure, {"made_in": ["IND"]}, OF,
     {"spend in scope": "total_spend", "suppliers in scope": "supplier_count"}),
    ("with-2012", compare_periods, {}, {"compare_years": [2012]},
     {"direct-drop spend 2012": "in 2012.spend", "direct-drop late share 2012": "in 2012.late_rate"}),
    ("ocean-only", financial_exposure, {"modes": ["Ocean"]}, OF, {"spend in scope": "total_spend"}),
    ("since-2013", financial_exposure, {"year_from": 2013, "year_to": 2015}, OF, {"spend in scope": "total_spend"}),
]  # fmt: skip
NAMES: list[tuple[str, Tool, dict[str, Any], dict[str, Any], str, str]] = [
    ("top-five-share", financial_exposure, {}, OF, "five largest suppliers", "supplier"),
    ("worst-on-delivery", delivery_performance, {"min_lines": 100}, OF, "three worst", "supplier"),
    ("hiv-test-kits", financial_exposure, {"product_groups": ["HIV test"]}, OF, "three largest", "supplier"),
    ("late-destinations", network_deliveries, {}, {"by": "destination", "min_lines": 50}, "worst countries", "group"),
    ("unstable-sites", unstable_sites, {}, {}, "sites in the two lowest of them", "site"),
    ("efavirenz-price", compare_prices, {}, {"item": EFAVIRENZ}, "cheapest", "supplier"),
    (
        "two-thresholds",
        financial_exposure,
        {"min_spend": 10_000_000, "min_late_rate": 10},
        OF,
        "suppliers over both",
        "supplier",
    ),
    ("test-kits-only", financial_exposure, {"product_groups": ["HIV test"]}, OF, "largest in scope", "supplier"),
]


@pytest.fixture(scope="module")
def goals() -> dict[str, dict[str, Any]]:
    files = ("paraphrases.yaml", "heldout.yaml", "variants.yaml")
    return {goal["id"]: goal["expect"] for name in files for goal in yaml.safe_load((HERE / name).read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def orders(bench: Bench) -> pd.DataFrame:
    return read_orders(data_folder())


def at(result: Any, path: str) -> Any:
    """A figure by name; "rows.FIELD" of the first row, "NAME.FIELD" of the row whose first text is NAME."""
    name, _, field = path.rpartition(".")
    if not name:
        return result.figures[field].value
    rows = [row for row in result.rows if name == "rows" or name in row.model_dump().values()]
    return getattr(rows[0], field)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"{question[0]}-{question[1].name}")
def test_a_tool_gives_the_golden_figure(bench: Bench, goals: dict[str, dict[str, Any]], question: Question) -> None:
    goal, tool, chosen, args, wanted = question
    bench.run(list_suppliers, **chosen)
    result = bench.run(tool, **args)
    for label, path in wanted.items():
        golden = next(one["value"] for one in goals[goal]["figures"] if one["label"] == label)
        assert float(at(result, path)) == pytest.approx(golden, abs=5.1e-5), label
    assert not bench.run(check_evidence, result_ref=f"s.{tool.produces}").rows


@pytest.mark.parametrize("question", NAMES, ids=lambda question: f"{question[0]}-{question[1].name}")
def test_a_tool_ranks_as_the_goal_says(bench: Bench, goals: dict[str, dict[str, Any]], question: Any) -> None:
    goal, tool, chosen, args, label, field = question
    bench.run(list_suppliers, **chosen)
    result = bench.run(tool, **args)
    (names,) = (one for one in goals[goal]["names"] if one["label"] == label)
    found = [getattr(row, field) for row in result.rows][: len(names["value"])]
    assert (found if names["ordered"] else sorted(found)) == (names["value"] if names["ordered"] else sorted(names["value"]))


def test_a_supplier_scores_the_same_alone_as_among_all(bench: Bench) -> None:
    every = list(score(bench).values())
    for row in every[:: 12 if bench.records.reading.sqlite else 36]:  # from the riskiest to the safest; all take half a minute
        alone = score(bench, suppliers=[row.supplier])
        assert list(alone) == [row.supplier]
        assert alone[row.supplier].model_dump() == row.model_dump(), row.supplier


def score(bench: Bench, **chosen: Any) -> dict[str, Any]:
    bench.run(list_suppliers, **chosen)
    for tool in (financial_exposure, delivery_performance, country_risk):
        bench.run(tool, **OF)
    refs = {f"{name}_ref": f"s.{name}" for name in ("exposure", "deliveries", "country_risk")}
    return {row.supplier: row for row in bench.run(score_suppliers, **refs).rows}


def test_a_picked_supplier_is_told_of_as_a_part_of_the_whole(bench: Bench, orders: pd.DataFrame) -> None:
    direct = orders[orders.via == "Direct Drop"]
    bench.run(list_suppliers, suppliers=["cipla limited"], modes=["Air"])
    exposure, deliveries = bench.run(financial_exposure, **OF), bench.run(delivery_performance, **OF)
    air = direct[direct["mode"] == "Air"]
    mine = air[air.vendor == CIPLA]
    assert float(at(exposure, "share")) == pytest.approx(100 * mine.value.sum() / air.value.sum(), abs=5.1e-5)
    assert [row.rank for row in exposure.rows] == [top(air, "vendor", 72).index(CIPLA) + 1]
    prior = air.late.mean()
    assert float(deliveries.rows[0].shrunk_late_rate) == pytest.approx(
        100 * (mine.late.sum() + 10 * prior) / (len(mine) + 10), abs=5.1e-5
    )
    assert "mode Air" in exposure.scope and "supplier CIPLA LIMITED" in exposure.scope
    assert any("of all spend" in caveat for caveat in exposure.caveats)


def test_limits_take_the_place_of_the_risk_threshold(bench: Bench, goals: dict[str, dict[str, Any]]) -> None:
    limits = {"min_spend": 10_000_000, "min_late_rate": 10}
    bench.run(list_suppliers, **limits)
    bench.run(financial_exposure, **OF)
    bench.run(delivery_performance, **OF)
    bench.run(score_suppliers, exposure_ref="s.exposure", deliveries_ref="s.deliveries")
    briefs = bench.run(approval_briefs, risk_scores_ref="s.risk_scores", **limits)
    assert sorted(row.supplier for row in briefs.rows) == sorted(goals["two-thresholds"]["names"][0]["value"])
    assert all("Chosen by spend from $10,000,000 and late rate from 10 %." in row.reason for row in briefs.rows)
    assert bench.run(approval_briefs, risk_scores_ref="s.risk_scores", threshold=100, **limits).rows == []


@pytest.mark.parametrize("by", ["mode", "destination", "year"])
def test_freight_by_group(bench: Bench, orders: pd.DataFrame, by: str) -> None:
    result = bench.run(freight_costs, by=by, top=3)
    raw = pd.read_csv(data_folder() / "scms_delivery_history.csv", dtype=str, keep_default_na=False)
    table = orders.assign(kg=pd.to_numeric(raw["weight (kilograms)"], errors="coerce"))
    group = {"mode": table["mode"].replace("", "not recorded"), "destination": table.country, "year": table.year.astype(str)}[
        by
    ]
    billed = table[table.freight.notna()]
    truth = billed.groupby(group).freight.sum().round(2)
    assert {row.group: float(row.freight) for row in result.rows} == pytest.approx(truth.to_dict())
    weighed = billed[billed.kg > 0]
    per_kg = (weighed.freight / weighed.kg).groupby(group).median()
    shown = {row.group: float(row.median_freight_per_kg) for row in result.rows if row.median_freight_per_kg is not None}
    assert shown == pytest.approx(per_kg.to_dict(), abs=5.1e-5)
    assert sum(row.share for row in result.rows) == pytest.approx(100, abs=0.01)
    assert "6198 of 10324 lines" in result.scope


def test_prices_of_one_item(bench: Bench, orders: pd.DataFrame) -> None:
    result = bench.run(compare_prices, item=EFAVIRENZ.upper())
    bought = orders[(orders.via == "Direct Drop") & (orders.item == EFAVIRENZ)]
    unit = (bought.value / bought.quantity).groupby(bought.vendor)
    assert {row.supplier: float(row.median_price) for row in result.rows} == pytest.approx(unit.median().to_dict(), abs=5.1e-5)
    assert {row.supplier: float(row.lowest_price) for row in result.rows} == pytest.approx(unit.min().to_dict(), abs=5.1e-5)
    sums = bought.groupby("vendor")[["value", "quantity"]].sum()
    assert {row.supplier: float(row.mean_price) for row in result.rows} == pytest.approx(
        (sums.value / sums.quantity).to_dict(), abs=5.1e-5
    )
    assert [row.median_price for row in result.rows] == sorted(row.median_price for row in result.rows)
    assert result.rows[0].over_cheapest == 0 and len(result.rows) == bought.vendor.nunique()
    several = bench.run(compare_prices, top=3)
    assert len({row.item for row in several.rows}) == 3


def test_periods_side_by_side(bench: Bench, orders: pd.DataFrame) -> None:
    direct = orders[orders.via == "Direct Drop"]
    result = bench.run(compare_periods, year_from=2013, year_to=2014, compare_years=[2012, 2010])
    spans = {"from 2013 to 2014": (2013, 2014), "in 2012": (2012, 2012), "in 2010": (2010, 2010)}
    assert [row.period for row in result.rows] == list(spans)
    for row in result.rows:
        own = direct[direct.year.between(*spans[row.period])]
        assert (row.lines, row.suppliers, row.late_lines) == (len(own), own.vendor.nunique(), own.late.sum())
        assert float(row.spend) == pytest.approx(own.value.sum(), abs=0.005)
        assert float(row.late_rate) == pytest.approx(100 * own.late.mean(), abs=5.1e-5)


def test_lowest_first_is_the_other_end(bench: Bench, orders: pd.DataFrame) -> None:
    bench.run(list_suppliers, min_lines=100)
    result = bench.run(delivery_performance, order="lowest", **OF)
    direct = orders[orders.via == "Direct Drop"]
    worst_first = latest(direct, "vendor", 99, 100)
    assert [row.supplier for row in result.rows] == worst_first[::-1]
    assert "best on delivery" in result.highlights[0].text


def test_unstable_sites_come_least_stable_first(bench: Bench) -> None:
    wgi = pd.read_csv(data_folder() / "wgi_1996_2023.csv", encoding="utf-8-sig", na_values=[".."], keep_default_na=False)
    stability = wgi[wgi.indicator == "pv"].set_index(["code", "year"])
    result = bench.run(unstable_sites)
    newest = {row.country: row for row in sorted(result.rows, key=lambda row: row.year)}
    order = [newest[row.country].stability for row in result.rows]
    assert order == sorted(order)
    for row in result.rows:
        truth = stability.loc[(row.iso3, row.year)]
        assert (float(row.stability), float(row.estimate)) == pytest.approx((truth.pctrank, truth.estimate), abs=5.1e-5)
        assert row.country == truth.countryname
    assert {row.country for row in result.rows} >= {"Israel", "Thailand", "India"}
