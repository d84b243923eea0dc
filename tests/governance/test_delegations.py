"""Who may decide in whose stead: explicit, for a time, never handed on, nobody counted twice."""

from datetime import timedelta

import pytest

from database import Database
from governance.approval import DelegationOver, WrongRole
from governance.approvals import Approvals
from governance.decisions import Decisions
from governance.delegations import LONGEST, DelegationRefused
from governance.identity import Caller
from tests.governance.cases import RISK, RISK2, START, Time, call, decision, details

DORA = Caller("dora", "acme", ("analyst",))
END = START + timedelta(hours=4)


async def ask(approvals: Approvals, quorum: int = 1) -> str:
    return (await approvals.request(call(), decision(quorum), **details())).id


async def test_a_delegates_vote_counts_and_both_names_are_recorded(approvals: Approvals, decisions: Decisions) -> None:
    lent = await approvals.delegations.give(RISK, "dora", "risk-manager", END)
    assert await approvals.delegations.current("acme") == [lent] and await approvals.delegations.current("other") == []
    done = await approvals.vote(await ask(approvals), DORA, "approve")
    assert (done.status, done.votes[0].behalf, done.votes[0].roles) == ("approved", "ravi", ("risk-manager",))
    (vote,) = [one for one in await decisions.for_execution("e1") if one.phase == "vote"]
    assert (vote.user, vote.known) == ("dora", {"for": "ravi", "delegation": lent.id})
    (given,) = await decisions.for_execution("")
    assert (given.phase, given.outcome, given.user, given.known["to"]) == ("delegated", "given", "ravi", "dora")


@pytest.mark.parametrize("order", [(DORA, RISK), (RISK, DORA)])
async def test_who_delegates_and_who_votes_for_them_are_one(approvals: Approvals, order: tuple[Caller, Caller]) -> None:
    await approvals.delegations.give(RISK, "dora", "risk-manager", END)
    id = await ask(approvals, quorum=2)
    for voter in order:
        assert (await approvals.vote(id, voter, "approve")).status == "pending"
    assert (await approvals.vote(id, RISK2, "approve")).status == "approved"


async def test_it_ends_at_its_time_and_when_revoked(approvals: Approvals, decisions: Decisions, time: Time) -> None:
    lent = await approvals.delegations.give(RISK, "dora", "risk-manager", END)
    id = await ask(approvals)
    with pytest.raises(DelegationRefused, match="rosa made no delegation"):
        await approvals.delegations.revoke(RISK2, lent.id)
    await approvals.delegations.revoke(RISK, lent.id)
    with pytest.raises(DelegationRefused, match="already revoked"):
        await approvals.delegations.revoke(RISK, lent.id)
    with pytest.raises(DelegationOver, match="what ravi delegated was revoked"):
        await approvals.vote(id, DORA, "approve")
    await approvals.delegations.give(RISK, "dora", "risk-manager", END)
    time.pass_(hours=4)
    with pytest.raises(DelegationOver, match="what ravi delegated ended at"):
        await approvals.vote(id, DORA, "approve")
    told = [one.outcome for one in await decisions.for_execution("") if one.phase == "delegated"]
    assert told == ["given", "revoked", "given"] and await approvals.delegations.current("acme") == []


async def test_it_holds_for_its_tool_and_its_organisation_only(approvals: Approvals) -> None:
    await approvals.delegations.give(RISK, "dora", "risk-manager", END, tool="pay")
    await approvals.delegations.give(Caller("x", "other", ("risk-manager",)), "dora", "risk-manager", END)
    with pytest.raises(WrongRole, match="takes one of risk-manager"):
        await approvals.vote(await ask(approvals), DORA, "approve")


async def test_who_is_known_to_have_lost_the_role_lends_it_no_more(db: Database, time: Time) -> None:
    roles = {"ravi": ("risk-manager",)}
    approvals = Approvals(db, time, roles_of=lambda c, org, user: roles.get(user) if org == "acme" else None)
    lent = await approvals.delegations.give(RISK, "dora", "risk-manager", END)
    assert await approvals.delegations.current("acme") == [lent]
    roles["ravi"] = ("analyst",)
    assert await approvals.delegations.current("acme") == []
    id = await ask(approvals)
    with pytest.raises(DelegationOver, match="what ravi delegated ended: ravi does not hold the role risk-manager any more"):
        await approvals.vote(id, DORA, "approve")
    await approvals.delegations.give(RISK2, "dora", "risk-manager", END)  # of whom the directory knows nothing
    assert (await approvals.vote(id, DORA, "approve")).votes[0].behalf == "rosa"


async def test_only_who_holds_a_role_hands_it_on_and_not_for_ever(approvals: Approvals) -> None:
    give = approvals.delegations.give
    await give(RISK, "dora", "risk-manager", END)
    with pytest.raises(DelegationRefused, match="dora does not hold the role risk-manager"):
        await give(DORA, "rosa", "risk-manager", END)
    with pytest.raises(DelegationRefused, match="to themselves"):
        await give(RISK, "ravi", "risk-manager", END)
    with pytest.raises(DelegationRefused, match="already over"):
        await give(RISK, "dora", "risk-manager", START)
    with pytest.raises(DelegationRefused, match="at most 90 days"):
        await give(RISK, "dora", "risk-manager", START + LONGEST + timedelta(seconds=1))
    with pytest.raises(DelegationRefused, match="not a person"):
        await give(Caller("bot", "acme", ("risk-manager",), person=False), "dora", "risk-manager", END)
