"""Importing own order lines: what is kept, what is rejected and why, that a file twice changes nothing and a failure leaves nothing."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from database import Database
from tests.supply_chain.own_files import HEADER, ROWS, text_file
from tools.supply_chain.demo import make_demo
from tools.supply_chain.importers import ImportReport
from tools.supply_chain.importers.own import (
    MappedColumn,
    Mapping,
    forget,
    import_orders,
    propose,
    read_mapping,
    recall,
    refreshed,
    remember,
    remembered,
)
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.store import version_of
from tools.supply_chain.tables import metadata

WIDE = [
    "Order",
    "Line",
    "Supplier",
    "Order date",
    "Due date",
    "Delivered on",
    "Qty",
    "Amount",
    "Currency",
    "Item",
    "Country of origin",
]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    database.create(metadata)
    yield database
    database.close()


def ask(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return db.run_sync(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


def content(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: ask(db, f"SELECT * FROM {table.name} ORDER BY 1") for table in metadata.sorted_tables}


def bring(db: Database, path: Path, **options: Any) -> ImportReport:
    return import_orders(db, path, propose(path).mapping, **options)


def wide(**changes: str) -> list[str]:
    row = {
        "Order": "P1", "Line": "1", "Supplier": "Acme", "Order date": "2014-01-01", "Due date": "2014-01-31",
        "Delivered on": "2014-02-02", "Qty": "10", "Amount": "100.50", "Currency": "USD", "Item": "Bolt",
        "Country of origin": "Germany",
    }  # fmt: skip
    return list((row | changes).values())


def test_lines_are_kept_exactly(db: Database, tmp_path: Path) -> None:
    report = bring(db, text_file(tmp_path / "a.csv", WIDE, [wide()]))
    assert (report.source, report.read, report.kept, report.rejected) == ("orders", 1, 1, 0)
    assert ask(
        db, "SELECT key, order_reference, day, ordered, scheduled, delivered, quantity, value_cents FROM order_lines"
    ) == [("P1/1", "P1", "2014-01-31", "2014-01-01", "2014-01-31", "2014-02-02", 10, 10050)]
    assert ask(db, "SELECT name, iso3 FROM sites") == [("Acme, DEU", "DEU")]


def test_rejected_rows_say_row_column_value_and_reason(db: Database, tmp_path: Path) -> None:
    rows = [
        wide(),
        wide(),
        wide(Line="3", **{"Due date": "31.02.2014"}),
        wide(Line="4", Amount="12x"),
        wide(Line="5", Amount="-5"),
        wide(Line="6", Amount="9" * 20),
        wide(Line="7", Currency="EUR"),
        wide(Line="8", Currency="Taler"),
        wide(Line="9", Supplier=""),
        wide(Line="10", **{"Order date": "", "Due date": "", "Delivered on": "-"}),
        wide(Line="11", Amount="", Qty="n/a"),
        wide(Line="12", Supplier="=cmd", Amount="=1+1"),
        wide(Line="13")[:-1],
        ["Grand total", "", "", "", "", "", "", "1000", "", "", ""],
    ]
    path = text_file(tmp_path / "a.csv", WIDE, rows)
    rejects = tmp_path / "out" / "rejects.csv"
    report = bring(db, path, rejects=rejects)
    assert (report.read, report.kept, report.rejected) == (14, 1, 13)
    with rejects.open(encoding="utf-8-sig", newline="") as stream:
        found = [tuple(row.values()) for row in csv.DictReader(stream)]
    assert found == [
        ("3", "Line", "P1/1", "the line number is there twice"),
        ("4", "Due date", "31.02.2014", "not a date like 2014-12-31"),
        ("5", "Amount", "12x", "not a number with a decimal point"),
        ("6", "Amount", "'-5", "below zero: a return or a credit note is no order line"),
        ("7", "Amount", "99999999999999999999", "too large to be true"),
        ("8", "Amount", "100.50", "in EUR, for which no rate was given"),
        ("9", "Currency", "Taler", "no known currency"),
        ("10", "Supplier", "", "no supplier"),
        ("11", "", "", "no date"),
        ("12", "", "", "neither an order value nor a quantity"),
        ("13", "Amount", "'=1+1", "not a number with a decimal point"),
        ("14", "", "P1 | 13 | Acme | 2014-01-01 | 2014-01-31 | 2014-02-02 | 10 |", "not 11 fields"),
        ("15", "", "Grand total", "a totals row"),
    ]


def test_a_supplier_called_total_is_no_totals_row(db: Database, tmp_path: Path) -> None:
    assert bring(db, text_file(tmp_path / "a.csv", rows=[["Total SA", *ROWS[0][1:]]])).kept == 1


def test_rates_turn_amounts_into_dollars(db: Database, tmp_path: Path) -> None:
    rows = [wide(Currency="EUR", Amount="€ 10.01"), wide(Line="2", Currency="£", Amount="3"), wide(Line="3")]
    path = text_file(tmp_path / "a.csv", WIDE, rows)
    proposal = propose(path)
    assert {question.name for question in proposal.questions} == {"EUR", "GBP"}
    mapping = proposal.mapping.with_rates({"EUR": Decimal("1.25"), "GBP": Decimal("1.5")})
    report = import_orders(db, path, mapping)
    assert ask(db, "SELECT value_cents FROM order_lines ORDER BY id") == [(1251,), (450,), (10050,)]  # 1251.25 rounded
    assert "amounts in EUR were taken at 1.25 US dollars for 1 EUR" in report.notes


def test_a_price_and_a_quantity_make_a_value(db: Database, tmp_path: Path) -> None:
    header = ["Supplier", "Order date", "Qty", "Unit price"]
    bring(db, text_file(tmp_path / "a.csv", header, [["Acme", "2014-01-01", "3", "0.335"]]))
    assert ask(db, "SELECT quantity, value_cents, scheduled, day FROM order_lines") == [(3, 100, None, "2014-01-01")]


def test_the_same_file_twice_changes_nothing(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv")
    bring(db, path)
    once = content(db)
    bring(db, path)
    assert content(db) == once


def test_records_that_are_others_have_another_version(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", WIDE, [wide(), wide(Line="2", Item="Nut")])
    mapping = propose(path).mapping
    import_orders(db, path, mapping)
    remember(db, mapping, path)
    versions = [version_of(db)]
    import_orders(db, path, mapping)
    assert version_of(db) == versions[0]
    import_orders(db, path, mapping.with_column("item", None))  # the same file, read otherwise
    versions.append(version_of(db))
    import_orders(db, text_file(tmp_path / "b.csv", WIDE, [wide()]), mapping, replace=True)  # numbers begin again
    versions.append(version_of(db))
    assert len({"", *versions}) == 4


def test_another_file_adds_and_replace_replaces(db: Database, tmp_path: Path) -> None:
    bring(db, text_file(tmp_path / "a.csv"))
    other = text_file(tmp_path / "b.csv", rows=[["Gamma", *ROWS[0][1:]]])
    bring(db, other)
    assert ask(db, "SELECT vendor_name FROM order_lines ORDER BY id") == [("Acme Ltd",), ("Beta GmbH",), ("Gamma",)]
    bring(db, other, replace=True)
    assert ask(db, "SELECT name FROM suppliers") == [("Gamma",)]


def test_a_corrected_file_with_line_numbers_replaces_its_lines(db: Database, tmp_path: Path) -> None:
    bring(db, text_file(tmp_path / "a.csv", WIDE, [wide(), wide(Line="2")]))
    bring(db, text_file(tmp_path / "b.csv", WIDE, [wide(Amount="7"), wide(Line="3")]))
    assert ask(db, "SELECT id, key, value_cents FROM order_lines ORDER BY id") == [
        (1, "P1/1", 700),
        (2, "P1/2", 10050),
        (3, "P1/3", 10050),
    ]


def test_the_same_file_by_another_mapping_leaves_no_trace_of_the_first(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", WIDE, [wide(), wide(Line="2", Item="Nut")])
    mapping = propose(path).mapping
    swapped = mapping.with_column("supplier", MappedColumn(column="Item")).with_column("line", None)
    import_orders(db, path, swapped)
    assert ask(db, "SELECT name FROM suppliers ORDER BY 1") == [("Bolt",), ("Nut",)]
    import_orders(db, path, mapping)
    assert ask(db, "SELECT s.name, count(*) FROM order_lines l JOIN suppliers s ON s.id = l.supplier_id GROUP BY 1") == [
        ("Acme", 2)
    ]
    assert ask(db, "SELECT name FROM suppliers") == [("Acme",)]


def test_a_failure_leaves_what_was_there(db: Database, tmp_path: Path) -> None:
    bring(db, text_file(tmp_path / "a.csv"))
    before = content(db)
    bad = text_file(tmp_path / "b.csv", rows=[["Acme", "2014-01-31", "2014-01-31", "-1"]])
    rejects = tmp_path / "b.rejects.csv"
    with pytest.raises(ImportProblem, match="no row could be kept"):
        bring(db, bad, replace=True, rejects=rejects)
    assert content(db) == before and not rejects.exists()


def test_a_file_cut_short_after_it_was_mapped_leaves_nothing(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", rows=ROWS * 2000)
    mapping = propose(path).mapping
    path.write_text(path.read_text() + '"never closed\n' + "x,y\n" * 50_000)
    with pytest.raises(ImportProblem, match="quotation mark"):
        import_orders(db, path, mapping)
    assert ask(db, "SELECT count(*) FROM order_lines") == ask(db, "SELECT count(*) FROM suppliers") == [(0,)]


def test_own_lines_do_not_mix_with_the_generated_company(db: Database, tmp_path: Path) -> None:
    make_demo(db)
    path = text_file(tmp_path / "a.csv")
    with pytest.raises(ImportProblem, match="must not mix: add --replace"):
        bring(db, path)
    assert bring(db, path, replace=True).kept == 2


def test_suppliers_that_differ_in_case_alone_are_one(db: Database, tmp_path: Path) -> None:
    report = bring(db, text_file(tmp_path / "a.csv", rows=[ROWS[0], ["ACME  LTD", *ROWS[1][1:]]]))
    assert ask(db, "SELECT name FROM suppliers") == [("Acme Ltd",)]
    assert "'ACME LTD' is taken as 'Acme Ltd'" in report.notes


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (["Due date", "Delivered on", "Amount"], "a supplier"),
        (["Supplier", "Amount", "Qty"], "a date"),
        (["Supplier", "Due date", "Item"], "an order value or a quantity"),
    ],
)
def test_the_least_an_order_line_needs(db: Database, tmp_path: Path, header: Sequence[str], says: str) -> None:
    cells = {
        "Supplier": "Acme",
        "Due date": "2014-01-31",
        "Delivered on": "2014-01-31",
        "Amount": "5",
        "Qty": "5",
        "Item": "Bolt",
    }
    with pytest.raises(ImportProblem, match=f"order lines need .*{says}"):
        bring(db, text_file(tmp_path / "a.csv", header, [[cells[name] for name in header]]))


def test_an_open_question_or_another_header_stops_the_import(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", rows=[["Acme", "03/04/2014", "2014-05-01", "5"]])
    with pytest.raises(ImportProblem, match="how 'Due date' is to be read is not clear"):
        bring(db, path)
    mapping = propose(text_file(tmp_path / "b.csv")).mapping
    with pytest.raises(ImportProblem, match="another header"):
        import_orders(db, text_file(tmp_path / "c.csv", [*HEADER, "More"], [[*ROWS[0], "x"]]), mapping)


def test_a_mapping_is_remembered_by_its_header(db: Database, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", rows=[["Acme", "31/12/2014", "31/12/2014", "1.5"]])
    mapping = propose(path).mapping
    remember(db, mapping, path)
    assert recall(db, mapping.fingerprint) == mapping
    bring(db, path, replace=True)
    assert [one.path for one in remembered(db)] == [str(path)], "it outlives --replace"
    unclear = propose(text_file(tmp_path / "b.csv", rows=[["Acme", "01/02/2014", "03/04/2014", "1.5"]]))
    assert refreshed(mapping, unclear.profile) == mapping, "what the new file does not tell is as before"
    turned = propose(text_file(tmp_path / "c.csv", rows=[["Acme", "12/31/2014", "12/31/2014", "1.5"]]))
    assert refreshed(mapping, turned.profile).columns["scheduled"].format == "mdy", "what it does tell counts"
    assert forget(db, mapping.fingerprint) and not forget(db, mapping.fingerprint)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('{"columns": 5}', "no mapping"),
        ("not json", "no mapping"),
        ('{"fingerprint": "x", "columns": {"suplier": {"column": "a"}}}', "suplier is no order column"),
        ('{"fingerprint": "x", "columns": {"supplier": {"column": "a"}, "item": {"column": "a"}}}', "mapped twice"),
        ('{"fingerprint": "x", "columns": {"value": {"column": "a", "format": "dmy"}}}', "the format 'dmy'"),
        ('{"fingerprint": "x", "columns": {}, "currency": "Taler"}', "no currency code"),
        ('{"fingerprint": "x", "columns": {}, "rates": {"EUR": -1}}', "a rate must be over 0"),
    ],
)
def test_a_wrong_mapping_file_is_told(tmp_path: Path, change: str, says: str) -> None:
    path = tmp_path / "mapping.json"
    path.write_text(change)
    with pytest.raises(ImportProblem, match=says):
        read_mapping(path)


def test_a_mapping_survives_its_file(tmp_path: Path) -> None:
    mapping = propose(text_file(tmp_path / "a.csv")).mapping.with_rates({"EUR": Decimal("1.08")})
    path = tmp_path / "mapping.json"
    path.write_text(mapping.model_dump_json())
    assert read_mapping(path) == mapping == Mapping.model_validate(mapping.model_dump())
