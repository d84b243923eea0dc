"""The blind goals keep their shape, and their golden figures are those of the raw files."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.goals import golden

DATA = Path(os.environ.get("CLEARANCE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
PRODUCTS = {
    "spend", "lateness", "freight", "concentration", "country_risk", "sanctions", "risk_score",
    "prices", "sites", "modes", "chart", "report", "query", "open_case",
}  # fmt: skip
FILTERS = {
    "supplier", "item", "year", "shipment_mode", "sub_classification", "manufacturing_country", "destination_country", "min_lines",
}  # fmt: skip
NEEDS = {"answer": {"products", "effects"}, "clarify": {"options", "effects"}, "decline": {"missing", "effects"}}


def load(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((golden.HERE / name).read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize(("name", "goals", "ways"), [("paraphrases.yaml", 25, 4), ("heldout.yaml", 10, 2)])
def test_every_goal_is_put_in_as_many_ways_and_says_what_must_come_of_it(name: str, goals: int, ways: int) -> None:
    cases = load(name)
    assert len({case["id"] for case in cases}) == len(cases) == goals
    for case in cases:
        assert len(case["paraphrases"]) == ways, case["id"]
        assert NEEDS[case["kind"]] <= set(case["expect"]), case["id"]
        for one in golden.figures(case):
            assert set(one.get("in", [])) <= set(range(1, ways + 1)), case["id"]
        assert {p for one in case["expect"].get("products", []) for p in one.split("|")} <= PRODUCTS, case["id"]
        assert set(case["expect"].get("filters", {})) <= FILTERS, case["id"]


def test_no_question_of_the_heldout_goals_is_among_the_others() -> None:
    texts = [
        text.casefold() for name in ("paraphrases.yaml", "heldout.yaml") for case in load(name) for text in case["paraphrases"]
    ]
    assert len(set(texts)) == len(texts) == 120


def test_every_variant_names_its_products_and_what_depends_on_what() -> None:
    cases = load("variants.yaml")
    assert len({case["goal"] for case in cases}) == len(cases) == 15
    for case in cases:
        expect = case["expect"]
        present = {p for one in expect["present"] for p in one.split("|")}
        effects = set() if expect["effects"] == "none" else {expect["effects"]["kind"]}
        assert present <= PRODUCTS and not present & set(expect.get("absent", [])), case["id"]
        assert {p for group in expect.get("parallel", []) for p in group} <= present, case["id"]
        for made, needs in expect.get("depends", {}).items():
            assert made in present | effects and set(needs) <= present, case["id"]
        for product, fields in expect.get("filters", {}).items():
            assert product in present and set(fields) <= FILTERS, case["id"]


@pytest.mark.skipif(not (DATA / golden.ORDERS).exists(), reason="the public files are not in CLEARANCE_DATA")
def test_the_golden_figures_are_those_of_the_raw_files() -> None:
    count, wrong = golden.check(DATA)
    assert wrong == []
    assert count > 60


def test_a_figure_that_moved_is_noticed() -> None:
    assert not golden.same(11.48, 11.487795428128633)
    assert not golden.same(["CIPLA LIMITED", "Orgenics, Ltd"], ["Orgenics, Ltd", "CIPLA LIMITED"])
    assert golden.same(39658694.6, 39658694.60000001)
