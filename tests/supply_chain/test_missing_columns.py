"""Tools on order lines that lack columns: each says what it needs, or leaves that part out. None counts nothing as zero."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from settings import Settings
from tests.supply_chain.bench import Bench
from tests.supply_chain.own_files import text_file
from tools.query import query_tool
from tools.registry import Tool, ToolError
from tools.supply_chain.catalogue import TOOLS
from tools.supply_chain.country_risk import country_risk, unstable_sites
from tools.supply_chain.coverage import cover
from tools.supply_chain.evidence import check_evidence
from tools.supply_chain.finance import annual_spend, country_exposure, financial_exposure
from tools.supply_chain.freight import freight_costs
from tools.supply_chain.importers.own import import_orders, propose
from tools.supply_chain.prices import compare_prices
from tools.supply_chain.procurement import list_suppliers, single_sourced_items, supplier_profile
from tools.supply_chain.score import score_suppliers
from tools.supply_chain.shipments import compare_modes, delivery_performance, network_deliveries
from tools.supply_chain.store import open_records
from tools.supply_chain.views import VIEWS

FULL = {
    "Supplier": ("Acme", "Acme", "Beta", "Beta"),
    "Due date": ("2014-01-31",) * 4,
    "Delivered on": ("2014-02-10", "2014-01-30", "2014-01-31", ""),
    "Amount": ("600", "200", "200", ""),
    "Qty": ("1", "2", "3", "4"),
    "Item": ("Bolt", "Nut", "Nut", "Nut"),
    "Country of origin": ("India", "India", "", "Germany"),
    "Destination": ("Kenya", "Ghana", "Kenya", "Kenya"),
    "Mode": ("Air", "Sea", "Air", "Air"),
}
NEEDS: dict[str, tuple[Tool, dict[str, Any], str, tuple[str, ...]]] = {
    "exposure": (financial_exposure, {"suppliers_ref": "s.suppliers"}, "order value", ("Amount",)),
    "by country": (country_exposure, {}, "country of manufacture", ("Country of origin",)),
    "by year": (annual_spend, {}, "order value", ("Amount",)),
    "deliveries": (delivery_performance, {"suppliers_ref": "s.suppliers"}, "actual delivery date", ("Delivered on",)),
    "deliveries, not due": (delivery_performance, {"suppliers_ref": "s.suppliers"}, "scheduled delivery date", ("Due date",)),
    "modes": (compare_modes, {}, "shipment mode", ("Mode",)),
    "modes, undated": (compare_modes, {}, "actual delivery date", ("Delivered on",)),
    "network": (network_deliveries, {}, "actual delivery date", ("Delivered on",)),
    "network by place": (network_deliveries, {"by": "destination"}, "destination country", ("Destination",)),
    "network by group": (network_deliveries, {"by": "product_group"}, "product group", ()),
    "single source": (single_sourced_items, {}, "item", ("Item",)),
    "country risk": (country_risk, {"suppliers_ref": "s.suppliers"}, "country of manufacture", ("Country of origin",)),
    "freight": (freight_costs, {}, "freight cost", ()),
    "prices": (compare_prices, {}, "quantity", ("Qty",)),
    "sites": (unstable_sites, {}, "country of manufacture", ("Country of origin",)),
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    records = open_records(Settings(home=tmp_path / "home"))
    yield Bench(records)
    records.close()


def load(bench: Bench, tmp_path: Path, without: tuple[str, ...] = ()) -> None:
    header = [name for name in FULL if name not in without]
    path = text_file(tmp_path / "own.csv", header, list(zip(*(FULL[name] for name in header), strict=True)))
    import_orders(bench.records.writing, path, propose(path).mapping)
    bench.run(list_suppliers)


def value(result: Any, name: str) -> Any:
    return result.figures[name].value


@pytest.mark.parametrize("name", NEEDS)
def test_a_tool_names_the_column_it_cannot_do_without(bench: Bench, tmp_path: Path, name: str) -> None:
    tool, args, column, without = NEEDS[name]
    load(bench, tmp_path, without)
    with pytest.raises(ToolError, match=f"this needs the {column}, which the order lines on record do not have"):
        bench.run(tool, **args)


def test_lines_with_gaps_are_left_out_and_counted(bench: Bench, tmp_path: Path) -> None:
    load(bench, tmp_path)
    deliveries = bench.run(delivery_performance, suppliers_ref="s.suppliers")
    assert (value(deliveries, "lines"), value(deliveries, "late_lines")) == (3, 1)
    assert "1 of 4 order lines have no actual delivery date and are left out." in deliveries.caveats
    exposure = bench.run(financial_exposure, suppliers_ref="s.suppliers")
    assert value(exposure, "total_spend") == Decimal("1000.00")
    assert "1 of 4 order lines have no order value and are left out." in exposure.caveats
    assert value(bench.run(country_exposure), "unknown_share") == 20
    for product in ("suppliers", "deliveries", "exposure"):
        assert value(bench.run(check_evidence, result_ref=f"s.{product}"), "mismatches") == 0


def test_suppliers_without_amounts_are_counted_not_priced(bench: Bench, tmp_path: Path) -> None:
    load(bench, tmp_path, ("Amount",))
    result = bench.run(list_suppliers)
    assert [(row.supplier, row.lines, row.spend) for row in result.rows] == [("Acme", 2, None), ("Beta", 2, None)]
    assert "total_spend" not in result.figures and not any("$" in one.text or "spend" in one.text for one in result.highlights)
    profile = bench.run(supplier_profile, supplier="Acme")
    assert "spend" not in profile.figures and "The order lines on record have no order value." in profile.caveats
    assert value(profile, "late_lines") == 1


def test_a_profile_without_dates_has_no_late_rate(bench: Bench, tmp_path: Path) -> None:
    load(bench, tmp_path, ("Delivered on", "Destination", "Item"))
    profile = bench.run(supplier_profile, supplier="Acme")
    assert value(profile, "spend") == Decimal("800.00") and value(profile, "share") == 80
    assert not {"late_rate", "late_lines", "destinations", "sole_items"} & profile.figures.keys()
    assert "The order lines on record have no actual delivery date." in profile.caveats


def test_the_score_goes_on_without_deliveries_and_country(bench: Bench, tmp_path: Path) -> None:
    load(bench, tmp_path, ("Delivered on", "Country of origin"))
    bench.run(financial_exposure, suppliers_ref="s.suppliers")
    result = bench.run(score_suppliers, exposure_ref="s.exposure")
    first = result.rows[0]
    assert first.score == first.exposure_part == 100 and first.missing_parts == "delivery, country, sanctions"
    assert first.late_rate is None and "delivery unknown" in first.reason
    assert "The delivery part is missing: the other weights were scaled up for every supplier." in result.caveats


def test_a_query_may_show_an_empty_column_but_not_reckon_with_it(bench: Bench, tmp_path: Path) -> None:
    load(bench, tmp_path, ("Delivered on",))
    query = query_tool(VIEWS)
    for sql in (
        "SELECT count(*) AS late FROM orders WHERE delivered > scheduled",
        "SELECT supplier, max(o.delivered) AS last FROM orders o GROUP BY supplier",
    ):
        with pytest.raises(ToolError, match="this needs delivered, which no record of orders has"):
            bench.run(query, sql=sql)
    assert len(bench.run(query, sql="SELECT line_id, delivered FROM orders").rows) == 4
    assert bench.run(query, sql="SELECT count(*) AS n FROM orders WHERE delivered IS NULL").rows[0].n == 4


def test_coverage_follows_what_tools_need() -> None:
    least = frozenset({"supplier", "ordered", "quantity"})
    assert cover(["deliveries"], least, TOOLS).titles() == ("scheduled delivery date", "actual delivery date")
    assert cover(["risk_scores", "case"], least, TOOLS).missing == ("value",)
    found = cover(["risk_scores"], least | {"value"}, TOOLS)
    assert not found.missing and found.without == ("deliveries", "country_risk")
    assert cover(["sanctions", "supplier_profile"], least, TOOLS) == cover([], least, TOOLS)
    assert cover(["single_source"], least, TOOLS).missing == ("item", "value")
