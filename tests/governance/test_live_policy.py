"""Policies edited while they are in use: taken up whole, or not at all; and what each version said is kept."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from database import Database
from governance.bundle import POLICIES, BadPolicy, version_of
from governance.live_policy import LivePolicy
from governance.policy_texts import keep, recall
from tests.governance.test_policies import MANIFESTS, call

DENY_ALL = '\n@id("closed") @outcome("deny") @reason("closed today") forbid (principal, action in Action::"call", resource);\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def edit(root: Path, how: Callable[[str], str]) -> None:
    path = root / "core" / "data.cedar"
    path.write_text(how(path.read_text()))


def test_an_edit_is_taken_up_when_it_is_looked_for(root: Path) -> None:
    policy = LivePolicy(MANIFESTS, ["core"], root=root)
    first = policy.version
    assert not policy.refresh() and policy.decide(call("people", {})).outcome == "allow"
    edit(root, lambda text: text + DENY_ALL)
    assert policy.decide(call("people", {})).outcome == "allow", "not before somebody looks"
    assert policy.refresh() and policy.version != first
    assert (policy.decide(call("people", {})).rules, policy.decide(call("people", {})).policy_version) == (
        ("closed",),
        policy.version,
    )
    edit(root, lambda text: text + "// only a remark\n")
    assert not policy.refresh()


def test_a_bad_edit_keeps_the_old_policies_and_says_where_it_is(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    policy = LivePolicy(MANIFESTS, ["core"], root=root)
    first, good = policy.version, (root / "core" / "data.cedar").read_text()
    edit(root, lambda text: "permit (principal action);\n" + text)
    with caplog.at_level(logging.ERROR):
        assert not policy.refresh()
    assert "core/data.cedar:1" in caplog.text and first in caplog.text
    assert policy.version == first and policy.decide(call("people", {})).outcome == "allow"
    caplog.clear()
    assert not policy.refresh() and caplog.text == "", "said once"
    edit(root, lambda text: good + DENY_ALL)
    assert policy.refresh() and policy.decide(call("people", {})).rules == ("closed",)


def test_what_cannot_be_used_at_the_start_stops_it(root: Path) -> None:
    edit(root, lambda text: "permit;")
    with pytest.raises(BadPolicy, match=r"core/data\.cedar:1"):
        LivePolicy(MANIFESTS, ["core"], root=root)


def test_each_version_is_kept_before_it_decides_and_can_be_read_again(root: Path, db: Database) -> None:
    policy = LivePolicy(MANIFESTS, ["core"], lambda bundle: db.run_sync(lambda c: keep(c, bundle)), root=root)
    first = policy.version
    edit(root, lambda text: text + DENY_ALL)
    assert policy.refresh()
    kept = db.run_sync(lambda c: recall(c, [first, policy.version, "cedar-unknown"]))
    assert set(kept) == {first, policy.version} and all(version_of(files) == version for version, files in kept.items())
    assert "closed" in kept[policy.version]["core/data.cedar"] and "closed" not in kept[first]["core/data.cedar"]
