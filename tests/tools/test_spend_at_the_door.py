"""What effects commit, held against a limit: taken with the intent, given back by what was not done or was undone."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from database import Database
from governance.budgets import Spender
from governance.limits import Limits
from tests.tools.cases import ANN, RISK, TOOLS, Crash, Door, Handles
from tools.calls import ProposedCall
from tools.registry import Tool, ToolError
from tools.undoing import Undoer

OF_ANN = Spender("acme", "ann", "e1", "s1")


def costly(one: Tool) -> Tool:
    """The tool, whose amounts are money that is committed."""
    if one.name not in ("open_case", "send"):
        return one
    return replace(one, manifest=one.manifest.model_copy(update={"amounts": ("amount",)}))


@pytest.fixture
def till(db: Database) -> Iterator[Door]:
    """A door behind which a run may commit 25.00 and a person 100.00 a day."""
    limits = Limits({("run", "spend"): 2500, ("user", "spend"): 10_000})
    one = Door(db, limits=limits, tools=tuple(map(costly, TOOLS)))
    yield one
    one.gateway.close()


def spending(door: Door, who: str, amount: int, step: str = "s1") -> ProposedCall:
    return door.call("open_case", step=step, who=who, amount=amount)


async def left(door: Door) -> int | None:
    return await door.budgets.left(OF_ANN, "spend", own=())


async def test_an_effect_takes_what_it_commits_once_however_often_it_is_told(till: Door) -> None:
    call = spending(till, "Cipla", 20)
    assert (await till.run(call)).effect == "done"
    assert (await till.gateway.act(call, await till.gateway.propose(call))).effect == "replayed"
    assert await left(till) == 500


async def test_nobody_is_asked_to_approve_what_cannot_be_paid_for(till: Door) -> None:
    await till.run(spending(till, "Cipla", 20))
    clearing = await till.gateway.propose(spending(till, "Hetero", 6, "s2"))
    assert clearing.outcome == "deny" and "over-budget" in clearing.rules
    assert await till.approvals.pending(execution_id="e1") == [] and len(till.world.writing) == 1


async def test_of_two_for_the_last_of_it_one_is_done(till: Door) -> None:
    calls = [spending(till, "Cipla", 20), spending(till, "Hetero", 20, "s2")]
    cleared = [await till.approved(call) for call in calls]
    done = await asyncio.gather(*map(till.gateway.act, calls, cleared))
    assert sorted(one.status for one in done) == ["denied", "ok"] and len(till.world.writing) == 1
    assert await left(till) == 500


async def test_what_failed_or_was_undone_is_given_back(till: Door) -> None:
    till.world.trouble = [ToolError("no such supplier")]
    assert (await till.run(spending(till, "Nobody", 25))).status == "error"
    assert await left(till) == 2500
    assert (await till.run(spending(till, "Cipla", 25, "s2"))).effect == "done"
    assert await left(till) == 0
    undoer = Undoer(till.gateway, till.gateway._registry, till.effects, till.db, Handles(till.world), date(2026, 3, 1))
    for one in await undoer.undo("e1", ANN, "a mistake"):
        await till.approvals.vote(str(one.approval_id), RISK, "approve")
    assert [one.standing for one in await undoer.undo("e1", ANN, "a mistake")] == ["compensated"]
    assert await left(till) == 2500


async def test_after_a_crash_the_retry_pays_no_second_time_and_is_not_refused_for_its_own(till: Door) -> None:
    call = spending(till, "Cipla", 25)
    clearing = await till.approved(call)
    till.world.trouble, till.world.before = [Crash()], False
    with pytest.raises(Crash):
        await till.gateway.act(call, clearing)
    again = till.again()
    done = await again.gateway.act(call, clearing)
    again.gateway.close()
    assert done.status == "ok" and len(till.world.writing) == 1 and await left(till) == 0
