"""The kill switch stops effects of one organisation or of all; who may flip it; all of it in the ledger."""

import pytest

from database import Database
from governance.decisions import Decisions
from governance.identity import Caller
from governance.kill_switch import KillSwitch, SwitchRefused, halted
from tests.governance.cases import Time

OPS = Caller("olga", "acme", ("operator",))
ROOT = Caller("petra", "acme", ("platform",))


def switch(db: Database) -> KillSwitch:
    return KillSwitch(db, Decisions(db), ("operator",), ("platform",), Time())


async def test_it_stops_one_organisation_until_it_is_flipped_back(db: Database) -> None:
    one = switch(db)
    await one.flip(OPS, True, "odd transfers")
    assert "olga stopped all effects of acme" in await db.run(lambda c: halted(c, "acme"))
    assert await db.run(lambda c: halted(c, "other")) == ""
    await switch(db).flip(OPS, False, "explained")
    assert await db.run(lambda c: halted(c, "acme")) == ""


async def test_it_stops_every_organisation_and_one_stays_stopped_when_all_go_on(db: Database) -> None:
    one = switch(db)
    await one.flip(ROOT, True, "incident", everyone=True)
    await one.flip(OPS, True, "ours as well")
    assert "every organisation" in await db.run(lambda c: halted(c, "other"))
    await one.flip(ROOT, False, "over", everyone=True)
    assert await db.run(lambda c: halted(c, "other")) == ""
    assert "ours as well" in await db.run(lambda c: halted(c, "acme"))
    assert [(s.org, s.stopped) for s in await one.status("acme")] == [("*", False), ("acme", True)]


@pytest.mark.parametrize("everyone, who", [(False, Caller("ann", "acme", ("requester",))), (True, OPS)])
async def test_who_may_not_is_refused_and_recorded(db: Database, everyone: bool, who: Caller) -> None:
    with pytest.raises(SwitchRefused, match=f"{who.user} may not flip the kill switch"):
        await switch(db).flip(who, True, "because", everyone=everyone)
    assert await db.run(lambda c: halted(c, "acme")) == ""
    assert [(r.outcome, r.user) for r in await Decisions(db).for_execution("")] == [("refused", who.user)]


async def test_a_flip_needs_a_reason_and_each_is_in_the_ledger(db: Database) -> None:
    one = switch(db)
    with pytest.raises(ValueError, match="--reason"):
        await one.flip(OPS, True, "  ")
    await one.flip(OPS, True, "a")
    await one.flip(OPS, False, "b")
    events = await Decisions(db).for_execution("")
    assert [(r.phase, r.outcome, r.reasons) for r in events] == [("switch", "on", ("a",)), ("switch", "off", ("b",))]
    assert [await Decisions(db).payload(r.args_digest) for r in events] == [
        {"org": "acme", "stop": True},
        {"org": "acme", "stop": False},
    ]
    assert await Decisions(db).executions() == []  # it belongs to no run
