"""The generated company: the same every time, and what is planted in it is to be found."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from governance.identity import Caller
from settings import Settings
from tests.support import dump, open_tool
from tools.registry import ToolContext
from tools.supply_chain.country_risk import country_risk
from tools.supply_chain.demo import PLANTED, make_demo
from tools.supply_chain.finance import financial_exposure
from tools.supply_chain.importers import ImportProblem, import_sites
from tools.supply_chain.procurement import list_suppliers
from tools.supply_chain.sanctions import screen_suppliers
from tools.supply_chain.score import score_suppliers
from tools.supply_chain.shipments import delivery_performance
from tools.supply_chain.store import SystemOfRecord, loaded, open_records
from tools.supply_chain.tables import metadata


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemOfRecord]:
    opened = open_records(Settings(home=tmp_path_factory.mktemp("home")))
    make_demo(opened.writing)
    yield opened
    opened.close()


def ask(records: SystemOfRecord, sql: str) -> list[tuple]:
    return records.reading.run_sync(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


def content(records: SystemOfRecord) -> dict[str, list[tuple]]:
    tables = [table.name for table in metadata.sorted_tables if table.name != "imports"]
    return {name: ask(records, f"SELECT * FROM {name} ORDER BY 1") for name in tables}


BY_SUPPLIER = (
    "SELECT s.name, sum(value_cents) AS spend, avg(delivered > scheduled) AS late FROM order_lines l "
    "JOIN suppliers s ON s.id = l.supplier_id WHERE NOT s.internal GROUP BY s.id HAVING count(*) >= 10 ORDER BY "
)


def test_it_is_the_same_every_time_and_quick(records: SystemOfRecord, tmp_path: Path) -> None:
    other = open_records(Settings(home=tmp_path))
    began = time.perf_counter()
    make_demo(other.writing)
    assert time.perf_counter() - began < 60  # well under a second on an idle machine
    assert content(other) == content(records)
    make_demo(other.writing)
    assert content(other) == content(records)
    assert loaded(other.reading).demo
    other.close()


def test_another_seed_has_the_same_company_and_other_figures(records: SystemOfRecord, tmp_path: Path) -> None:
    other = open_records(Settings(home=tmp_path))
    make_demo(other.writing)
    make_demo(other.writing, seed=8)
    ours, theirs = content(records), content(other)
    assert ours["suppliers"] == theirs["suppliers"] and ours["items"] == theirs["items"]
    assert ours["order_lines"] != theirs["order_lines"] and len(ours["order_lines"]) == len(theirs["order_lines"])
    other.close()


def test_its_shape(records: SystemOfRecord) -> None:
    counts = loaded(records.reading).counts
    assert counts["order_lines"] == PLANTED.lines == 1500
    assert ask(records, "SELECT count(*) FROM suppliers WHERE NOT internal") == [(24,)]
    assert ask(records, "SELECT name FROM suppliers WHERE internal") == [(PLANTED.internal,)]
    assert ask(records, "SELECT count(*) FROM order_lines WHERE mode IS NULL") == [(PLANTED.without_mode,)]
    (share,) = ask(records, "SELECT avg(freight_note IS NOT NULL) FROM order_lines")[0]
    assert 0.36 < share < 0.44
    assert ask(records, "SELECT min(scheduled) >= '2012-01-01', max(scheduled) < '2016-01-01' FROM order_lines") == [(1, 1)]
    known = "SELECT iso3 FROM indicators WHERE estimate IS NOT NULL"
    assert ask(
        records, f"SELECT count(*) FROM order_lines WHERE destination_iso3 IS NULL OR destination_iso3 NOT IN ({known})"
    ) == [(0,)]


def test_what_is_planted_is_there(records: SystemOfRecord) -> None:
    (first, spend, _), (_, second, _), *_ = ask(records, BY_SUPPLIER + "spend DESC")
    assert first == PLANTED.concentrated and spend > 2 * second
    (latest, _, late), (_, _, next_late), *_ = ask(records, BY_SUPPLIER + "late DESC")
    assert latest == PLANTED.late and late > 2 * next_late
    single = ask(
        records,
        "SELECT i.description, min(s.name) FROM order_lines l JOIN items i ON i.id = l.item_id JOIN suppliers s ON "
        "s.id = l.supplier_id WHERE NOT s.internal GROUP BY i.id HAVING count(DISTINCT s.id) = 1",
    )
    assert single == [(PLANTED.single_sourced, PLANTED.single_source)]
    worst = "SELECT country FROM indicators GROUP BY country ORDER BY avg(estimate) LIMIT 1"
    assert ask(records, worst) == [(PLANTED.unstable_country,)]
    assert ask(records, "SELECT name FROM supplier_names WHERE kind = 'former'") == [(PLANTED.former_name,)]
    assert ask(records, f"SELECT count(*) FROM countries WHERE name LIKE '{PLANTED.ambiguous_country}%'") == [(2,)]
    unknown = (
        "SELECT DISTINCT vendor_name FROM order_lines l JOIN sites t ON t.id = l.site_id "
        "WHERE t.iso3 IS NULL AND fulfil_via = 'Direct Drop'"
    )
    assert ask(records, unknown) == [(PLANTED.unknown_site,)]


def test_the_read_tools_find_it_and_two_to_four_suppliers_are_over_the_threshold(records: SystemOfRecord) -> None:
    inputs: dict[str, dict[str, Any]] = {}
    ctx = ToolContext(Caller("ann"), records, inputs, today=date(2026, 1, 5))
    inputs["s1.suppliers"] = dump(open_tool(list_suppliers, {}, ctx))
    given = {"suppliers_ref": "s1.suppliers"}
    inputs["s2.exposure"] = dump(open_tool(financial_exposure, given, ctx))
    inputs["s3.deliveries"] = dump(open_tool(delivery_performance, given, ctx))
    inputs["s4.country_risk"] = dump(open_tool(country_risk, given, ctx))
    inputs["s5.sanctions"] = dump(open_tool(screen_suppliers, given, ctx))
    refs = {f"{ref.partition('.')[2]}_ref": ref for ref in inputs if ref != "s1.suppliers"}
    scores = dump(open_tool(score_suppliers, refs, ctx))
    over = [row["supplier"] for row in scores["rows"] if row["over_threshold"]]
    assert 2 <= len(over) <= 4
    assert {PLANTED.concentrated, PLANTED.late, PLANTED.unstable} <= set(over)
    assert PLANTED.internal not in {row["supplier"] for row in scores["rows"]}
    candidates = [row["supplier"] for row in inputs["s5.sanctions"]["rows"] if row["candidate"]]
    assert candidates == [PLANTED.lookalike] and PLANTED.lookalike not in over


def test_real_and_generated_records_do_not_mix(records: SystemOfRecord, tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("manufacturing_site,iso3\nSomewhere,IND\n")
    with pytest.raises(ImportProblem, match="must not mix"):
        import_sites(records.writing, path)
    other = open_records(Settings(home=tmp_path))
    import_sites(other.writing, path)
    with pytest.raises(ImportProblem, match="--replace"):
        make_demo(other.writing)
    other.close()
