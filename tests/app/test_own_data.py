"""Somebody's own file by the command line, from a fresh home to the answers; the figures are recomputed with pandas."""

import json
import re
import sqlite3
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.app.command import clearance
from tests.app.test_cli import FLAGSHIP
from tests.supply_chain.own_files import HEADER, ROWS, text_file, workbook

GERMAN = ["Beleg-Nr.", "Lieferant", "Artikelbezeichnung", "Menge", "Nettobetrag", "Liefertermin", "Geliefert am", "Werk",
          "Herkunftsland", "Zielland", "Versandart", "Warengruppe"]  # fmt: skip

DATES = ("scheduled delivery date", "delivered to client date")


def comma(amount: str) -> str:
    return f"{Decimal(amount):,.2f}".translate(str.maketrans(",.", ".,"))


def german(data: Path, path: Path, without: tuple[str, ...] = ()) -> Path:
    """The public order lines as a German system would export them: Windows-1252, semicolons, decimal commas, 31.12.2014."""
    lines = pd.read_csv(data / "scms_delivery_history.csv", keep_default_na=False, dtype=str)
    lines = lines[lines["fulfill via"] == "Direct Drop"]
    sites = pd.read_csv(data / "scms_manufacturing_sites.csv", keep_default_na=False).set_index("manufacturing_site")["iso3"]
    day = {n: pd.to_datetime(lines[n], format="%d-%b-%y").dt.strftime("%d.%m.%Y") for n in DATES}
    columns = [
        lines["id"], lines["vendor"], lines["item description"], lines["line item quantity"], lines["line item value"].map(comma),
        day["scheduled delivery date"], day["delivered to client date"], lines["manufacturing site"],
        lines["manufacturing site"].map(sites), lines["country"], lines["shipment mode"], lines["product group"],
    ]  # fmt: skip
    table = pd.concat(columns, axis=1, keys=GERMAN).drop(columns=list(without))
    table.to_csv(path, sep=";", index=False, encoding="cp1252")
    return path


def reference(data: Path, *words: str) -> list[str]:
    return [*words, "--wgi", str(data / "wgi_1996_2023.csv"), "--sdn", str(data / "ofac_sdn_2024-05-03.csv")]


def answer(home: Path, goal: str, *words: str) -> dict[str, Any]:
    done = clearance(home, "run", goal, "--json", *words)
    body: dict[str, Any] = json.loads(done.stdout)
    assert body["status"] == "success", body
    return body


