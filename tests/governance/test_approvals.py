"""What people may do to an approval, and what becomes of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from database import Database
from governance.approval import AlreadyDecided, ApprovalExpired, EditDenied, UnknownApproval, Verdict, WrongRole
from governance.approvals import Approvals
from governance.decisions import Decisions
from governance.identity import Caller
from governance.policy import CallFacts
from tests.governance.cases import ANN, RISK, RISK2, START, Judge, Time, call, decision, details


async def ask(approvals: Approvals, facts: CallFacts | None = None, quorum: int = 1, **more: Any) -> str:
    return (await approvals.request(facts or call(), decision(quorum), **{**details(), **more})).id


async def test_asking_twice_is_asking_once(approvals: Approvals) -> None:
    first, again = await ask(approvals), await ask(approvals, call_id="c2")
    other = await ask(approvals, call(amount=101))
    assert first == again != other
    (one, _) = await approvals.pending("e1")
    assert (one.call_id, one.requester, one.effect, one.approvers) == ("c1", ANN, "write", ("risk-manager",))
    assert one.provenance == {"who": "from the request", "amount": "written by the model"}
    assert await approvals.pending(org="other") == [] and len(await approvals.pending(org="acme")) == 2


@pytest.mark.parametrize(("verdict", "status"), [("approve", "approved"), ("reject", "rejected"), ("respond", "answered")])
async def test_a_verdict_is_recorded_with_who_and_why(
    approvals: Approvals, decisions: Decisions, verdict: Verdict, status: str
) -> None:
    id = await ask(approvals)
    done = await approvals.vote(id, RISK, verdict, message="as agreed")
    assert (done.status, done.decided_by, done.message, done.decided_at) == (status, ("ravi",), "as agreed", START)
    (vote,) = [one for one in await decisions.for_execution("e1") if one.phase == "vote"]
    assert (vote.user, vote.outcome, vote.approval_id, vote.approvers) == ("ravi", verdict, id, ("risk-manager",))
    assert (await approvals.get([await ask(approvals)]))[0].status == status  # asking again does not reopen it


async def test_only_the_asked_roles_of_the_same_organisation_decide(approvals: Approvals) -> None:
    id = await ask(approvals)
    with pytest.raises(WrongRole, match="takes one of risk-manager"):
        await approvals.vote(id, ANN, "approve")
    with pytest.raises(UnknownApproval):
        await approvals.vote(id, Caller("eve", "other", ("risk-manager",)), "approve")
    with pytest.raises(UnknownApproval):
        await approvals.vote("nothing", RISK, "approve")
    assert len(await approvals.pending()) == 1


async def test_roles_are_those_that_a_person_holds_when_voting(approvals: Approvals) -> None:
    id = await ask(approvals, quorum=2)
    await approvals.vote(id, RISK, "approve")
    moved = replace(RISK2, roles=("analyst",))
    with pytest.raises(WrongRole):
        await approvals.vote(id, moved, "approve")
    done = await approvals.vote(id, replace(moved, roles=("analyst", "risk-manager")), "approve")
    assert done.status == "approved" and done.votes[1].roles == ("risk-manager",)


async def test_a_quorum_counts_people_not_votes(approvals: Approvals) -> None:
    id = await ask(approvals, quorum=2)
    assert (await approvals.vote(id, RISK, "approve")).status == "pending"
    assert (await approvals.vote(id, RISK, "approve")).status == "pending"
    done = await approvals.vote(id, RISK2, "approve")
    assert (done.status, done.decided_by) == ("approved", ("ravi", "rosa"))


async def test_one_no_ends_a_quorum(approvals: Approvals) -> None:
    id = await ask(approvals, quorum=2)
    await approvals.vote(id, RISK, "approve")
    assert (await approvals.vote(id, RISK2, "reject")).status == "rejected"


async def test_who_comes_late_is_told_by_whom_it_was_decided(approvals: Approvals) -> None:
    id = await ask(approvals)
    await approvals.vote(id, RISK, "reject")
    with pytest.raises(AlreadyDecided, match="already rejected by ravi: your approve was not counted"):
        await approvals.vote(id, RISK2, "approve")


async def test_of_two_votes_at_once_one_decides(approvals: Approvals) -> None:
    id = await ask(approvals)
    both = await asyncio.gather(
        approvals.vote(id, RISK, "approve"), approvals.vote(id, RISK2, "reject"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["AlreadyDecided", "Approval"]
    (row,) = await approvals.get([id])
    assert len(row.votes) == 1 and row.status in ("approved", "rejected")


async def test_two_halves_of_a_quorum_at_once_make_it(approvals: Approvals) -> None:
    id = await ask(approvals, quorum=2)
    await asyncio.gather(approvals.vote(id, RISK, "approve"), approvals.vote(id, RISK2, "approve"))
    assert (await approvals.get([id]))[0].status == "approved"


async def test_after_its_time_an_approval_denies(approvals: Approvals, time: Time) -> None:
    id = await ask(approvals)
    time.pass_(hours=8)
    with pytest.raises(ApprovalExpired):
        await approvals.vote(id, RISK, "approve")
    assert (await approvals.get([id]))[0].status == "expired"  # the refused vote has committed that much


async def test_people_are_reminded_once_past_half_of_the_time(approvals: Approvals, time: Time, decisions: Decisions) -> None:
    old, new = await ask(approvals), await ask(approvals, call(step="s2", execution="e2"), **details(hours=20))
    assert await approvals.remind() == [] and await approvals.due_in("e1") == timedelta(hours=4)
    time.pass_(hours=5)
    assert await approvals.due_in("e1") == timedelta()
    assert await approvals.remind(execution_id="e2") == [] and await approvals.remind(org="else") == []
    (told,) = await approvals.remind(org="acme")
    assert (told.id, told.reminded_at) == (old, time.at) and (await approvals.get([old]))[0].reminded_at == time.at
    assert await approvals.remind() == [] and await approvals.due_in("e1") is None
    (record,) = [one for one in await decisions.for_execution("e1") if one.phase == "reminded"]
    assert (record.approval_id, record.approvers) == (old, ("risk-manager",))
    assert [one.id for one in await approvals.expire(time.pass_(hours=3))] == [old]
    assert [one.id for one in await approvals.pending()] == [new]


async def test_what_is_over_is_not_reminded_of(approvals: Approvals, time: Time) -> None:
    await ask(approvals)
    time.pass_(hours=9)
    assert await approvals.remind() == []


async def test_void_ends_what_is_open_or_unused(approvals: Approvals, db: Database, decisions: Decisions) -> None:
    open, agreed, spent, kept = [await ask(approvals, call(step=f"s{n}")) for n in range(4)]
    for id in (agreed, spent):
        await approvals.vote(id, RISK, "approve")
    assert await db.run(lambda c: approvals.consume(c, spent))
    ended = await approvals.void("e1", ["s0", "s1", "s2"], "the plan changed")
    assert {one.id for one in ended} == {open, agreed}
    assert [one.status for one in await approvals.get([open, agreed, spent, kept])] == ["void", "void", "consumed", "pending"]
    assert [one.reasons for one in await decisions.for_execution("e1") if one.phase == "void"] == [("the plan changed",)] * 2
    await approvals.void("e1", None, "cancelled")
    assert await approvals.pending() == []


async def test_an_approval_is_spent_once_and_in_time(approvals: Approvals, db: Database, time: Time) -> None:
    id, other = await ask(approvals), await ask(approvals, call(step="s2"))
    assert not await db.run(lambda c: approvals.consume(c, id))
    await approvals.vote(id, RISK, "approve")
    await approvals.vote(other, RISK, "approve")
    assert [await db.run(lambda c: approvals.consume(c, id)) for _ in range(2)] == [True, False]
    assert await ask(approvals) == id and (await approvals.get([id]))[0].status == "consumed"
    time.pass_(hours=8)
    assert not await db.run(lambda c: approvals.consume(c, other))


EDIT = {"who": "Aurobindo", "amount": 50}


async def test_an_edit_is_a_new_action_that_the_editor_agrees_to(approvals: Approvals, judge: Judge) -> None:
    id = await ask(approvals)
    made = await approvals.vote(id, RISK, "edit", args=EDIT, message="less")
    (old,) = await approvals.get([id])
    assert (made.status, made.args, made.decided_by) == ("approved", EDIT, ("ravi",))
    assert made.provenance == {"who": "from the request", "amount": "edited by ravi"}
    assert (old.status, old.superseded_by, old.args["amount"]) == ("superseded", made.id, 100)
    assert made.digest != old.digest and judge.asked == [EDIT]
    assert await approvals.resolve(id) == made
    assert made.requester == ANN  # it is still ann's run


async def test_an_edit_that_takes_two_people_waits_for_the_other(approvals: Approvals) -> None:
    id = await ask(approvals, quorum=2)
    await approvals.vote(id, RISK2, "approve")
    made = await approvals.vote(id, RISK, "edit", args={**EDIT, "amount": 600})
    assert (made.status, made.panels[0].quorum) == ("pending", 2)
    assert [vote.user for vote in made.votes] == ["ravi"]  # rosa agreed to another
    assert (await approvals.vote(made.id, RISK2, "approve")).status == "approved"


async def test_an_edit_the_policy_allows_needs_nobody_else(approvals: Approvals) -> None:
    made = await approvals.vote(await ask(approvals), RISK, "edit", args={**EDIT, "amount": 0})
    assert (made.status, made.votes) == ("approved", ())


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({**EDIT, "amount": 901}, "over the limit"),
        (None, "must say its new arguments"),
        ({"who": "Aurobindo", "amount": 100}, "changes no argument"),
        ({"who": "Aurobindo"}, "could not be judged"),  # the policy raises
    ],
)
async def test_a_denied_edit_leaves_the_request_open(approvals: Approvals, args: dict[str, Any] | None, why: str) -> None:
    id = await ask(approvals)
    with pytest.raises(EditDenied, match=why):
        await approvals.vote(id, RISK, "edit", args=args)
    (row,) = await approvals.get([id])
    assert (row.status, row.votes) == ("pending", ()) and len(await approvals.pending()) == 1


async def test_edited_arguments_are_checked_and_without_a_policy_denied(db: Database, time: Time, judge: Judge) -> None:
    def refuse(tool: str, args: Any) -> Any:
        raise ValueError("amount: missing")

    checked = Approvals(db, time, decide=judge, check_args=refuse)
    id = await ask(checked)
    with pytest.raises(EditDenied, match="do not fit open_case: amount: missing"):
        await checked.vote(id, RISK, "edit", args={})
    with pytest.raises(EditDenied, match="no policy"):
        await Approvals(db, time).vote(id, RISK, "edit", args=EDIT)


async def test_an_edit_into_what_was_rejected_is_denied(approvals: Approvals) -> None:
    other = await ask(approvals, replace(call(), args=EDIT))
    await approvals.vote(other, RISK2, "reject")
    id = await ask(approvals)
    with pytest.raises(EditDenied, match="already rejected"):
        await approvals.vote(id, RISK, "edit", args=EDIT)
    assert (await approvals.get([id]))[0].status == "pending"


async def test_a_verdict_wakes_who_waits_for_the_execution(approvals: Approvals) -> None:
    id = await ask(approvals)
    with approvals.subscribe("e1") as event, approvals.subscribe("e2") as other:
        assert not event.is_set()
        await asyncio.to_thread(asyncio.run, approvals.vote(id, RISK, "approve"))  # from another loop, in another thread
        await asyncio.wait_for(event.wait(), 60)
        assert not other.is_set()
    with approvals.subscribe("e1") as event:
        await approvals.void("e1", None, "stop")
        await asyncio.wait_for(event.wait(), 60)
