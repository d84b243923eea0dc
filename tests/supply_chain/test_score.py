"""Every supplier's risk score, recomputed from the files with pandas by the documented formula, without the product's code."""

import re
import unicodedata
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from rapidfuzz import fuzz, process

from tests.supply_chain.bench import TODAY, Bench, data_folder
from tools.registry import ToolError
from tools.supply_chain.briefs import approval_briefs
from tools.supply_chain.cases import open_case
from tools.supply_chain.country_risk import country_risk
from tools.supply_chain.finance import financial_exposure
from tools.supply_chain.procurement import list_suppliers
from tools.supply_chain.sanctions import screen_suppliers
from tools.supply_chain.score import ScoreWeights, score_suppliers, weighted
from tools.supply_chain.shipments import delivery_performance

LEGAL_TEXT = """
    LTD LIMITED INC INCORPORATED CO COMPANY CORP CORPORATION PLC LLC LLP LP GMBH AG KG BV NV SA SAS SRL SPA OY AB PTY PVT PTE
    EV SARL FZE FZCO JSC OJSC PJSC OOO UC RL CV THE AND OF
"""
LEGAL = set(LEGAL_TEXT.split())
ALIASES = {  # names that the files do not hold
    "Abbott GmbH & Co. KG": ["AbbVie GmbH & Co. KG"],
    "ABBOTT LOGISTICS B.V.": ["AbbVie Logistics B.V."],
    "AUROBINDO PHARAM (SOUTH AFRICA)": ["AUROBINDO PHARMA (SOUTH AFRICA)"],
    "PUETRO RICO PHARMACEUTICAL, INC.": ["PUERTO RICO PHARMACEUTICAL, INC."],
    "SHANGHAI KEHUA BIOENGINEERING CO.,LTD.  (KHB)": ["SHANGHAI KEHUA BIOENGINEERING CO.,LTD.", "KHB"],
    "SUN PHARMACEUTICAL INDUSTRIES LTD (RANBAXY LABORATORIES LIMITED)": [
        "SUN PHARMACEUTICAL INDUSTRIES LTD",
        "RANBAXY LABORATORIES LIMITED",
    ],
}
WEIGHTS = {"exposure": 0.35, "delivery": 0.30, "country": 0.25, "sanctions": 0.10}
ALL = {"exposure_ref": "s.exposure", "deliveries_ref": "s.deliveries"}
OPTIONAL = {"country_risk_ref": "s.country_risk", "sanctions_ref": "s.sanctions"}


@pytest.fixture(scope="module")
def scored(bench: Bench) -> Bench:
    bench.run(list_suppliers)
    for tool in (financial_exposure, delivery_performance, country_risk, screen_suppliers):
        bench.run(tool, suppliers_ref="s.suppliers")
    return bench


def recomputed() -> pd.DataFrame:
    """Parts of every supplier by name, from the CSV files alone; sanctions apart."""
    data = data_folder()
    lines = pd.read_csv(data / "scms_delivery_history.csv", keep_default_na=False)
    lines = lines[lines["fulfill via"] == "Direct Drop"].copy()
    sites = pd.read_csv(data / "scms_manufacturing_sites.csv").set_index("manufacturing_site")["iso3"]
    wgi = pd.read_csv(data / "wgi_1996_2023.csv", encoding="utf-8-sig", na_values="..")
    mean = wgi.groupby(["code", "year"])["estimate"].mean().dropna()
    day = {n: pd.to_datetime(lines[f"{n} date"], format="%d-%b-%y") for n in ("scheduled delivery", "delivered to client")}
    lines["late"] = day["delivered to client"] > day["scheduled delivery"]
    lines["value"] = lines["line item value"].astype(float)

    def index(site: str, year: int) -> float:
        iso3 = sites.get(site)
        if not isinstance(iso3, str) or iso3 not in mean:
            return float("nan")
        known = mean[iso3]
        return round(100 * (2.5 - known[known.index <= year].iloc[-1]) / 5, 4)

    lines["index"] = [
        index(site, year) for site, year in zip(lines["manufacturing site"], day["scheduled delivery"].dt.year, strict=True)
    ]
    groups = lines.groupby("vendor")
    table = pd.DataFrame({"spend": groups["value"].sum(), "late": groups["late"].sum(), "lines": groups.size()})
    prior = lines["late"].mean()
    share = (100 * table["spend"] / table["spend"].sum()).round(4)
    rate = (100 * (table["late"] + 10 * prior) / (table["lines"] + 10)).round(4)
    known = lines.dropna(subset="index")
    table["exposure"] = (100 * (share / 20).clip(upper=1)).round(4)
    table["delivery"] = (100 * (rate / 15).clip(upper=1)).round(4)
    weighted_index = (known["index"] * known["value"]).groupby(known["vendor"]).sum() / known.groupby("vendor")["value"].sum()
    table["country"] = weighted_index.round(4)
    return table


