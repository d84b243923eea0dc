"""One byte form for equal values, another for anything that differs."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.digest import LARGEST_INTEGER, action_digest, canonical, digest, effect_key
from governance.identity import Caller
from governance.manifest import ToolManifest
from tests.governance.cases import ANN, call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical(value) == canonical(dict(reversed(list(value.items()))))


EXACT = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(EXACT)
def test_it_is_rfc_8785_whichever_encoder_writes_it(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON values, by the strategy


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="canonical form"):
        digest({"value": "\ud800"})


def test_decimals_dates_and_large_integers_are_text() -> None:
    assert canonical({"b": Decimal("1.50"), "a": date(2026, 3, 1), "c": 2**60}) == (
        b'{"a":"2026-03-01","b":"1.50","c":"1152921504606846976"}'
    )


@pytest.mark.parametrize("value", [float("nan"), b"raw", object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="canonical form"):
        digest({"value": value})


def test_an_action_is_its_tool_version_arguments_people_and_step() -> None:
    base = call()
    others = [
        replace(base, tool="other"),
        replace(base, manifest=ToolManifest(effect="write", version="2")),
        replace(base, args={"who": "Aurobindo", "amount": 101}),
        replace(base, agent="other"),
        replace(base, caller=Caller("bob", "acme")),
        replace(base, caller=Caller("ann", "other")),
        replace(base, execution_id="e2"),
        replace(base, step_id="s2"),
    ]
    assert len({action_digest(one) for one in (base, *others)}) == 1 + len(others)
    assert action_digest(replace(base, caller=Caller(ANN.user, ANN.org, ("admin",)))) == action_digest(base)  # roles may change
    assert effect_key(replace(base, agent="other")) == effect_key(base)  # done once, whoever asks in the step
