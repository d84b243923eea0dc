"""Mapping one's own file at a terminal: a column changed, a rate asked for, nothing imported until it is confirmed."""

import json
from pathlib import Path

from tests.app.at_terminal import plain, talk
from tests.app.command import clearance

FILE = """Lieferant;Bestelldatum;Nettobetrag (EUR);Menge;Lager
Acme GmbH;31.12.2014;1.234,50;10;A
Beta AG;15.01.2015;99,00;3;B
Acme GmbH;02.02.2015;10,00;1;A
"""


def command(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "bestellungen.csv").write_text(FILE, encoding="utf-8")
    return ("data", "import", "--orders", str(tmp_path / "bestellungen.csv"), "--map")


def test_a_column_is_changed_and_a_rate_is_given(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, printed = talk(home, "9", "4", "nonsense", "4", "quantity", "c", "1.10", words=command(tmp_path))
    told = plain(printed)
    assert code == 0, told
    assert "Type c, q or a number from 1 to 5" in told and "'nonsense' is none of them" in told
    assert "how many US dollars is 1 EUR?" in told and "What these columns can answer" in told
    asked = clearance(home, "run", "How much did we spend with Acme GmbH?", "--json")
    answer = json.loads(asked.stdout)["answer"]  # Markdown
    assert "1,368.95" in answer, "(1,234.50 + 10.00) × 1.10"


def test_leaving_imports_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, printed = talk(home, "q", words=command(tmp_path))
    assert code == 0 and "Nothing was imported" in plain(printed)
    assert "Acme" not in clearance(home, "data", "sources").stdout
    assert json.loads(clearance(home, "run", "How much did we spend with Acme GmbH?", "--json").stdout)["status"] != "success"


def test_what_an_order_line_needs_is_not_confirmed_away(tmp_path: Path) -> None:
    code, printed = talk(tmp_path / "home", "1", "-", "c", "q", words=command(tmp_path))
    assert code == 0 and "Order lines need" in plain(printed)
