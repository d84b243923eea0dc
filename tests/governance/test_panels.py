"""Who must agree, rule by rule, and what an edit is judged by: what the call itself was judged by, kept in the table."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from database import Database
from governance.approval import EditDenied, OwnRequest
from governance.approvals import Approvals
from governance.cedar import CedarPolicy
from governance.identity import Caller
from governance.policy import CallFacts, Panel
from governance.tables import payloads
from tests.governance.cases import ANN, RISK, RISK2, START, Time, call, decision, details
from tests.governance.test_policies import LEDGER, LETTER, core
from tests.governance.test_policies import call as proposed

BOSS = Caller("bea", "acme", ("director",))
BOTH = Caller("ann", "acme", ("requester", "risk-manager"))
TWO_PANELS = (Panel(("risk-manager",), 1, others=True), Panel(("director",), 1))


async def ask(approvals: Approvals, *panels: Panel, who: Caller = ANN) -> str:
    return (await approvals.request(call(who=who), replace(decision(), panels=panels), **details())).id


async def test_every_panel_must_be_satisfied(approvals: Approvals) -> None:
    id = await ask(approvals, *TWO_PANELS)
    assert (await approvals.vote(id, RISK, "approve")).status == "pending"
    assert (await approvals.vote(id, RISK2, "approve")).status == "pending"  # two of one panel are none of the other
    done = await approvals.vote(id, BOSS, "approve")
    assert (done.status, done.decided_by) == ("approved", ("bea", "ravi", "rosa"))
    assert done.waits_for() == "risk-manager, not who asked; and director"


async def test_who_asked_does_not_count_where_others_are_asked_and_may_still_say_no(approvals: Approvals) -> None:
    id = await ask(approvals, Panel(("risk-manager",), 1, others=True), who=BOTH)
    with pytest.raises(OwnRequest, match="ann asked for this run, so others must approve open_case"):
        await approvals.vote(id, BOTH, "approve")
    (row,) = await approvals.get([id])
    assert (row.status, row.votes) == ("pending", ())
    assert (await approvals.vote(id, BOTH, "reject")).status == "rejected"


async def test_who_asked_may_agree_where_the_policy_lets_them(approvals: Approvals) -> None:
    id = await ask(approvals, Panel(("risk-manager",), 1), who=BOTH)
    assert (await approvals.vote(id, BOTH, "approve")).status == "approved"


def paying(**args: Any) -> CallFacts:
    said = {"to": "NL02INGB0001234567", "amount": 98.7, "text": "thanks", **args}
    return proposed("pay", said, "Pay the bill in bill.txt", LEDGER, LETTER, now=START)


def over(db: Database, time: Time, engine: CedarPolicy) -> Approvals:
    return Approvals(db, time, decide=engine.decide)


ASKED = Caller("rex", "acme", ("requester",))


async def test_an_edit_is_judged_by_what_the_call_was_judged_by(db: Database, time: Time) -> None:
    """By the next process too: nothing of the context is in memory."""
    engine = core()
    id = (await over(db, time, engine).request(paying(), engine.decide(paying()), **details())).id
    later = over(db, time, engine)
    (row,) = await later.get([id])
    assert row.labels == engine.decide(paying()).labels and row.user_request == "Pay the bill in bill.txt"
    with pytest.raises(EditDenied, match="nobody pointed at"):  # of the ledger's text, which the agent had read
        await later.vote(id, ASKED, "edit", args={**paying().args, "to": "NL99OTHR0417164311"})
    made = await later.vote(id, ASKED, "edit", args={**paying().args, "amount": 90.0})
    assert (made.status, made.rules) == ("approved", ("target-pointed-at", "untraced-amount"))


async def test_without_what_it_was_judged_by_no_edit_is_judged(db: Database, time: Time) -> None:
    engine = core()
    approvals = over(db, time, engine)
    id = (await approvals.request(paying(), engine.decide(paying()), **details())).id
    await db.run(lambda c: c.execute(delete(payloads)))
    with pytest.raises(EditDenied, match="has been erased"):
        await approvals.vote(id, ASKED, "edit", args={**paying().args, "amount": 90.0})
    assert (await approvals.vote(id, ASKED, "approve")).status == "approved"
