"""The goals as the runner sees them: cases read from the YAML files, and what their plain words are called in the product.

The goals were written without sight of the product, so `MADE_AS` and `SETTING` are the one place where the two vocabularies
meet. Used by `run.py` and `judge.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
SETS = ("paraphrases", "heldout", "variants")

# A blind product → the products of the catalogue that hold it. `chart` and `report` are made by the reporter, of any plan.
MADE_AS: dict[str, frozenset[str]] = {
    "spend": frozenset({"exposure", "annual_spend", "country_exposure", "supplier_profile", "period_comparison"}),
    "lateness": frozenset({"deliveries", "network_deliveries", "mode_comparison", "supplier_profile", "period_comparison"}),
    "freight": frozenset({"mode_comparison", "freight_costs", "query"}),
    "concentration": frozenset({"exposure", "country_exposure"}),
    "country_risk": frozenset({"country_risk", "country_indicators"}),
    "sanctions": frozenset({"sanctions"}),
    "risk_score": frozenset({"risk_scores"}),
    "prices": frozenset({"price_comparison"}),
    "sites": frozenset({"unstable_sites", "country_exposure"}),
    "modes": frozenset({"mode_comparison"}),
    "query": frozenset({"query"}),
    "open_case": frozenset({"case"}),
}
BY_REPORTER = frozenset({"chart", "report"})

# A blind filter → the settings that may hold it.
SETTING: dict[str, tuple[str, ...]] = {
    "supplier": ("suppliers", "supplier"),
    "item": ("item", "items"),
    "year": ("year_from", "year_to", "compare_years"),
    "shipment_mode": ("modes",),
    "sub_classification": ("sub_classifications", "product_groups"),
    "manufacturing_country": ("made_in", "manufacturing_countries", "country", "countries"),
    "destination_country": ("countries", "destinations"),
    "min_lines": ("min_lines",),
}
# How the records write a value that the goals write in words.
WRITTEN: dict[str, tuple[str, ...]] = {
    "India": ("IND", "India"),
    "Haiti": ("HTI", "Haiti"),
    "HIV test": ("HIV test", "HRDT"),
}


@dataclass(frozen=True)
class Case:
    """One text of one case. `place` counts from 1; a variant has a single text."""

    set: str
    id: str
    place: int
    text: str
    kind: str
    expect: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.id}/{self.place}"


def cases(set: str) -> Iterator[Case]:
    """Every text of a set, in the order of its file."""
    for one in yaml.safe_load((HERE / f"{set}.yaml").read_text(encoding="utf-8")):
        texts = one.get("paraphrases") or [one["goal"]]
        for place, text in enumerate(texts, start=1):
            yield Case(set, one["id"], place, text, one.get("kind", "answer"), one["expect"])


def required(part: Mapping[str, Any], case: Case) -> bool:
    """Must this figure or list of names be shown in the answer to this text?"""
    return case.place in part.get("in", (case.place,))


def written(value: Any) -> tuple[str, ...]:
    """The spellings of a filter's value."""
    return WRITTEN.get(str(value), (str(value),))
