"""Every vote that does not count is in the ledger with its reason; a row edited behind our back carries nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, update

from database import Database
from governance.approval import VoteRefused
from governance.approvals import Approvals
from governance.decisions import Decisions, Record
from governance.identity import Caller
from governance.kill_switch import KillSwitch
from governance.policy import Panel
from governance.proofs import unproved
from governance.tables import approvals as table
from governance.tables import votes
from tests.governance.cases import ANN, RISK, RISK2, Time, call, decision, details

OPS = Caller("olga", "acme", ("operator",))
DORA = Caller("dora", "acme", ("analyst",))
BOT = Caller("bot", "acme", ("risk-manager",), person=False)
BOTH = Caller("ann", "acme", ("requester", "risk-manager"))
Before = Callable[[Approvals, Database, Time, str], Awaitable[Any]]


async def nothing(a: Approvals, db: Database, time: Time, id: str) -> None: ...
async def used(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.vote(id, RISK, "approve")
    assert await db.run(lambda c: a.consume(c, id))


async def replanned(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.void("e1", None, "the plan changed")


async def edited(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.vote(id, RISK, "edit", args={"who": "Aurobindo", "amount": 5})


async def late(a: Approvals, db: Database, time: Time, id: str) -> None:
    time.pass_(hours=8)


async def lent_and_over(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.delegations.give(RISK, "dora", "risk-manager", time.at.replace(hour=10))
    time.pass_(hours=1)


async def lent_by_who_asked(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.delegations.give(BOTH, "dora", "risk-manager", time.at.replace(hour=10))


async def stopped(a: Approvals, db: Database, time: Time, id: str) -> None:
    await KillSwitch(db, Decisions(db, time), ("operator",), (), time).flip(OPS, True, "odd cases")


async def lent_and_lost(a: Approvals, db: Database, time: Time, id: str) -> None:
    await a.delegations.give(RISK, "dora", "risk-manager", time.at.replace(hour=10))
    a.delegations._roles_of = lambda c, org, user: ("analyst",)  # the directory of a later day


CASES = {
    "replayed": (used, RISK2, "already-decided"),
    "stale: void": (replanned, RISK2, "already-decided"),
    "stale: superseded": (edited, RISK2, "already-decided"),
    "expired": (late, RISK, "expired"),
    "self-given": (nothing, BOTH, "own-request"),
    "self-given through another": (lent_by_who_asked, DORA, "own-request"),
    "wrong role": (nothing, DORA, "wrong-role"),
    "delegation over": (lent_and_over, DORA, "delegation-over"),
    "the giver lost the role": (lent_and_lost, DORA, "delegation-over"),
    "effects are stopped": (stopped, RISK, "kill-switch"),
    "a model": (nothing, BOT, "not-a-person"),
    "of another organisation": (nothing, Caller("eve", "other", ("risk-manager",)), "unknown-approval"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_refused_vote_is_in_the_ledger_with_its_reason(
    approvals: Approvals, decisions: Decisions, db: Database, time: Time, case: str
) -> None:
    before, voter, rule = CASES[case]
    asked = replace(decision(), panels=(Panel(("risk-manager",), 1, others=True),))
    id = (await approvals.request(call(who=ANN), asked, **details())).id
    await before(approvals, db, time, id)
    with pytest.raises(VoteRefused) as refused:
        await approvals.vote(id, voter, "approve")
    (told,) = [one for one in await decisions.for_execution("e1") if one.phase == "refused"]
    assert (told.outcome, told.rules, told.reasons) == ("approve", (rule,), (str(refused.value),))
    assert told.approval_id == id and told.user.startswith(voter.user) and told.args_digest


async def test_a_vote_on_what_is_not_there_is_in_the_voters_ledger(approvals: Approvals, decisions: Decisions) -> None:
    with pytest.raises(VoteRefused):
        await approvals.vote("made-up", RISK, "approve")
    (told,) = await decisions.for_execution("")
    assert (told.phase, told.rules, told.org, told.approval_id) == ("refused", ("unknown-approval",), "acme", "made-up")
    assert await decisions.executions() == []


VOTE = dict(user="rosa", roles=["risk-manager"], verdict="approve", message="", at="2026-03-01T09:00:00Z")
FORGED: dict[str, tuple[Any, str]] = {
    "votes by hand": (lambda id: insert(votes).values(approval_id=id, **VOTE), "does not bear out the vote of rosa"),
    "arguments": (lambda id: update(table).values(args={"who": "Eve", "amount": 100}), "no longer fits its own digest"),
    "who asked": (
        lambda id: update(table).values(requester={"user": "eve", "org": "acme", "roles": []}),
        "no longer fits its own digest",
    ),
    "whose vote": (lambda id: update(votes).values(user="rosa"), "does not bear out the vote of rosa"),
    "in which role": (lambda id: update(votes).values(roles=["director"]), "does not bear out the vote of ravi"),
    "for whom": (lambda id: update(votes).values(behalf="rosa"), "does not bear out the vote of ravi"),
}


async def agreed(approvals: Approvals, decisions: Decisions) -> str:
    row = await approvals.request(call(), decision(), **details())
    opened = Record.of(call(), "decided", "approve", "c1", approval_id=row.id)
    await decisions.append(opened)  # as the gateway does in one transaction
    await approvals.vote(row.id, RISK, "approve")
    return row.id


@pytest.mark.parametrize("case", FORGED)
async def test_a_row_edited_behind_our_back_is_not_borne_out(
    approvals: Approvals, decisions: Decisions, db: Database, case: str
) -> None:
    id = await agreed(approvals, decisions)
    (sound,) = await approvals.get([id])
    assert await db.run(lambda c: unproved(c, sound)) is None
    forge, why = FORGED[case]
    await db.run(lambda c: c.execute(forge(id)))
    (row,) = await approvals.get([id])
    assert why in str(await db.run(lambda c: unproved(c, row)))


async def test_what_ended_or_was_used_cannot_be_opened_again(approvals: Approvals, decisions: Decisions, db: Database) -> None:
    id = await agreed(approvals, decisions)
    await decisions.append(Record.of(call(), "intent", "go", "c1", approval_id=id))
    (row,) = await approvals.get([id])
    assert "already used" in str(await db.run(lambda c: unproved(c, row)))
    await approvals.void("e1", None, "the plan changed")
    await db.run(lambda c: c.execute(update(table).values(status="approved")))
    (row,) = await approvals.get([id])
    assert "ended as void" in str(await db.run(lambda c: unproved(c, row)))
