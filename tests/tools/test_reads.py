"""A read within the house is decided once and recorded once, with its outcome; and what makes the door ask and record as ever."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from database import Database
from governance.budgets import Budgets
from governance.limits import Limits
from governance.policy import CallFacts, Decision, PlanFacts, PolicyEngine, Violation
from tests.tools.cases import RISK, TOOLS, Door, policy
from tools.calls import Clearing
from tools.gateway import Gateway


@dataclass
class Counted:
    """An engine that counts what it is asked, and whose operator may change the policies: from then on they deny."""

    inner: PolicyEngine
    asked: int = 0
    version: str = ""
    closed: bool = False

    def __post_init__(self) -> None:
        self.version = self.inner.version

    def decide(self, call: CallFacts) -> Decision:
        self.asked += 1
        if self.closed:
            return Decision("deny", ("closed",), ("it is closed",), policy_version=self.version)
        return self.inner.decide(call)

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]:
        return ()

    def close(self) -> None:
        self.closed, self.version = True, "closed-1"


@pytest.fixture
def engine() -> Counted:
    return Counted(policy({tool.name: tool.manifest for tool in TOOLS}))


@pytest.fixture
def watched(db: Database, engine: Counted) -> Door:
    return Door(db, engine=engine)


async def test_a_read_is_asked_once_and_recorded_in_one_commit(watched: Door, engine: Counted) -> None:
    call = watched.call("look", key="b")
    clearing = await watched.gateway.propose(call)
    assert clearing.outcome == "allow" and await watched.log() == []
    assert (await watched.gateway.act(call, clearing)).status == "ok" and engine.asked == 1
    decided, outcome = await watched.decisions.for_execution("e1")
    assert [(decided.phase, decided.outcome), (outcome.phase, outcome.outcome)] == [("decided", "allow"), ("outcome", "ok")]
    assert decided.at == outcome.at and decided.known and decided.rules == ("granted",) == outcome.rules
    assert await watched.decisions.payload(decided.args_digest) == clearing.args


@pytest.mark.parametrize("why", ["another call", "acted on before", "a minute later", "an hour earlier", "another version"])
async def test_it_is_asked_again_where_something_may_have_changed(watched: Door, engine: Counted, why: str) -> None:
    call = watched.call("look")
    clearing = await watched.gateway.propose(call)
    if why == "another call":
        call = replace(call)  # equal, but not the object that was judged
    elif why == "acted on before":
        await watched.gateway.act(call, clearing)
    elif why == "a minute later":
        watched.time.pass_(minutes=1)
    elif why == "an hour earlier":
        watched.time.pass_(hours=-1)
    else:
        engine.version = "edited-1"
    asked = engine.asked
    assert (await watched.gateway.act(call, clearing)).status == "ok" and engine.asked == asked + 1


async def test_policies_that_were_closed_since_deny_and_both_are_on_record(watched: Door, engine: Counted) -> None:
    call = watched.call("look")
    clearing = await watched.gateway.propose(call)
    engine.close()
    assert (await watched.gateway.act(call, clearing)).status == "denied" and watched.world.calls["look"] == 0
    assert await watched.log() == [("decided", "allow"), ("outcome", "denied")]
    assert (await watched.last()).rules == ("closed",)


async def test_a_clearing_proves_nothing(watched: Door, engine: Counted) -> None:
    engine.close()
    assert (await watched.gateway.act(watched.call("look"), Clearing("allow", {}))).status == "denied"
    assert engine.asked == 1 and await watched.log() == [("outcome", "denied")]


async def test_a_read_that_nobody_proposed_is_decided_on_record_all_the_same(door: Door) -> None:
    assert (await door.gateway.act(door.call("look"), Clearing("allow", {}))).status == "ok"
    assert await door.log() == [("decided", "allow"), ("outcome", "ok")]


async def test_what_was_cleared_and_is_refused_is_on_record_with_both(door: Door) -> None:
    call = door.call("look")
    await door.gateway.propose(call)
    assert (await door.gateway.act(call, Clearing("deny", {}))).status == "denied"
    assert await door.log() == [("decided", "allow"), ("outcome", "denied")]


@pytest.mark.parametrize(("name", "args"), [("fetch", {}), ("open_case", {"who": "Aurobindo"})])
async def test_what_goes_out_or_changes_something_is_recorded_before_and_asked_twice(
    watched: Door, engine: Counted, name: str, args: dict[str, str]
) -> None:
    call = watched.call(name, **args)
    clearing = await watched.gateway.propose(call)
    assert [phase for phase, _ in await watched.log()] == ["decided"]
    if clearing.approval_id:
        await watched.approvals.vote(clearing.approval_id, RISK, "approve")
    asked = engine.asked
    assert (await watched.gateway.act(call, clearing)).status == "ok" and engine.asked == asked + 1


async def test_a_read_that_is_counted_is_recorded_before_it_runs(door: Door) -> None:
    budgets = Budgets(door.db, door.decisions, Limits({("run", "tool_calls"): 1}), (), door.time)
    registry = door.gateway._registry
    engine = policy(registry.manifests())
    counted = Gateway(registry, engine, door.approvals, door.effects, door.decisions, door.db, door.time, budgets=budgets)
    call = door.call("look")
    clearing = await counted.propose(call)
    assert await door.log() == [("decided", "allow")]
    assert (await counted.act(call, clearing)).status == "ok"
    assert (await counted.propose(replace(call, call_id="c2"))).rules == ("budget",)
    assert await door.log() == [("decided", "allow"), ("outcome", "ok"), ("decided", "deny")]
    counted.close()


async def test_a_read_that_nobody_acts_on_leaves_nothing_behind(door: Door) -> None:
    for _ in range(3):
        call = door.call("look")
        assert (await door.gateway.propose(call)).outcome == "allow"
    assert len(door.gateway._held) == 1
    del call
    gc.collect()
    assert len(door.gateway._held) == 0
