"""Who passes the door, who does not, and what is written down of either."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from database import Database
from governance.policy import CallFacts, Decision, PlanFacts, PolicyEngine, Violation
from tests.tools.cases import TOOLS, Door, policy, transient
from tools.calls import Clearing
from tools.registry import Clearance, NoClearance, Seal, Tool, ToolContext, ToolError


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_tool_runs_around_the_door(tool: Tool) -> None:
    with pytest.raises(NoClearance):
        tool({}, None)
    with pytest.raises(NoClearance):
        tool.open(Clearance(tool.name, "c1", Seal()), Seal())


async def test_a_read_is_decided_run_and_recorded(door: Door) -> None:
    call = door.call("look", key="b", times="1.5", exposure="s1.exposure")
    clearing = await door.gateway.propose(call)
    assert (clearing.outcome, clearing.args["times"], clearing.rules) == ("allow", "1.5", ("granted",))
    done = await door.gateway.act(call, clearing)
    assert done.status == "ok" and done.effect is None and done.result is not None
    assert done.result["figures"]["sum"]["value"] == "4.5"  # a decimal stays exact
    assert done.records == ({"table": "lines", "keys": "1-4,7,9", "count": 6},)
    assert await door.log() == [("decided", "allow"), ("outcome", "ok")]
    last = await door.last()
    assert last.result_digest and last.ms == done.ms and door.engine and last.policy_version == door.engine.version
    assert await door.decisions.payload(last.args_digest) == clearing.args


async def test_a_clearing_survives_a_checkpoint(door: Door) -> None:
    clearing = await door.gateway.propose(door.call("open_case", who="Aurobindo"))
    assert Clearing.from_dict(clearing.as_dict()) == clearing


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"times": "many"}, "times: Input should be a valid decimal"),
        ({"keys": "a"}, "takes no argument keys; it takes: key, times, exposure"),
        ({"exposure": "s9.exposure"}, "exposure: 's9.exposure' names no exposure result of this step; there is s1.exposure"),
        ({"times": float("nan")}, "look"),
    ],
)
async def test_bad_arguments_are_told_to_the_model(door: Door, args: dict[str, Any], why: str) -> None:
    clearing = await door.gateway.propose(door.call("look", **args))
    assert clearing.outcome == "invalid" and why in clearing.text
    assert (await door.gateway.act(door.call("look", **args), clearing)).status == "denied"
    assert door.world.calls["look"] == 0
    assert await door.log() == [("decided", "invalid"), ("outcome", "denied")]


@pytest.mark.parametrize(("name", "granted", "rule"), [("look", frozenset(), "not-granted"), ("rm", {"rm"}, "unlisted-tool")])
async def test_what_is_not_granted_or_not_listed_is_a_violation(door: Door, name: str, granted: Any, rule: str) -> None:
    call = replace(door.call(name, key="a"), granted=frozenset(granted))
    clearing = await door.gateway.propose(call)
    assert (clearing.outcome, clearing.rules) == ("deny", (rule,))
    forged = await door.gateway.act(call, Clearing("allow", {"key": "a"}))
    assert forged.status == "denied" and door.world.calls["look"] == 0
    assert await door.log() == [("violation", "deny"), ("violation", "denied")]


@dataclass
class Broken:
    """An engine that fails, at once or from the second question on."""

    inner: PolicyEngine
    good: int = 0
    version: str = "broken-1"

    def decide(self, call: CallFacts) -> Decision:
        self.good -= 1
        if self.good < 0:
            raise RuntimeError("no policy")
        return self.inner.decide(call)

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]:
        return ()


@pytest.mark.parametrize("good", [0, 1])
async def test_an_engine_that_raises_denies(db: Database, good: int) -> None:
    door = Door(db, engine=Broken(policy({tool.name: tool.manifest for tool in TOOLS}), good))
    done = await door.run(door.call("look"))
    assert (done.status, door.world.calls["look"]) == ("denied", 0)
    assert "could not be evaluated" in done.error


async def test_a_call_that_was_denied_stays_denied(door: Door) -> None:
    done = await door.gateway.act(door.call("look"), Clearing("deny", {}, ("some-rule",), ("it was not allowed then",)))
    assert (done.status, done.error, door.world.calls["look"]) == ("denied", "it was not allowed then", 0)


async def test_what_cannot_be_recorded_is_not_cleared(door: Door, db: Database) -> None:
    await db.run(lambda c: c.execute(text("DROP TABLE ledger")))
    for name, args in (("fetch", {}), ("open_case", {"who": "Cipla"})):
        clearing = await door.gateway.propose(door.call(name, **args))
        assert (clearing.outcome, clearing.rules) == ("deny", ("no-record",))
    assert await door.approvals.pending() == []  # the request was rolled back with its record


async def test_a_read_that_cannot_be_recorded_is_withheld(door: Door, db: Database) -> None:
    clearing = await door.gateway.propose(door.call("look"))
    await db.run(lambda c: c.execute(text("DROP TABLE ledger")))
    done = await door.gateway.act(door.call("look"), clearing)
    assert (done.status, done.result) == ("error", None)


async def test_a_read_tool_cannot_reach_the_writing_handle(door: Door) -> None:
    done = await door.run(door.call("sneak"))
    assert done.status == "error" and "NoClearance" in done.error and door.world.writing == []


@pytest.mark.parametrize("name", ["look", "look_async"])
async def test_a_tool_has_its_time_and_no_more(door: Door, name: str) -> None:
    door.world.held = threading.Event()
    hasty = door.hasty(0.3)
    done = await hasty.run(door.call(name))
    assert (done.status, done.error) == ("error", f"{name} took longer than 0.3 s"), "the tool itself has not ended"
    door.world.held.set()
    hasty.gateway.close()
    assert await door.log() == [("decided", "allow"), ("outcome", "error")]


async def test_a_read_is_tried_again_after_a_passing_trouble(door: Door) -> None:
    door.world.trouble = [transient()]
    assert (await door.run(door.call("look"))).status == "ok"
    door.world.trouble = [transient("still busy"), transient("still busy")]
    assert (await door.run(door.call("look"))).error == "still busy"
    door.world.trouble = [ToolError("no such key")]
    assert (await door.run(door.call("look"))).error == "no such key"
    assert door.world.calls["look"] == 2 + 2 + 1


async def test_any_other_error_becomes_a_sentence(door: Door) -> None:
    done = await door.run(door.call("look", key="z"))
    assert (done.status, done.error) == ("error", "look failed: KeyError: 'z'")


async def test_a_result_that_is_not_what_the_tool_declares_is_an_error(door: Door) -> None:
    door.world.result = {"title": "no scope"}
    done = await door.run(door.call("look"))
    assert done.status == "error" and "ValidationError" in done.error and done.result is None


async def test_a_tool_is_handed_its_context(door: Door) -> None:
    await door.run(door.call("look"))
    (context,) = door.world.contexts
    assert (context.caller.user, context.step_id, context.call_id, context.idempotency_key) == ("ann", "s1", "c1", "")
    assert isinstance(context, ToolContext) and "s1.exposure" in context.inputs
