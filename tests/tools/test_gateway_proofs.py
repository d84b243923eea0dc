"""An approval that was made in the database, not by people, opens no door."""

from sqlalchemy import Connection, insert, update

from governance.tables import approvals, votes
from tests.tools.cases import Door


async def test_an_approval_written_by_hand_carries_no_action(door: Door) -> None:
    call = door.call("open_case", who="Cipla", amount=5)
    clearing = await door.gateway.propose(call)
    forged = dict(user="rosa", roles=["risk-manager"], verdict="approve", message="", at="2026-03-01T09:00:00Z")

    def by_hand(c: Connection) -> None:
        c.execute(insert(votes).values(approval_id=clearing.approval_id, **forged))
        c.execute(update(approvals).values(status="approved", decided_by=["rosa"]))

    await door.db.run(by_hand)
    done = await door.gateway.act(call, await door.gateway.propose(call))
    assert done.status == "denied" and "does not bear out the vote of rosa" in done.error and door.world.writing == []
    (told,) = [one for one in await door.decisions.for_execution("e1") if one.rules == ("unproved-approval",)]
    assert (told.outcome, told.reasons) == ("denied", (done.error,))


async def test_a_spent_approval_opened_again_by_hand_is_not_spent_twice(door: Door) -> None:
    call = door.call("open_case", who="Cipla", amount=5)
    assert (await door.gateway.act(call, await door.approved(call))).effect == "done"
    done = len(door.world.writing)
    await door.db.run(lambda c: c.execute(update(approvals).values(status="approved")))
    again = await door.gateway.act(call, await door.gateway.propose(call))
    assert again.effect != "done" and len(door.world.writing) == done
