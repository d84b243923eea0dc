"""What an operator is told: the tests beside the policies, why a call is decided so, what would change it."""

from pathlib import Path
from typing import Any

import pytest

from governance.bundle import POLICIES, load
from governance.explain import explain
from governance.policy_tests import NAME, BadTests, read, run
from governance.wording import spoken
from tests.governance.test_policies import LEDGER, LETTER, call, core, sample

ROOMS = sorted(path.parent.name for path in POLICIES.glob(f"*/{NAME}"))
GOOD = """
people: {ann: [requester]}
tools: {look: {effect: read, output: trusted}, wipe: {effect: write}}
tests: [{that: it may look, as: ann, call: look, gives: allow}]
"""


def outcomes(tmp_path: Path, text: str) -> Any:
    (tmp_path / NAME).write_text(text)
    return run(read(tmp_path / NAME), load("core", "changes"), {})


@pytest.mark.parametrize("room", [room for room in ROOMS if read(POLICIES / room / NAME).under])
def test_the_tests_beside_the_policies_hold(room: str) -> None:
    cases = read(POLICIES / room / NAME)
    assert [one.wrong for one in run(cases, load(*cases.under), {}) if one.wrong] == []


def test_the_core_and_the_changes_have_such_tests() -> None:
    assert {"core", "changes", "supply_chain"} <= set(ROOMS)


def test_a_test_that_fails_says_what_came_instead(tmp_path: Path) -> None:
    (one,) = outcomes(tmp_path, GOOD)
    assert one.wrong == ""
    (wrong,) = outcomes(tmp_path, GOOD.replace("call: look", "call: wipe, by: [bob], because: [granted]"))
    assert wrong.wrong == (
        "it gives deny, not allow; it asks nobody, not bob; granted is not among its reasons (changes-nobody-can-approve)"
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("as: ann", "as: bob", "speaks of bob, which is none of ann"),
        ("call: look", "call: rm", "speaks of rm"),
        ("gives: allow", "gives: maybe", "gives"),
        ("gives: allow", "gives: allow, after: [x]", "speaks of x"),
        ("gives: allow", "gives: allow, typo: 1", "typo"),
        ("people: {", "people: }", "people"),
    ],
)
def test_a_bad_test_file_is_named(tmp_path: Path, old: str, new: str, why: str) -> None:
    with pytest.raises(BadTests, match=why):
        outcomes(tmp_path, GOOD.replace(old, new))


def test_the_least_that_would_change_the_answer_is_found() -> None:
    stray = call("pay", {"to": "NL99OTHR0417164311", "amount": 900.0}, "Pay what I owe", LEDGER)
    said = explain(core(), stray, ("requester",))
    assert said.decision.outcome == "deny"
    assert {change.words: change.outcome for change in said.changes} == {
        ("no text that others can write had been read",): "allow",
        ("the request named whom or what it is aimed at",): "approve",
    }
    both = explain(core(), call("pay", {"to": "NL02INGB0001234567", "amount": 9.0}, "Pay bill.txt", LETTER), ())
    assert ("the request named whom or what it is aimed at", "the request named the amount") not in {
        c.words for c in both.changes
    }
    assert both.decision.outcome == "approve" and [c.words for c in both.changes] == [
        ("no text that others can write had been read",)
    ]


def test_another_role_may_be_what_it_takes() -> None:
    said = explain(sample(), call("vault", {}), ("auditor", "requester", "risk-manager"))
    assert [(c.words, c.outcome) for c in said.changes] == [(("a risk-manager asked, with no other role",), "allow")]


def test_what_is_allowed_or_never_judged_has_nothing_to_change() -> None:
    assert explain(core(), call("people", {}), ("requester",)).changes == ()
    gone = call("people", {}).__class__(**{**vars(call("people", {})), "tool": "gone"})
    assert explain(core(), gone, ("requester",)).changes == ()


def test_the_roles_that_policies_speak_of_are_known() -> None:
    assert load("core", "supply_chain").roles == {"requester", "risk-manager", "auditor"}


def test_labels_are_said_in_words() -> None:
    assert spoken(("read:secret", "untrusted", "link:foreign", "to:made", "new")) == [
        "secret data was read",
        "the agent has read text that others can write",
        "a web address in it is from an outsider's text that nobody pointed at",
        "to is the agent's own",
        "new",
    ]
