"""Effects: only as approved, once, and with the truth about what is not known."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text, update

from database import Database
from governance.tables import approvals
from tests.tools.cases import RISK, TOOLS, Crash, Door, policy, transient
from tools.calls import Clearing
from tools.registry import ToolError

BROKE_OFF = "is unknown"


async def test_an_effect_waits_for_a_person_then_happens_once(door: Door) -> None:
    call = door.call("open_case", who="Aurobindo", amount=25)
    clearing = await door.gateway.propose(call)
    assert (clearing.outcome, clearing.approval_status) == ("approve", "pending")
    early = await door.gateway.act(call, clearing)
    assert early.status == "denied" and "nobody has approved it yet" in early.error and door.world.writing == []
    (asked,) = await door.approvals.pending("e1")
    assert asked.provenance == {"who": "from the request", "amount": "written by the model"}
    await door.approvals.vote(asked.id, RISK, "approve")
    done = await door.gateway.act(call, clearing)
    assert (done.status, done.effect, done.approval_id) == ("ok", "done", asked.id)
    again = await door.gateway.act(call, clearing)
    assert (again.status, again.effect, again.result) == ("ok", "replayed", done.result)
    assert len(door.world.writing) == 1 and door.world.calls["open"] == 1
    log = await door.log()
    assert log == [
        ("decided", "approve"),
        ("outcome", "denied"),
        ("vote", "approve"),
        ("intent", "go"),
        ("outcome", "ok"),
        ("outcome", "replayed"),
    ]
    intent = (await door.decisions.for_execution("e1"))[3]
    assert (intent.approval_id, intent.approvers) == (asked.id, ("ravi",))


async def test_a_step_tried_again_gets_the_stored_result(door: Door) -> None:
    first = await door.run(door.call("send", who="Cipla"))
    retry = replace(door.call("send", who="Cipla"), attempt=2, call_id="c9", thread_id="t2")
    clearing = await door.again().gateway.propose(retry)
    assert clearing.approval_status == "consumed"
    second = await door.again().gateway.act(retry, clearing)
    assert (second.effect, second.result, len(door.world.writing)) == ("replayed", first.result, 1)


@pytest.mark.parametrize(
    ("verdict", "why"), [("reject", "it was rejected"), ("respond", "it was answered instead of approved")]
)
async def test_without_approval_nothing_happens(door: Door, verdict: str, why: str) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.gateway.propose(call)
    await door.approvals.vote(str(clearing.approval_id), RISK, verdict)  # type: ignore[arg-type]
    done = await door.gateway.act(call, clearing)
    assert (done.status, why in done.error, door.world.writing) == ("denied", True, [])
    assert (await door.gateway.propose(call)).approval_status in ("rejected", "answered")  # asking again changes nothing


async def test_an_approval_that_is_void_or_too_old_is_none(door: Door) -> None:
    calls = [door.call("open_case", step, who="Cipla") for step in ("s1", "s2")]
    clearings = [await door.approved(call) for call in calls]
    await door.approvals.void("e1", ["s1"], "dropped")
    assert "withdrawn" in (await door.gateway.act(calls[0], clearings[0])).error
    door.time.pass_(hours=9)
    assert "too old" in (await door.gateway.act(calls[1], clearings[1])).error
    assert door.world.writing == []


async def test_an_approval_is_good_for_its_own_call_only(door: Door) -> None:
    clearing = await door.approved(door.call("open_case", who="Cipla", amount=5))
    others = [
        door.call("open_case", who="Cipla", amount=6),
        door.call("open_case", "s2", who="Cipla", amount=5),
        door.call("send", who="Cipla", amount=5),
        replace(door.call("open_case", who="Cipla", amount=5), execution_id="e2"),
        replace(door.call("open_case", who="Cipla", amount=5), caller=RISK),
    ]
    for other in others:
        assert (await door.gateway.act(other, clearing)).status == "denied"
    forged = (Clearing("allow", {}), Clearing("approve", {}), Clearing("approve", {}, approval_id="nothing"))
    for one in forged:
        assert (await door.gateway.act(door.call("open_case", who="Cipla", amount=5), one)).status == "denied"
    assert door.world.writing == []


async def test_an_approved_row_that_was_tampered_with_is_refused(door: Door, db: Database) -> None:
    call = door.call("open_case", who="Cipla", amount=5)
    clearing = await door.approved(call)
    await db.run(lambda c: c.execute(update(approvals).values(args={"who": "Mallory", "amount": 5})))
    done = await door.gateway.act(call, clearing)
    assert done.status == "denied" and "given for something else" in done.error and door.world.writing == []


async def test_what_was_edited_is_what_runs(door: Door) -> None:
    call = door.call("open_case", who="Cipla", amount=500)
    clearing = await door.gateway.propose(call)
    made = await door.approvals.vote(str(clearing.approval_id), RISK, "edit", args={"who": "Cipla", "amount": "50"})
    done = await door.gateway.act(call, clearing)
    assert (done.status, done.approval_id, done.args) == ("ok", made.id, {"who": "Cipla", "amount": 50})
    assert [one["amount"] for one in door.world.writing] == [50]
    again = await door.run(call)  # proposed anew by a retried step: the edit still stands for it
    assert (again.effect, len(door.world.writing)) == ("replayed", 1)


async def test_a_policy_that_became_stricter_is_obeyed(door: Door, db: Database) -> None:
    clearing = await door.approved(door.call("open_case", who="Cipla"))
    manifests = {tool.name: tool.manifest for tool in TOOLS}
    manifests["open_case"] = manifests["open_case"].model_copy(update={"approvers": ("director",)})
    strict = Door(db, door.time, door.world, engine=policy(manifests))
    done = await strict.gateway.act(door.call("open_case", who="Cipla"), clearing)
    assert done.status == "denied" and "lacks the approval" in done.error and door.world.writing == []


async def test_an_effect_whose_intent_cannot_be_recorded_does_not_run(door: Door, db: Database) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    await db.run(lambda c: c.execute(text("DROP TABLE ledger")))
    done = await door.gateway.act(call, clearing)
    assert done.status == "denied" and door.world.calls["open"] == 0
    assert (await door.approvals.get([str(clearing.approval_id)]))[0].status == "approved"  # not spent either
    assert await door.effects.for_execution("e1") == []


async def test_a_broken_ledger_denies_what_was_approved_before(door: Door, db: Database) -> None:
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    await db.run(lambda c: c.execute(text("UPDATE ledger_heads SET hash = '00'")))
    done = await door.gateway.act(call, clearing)
    assert done.status == "denied" and "could not be recorded" in done.error and door.world.writing == []
    proposed = await door.gateway.propose(door.call("send", who="Cipla"))
    assert (proposed.outcome, proposed.rules) == ("deny", ("no-record",))
    assert (await door.run(door.call("look"))).result is None


@pytest.mark.parametrize("before", [True, False], ids=["before the effect", "after the effect"])
async def test_a_crash_is_made_good_where_the_tool_allows_it(door: Door, before: bool) -> None:
    door.world.trouble, door.world.before = [Crash()], before
    call = door.call("open_case", who="Cipla")
    clearing = await door.approved(call)
    with pytest.raises(Crash):
        await door.gateway.act(call, clearing)
    (row,) = await door.effects.for_execution("e1")
    assert row.state == "intended"
    done = await door.again().gateway.act(call, clearing)
    assert (done.status, done.effect, len(door.world.writing)) == ("ok", "done", 1)  # the same key: one case
    assert [one for one in await door.log() if one[0] == "intent"] == [("intent", "go"), ("intent", "again")]


@pytest.mark.parametrize("before", [True, False], ids=["before the effect", "after the effect"])
async def test_a_crash_of_what_cannot_be_repeated_is_left_to_people(door: Door, before: bool) -> None:
    door.world.trouble, door.world.before = [Crash()], before
    call = door.call("send", who="Cipla")
    clearing = await door.approved(call)
    with pytest.raises(Crash):
        await door.gateway.act(call, clearing)
    for _ in range(2):
        done = await door.again().gateway.act(call, clearing)
        assert done.status == "unknown" and "a person must look" in done.error
    assert door.world.calls["open"] == 1
    (row,) = await door.effects.for_execution("e1")
    assert row.state == "unknown" and (await door.last()).outcome == "unknown"


async def test_a_tool_that_says_no_may_be_tried_again_under_the_same_approval(door: Door) -> None:
    door.world.trouble = [ToolError("the ledger is closed until noon")]
    call = door.call("send", who="Cipla")
    clearing = await door.approved(call)
    assert (await door.gateway.act(call, clearing)).error == "the ledger is closed until noon"
    assert (await door.effects.for_execution("e1"))[0].state == "failed"
    assert (await door.gateway.act(call, clearing)).effect == "done"
    assert len(door.world.writing) == 1


async def test_a_failed_effect_is_not_tried_again_under_an_old_approval(door: Door) -> None:
    door.world.trouble = [ToolError("not now")]
    call = door.call("send", who="Cipla")
    clearing = await door.approved(call)
    await door.gateway.act(call, clearing)
    door.time.pass_(hours=9)
    assert "too old" in (await door.gateway.act(call, clearing)).error and door.world.writing == []


async def test_only_an_idempotent_effect_is_retried(door: Door) -> None:
    door.world.trouble = [transient()]
    assert (await door.run(door.call("open_case", who="Cipla"))).effect == "done"
    door.world.trouble = [transient()]
    done = await door.run(door.call("send", who="Cipla"))
    assert done.status == "unknown" and BROKE_OFF in done.error and door.world.calls["open"] == 3


async def test_an_effect_out_of_time_is_unknown(door: Door) -> None:
    door.world.held = threading.Event()
    hasty = door.hasty(0.3)
    done = await hasty.run(door.call("send", who="Cipla"))
    assert done.status == "unknown" and "took longer than 0.3 s" in done.error
    door.world.held.set()
    hasty.gateway.close()


async def test_a_cancelled_step_still_records_its_effect(door: Door) -> None:
    door.world.held = threading.Event()
    call = door.call("send", who="Cipla")
    clearing = await door.approved(call)
    step = asyncio.create_task(door.gateway.act(call, clearing))
    assert await asyncio.to_thread(door.world.entered.wait, 60)
    step.cancel()
    asyncio.get_running_loop().call_later(0.05, door.world.held.set)  # the cancellation comes while the tool is at work
    with pytest.raises(asyncio.CancelledError):
        await step
    assert len(door.world.writing) == 1  # the cancellation came through only after the outcome
    (row,) = await door.effects.for_execution("e1")
    assert row.state == "done" and (await door.log())[-1] == ("outcome", "ok")
    assert (await door.gateway.act(call, clearing)).effect == "replayed"


async def test_the_same_effect_twice_at_once_is_one(door: Door) -> None:
    door.world.wait = 0.05
    call = door.call("send", who="Cipla")
    clearing = await door.approved(call)
    both = await asyncio.gather(*(door.gateway.act(call, clearing) for _ in range(2)))
    assert {one.effect for one in both} == {"done", "replayed"} and door.world.calls["open"] == 1


async def test_the_effects_key_is_the_tools_idempotency_key(door: Door) -> None:
    await door.run(door.call("open_case", who="Cipla"))
    (row,) = await door.effects.for_execution("e1")
    assert door.world.writing[0]["key"] == row.key and row.compensation == "close_case" and row.approval_id
    assert len(row.key) == 64  # it fits the columns of systems of record


async def test_what_an_effect_rests_on_reaches_the_disk_and_only_records_of_reads_need_not(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut cannot be had in a test, so the commits are watched: which of them may be taken back by one."""
    light: list[bool] = []
    real, real_sync = Database.run, Database.run_sync

    async def watched(self: Database, work: Any, *, durable: bool = True, **more: Any) -> Any:
        light.append(not durable)
        return await real(self, work, durable=durable, **more)

    def watched_sync(self: Database, work: Any, *, durable: bool = True) -> Any:  # a read is recorded in its tool's thread
        light.append(not durable)
        return real_sync(self, work, durable=durable)

    monkeypatch.setattr(Database, "run", watched)
    monkeypatch.setattr(Database, "run_sync", watched_sync)
    call = door.call("open_case", who="Aurobindo", amount=25)
    clearing = await door.approved(call)
    assert (await door.gateway.act(call, clearing)).effect == "done"
    assert light and not any(light)
    light.clear()
    assert (await door.run(door.call("look", key="b", times="1.5", exposure="s1.exposure"))).status == "ok"
    assert any(light)
