"""Reading anybody's file: every dialect gives the same mapping and rows; every file that is no table gives one clear error."""

import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.supply_chain.own_files import HEADER, ROWS, text_file, workbook
from tools.supply_chain.importers.cells import BadCell
from tools.supply_chain.importers.own import propose
from tools.supply_chain.importers.own.mapping import MappedColumn
from tools.supply_chain.importers.own.values import country, currency, currency_named, day, mode, number
from tools.supply_chain.importers.source_file import ImportProblem

TAKEN = {"supplier": "Supplier", "scheduled": "Due date", "delivered": "Delivered on", "value": "Amount"}


def taken(path: Path, sheet: str | None = None) -> dict[str, str]:
    return {name: at.column for name, at in propose(path, sheet).mapping.columns.items()}


def formats(path: Path) -> dict[str, str]:
    return {name: at.format for name, at in propose(path).mapping.columns.items()}


def column(path: Path, name: str, cells: list[str]) -> MappedColumn:
    """How one column is read, among others that tell nothing."""
    header = {"value": "Amount", "scheduled": "Due date"}[name]
    rows = [["Acme", "x", cell] for cell in cells]
    return propose(text_file(path, ["Supplier", "Remark", header], rows, sep=";")).mapping.columns[name]


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_separator_and_encoding_reads_the_same(tmp_path: Path, sep: str, encoding: str) -> None:
    rows = [[*ROWS[0][:3], "5"], ["Möbel, Söhne; & Co|KG\tSüd", *ROWS[1][1:]]]
    path = text_file(tmp_path / "a.csv", rows=rows, sep=sep, encoding=encoding)
    assert taken(path) == TAKEN
    read = [cells for _, cells in propose(path).table.rows()]
    assert read[1][0] == "Möbel, Söhne; & Co|KG Süd"


def test_a_line_that_names_the_separator_a_title_and_empty_rows_are_no_data(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sep=;\nOrders of 2014;;;\n;;;\nSupplier;Due date;Delivered on;Amount\n;;;\nAcme;2014-01-31;2014-02-02;5\n")
    assert taken(path) == TAKEN
    assert [number for number, _ in propose(path).table.rows()] == [6]


def test_a_workbook_reads_like_text(tmp_path: Path) -> None:
    row = ["Acme", datetime(2014, 1, 31), datetime(2014, 2, 2, 8, 30), 1234.5]
    path = workbook(tmp_path / "a.xlsx", {"Notes": [], "Orders": [HEADER, row, [None] * 4, row]})
    proposal = propose(path)
    assert taken(path) == TAKEN and proposal.table.sheet == "Orders"
    assert [list(cells) for _, cells in proposal.table.rows()] == [
        ["Acme", date(2014, 1, 31), date(2014, 2, 2), Decimal("1234.5")]
    ] * 2


def test_several_sheets_have_to_be_chosen_from(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"One": [HEADER, *ROWS], "Two": [HEADER, *ROWS]})
    with pytest.raises(ImportProblem, match="the sheets One, Two hold rows: choose one with --sheet"):
        propose(path)
    assert taken(path, "Two") == TAKEN
    with pytest.raises(ImportProblem, match="there is no sheet 'Three'"):
        propose(path, "Three")


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2014-12-31", "2014-01-02T10:00:00"], "iso"),
        (["2014/12/31"], "iso"),
        (["31.12.2014", "01.02.2014"], "dmy"),
        (["01.02.2014"], "dmy"),
        (["01/02/2014", "31/12/2014"], "dmy"),
        (["01/02/2014", "12/31/2014"], "mdy"),
        (["2-Jun-06", "14-Nov-06"], "named"),
        (["3. März 2014", "12. Dezember 2014"], "named"),
        (["Dec 31, 2014"], "named"),
        (["20141231"], "compact"),
        (["01/02/2014", "03/04/2014"], "unclear"),
    ],
)
def test_the_whole_column_decides_the_date_format(tmp_path: Path, cells: list[str], form: str) -> None:
    assert column(tmp_path / "a.csv", "scheduled", cells).format == form


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1,234.50", "7"], "point"),
        (["1.234,50", "7"], "comma"),
        (["1.234", "7,5"], "comma"),
        (["1,234", "7.5"], "point"),
        (["1.234.567"], "comma"),
        (["1'234.50"], "point"),
        (["1 234,50 €"], "comma"),
        (["$12", "(15)"], "point"),
        (["1.234", "5.678"], "unclear"),
    ],
)
def test_the_whole_column_decides_the_decimal_sign(tmp_path: Path, cells: list[str], form: str) -> None:
    assert column(tmp_path / "a.csv", "value", cells).format == form


