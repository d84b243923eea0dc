"""Screening: a near name is a candidate for a human, never a verdict."""

import time

import pytest

from tests.supply_chain.bench import Bench
from tools.registry import ToolError
from tools.supply_chain.names import normalise, variants
from tools.supply_chain.procurement import list_suppliers
from tools.supply_chain.research import search_sanctions_list
from tools.supply_chain.sanctions import screen_suppliers


def test_candidates_are_few_and_marked(bench: Bench) -> None:
    bench.run(list_suppliers)
    started = time.monotonic()
    result = bench.run(screen_suppliers, suppliers_ref="s.suppliers")
    assert time.monotonic() - started < 30  # about 0.3 s on an idle machine
    candidates = [row for row in result.rows if row.candidate]
    assert len(result.rows) == 72 and 1 <= len(candidates) <= 5
    assert all(row.similarity < 90 for row in candidates), "no supplier in these files is on the list"
    assert all(row.records.table == "sanctions" and row.records.expand() == [row.entry_id] for row in candidates)
    assert all(row.entry is None and row.records.table == "suppliers" for row in result.rows if not row.candidate)
    assert any("never a verdict" in caveat for caveat in result.caveats)
    assert result.as_of == "2024-05-03"


def test_a_listed_name_is_found_in_any_spelling(bench: Bench) -> None:
    found = bench.run(search_sanctions_list, name="nacional de Cuba, Banco")
    assert found.rows[0].entry == "BANCO NACIONAL DE CUBA" and found.rows[0].similarity == 100


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Orgenics, Ltd", "ORGENICS"),
        ("IMRES B.V.", "IMRES"),
        ("Société Générale S.A.", "SOCIETE GENERALE"),
        ("THE COMPANY LTD", "THE COMPANY LTD"),
    ],
)
def test_normalised_names(name: str, normal: str) -> None:
    assert normalise(name) == normal


def test_former_names_are_screened_too() -> None:
    assert variants("MYLAN LABORATORIES LTD (FORMERLY MATRIX LABORATORIES)") == [
        "MYLAN LABORATORIES LTD",
        "MATRIX LABORATORIES",
    ]
    assert variants("AHN (PTY) LTD (AKA UCB (S.A.)") == ["AHN (PTY) LTD", "UCB (S.A."]
    assert variants("BIO-RAD LABORATORIES (FRANCE)") == ["BIO-RAD LABORATORIES (FRANCE)"]


def test_an_unknown_reference_is_said(bench: Bench) -> None:
    with pytest.raises(ToolError, match="there is no 's9"):
        bench.run(screen_suppliers, suppliers_ref="s9.suppliers")
