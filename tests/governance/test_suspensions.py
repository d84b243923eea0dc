"""A tool or a specialist is suspended and resumed: by whom, for which organisation, and all of it in the ledger."""

import pytest
from sqlalchemy import delete, update

from database import Database
from governance.decisions import Decisions
from governance.identity import Caller
from governance.powers import powers_disagree
from governance.suspensions import NotSuspended, SuspensionRefused, Suspensions, suspended, suspensions
from tests.governance.cases import Time

OPS = Caller("olga", "acme", ("operator",))


def store(db: Database) -> Suspensions:
    return Suspensions(db, Decisions(db), ("operator",), Time())


async def test_it_holds_for_its_organisation_until_it_is_resumed(db: Database) -> None:
    one = store(db)
    assert await one.why("acme", "worker", "send") == ""
    await one.suspend(OPS, "tool", "send", "odd letters")
    assert "the tool send is suspended: by olga" in await one.why("acme", "worker", "send"), "known here at once"
    assert "(odd letters)" in await db.run(lambda c: suspended(c, "acme", "worker", "send"))
    assert await db.run(lambda c: suspended(c, "other", "worker", "send")) == ""
    assert await db.run(lambda c: suspended(c, "acme", "send", "worker")) == "", "a tool is no specialist"
    await one.suspend(OPS, "specialist", "worker", "it loops")
    await one.suspend(OPS, "specialist", "worker", "it loops still")
    assert [(s.kind, s.name, s.reason) for s in await one.current("acme")] == [
        ("specialist", "worker", "it loops still"),
        ("tool", "send", "odd letters"),
    ]
    await one.resume(OPS, "tool", "send", "explained")
    assert "the specialist worker is suspended" in await one.why("acme", "worker", "send")
    await one.resume(OPS, "specialist", "worker", "mended")
    assert await one.why("acme", "worker", "send") == "" and await one.current("acme") == []
    with pytest.raises(NotSuspended, match="nothing to resume"):
        await one.resume(OPS, "specialist", "worker", "again")


async def test_who_may_not_is_refused_and_every_try_is_in_the_ledger(db: Database) -> None:
    one, ann = store(db), Caller("ann", "acme", ("requester",))
    with pytest.raises(SuspensionRefused, match="that takes the role operator"):
        await one.suspend(ann, "tool", "send", "because")
    with pytest.raises(ValueError, match="--reason"):
        await one.suspend(OPS, "tool", "send", " ")
    await one.suspend(OPS, "tool", "send", "a")
    await one.resume(OPS, "tool", "send", "b")
    events = await Decisions(db).for_execution("")
    told = [(r.phase, r.outcome, r.user, r.tool, r.reasons) for r in events]
    assert told == [
        ("suspension", "refused", "ann", "send", ("because",)),
        ("suspension", "suspended", "olga", "send", ("a",)),
        ("suspension", "resumed", "olga", "send", ("b",)),
    ]
    payloads = [await Decisions(db).payload(r.args_digest) for r in events]
    assert payloads == [{"kind": "tool", "name": "send", "suspend": one} for one in (True, True, False)]


async def test_a_row_that_the_ledger_does_not_bear_out_is_named(db: Database) -> None:
    one = store(db)
    await one.suspend(OPS, "tool", "send", "a")
    await one.suspend(OPS, "specialist", "worker", "b")
    await one.resume(OPS, "specialist", "worker", "c")
    assert await db.run(powers_disagree) == []
    await db.run(lambda c: c.execute(update(suspensions).values(by="eve")))
    assert ["by eve: by the ledger suspended, by olga" in str(f) for f in await db.run(powers_disagree)] == [True]
    await db.run(lambda c: c.execute(delete(suspensions)))
    assert ["the tool send is not suspended: by the ledger" in str(f) for f in await db.run(powers_disagree)] == [True]
