"""The importers: on the real files every figure of their description by SQL, and what happens with files that are wrong."""

import csv
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.supply_chain.data_commands import data
from database import Database
from settings import Settings
from tools.supply_chain.importers import ImportProblem, import_scms, import_sdn, import_sites, import_wgi
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.store import NoRecords, loaded, open_records, require
from tools.supply_chain.tables import metadata

FILES = Path(os.environ.get("CLEARANCE_DATA", Path(__file__).resolve().parents[2] / ".." / "shared" / "data")).resolve()
SCMS, SITES = FILES / "scms_delivery_history.csv", FILES / "scms_manufacturing_sites.csv"
WGI, SDN = FILES / "wgi_1996_2023.csv", FILES / "ofac_sdn_2024-05-03.csv"
real = pytest.mark.skipif(not SCMS.exists(), reason="the public records are not here: set CLEARANCE_DATA")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """All four real files; the indicators before the order lines, for the order must not matter."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    database.create(metadata)
    import_wgi(database, WGI)
    import_sites(database, SITES)
    import_scms(database, SCMS)
    import_sdn(database, SDN)
    yield database
    database.close()


def ask(db: Database, sql: str) -> list[tuple]:
    return db.run_sync(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


def content(db: Database) -> dict[str, list[tuple]]:
    return {table.name: ask(db, f"SELECT * FROM {table.name} ORDER BY 1") for table in metadata.sorted_tables}


def scms_row(**changes: str) -> dict[str, str]:
    row = {
        "id": "1",
        "po / so #": "PO-1",
        "asn/dn #": "ASN-1",
        "country": "Vietnam",
        "fulfill via": "Direct Drop",
        "shipment mode": "N/A",
        "scheduled delivery date": "2-Jun-06",
        "delivered to client date": "2006-06-05",
        "product group": "ARV",
        "sub classification": "Adult",
        "vendor": "Acme (FORMERLY Apex (Pty) Ltd)",
        "item description": "Tablets",
        "molecule/test type": "Molecule",
        "line item quantity": "10",
        "line item value": "10.5",
        "manufacturing site": "Acme, unit 1",
        "weight (kilograms)": "1.5",
        "freight cost (usd)": "See ASN-93 (ID#:1281)",
        "line item insurance (usd)": "",
    }
    return row | changes


def write(path: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@real
@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) FROM order_lines", 10_324),
        ("SELECT count(*) FROM order_lines WHERE fulfil_via = 'Direct Drop'", 4_920),
        ("SELECT sum(value_cents) FROM order_lines WHERE fulfil_via = 'Direct Drop'", 54_221_202_234),
        ("SELECT count(DISTINCT supplier_id) FROM order_lines WHERE fulfil_via = 'Direct Drop'", 72),
        ("SELECT count(*) FROM suppliers WHERE NOT internal", 72),
        ("SELECT count(*) FROM order_lines l JOIN suppliers s ON s.id = l.supplier_id WHERE s.internal", 5_404),
        ("SELECT count(*) FROM order_lines WHERE delivered > scheduled", 1_186),
        (
            "SELECT round(avg(julianday(delivered) - julianday(scheduled)), 2) FROM order_lines WHERE delivered > scheduled",
            21.37,
        ),
        ("SELECT count(*) FROM order_lines WHERE mode IS NULL", 360),
        ("SELECT round(100.0 * sum(freight_note IS NOT NULL) / count(*)) FROM order_lines", 40),
        ("SELECT count(*) FROM order_lines WHERE (freight_note IS NULL) = (freight_cents IS NULL)", 0),
        ("SELECT count(*) FROM order_lines WHERE (weight_note IS NULL) = (weight_grams IS NULL)", 0),
        ("SELECT count(*) FROM order_lines WHERE insurance_cents IS NULL", 287),
        ("SELECT count(*) FROM order_lines WHERE destination_iso3 IS NULL", 0),
        ("SELECT count(*) FROM sites", 88),
        ("SELECT count(*) FROM sites WHERE iso3 IS NULL", 6),
        ("SELECT count(*) FROM indicators", 32_100),
        ("SELECT count(*) FROM indicators WHERE estimate IS NULL", 1_126),
        ("SELECT count(*) FROM sanctions", 14_965),
        ("SELECT count(*) FROM sanctions WHERE kind IS NULL", 6_884),
    ],
)
def test_figures_of_the_real_files(full: Database, sql: str, expected: float) -> None:
    assert ask(full, sql) == [(expected,)]


@real
def test_top_five_are_those_of_the_description(full: Database) -> None:
    found = ask(
        full,
        "SELECT s.name, round(sum(value_cents) / 1e8, 1) FROM order_lines l JOIN suppliers s ON s.id = l.supplier_id "
        "WHERE NOT s.internal GROUP BY s.id ORDER BY 2 DESC LIMIT 5",
    )
    assert [(name.split()[0].strip(",").title(), millions) for name, millions in found] == [
        ("Orgenics", 147.7),
        ("Aurobindo", 91.4),
        ("Mylan", 72.2),
        ("Hetero", 42.9),
        ("Cipla", 39.7),
    ]


@real
def test_every_destination_and_known_site_joins_the_indicators(full: Database) -> None:
    """Vietnam, Kyrgyzstan, Swaziland, Congo DRC, ... : the World Bank has other names and codes than the order lines."""
    missing = "NOT IN (SELECT iso3 FROM indicators)"
    assert ask(full, f"SELECT DISTINCT destination FROM order_lines WHERE destination_iso3 {missing}") == []
    assert ask(full, f"SELECT name FROM sites WHERE iso3 IS NOT NULL AND iso3 {missing}") == []
    assert ask(full, "SELECT name FROM countries WHERE iso3 = 'COD'") == [("Congo, Dem. Rep.",)]
    assert ask(full, "SELECT count(*) FROM indicators WHERE iso3 IN ('ZAR', 'ROM', 'TMP', 'ADO', 'KSV', 'WBG')") == [(0,)]


@real
def test_renamed_vendors_are_known_by_both_names(full: Database) -> None:
    for vendor, former in (("MYLAN%", "MATRIX LABORATORIES"), ("ABBVIE LOGISTICS%", "ABBOTT LOGISTICS BV")):
        found = ask(
            full,
            "SELECT n.name, n.kind FROM supplier_names n JOIN suppliers s ON s.id = n.supplier_id "
            f"WHERE s.name LIKE '{vendor}' AND n.kind = 'former'",
        )
        assert found == [(former, "former")]
    assert ask(full, "SELECT count(*) FROM supplier_names WHERE kind = 'current'") == [(73,)]


@real
def test_the_same_files_again_change_nothing(full: Database) -> None:
    before = content(full)
    import_scms(full, SCMS)
    import_sites(full, SITES)
    import_wgi(full, WGI)
    report = import_sdn(full, SDN)
    assert content(full) == before
    assert (report.read, report.kept, report.rejected) == (14_966, 14_965, 1)


@real
def test_the_files_are_those_the_sources_name(full: Database) -> None:
    for source in loaded(full).sources:
        assert source.sha256 in SOURCES[source.source].known or source.source == "sites"


@real
def test_columns_may_stand_in_any_order_and_capitals(db: Database, full: Database, tmp_path: Path) -> None:
    with SCMS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = list(rows[0])[::-1]
    turned = [{name.upper(): row[name] for name in names} for row in rows]
    import_sites(db, SITES)  # as in the other database, so that the sites have the same ids
    report = import_scms(db, write(tmp_path / SCMS.name, turned))
    assert (report.kept, report.rejected) == (10_324, 0)
    ours, theirs = content(db), content(full)
    for table in ("order_lines", "suppliers", "supplier_names", "items", "shipments"):
        assert ours[table] == theirs[table], table


def test_one_row_is_read_as_it_should_be(db: Database, tmp_path: Path) -> None:
    import_scms(db, write(tmp_path / "lines.csv", [scms_row()], encoding="utf-8-sig"))
    columns = (
        "destination_iso3, mode, scheduled, delivered, value_cents, weight_grams, freight_cents, freight_note, insurance_cents"
    )
    assert ask(db, f"SELECT {columns}, source FROM order_lines") == [
        ("VNM", None, "2006-06-02", "2006-06-05", 1050, 1500, None, "See ASN-93 (ID#:1281)", None, "lines.csv")
    ]
    assert ask(db, "SELECT name, kind FROM supplier_names ORDER BY id") == [
        ("Acme (FORMERLY Apex (Pty) Ltd)", "current"),
        ("Acme", "alias"),
        ("Apex (Pty) Ltd", "former"),
    ]


def test_a_corrected_line_replaces_the_old_one(db: Database, tmp_path: Path) -> None:
    import_scms(db, write(tmp_path / "old.csv", [scms_row()]))
    import_scms(db, write(tmp_path / "new.csv", [scms_row(**{"line item value": "11"}), scms_row(id="2")]))
    assert ask(db, "SELECT id, value_cents, source FROM order_lines") == [(1, 1100, "new.csv"), (2, 1050, "new.csv")]
    assert ask(db, "SELECT count(*) FROM suppliers") == [(1,)]


def test_site_countries_survive_the_order_lines(db: Database, tmp_path: Path) -> None:
    import_sites(db, write(tmp_path / "sites.csv", [{"manufacturing_site": "Acme, unit 1", "iso3": "IND"}]))
    import_scms(db, write(tmp_path / "lines.csv", [scms_row(), scms_row(id="2", **{"manufacturing site": "Elsewhere"})]))
    assert ask(db, "SELECT name, iso3 FROM sites ORDER BY name") == [("Acme, unit 1", "IND"), ("Elsewhere", None)]


def test_bad_rows_are_rejected_with_their_reason(db: Database, tmp_path: Path) -> None:
    bad = {
        "id": "x1",
        "scheduled delivery date": "31-Feb-06",
        "line item value": "1.005",
        "line item quantity": "-3",
        "weight (kilograms)": "1.2.3",
        "freight cost (usd)": "1e5x" * 40,
        "fulfill via": "By Pigeon",
        "vendor": "",
    }
    rows = [scms_row(), *(scms_row(id=str(10 + n)) | {name: cell} for n, (name, cell) in enumerate(bad.items())), scms_row()]
    report = import_scms(db, write(tmp_path / "lines.csv", rows))
    assert (report.read, report.kept, report.rejected) == (10, 1, 9)
    reasons = {rejection.reason: rejection.example for rejection in report.rejections}
    assert reasons == {
        "id is not a whole number": "line 3: 'x1'",
        "scheduled delivery date is not a date like 2-Jun-06": "line 4: '31-Feb-06'",
        "line item value has too many decimals": "line 5: '1.005'",
        "line item quantity is not a whole number": "line 6: '-3'",
        "weight is not a number": "line 7: '1.2.3'",
        "freight cost remark longer than 100 characters": f"line 8: {('1e5x' * 15)!r}",
        "fulfill via is not Direct Drop or From RDC": "line 9: 'By Pigeon'",
        "no vendor": "line 10: ''",
        "the id is there twice": "line 11: '1'",
    }


def test_an_unknown_destination_is_noted(db: Database, tmp_path: Path) -> None:
    report = import_scms(db, write(tmp_path / "lines.csv", [scms_row(country="Atlantis")]))
    assert report.kept == 1 and "'Atlantis' has no known code" in report.notes[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"id,vendor\n1,x\n", "the columns 'po / so #', 'asn/dn #'"),
        (b"a,b\n1,2\n", "none of the expected columns is there"),
        (b"id;vendor;country\n1;x;y\n", "separated by semicolons: save the file with commas"),
        ("id,vendor,country\n1,x,Côte\n".encode("cp1252"), "line 2: byte 0xf4 is not UTF-8; the file is probably Windows-1252"),
        ("id,vendor\n1,x\n".encode("utf-16"), "UTF-16: save it again as 'CSV UTF-8'"),
        (b"PK\x03\x04 a workbook", "a workbook or an archive"),
        (b"\x00\x01", "a binary file"),
        (b"id,vendor\xc3", "is not UTF-8"),
    ],
)
def test_wrong_files_are_told_with_the_fix(db: Database, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(content)
    with pytest.raises(ImportProblem) as error:
        import_scms(db, path)
    assert says in str(error.value) and str(path) in str(error.value)
    assert ask(db, "SELECT count(*) FROM imports") == [(0,)]


def test_text_damaged_by_a_wrong_encoding_is_told(db: Database, tmp_path: Path) -> None:
    damaged = "Côte d'Ivoire".encode().decode("cp1252")
    with pytest.raises(ImportProblem, match="UTF-8 that was read as Windows-1252"):
        import_scms(db, write(tmp_path / "lines.csv", [scms_row(), scms_row(id="2", country=damaged)]))
    assert ask(db, "SELECT count(*) FROM order_lines") == [(0,)]


def test_a_header_alone_a_folder_and_a_missing_file(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(",".join(SOURCES["scms"].columns) + "\n")
    with pytest.raises(ImportProblem, match="there is only a header"):
        import_scms(db, path)
    for wrong in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(ImportProblem, match="cannot be read"):
            import_scms(db, wrong)


def test_a_newer_sanctions_list_replaces_the_older(db: Database, tmp_path: Path) -> None:
    rest = ',"X",-0- ' + ",-0- " * 6 + ',"remark"\r\n'
    old, new = tmp_path / "sdn_2024-01-01.csv", tmp_path / "sdn.csv"
    old.write_text(f'1,"A","individual"{rest}2,"B",-0- {rest}', newline="")
    new.write_text(f'2,"B",-0- {rest}\x1a', newline="")
    import_sdn(db, old)
    assert ask(db, "SELECT id, kind, list_date FROM sanctions") == [(1, "individual", "2024-01-01"), (2, None, "2024-01-01")]
    with pytest.raises(ImportProblem, match="add --sdn-date"):
        import_sdn(db, new)
    import_sdn(db, new, list_date=date(2024, 5, 3))
    assert ask(db, "SELECT id, name, remarks, list_date FROM sanctions") == [(2, "B", "remark", "2024-05-03")]


def test_progress_reaches_the_end(db: Database, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    rows = [scms_row(id=str(id)) for id in range(1, 2_600)]
    import_scms(db, write(tmp_path / "lines.csv", rows), lambda done, total: seen.append((done, total)))
    assert seen == [(500, 2600), (1000, 2600), (1500, 2600), (2000, 2600), (2500, 2600), (2600, 2600)]


def test_an_empty_system_of_record_says_what_to_run(tmp_path: Path) -> None:
    records = open_records(Settings(home=tmp_path))
    with pytest.raises(NoRecords, match="clearance data demo"):
        require(records.reading)
    assert loaded(records.reading).missing == ("order lines", "governance indicators", "sanctions list")
    records.close()


def test_the_commands_end_with_a_code_and_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARANCE_HOME", str(tmp_path / "home"))
    run = CliRunner()
    path = write(tmp_path / "lines.csv", [scms_row()])
    assert run.invoke(data, ["import"]).exit_code == 2
    assert run.invoke(data, ["import", "--wgi", "x.csv", "--sdn-date", "2024-05-03"]).exit_code == 2
    missing = run.invoke(data, ["import", "--wgi", str(tmp_path / "x.csv")])
    assert missing.exit_code == 1 and "check the path" in missing.stderr and "Traceback" not in missing.stderr
    assert "clearance data demo" in run.invoke(data, ["status"]).stdout
    done = run.invoke(data, ["import", "--scms", str(path)])
    assert done.exit_code == 0 and "1 rows read, 1 kept, 0 rejected" in done.stdout and "Next: clearance run" in done.stdout
    mixed = run.invoke(data, ["demo"])
    assert mixed.exit_code == 1 and "--replace" in mixed.stderr
    assert run.invoke(data, ["demo", "--replace"]).exit_code == 0
    broken = run.invoke(data, ["import", "--replace", "--scms", str(path), "--wgi", str(path)])
    assert broken.exit_code == 1 and "none of the expected columns" in broken.stderr
    assert "1,500" in run.invoke(data, ["status"]).stdout  # nothing was deleted for an import that could not be
    assert "World Bank" in run.invoke(data, ["sources"]).stdout
