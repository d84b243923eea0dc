"""Every figure that the data's description states, out of the tools, on the public files."""

from decimal import Decimal
from typing import Any

import pytest

from graphs.claims import wrong_with
from graphs.ground import Ground
from graphs.wire import Claim, Slot
from tests.supply_chain.bench import Bench
from tools.registry import ToolError
from tools.results import Records
from tools.supply_chain.catalogue import TOOLS
from tools.supply_chain.country_risk import country_risk, unstable_sites
from tools.supply_chain.evidence import check_evidence
from tools.supply_chain.finance import annual_spend, country_exposure, financial_exposure
from tools.supply_chain.freight import freight_costs
from tools.supply_chain.periods import compare_periods
from tools.supply_chain.prices import compare_prices
from tools.supply_chain.procurement import list_suppliers, single_sourced_items, supplier_profile
from tools.supply_chain.research import country_indicators, country_risk_from_ranks
from tools.supply_chain.shipments import compare_modes, delivery_performance, network_deliveries


def value(result: Any, name: str) -> Any:
    return result.figures[name].value


def test_direct_drop_population(bench: Bench) -> None:
    result = bench.run(list_suppliers)
    assert value(result, "supplier_count") == len(result.rows) == 72
    assert value(result, "lines") == 4920
    assert value(result, "total_spend") == Decimal("542212022.34")
    assert value(result, "small_samples") == 43
    assert not any("RDC" in row.supplier for row in result.rows), "the internal warehouse is no supplier"


def test_top_five_and_concentration(bench: Bench) -> None:
    bench.run(list_suppliers)
    result = bench.run(financial_exposure, suppliers_ref="s.suppliers")
    top = [(row.supplier.split()[0].strip(",").upper(), round(row.spend / 1_000_000, 1)) for row in result.rows[:5]]
    millions = {"ORGENICS": "147.7", "AUROBINDO": "91.4", "MYLAN": "72.2", "HETERO": "42.9", "CIPLA": "39.7"}
    assert top == [(name, Decimal(amount)) for name, amount in millions.items()]
    assert round(value(result, "top_share"), 2) == Decimal("72.64")
    assert value(result, "hhi") == Decimal("0.1396")
    assert sum(row.spend for row in result.rows) == value(result, "total_spend") == Decimal("542212022.34")


def test_late_lines_of_the_network(bench: Bench) -> None:
    result = bench.run(network_deliveries)
    assert (value(result, "lines"), value(result, "late_lines")) == (10_324, 1_186)
    assert round(value(result, "late_rate"), 2) == Decimal("11.49")
    assert round(value(result, "average_days_late"), 2) == Decimal("21.37")
    assert "internal warehouse included" in result.scope
    by_destination = bench.run(network_deliveries, by="destination")
    assert sum(row.late_lines for row in by_destination.rows) == 1_186


def test_modes_say_how_many_lines_they_cover(bench: Bench) -> None:
    result = bench.run(compare_modes)
    assert value(result, "lines_without_mode") == 360
    assert round(value(result, "freight_text_share")) == 40
    covered = value(result, "freight_lines")
    assert covered == sum(row.freight_lines for row in result.rows) < 10_324
    assert any(f"{covered} of 10324" in caveat for caveat in result.caveats)
    assert any("lead time and cost per lane" in caveat for caveat in result.caveats)


def test_deliveries_are_shrunk(bench: Bench) -> None:
    bench.run(list_suppliers)
    result = bench.run(delivery_performance, suppliers_ref="s.suppliers")
    prior = value(result, "late_rate")
    for row in result.rows:
        assert (
            min(row.late_rate, prior) - Decimal("0.001") <= row.shrunk_late_rate <= max(row.late_rate, prior) + Decimal("0.001")
        )
    assert sum(row.small_sample for row in result.rows) == 43