@pytest.fixture(scope="module")
def imported(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A fresh home with the German file, and the file."""
    home = tmp_path_factory.mktemp("own") / "home"
    path = german(data, home.parent / "bestellungen.csv")
    done = clearance(home, "data", "import", "--orders", str(path), "--map", "--yes", *reference(data))
    assert done.returncode == 0, done.stderr
    assert "orders: 4,920 rows read, 4,920 kept, 0 rejected" in done.stdout and "✗" not in done.stdout
    return home, path


def truth(path: Path) -> pd.DataFrame:
    lines = pd.read_csv(
        path,
        sep=";",
        decimal=",",
        thousands=".",
        encoding="cp1252",
        keep_default_na=False,
        dtype={"Geliefert am": str, "Liefertermin": str},
    )
    for name in ("Liefertermin", "Geliefert am"):
        lines[name] = pd.to_datetime(lines[name], format="%d.%m.%Y")
    lines["late"] = lines["Geliefert am"] > lines["Liefertermin"]
    return lines


def test_which_suppliers_deliver_late(imported: tuple[Path, Path]) -> None:
    home, path = imported
    lines, said = truth(path), answer(home, "Which suppliers deliver late?")["answer"]
    by = lines.groupby("Lieferant")["late"].agg(["sum", "count"])
    prior = lines["late"].mean()
    worst = ((by["sum"] + 10 * prior) / (by["count"] + 10)).idxmax()
    late, count = by.loc[worst]
    assert f"{worst} is the worst on delivery: {late} of {count} lines late ({100 * late / count:.2f} %)" in plain(said)
    assert f"{lines['late'].sum()} of {len(lines):,} lines came late ({100 * prior:.2f} %)" in plain(said)


def test_what_was_spent_with_one(imported: tuple[Path, Path]) -> None:
    home, path = imported
    spend = truth(path).groupby("Lieferant")["Nettobetrag"].sum()["CIPLA LIMITED"]
    assert f"${spend:,.2f}" in plain(answer(home, "What did we spend with Cipla?")["answer"])


def test_the_flagship_answers_as_on_the_published_file(imported: tuple[Path, Path], data: Path, tmp_path: Path) -> None:
    home, _ = imported
    published = tmp_path / "published"
    files = reference(
        data, "--scms", str(data / "scms_delivery_history.csv"), "--sites", str(data / "scms_manufacturing_sites.csv")
    )
    assert clearance(published, "data", "import", *files).returncode == 0
    own, theirs = (answer(each, FLAGSHIP, "--approve", "all") for each in (home, published))
    assert claims(own) == claims(theirs) and len(claims(own)) > 5
    assert escalated(home) == escalated(published) != []


def test_without_columns_the_answer_says_which(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = german(data, tmp_path / "a.csv", ("Geliefert am",))
    done = clearance(home, "data", "import", "--orders", str(path), "--map", "--yes", *reference(data))
    assert done.returncode == 0
    assert "✗ Who is the worst on delivery?  needs: actual delivery date" in done.stdout
    assert f"✓ {FLAGSHIP}  (without delivery performance)" in done.stdout
    late = clearance(home, "run", "Which suppliers deliver late?", "--json")
    assert "this needs the actual delivery date, which the order lines on record do not have" in late.stdout
    assert "late (" not in json.loads(late.stdout)["answer"]
    whole = clearance(home, "run", FLAGSHIP, "--json", "--approve", "all")
    assert "The delivery part is missing" in whole.stdout


def test_the_flagship_ends_in_a_score_without_deliveries_and_countries(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = german(data, tmp_path / "a.csv", ("Geliefert am", "Herkunftsland", "Werk"))
    assert clearance(home, "data", "import", "--orders", str(path), "--map", "--yes", *reference(data)).returncode == 0
    body = answer(home, FLAGSHIP, "--approve", "all")
    said = " ".join(body["missing"])
    assert "actual delivery date" in said and "country of manufacture" in said and not body["complete"]
    assert "scores" in body["answer"] and "The delivery part is missing" in body["answer"]
    tried = [attempt["specialist"] for step in body["steps"] for attempt in step["attempts"]]
    assert tried.count("shipments") == 1, "what the data lacks is asked for once"


def test_without_a_terminal_the_proposal_is_written_down_and_confirmed_later(tmp_path: Path) -> None:
    home, path = tmp_path / "home", text_file(tmp_path / "a.csv", rows=[["Acme", "03/04/2014", "05/04/2014", "€ 5.10"]])
    nobody = clearance(home, "data", "import", "--orders", str(path))
    assert nobody.returncode == 1 and "add --map" in nobody.stderr
    shown = clearance(home, "data", "import", "--orders", str(path), "--map")
    assert shown.returncode == 3 and "does the day come first (dmy) or the month (mdy)?" in shown.stdout
    mapping = home / "imports" / "a.mapping.json"
    assert str(mapping) in shown.stdout
    hasty = clearance(home, "data", "import", "--orders", str(path), "--map", "--yes")
    assert hasty.returncode == 1 and "does the day come first" in hasty.stderr
    mapping.write_text(mapping.read_text().replace("unclear", "dmy"))
    unrated = clearance(home, "data", "import", "--orders", str(path), "--map-file", str(mapping))
    assert unrated.returncode == 1 and "how many US dollars is 1 EUR?" in unrated.stderr
    done = clearance(home, "data", "import", "--orders", str(path), "--map-file", str(mapping), "--rate", "EUR=2")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(home / "supply_chain.db") as db:
        assert db.execute("SELECT scheduled, value_cents FROM order_lines").fetchall() == [("2014-04-03", 1020)]


def test_the_next_file_with_the_same_header_needs_no_question(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert clearance(home, "data", "import", "--orders", str(text_file(tmp_path / "a.csv")), "--map", "--yes").returncode == 0
    again = text_file(tmp_path / "b.csv", rows=[*ROWS, ["Gamma", "2014-03-01", "2014-03-01", "x"]])
    done = clearance(home, "data", "import", "--orders", str(again), "--out", str(tmp_path / "out"))
    assert done.returncode == 0 and "mapped as confirmed before" in done.stdout
    assert "Amount: not a number with a decimal point" in done.stdout and (tmp_path / "out" / "b.rejects.csv").exists()
    listed = clearance(home, "data", "mappings").stdout
    fingerprint = re.match(r"[0-9a-f]{16}", listed)
    assert fingerprint and "order value: Amount (point)" in listed
    assert clearance(home, "data", "mappings", "--forget", fingerprint[0]).returncode == 0
    assert "add --map" in clearance(home, "data", "import", "--orders", str(again)).stderr
    assert clearance(home, "data", "mappings", "--forget", fingerprint[0]).returncode == 1


def test_a_workbook_by_the_command_line(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"One": [HEADER, *ROWS], "Two": [HEADER, ROWS[0]]})
    asked = clearance(tmp_path / "home", "data", "import", "--orders", str(path), "--map", "--yes")
    assert asked.returncode == 1 and "choose one with --sheet" in asked.stderr
    done = clearance(tmp_path / "home", "data", "import", "--orders", str(path), "--map", "--yes", "--sheet", "Two")
    assert done.returncode == 0 and "1 rows read, 1 kept" in done.stdout


@pytest.mark.parametrize(
    "make",
    [lambda path: path.write_bytes(b"\x00" * 500), lambda path: zipfile.ZipFile(path, "w").close()],
    ids=["binary", "empty archive"],
)
def test_a_file_that_is_no_table_is_one_message(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "a.csv")
    done = clearance(tmp_path / "home", "data", "import", "--orders", str(tmp_path / "a.csv"), "--map")
    assert done.returncode == 1 and done.stderr.startswith("failed: ") and "a.csv" in done.stderr


def plain(answer: str) -> str:
    """The answer without its source marks and emphasis."""
    return re.sub(r"\[\d+\]|\*|\\", "", answer)


def claims(body: dict[str, Any]) -> list[str]:
    """What an answer says before its sources (keys are the file's own), but for the numbers of cases: which of two approved
    steps runs first is chance."""
    said = [
        line
        for line in plain(body["answer"]).partition("## Sources")[0].splitlines()
        if line.startswith("- ") and "SELECT" not in line
    ]
    return [re.sub(r"Case \d+", "Case", line) for line in said]


def escalated(home: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(home / "supply_chain.db") as db:
        return db.execute(
            "SELECT s.name, c.severity FROM cases c JOIN suppliers s ON s.id = c.supplier_id ORDER BY 1"
        ).fetchall()
