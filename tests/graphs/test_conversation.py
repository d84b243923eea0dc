"""What a message means to the goal before it: requests amended, steps made stale, evidence used again."""

from typing import Any

import pytest

from graphs.conversation import amended, reusable, same, stale
from graphs.plan import Plan, Step, StepResult
from graphs.specialists.base import Mention
from graphs.wire import Intake, Setting

TITLES = {"a": "A", "b": "B", "c": "C", "note": "Note"}
BEFORE: dict[str, Any] = {"goal": "a and b", "products": ["a", "b"], "exclude": [], "settings": {"modes": "Air"}}


def heard(**fields: Any) -> Intake:
    settings = [Setting(name=name, value=value) for name, value in fields.pop("settings", {}).items()]
    empty: dict[str, Any] = dict(products=[], exclude=[], question=None, choices=[], reason=None)
    return Intake(kind="amend", **{**empty, **fields}, settings=settings)


def change(mentions: list[Mention] | None = None, before: dict[str, Any] = BEFORE, **fields: Any) -> dict[str, Any]:
    return amended(before, heard(**fields), mentions or [], "more", ("modes", "suppliers", "supplier", "year"), TITLES)


def test_what_is_not_said_stands() -> None:
    made = change(settings={"year": "2014"})
    assert made["products"] == ["a", "b"] and made["settings"] == {"modes": "Air", "year": "2014"}
    assert made["goal"] == "a and b — more"


def test_a_name_replaces_the_earlier_one_or_joins_it() -> None:
    ocean = Mention("modes", "Ocean", "ocean")
    assert change([ocean])["settings"] == {"modes": "Ocean"}
    assert change([ocean], settings={"modes": "Air, Ocean"})["settings"] == {"modes": "Air, Ocean"}


def test_joining_a_filter_that_was_never_set_narrows_nothing_and_says_so() -> None:
    made = change([Mention("suppliers", "Cipla", "cipla")], settings={"suppliers": "Cipla, *"})
    assert made["settings"] == {"modes": "Air"} and "part of it already" in made["notes"][0]


def test_an_empty_value_takes_a_filter_away_and_an_unknown_one_is_not_set() -> None:
    assert change(settings={"modes": "", "colour": "red"})["settings"] == {}


def test_products_are_added_and_left_out_and_made_up_ones_ignored() -> None:
    made = change(products=["c", "unicorns"], exclude=["a"])
    assert made["products"] == ["b", "c"] and made["exclude"] == ["a"]
    assert change(products=["a"], before={**BEFORE, "exclude": ["a"], "products": ["b"]})["products"] == ["b", "a"]


def test_one_supplier_of_several_is_no_longer_the_only_one() -> None:
    before = {**BEFORE, "settings": {"suppliers": "Cipla", "supplier": "Cipla"}}
    mentions = [Mention("suppliers", "Hetero", "hetero"), Mention("supplier", "Hetero", "hetero")]
    made = change(mentions, before, settings={"suppliers": "Cipla, Hetero"})
    assert made["settings"] == {"suppliers": "Cipla, Hetero"}


def test_sameness_is_of_what_is_asked_not_of_the_words() -> None:
    assert same(BEFORE, {**BEFORE, "goal": "b and a", "products": ["b", "a"]})
    assert not same(BEFORE, {**BEFORE, "settings": {}})


def step(id: str, *produces: str, **more: Any) -> Step:
    return Step(id=id, title=id, specialist="ann", produces=produces, **more)


PLAN = Plan(
    steps=(
        step("s1", "a", settings={"modes": "Air"}),
        step("s2", "b"),
        step("s3", "c", inputs={"a": "s1.a"}),
        step("s4", "note", inputs={"c": "s3.c"}, effect="write"),
    )
)
TAKES = {"s1": {"modes"}, "s2": set[str](), "s3": set[str](), "s4": set[str]()}


def test_a_changed_setting_takes_the_ground_from_its_steps_and_all_that_rests_on_them() -> None:
    assert stale(PLAN, {"settings": {"modes": "Ocean"}}, TAKES, ()) == {"s1", "s3", "s4"}
    assert stale(PLAN, {"settings": {"modes": "Air"}}, TAKES, ()) == frozenset()
    assert stale(PLAN, {"settings": {"modes": "Air"}, "exclude": ["b"]}, TAKES, ()) == {"s2"}


def test_what_was_done_for_good_is_never_stale() -> None:
    assert "s4" not in stale(PLAN, {"settings": {"modes": "Ocean"}}, TAKES, ("s4",))


def results(*ids: str) -> dict[str, StepResult]:
    return {id: StepResult(step_id=id, status="succeeded", specialist="ann", data={"x": {}}) for id in ids}


def test_a_result_is_taken_over_only_with_the_same_settings_and_inputs_and_never_for_an_effect() -> None:
    again = Plan(
        steps=(
            step("s1", "b"),
            step("s2", "a", settings={"modes": "Air"}),
            step("s3", "c", inputs={"a": "s2.a"}),
            step("s4", "note", inputs={"c": "s3.c"}, effect="write"),
        )
    )
    taken = reusable(again, PLAN, results("s1", "s2", "s3", "s4"), "e1")
    assert {id: result.reused for id, result in taken.items()} == {"s1": "e1/s2", "s2": "e1/s1", "s3": "e1/s3"}
    assert all(result.step_id == id for id, result in taken.items())
    other = again.model_copy(update={"steps": (again.steps[0], step("s2", "a", settings={"modes": "Ocean"}), *again.steps[2:])})
    assert set(reusable(other, PLAN, results("s1", "s2", "s3"), "e1")) == {"s1"}


@pytest.mark.parametrize("live", [["a"], ["a", "b"]])
def test_what_lives_is_made_anew_with_all_that_rests_on_it(live: list[str]) -> None:
    taken = reusable(PLAN, PLAN, results("s1", "s2", "s3"), "e1", live)
    assert set(taken) == {"s2"} - ({"s2"} if "b" in live else set())