def test_a_column_that_does_not_tell_follows_the_others(tmp_path: Path) -> None:
    header = ["Supplier", "Order date", "Due date", "Amount", "Freight"]
    rows = [["Acme", "03/04/2014", "31/12/2014", "1.234", "7,25"]]
    assert formats(text_file(tmp_path / "a.csv", header, rows, sep=";")) == {
        "supplier": "", "ordered": "dmy", "scheduled": "dmy", "value": "comma", "freight": "comma",
    }  # fmt: skip


def test_what_the_cells_do_not_tell_is_a_question(tmp_path: Path) -> None:
    rows = [["Acme", "03/04/2014", "04/04/2014", "€ 5.10"]]
    asked = propose(text_file(tmp_path / "a.csv", rows=rows)).questions
    assert [(q.kind, q.name) for q in asked] == [("format", "scheduled"), ("format", "delivered"), ("rate", "EUR")]


def test_a_currency_in_a_columns_name_is_asked_for_a_rate(tmp_path: Path) -> None:
    header = ["Supplier", "Due date", "Delivered on", "Amount (EUR)"]
    asked = propose(text_file(tmp_path / "a.csv", header))
    assert asked.mapping.currency == "EUR" and [(q.kind, q.name) for q in asked.questions] == [("rate", "EUR")]


def test_amounts_in_another_currency_than_the_value_are_left_out(tmp_path: Path) -> None:
    header, rows = ["Supplier", "Due date", "Amount (EUR)", "Freight (GBP)"], [["Acme", "2014-01-31", "10.50", "1.25"]]
    found = propose(text_file(tmp_path / "a.csv", header, rows)).mapping
    assert found.currency == "EUR" and "value" in found.columns and "freight" not in found.columns


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Nettobetrag (EUR)", "EUR"),
        ("VALUE [GBP]", "GBP"),
        ("VALUE IN INR", "INR"),
        ("Cost €", "EUR"),
        ("Value US$", "USD"),
        ("Amount CHF", "CHF"),
        ("TOTAL VALUE ALL SITES", None),
        ("Order value", None),
        ("Value (EUR or GBP)", None),
        ("Amount (abc)", None),
    ],
)
def test_currencies_in_names(header: str, code: str | None) -> None:
    assert currency_named(header) == code


@pytest.mark.parametrize(
    ("cell", "style", "value"),
    [
        ("1,234.50", "point", "1234.50"),
        ("1.234,50", "comma", "1234.50"),
        ("12,34,567.8", "point", "1234567.8"),
        ("US$ 5", "point", "5"),
        ("5,00 EUR", "comma", "5.00"),
        ("(3.5)", "point", "-3.5"),
        ("7-", "comma", "-7"),
        ("-€7", "comma", "-7"),
        (".5", "point", "0.5"),
    ],
)
def test_numbers(cell: str, style: str, value: str) -> None:
    assert number(cell, style) == Decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["1,23.4", "1.2.3", "12 %", "5 apples", "=1+1", "(5", "--5", ""])
def test_what_is_no_number(cell: str) -> None:
    with pytest.raises(BadCell):
        number(cell, "point")