def plain(name: str) -> str:
    """A name as the screening compares it: ASCII words without punctuation and legal forms."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper().replace("'", "")
    text = re.sub(r"\b(?:[A-Z]\.){2,}[A-Z]?", lambda found: found[0].replace(".", ""), text)
    words = re.findall(r"[A-Z0-9]+", text)
    return " ".join(word for word in words if word not in LEGAL) or " ".join(words)


def candidates(suppliers: list[str]) -> dict[str, float]:
    """Similarity of those suppliers one of whose names comes within 80 of an entry that is no vessel or aircraft."""
    listed = pd.read_csv(
        data_folder() / "ofac_sdn_2024-05-03.csv", header=None, keep_default_na=False, encoding_errors="replace"
    )
    listed = listed[listed[0].astype(str).str.fullmatch(r"\d+") & ~listed[2].str.strip().isin(["vessel", "aircraft"])]
    entries = [plain(name) for name in listed[1]]
    found = {}
    for supplier in suppliers:
        parts = re.split(r"\((?:FORMERLY|FORMALLY|AKA|SUBSIDIARY OF)", supplier, flags=re.IGNORECASE)
        names = [plain(name) for name in [*parts, *ALIASES.get(supplier, ())]]
        best = max(process.cdist(names, entries, scorer=scorer).max() for scorer in (fuzz.ratio, fuzz.token_sort_ratio))
        if best >= 80:
            found[supplier] = round(float(best), 4)
    return found


def expected_score(parts: dict[str, float], weights: dict[str, float] = WEIGHTS) -> float:
    known = {name: part for name, part in parts.items() if not pd.isna(part)}
    return sum(weights[name] * part for name, part in known.items()) / sum(weights[name] for name in known)


def test_every_score_recomputes_from_the_files(scored: Bench) -> None:
    result = scored.run(score_suppliers, **ALL, **OPTIONAL)
    truth = recomputed()
    similar = candidates(list(truth.index))
    assert {row.supplier for row in result.rows} == set(truth.index) and len(result.rows) == 72
    over = []
    for row in result.rows:
        parts = {name: truth.loc[row.supplier, name] for name in ("exposure", "delivery", "country")}
        parts["sanctions"] = similar.get(row.supplier, 0.0)
        for name, part in parts.items():
            shown = getattr(row, f"{name}_part")
            assert (shown is None) if pd.isna(part) else float(shown) == pytest.approx(part, abs=1e-6), (row.supplier, name)
        score = expected_score(parts)
        assert float(row.score) == pytest.approx(score, abs=1e-6), row.supplier
        if score >= 50:
            over.append(row.supplier)
    assert sorted(over) == sorted(row.supplier for row in result.rows if row.over_threshold)
    assert 2 <= len(over) <= 5
    assert result.figures["over_count"].value == len(over)
    assert [row.score for row in result.rows] == sorted((row.score for row in result.rows), reverse=True)


def test_a_candidate_alone_opens_no_case(scored: Bench) -> None:
    result = scored.run(score_suppliers, **ALL, **OPTIONAL)
    assert not any(row.over_threshold for row in result.rows if row.sanctions_part)
    assert all((row.sanctions_points or 0) <= 10 for row in result.rows if not row.missing_parts)


def test_missing_parts_scale_the_other_weights_and_say_so(scored: Bench) -> None:
    result = scored.run(score_suppliers, **ALL)
    assert result.figures["missing_parts"].value == "country, sanctions"
    assert sum("is missing" in caveat for caveat in result.caveats) == 2
    first = result.rows[0]
    assert first.country_part is None
    wanted = expected_score({"exposure": float(first.exposure_part), "delivery": float(first.delivery_part)})
    assert float(first.score) == pytest.approx(wanted, abs=1e-4)


def test_threshold_is_an_argument_and_configuration(scored: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(row.over_threshold for row in scored.run(score_suppliers, **ALL, threshold=100).rows)
    monkeypatch.setenv("CLEARANCE_SCORE_THRESHOLD", "0")
    assert all(row.over_threshold for row in scored.run(score_suppliers, **ALL).rows)


def test_weights_of_nothing_are_refused() -> None:
    nothing = ScoreWeights(exposure=Decimal(0), delivery=Decimal(0), country=Decimal(0), sanctions=Decimal(0))
    with pytest.raises(ToolError, match="no known part"):
        weighted({"exposure": Decimal(1)}, nothing)


def test_briefs_fill_the_case(scored: Bench) -> None:
    scores = scored.run(score_suppliers, **ALL, **OPTIONAL)
    briefs = scored.run(approval_briefs, risk_scores_ref="s.risk_scores")
    assert [row.supplier for row in briefs.rows] == [row.supplier for row in scores.rows if row.over_threshold]
    days = {"critical": 7, "high": 14, "medium": 30}
    for row in briefs.rows:
        assert row.due == TODAY + timedelta(days=days[row.severity])
        assert row.recommendation == "approve" and row.open_cases == "none"
        arguments: dict[str, Any] = {name: getattr(row, name) for name in open_case.args.model_fields}
        open_case.args.model_validate(arguments)
    wealthy = scored.run(approval_briefs, risk_scores_ref="s.risk_scores", min_spend=100_000_000)
    assert [row.supplier for row in wealthy.rows] == ["Orgenics, Ltd"]