def test_filters_hold_downstream(bench: Bench) -> None:
    suppliers = bench.run(list_suppliers, countries=["nga"], year_from=2010, year_to=2012)
    exposure = bench.run(financial_exposure, suppliers_ref="s.suppliers")
    assert value(exposure, "total_spend") == value(suppliers, "total_spend") < Decimal("542212022.34")
    assert "delivered to nga" in suppliers.scope and "from 2010 to 2012" in exposure.scope
    assert value(exposure, "lines") == value(suppliers, "lines")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"suppliers": ["Orgenix"]}, "Orgenics, Ltd"),
        ({"countries": ["XXX"]}, "no destination country"),
        ({"modes": ["Teleport"]}, "no shipment mode"),
        ({"year_from": 2030}, "no order lines match"),
        ({"year_from": 2012, "year_to": 2010}, "swap them"),
    ],
)
def test_what_is_not_on_record_is_said(bench: Bench, args: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=said):
        bench.run(list_suppliers, **args)


def test_country_risk_names_its_years_and_gaps(bench: Bench) -> None:
    bench.run(list_suppliers)
    result = bench.run(country_risk, suppliers_ref="s.suppliers")
    assert "indicators 2006 to 2015" in result.as_of
    assert value(result, "suppliers_without_index") == sum(row.risk_index is None for row in result.rows) > 0
    assert all(0 <= row.risk_index <= 100 for row in result.rows if row.risk_index is not None)
    ranks = bench.run(country_risk_from_ranks, suppliers_ref="s.suppliers")
    assert ranks.product == "country_risk" and any("percentile ranks" in caveat for caveat in ranks.caveats)


def test_a_profile_ranks_among_all_suppliers(bench: Bench) -> None:
    result = bench.run(supplier_profile, supplier="cipla limited", suppliers=["CIPLA LIMITED"])
    assert (value(result, "rank"), value(result, "lines"), value(result, "late_lines")) == (5, 175, 23)
    assert round(value(result, "share"), 2) == Decimal("7.31")
    assert sum(row.spend for row in result.rows) == value(result, "spend")


def test_every_highlight_leads_to_a_figure_and_every_figure_to_its_records(bench: Bench) -> None:
    bench.run(list_suppliers)
    results = [
        bench.run(list_suppliers),
        bench.run(financial_exposure, suppliers_ref="s.suppliers"),
        bench.run(delivery_performance, suppliers_ref="s.suppliers"),
        bench.run(country_risk, suppliers_ref="s.suppliers"),
        bench.run(country_exposure),
        bench.run(annual_spend),
        bench.run(compare_periods, compare_years=[2012]),
        bench.run(compare_prices),
        bench.run(compare_modes),
        bench.run(network_deliveries),
        bench.run(freight_costs, by="destination"),
        bench.run(unstable_sites),
        bench.run(single_sourced_items),
        bench.run(supplier_profile, supplier="orgenics, ltd"),
        bench.run(country_indicators, countries=["IND"], year_from=2010, year_to=2015),
    ]
    for result in results:
        dumped = bench.products[f"s.{result.product}"]
        assert result.highlights and result.columns and result.query and result.as_of and result.scope
        for highlight in result.highlights:
            slots = [Slot(name=name, ref=f"{result.product}.{path}") for name, path in highlight.slots.items()]
            claim = Claim(text=highlight.text, slots=slots, kind=highlight.kind)
            assert not wrong_with(claim, Ground({result.product: dumped}, today="2026-03-02"))
        check = bench.run(check_evidence, result_ref=f"s.{result.product}")
        assert value(check, "mismatches") == 0, check.rows[:3]
        assert value(check, "records_checked") > 0


def test_evidence_check_finds_a_wrong_figure_and_a_missing_record(bench: Bench) -> None:
    bench.run(list_suppliers)
    bench.run(financial_exposure, suppliers_ref="s.suppliers")
    forged = bench.products["s.exposure"]
    forged["rows"][0]["spend"] = "1.00"
    forged["rows"][1]["records"] = Records.of("order_lines", [999_999_999]).model_dump()
    check = bench.run(check_evidence, result_ref="s.exposure")
    problems = {(row.path, row.problem) for row in check.rows}
    assert problems == {
        ("rows[0]", "spend differs when recomputed"),
        ("rows[1]", "cited records are not on record"),
    }


def test_tool_names_and_products_are_unique() -> None:
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
    assert all(tool.description and tool.args.model_config.get("extra") == "forbid" for tool in TOOLS)