def test_days_countries_modes_currencies() -> None:
    assert day("31.12.14", "dmy") == date(2014, 12, 31) and day("31.12.99", "dmy") == date(1999, 12, 31)
    for wrong in ("31.02.2014", "12.31.2014", "0.0.0", "31.12.0014"):
        with pytest.raises(BadCell, match="not a date like"):
            day(wrong, "dmy")
    assert [country(name) for name in ("Deutschland", "DE", "deu", "Côte d'Ivoire", "Allemagne", "Viet Nam", "Atlantis")] == [
        "DEU", "DEU", "DEU", "CIV", "DEU", "VNM", None,
    ]  # fmt: skip
    assert [mode(text) for text in ("Seefracht", "by road", "LKW", "air freight", "Air Charter", "carrier pigeon")] == [
        "Ocean", "Truck", "Truck", "Air", "Air Charter", None,
    ]  # fmt: skip
    assert [currency(text) for text in ("€", "eur", "US$", "XYZ!")] == ["EUR", "EUR", "USD", None]


def long_line(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"Supplier,Amount\n")
        for _ in range(100):
            stream.write(b"x" * (1 << 20))


def bomb(path: Path) -> None:
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as stream:
        for _ in range(200):
            stream.write(b" " * (1 << 20))


def lying_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


def formula(path: Path) -> None:
    workbook(path, {"Orders": [HEADER, ["Acme", "2014-01-31", "2014-02-02", "=1+2"]]})


HOSTILE = {
    "a line of 100 MB": (long_line, "line 2 a line is longer than 1 MB"),
    "a zip bomb": (bomb, "would unpack to 200 MB"),
    "an archive that is no workbook": (lying_archive, "no .xlsx workbook"),
    "a damaged archive": (lambda path: path.write_bytes(b"PK\x03\x04 nothing"), "a damaged archive"),
    "a formula without a value": (formula, "row 2, column 4: the formula =1\\+2 has no stored value"),
    "a binary file": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20), "a binary file"),
    "an old workbook": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + b"x" * 600), "an old .xls workbook"),
    "nothing": (lambda path: path.write_bytes(b""), "the file is empty"),
    "spaces": (lambda path: path.write_bytes(b"  \n\n"), "the file is empty"),
    "a header alone": (lambda path: path.write_text("Supplier,Amount\n"), "only a header"),
    "two columns of one name": (lambda path: path.write_text("Supplier,Amount,amount\nAcme,1,2\n"), "two columns are called 'amount'"),
    "no header": (lambda path: path.write_text("Acme,2014-01-31,5\nBeta,2014-01-31,6\n"), "there is no header"),
    "one column": (lambda path: path.write_text("Supplier\nAcme\nBeta\n"), "only one column"),
    "a quote never closed": (lambda path: path.write_text('Supplier,Amount\n"Acme,5\n' + "Beta,6\n" * 40_000), "quotation mark"),
    "a thousand columns": (lambda path: path.write_text((",".join(f"c{n}" for n in range(1000)) + "\n") * 3), "more than 300 columns"),
    "bytes of no encoding": (lambda path: path.write_bytes(b"Supplier,Amount\nAcme \x81\x8d,5\n"), "neither UTF-8"),
    "a folder": (lambda path: path.mkdir(), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_table_is_told_clearly(tmp_path: Path, name: str) -> None:
    make, says = HOSTILE[name]
    path = tmp_path / "orders.csv"
    make(path)
    with pytest.raises(ImportProblem, match=says) as error:
        propose(path)
    assert str(path) in str(error.value)


def test_stored_values_of_formulas_are_used(tmp_path: Path) -> None:
    path = workbook(tmp_path / "plain.xlsx", {"Orders": [HEADER, ["Acme", "2014-01-31", "2014-02-02", 3]]})
    saved = tmp_path / "saved.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(saved, "w") as new:
        for item in old.namelist():
            body = old.read(item)
            new.writestr(item, body.replace(b"<v>3</v>", b"<f>1+2</f><v>3</v>") if "sheet1" in item else body)
    assert [cells[3] for _, cells in propose(saved).table.rows()] == [Decimal(3)]
