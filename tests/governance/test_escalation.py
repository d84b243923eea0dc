"""What nobody decided in good time: further roles may decide as well, which the ledger bears out, and no deadline moves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from database import Database
from governance.agreement import Account, disagreements
from governance.approval import ApprovalExpired, WrongRole, seal
from governance.approvals import Approvals
from governance.decisions import Decisions, Record
from governance.identity import Caller
from governance.policy import Panel
from governance.proofs import unproved
from governance.tables import approvals as table
from tests.governance.cases import ANN, RISK, RISK2, START, Judge, Time, call, decision, details

HEAD = Caller("hana", "acme", ("head-of-risk",))
BOSS = Caller("bea", "acme", ("director",))
RISKS = Panel(("risk-manager",), 1, further=("head-of-risk",))


async def ask(approvals: Approvals, decisions: Decisions, *panels: Panel) -> str:
    row = await approvals.request(call(), replace(decision(), panels=panels or (RISKS,)), **details())
    asked: dict[str, Any] = dict(approval_id=row.id, result_digest=seal(row))
    await decisions.append(Record.of(call(), "decided", "approve", "c1", **asked))  # as the gateway does in one transaction
    return row.id


async def faults(approvals: Approvals, decisions: Decisions) -> list[str]:
    account = Account("e1", ANN, {}, [], await approvals.of_execution("e1", superseded=True), [], [])
    return [fault.what for fault in disagreements(account, await decisions.for_execution("e1"))]


async def test_after_its_share_of_the_time_further_roles_decide_as_well(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time
) -> None:
    id = await ask(approvals, decisions)
    with pytest.raises(WrongRole, match=r"takes one of risk-manager$"):
        await approvals.vote(id, HEAD, "approve")
    time.pass_(hours=5)
    assert await approvals.escalate() == [] and await approvals.remind() != []
    assert await approvals.due_in("e1") == timedelta(hours=1)
    time.pass_(hours=1)
    assert await approvals.escalate(execution_id="e2") == [] and await approvals.escalate(org="else") == []
    (told,) = await approvals.escalate(org="acme")
    assert (told.escalated_at, told.further, told.approvers) == (time.at, ("head-of-risk",), ("risk-manager", "head-of-risk"))
    assert told.waits_for() == "risk-manager or head-of-risk"
    assert await approvals.escalate() == [] and await approvals.due_in("e1") is None
    (event,) = [one for one in await decisions.for_execution("e1") if one.phase == "escalated"]
    assert (event.approval_id, event.approvers, event.outcome) == (id, ("head-of-risk",), "pending")
    done = await approvals.vote(id, HEAD, "approve")
    assert (done.status, done.decided_by, done.votes[0].roles) == ("approved", ("hana",), ("head-of-risk",))
    assert await db.run(lambda c: unproved(c, done)) is None and await faults(approvals, decisions) == []


async def test_who_comes_late_need_not_wait_for_somebody_to_look(
    approvals: Approvals, decisions: Decisions, time: Time
) -> None:
    id = await ask(approvals, decisions)
    time.pass_(hours=6)
    assert (await approvals.vote(id, HEAD, "reject")).status == "rejected"
    assert [one.phase for one in await decisions.for_execution("e1")] == ["decided", "escalated", "vote"]


async def test_no_deadline_moves(approvals: Approvals, decisions: Decisions, time: Time) -> None:
    id = await ask(approvals, decisions)
    time.pass_(hours=6)
    await approvals.escalate()
    time.pass_(hours=2)
    with pytest.raises(ApprovalExpired):
        await approvals.vote(id, HEAD, "approve")


async def test_what_is_over_is_not_escalated(approvals: Approvals, decisions: Decisions, time: Time) -> None:
    id = await ask(approvals, decisions)
    time.pass_(hours=8)
    assert await approvals.escalate() == []
    with pytest.raises(WrongRole):
        await approvals.vote(id, HEAD, "approve")
    assert (await approvals.get([id]))[0].escalated_at is None


async def test_each_panel_goes_to_its_own_further_roles_and_a_quorum_stays_one(
    approvals: Approvals, decisions: Decisions, time: Time
) -> None:
    id = await ask(approvals, decisions, replace(RISKS, quorum=2, others=True), Panel(("director",)))
    time.pass_(hours=6)
    for voter in (HEAD, RISK):
        assert (await approvals.vote(id, voter, "approve")).status == "pending"
    assert (await approvals.vote(id, BOSS, "approve")).status == "approved"


async def test_what_names_nobody_further_is_not_escalated(approvals: Approvals, decisions: Decisions, time: Time) -> None:
    await ask(approvals, decisions, Panel(("risk-manager",)))
    time.pass_(hours=7)
    assert await approvals.escalate() == []


async def test_an_edit_of_what_was_escalated_is_open_to_the_same_people(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time, judge: Judge
) -> None:
    judge.further = ("head-of-risk",)
    id = await ask(approvals, decisions)
    time.pass_(hours=6)
    made = await approvals.vote(id, HEAD, "edit", args={"who": "Aurobindo", "amount": 50})
    assert (made.status, made.decided_by, made.escalated_at) == ("approved", ("hana",), time.at)
    assert await db.run(lambda c: unproved(c, made)) is None and await faults(approvals, decisions) == []


async def test_one_made_by_hand_in_the_table_carries_nothing_and_is_named(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time
) -> None:
    id = await ask(approvals, decisions)
    await db.run(lambda c: c.execute(update(table).values(escalated_at="2026-03-01T09:00:00Z")))
    row = await approvals.vote(id, HEAD, "approve")  # a real vote of a real person, who may not decide yet
    assert row.status == "approved"
    assert "does not know that the approval" in str(await db.run(lambda c: unproved(c, row)))
    assert any("to whom it was escalated is not" in fault for fault in await faults(approvals, decisions))


async def test_a_vote_before_the_escalation_does_not_count_afterwards(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time
) -> None:
    id = await ask(approvals, decisions, replace(RISKS, quorum=2))
    await db.run(lambda c: c.execute(update(table).values(escalated_at="2026-03-01T09:00:00Z")))
    await approvals.vote(id, HEAD, "approve")
    await db.run(lambda c: c.execute(update(table).values(escalated_at=None)))
    time.pass_(hours=6)
    await approvals.escalate()
    row = await approvals.vote(id, RISK, "approve")
    assert row.status == "approved"
    assert "before it was escalated" in str(await db.run(lambda c: unproved(c, row)))


async def test_an_escalation_that_was_taken_back_by_hand_is_named(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time
) -> None:
    await ask(approvals, decisions)
    time.pass_(hours=6)
    await approvals.escalate()
    await db.run(lambda c: c.execute(update(table).values(escalated_at=None)))
    assert any("to whom it was escalated is not" in fault for fault in await faults(approvals, decisions))


async def test_of_what_is_decided_nothing_is_escalated(approvals: Approvals, decisions: Decisions, time: Time) -> None:
    id = await ask(approvals, decisions)
    await approvals.vote(id, RISK2, "approve")
    assert time.pass_(hours=6) > START and await approvals.escalate() == []
