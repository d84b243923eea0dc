"""Limits hold whoever races for the last unit, in every scope and unit; what a dead process reserved does not stay reserved."""

import asyncio
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import select

from database import Database
from governance.budgets import Budgets, BudgetSpent, RaiseRefused, Spender, accounts
from governance.decisions import Decisions
from governance.identity import Caller
from governance.limits import BadLimits, Limits, Scope, Unit
from tests.governance.cases import Time

ANN = Spender("acme", "ann", "e1", "s1")
OWNER = Caller("otto", "acme", ("budget-owner",))
# each spends 1 tool call of the run, over and over, until none is left, and prints how many it got
RACER = """
import sys
from database import Database
from governance.budgets import *
from governance.decisions import Decisions
from governance.limits import Limits
db = Database(sys.argv[1])
budgets = Budgets(db, Decisions(db), Limits({("run", "tool_calls"): 25}))
got = 0
sys.stdin.readline()
try:
    while True:
        db.run_sync(lambda c: budgets.take(c, Spender("acme", "ann", "e1", "s1"), f"{sys.argv[2]}-{got}", {"tool_calls": 1}))
        got += 1
except BudgetSpent:
    print(got)
"""


def budgets(db: Database, limits: dict[tuple[Scope, Unit], int], time: Time | None = None) -> Budgets:
    return Budgets(db, Decisions(db), Limits(limits), ("budget-owner",), time or Time())


async def stands(one: Budgets, who: Spender = ANN) -> list[tuple[int, int, int]]:
    return [(a.used, a.reserved, a.left) for a in await one.accounts(who)]


@pytest.mark.parametrize("scope", get_args(Scope))
@pytest.mark.parametrize("unit", get_args(Unit))
async def test_what_is_reserved_is_not_there_for_others_and_what_is_settled_is_used(
    db: Database, scope: Scope, unit: Unit
) -> None:
    one = budgets(db, {(scope, unit): 10})
    await one.reserve(ANN, "r1", {unit: 8}, {unit: 2})
    assert await stands(one) == [(0, 8, 2)]
    with pytest.raises(BudgetSpent) as spent:
        await one.reserve(ANN, "r2", {unit: 3}, {})
    assert (spent.value.scope, spent.value.unit) == (scope, unit)
    await one.settle("r1", {unit: 5})
    await one.settle("r1", {unit: 5})
    assert await stands(one) == [(5, 0, 5)]


@pytest.mark.parametrize(
    "scope, other",
    [
        ("run", Spender("acme", "ann", "e2", "s1")),
        ("step", Spender("acme", "ann", "e1", "s2")),
        ("user", Spender("acme", "bob", "e1", "s1")),
        ("org", Spender("other", "ann", "e1", "s1")),
    ],
)
async def test_each_owner_has_an_account_of_its_own(db: Database, scope: Scope, other: Spender) -> None:
    one = budgets(db, {(scope, "tokens"): 10})
    await one.reserve(ANN, "r1", {"tokens": 10}, {})
    await one.reserve(other, "r2", {"tokens": 10}, {})
    assert await stands(one) == await stands(one, other) == [(0, 10, 0)]


async def test_a_day_begins_at_midnight_utc(db: Database) -> None:
    time = Time()
    one = budgets(db, {("user", "tokens"): 10}, time)
    await one.reserve(ANN, "r1", {"tokens": 10}, {"tokens": 10})
    time.pass_(hours=15)
    await one.reserve(ANN, "r2", {"tokens": 10}, {})


async def test_the_accounts_of_days_long_past_are_forgotten_but_for_what_people_added(db: Database) -> None:
    time = Time()
    one = budgets(db, {("user", "tokens"): 10, ("org", "tokens"): 10}, time)
    await one.reserve(ANN, "r1", {"tokens": 5}, {})
    await one.settle("r1", {"tokens": 5})
    await one.raise_limit(OWNER, ANN, "org", "tokens", 5)
    time.pass_(days=40)
    await one.reserve(ANN, "r2", {"tokens": 5}, {})
    await one.tidy("e1")
    kept = await db.run(lambda c: sorted((a.scope, a.used + a.reserved, a.raised) for a in c.execute(select(accounts))))
    assert kept == [("org", 5, 0), ("org", 5, 5), ("user", 5, 0)]


async def test_of_several_limits_the_first_that_lacks_takes_nothing_from_the_others(db: Database) -> None:
    one = budgets(db, {("run", "tokens"): 100, ("org", "tokens"): 100, ("user", "model_calls"): 0})
    with pytest.raises(BudgetSpent):
        await one.reserve(ANN, "r1", {"tokens": 5, "model_calls": 1}, {})
    assert [(a.unit, a.reserved) for a in await one.accounts(ANN)] == [("tokens", 0), ("tokens", 0), ("model_calls", 0)]


async def test_a_crash_between_reserve_and_settle_is_made_good_when_the_execution_is_entered_again(db: Database) -> None:
    limits: dict[tuple[Scope, Unit], int] = {("run", "tokens"): 100}
    await budgets(db, limits).reserve(ANN, "r1", {"tokens": 90}, {"tokens": 20})
    again = budgets(db, limits)
    assert await again.recover("e2") == 0 and await stands(again) == [(0, 90, 10)]
    assert await again.recover("e1") == 1 and await stands(again) == [(20, 0, 80)]


async def test_a_crash_that_nobody_resumes_expires(db: Database) -> None:
    time = Time()
    one = Budgets(db, Decisions(db), Limits({("org", "tokens"): 100}), clock=time, keep=timedelta(minutes=10))
    await one.reserve(ANN, "r1", {"tokens": 90}, {"tokens": 20})
    time.pass_(minutes=9)
    with pytest.raises(BudgetSpent):
        await one.reserve(ANN, "r2", {"tokens": 50}, {})
    time.pass_(minutes=2)
    await one.reserve(ANN, "r2", {"tokens": 50}, {})
    assert await stands(one) == [(20, 50, 30)]


async def test_the_same_call_is_paid_once(db: Database) -> None:
    one = budgets(db, {("run", "tool_calls"): 2})
    for _ in range(3):
        await db.run(lambda c: one.take(c, ANN, "c1", {"tool_calls": 1}))
    assert await stands(one) == [(1, 0, 1)]


def test_of_many_threads_no_two_take_the_last_unit(db: Database) -> None:
    one, got = budgets(db, {("run", "tool_calls"): 10}), []

    def race(n: int) -> None:
        try:
            db.run_sync(lambda c: one.take(c, ANN, f"c{n}", {"tool_calls": 1}))
            got.append(n)
        except BudgetSpent:
            pass

    threads = [threading.Thread(target=race, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 10


def test_of_two_processes_no_two_take_the_last_unit(db: Database) -> None:
    url = db.url.render_as_string(hide_password=False)
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, url, str(n)], cwd=root, stdin=pipe, stdout=pipe, text=True)
        for n in range(2)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=120)[0] for racer in racers]
    assert sum(map(int, told)) == 25


async def test_a_budget_owner_raises_a_limit_and_others_do_not(db: Database) -> None:
    one = budgets(db, {("run", "tokens"): 10})
    await one.reserve(ANN, "r1", {"tokens": 10}, {})
    with pytest.raises(RaiseRefused, match="budget-owner"):
        await one.raise_limit(Caller("ann", "acme", ("requester",)), ANN, "run", "tokens", 5)
    with pytest.raises(RaiseRefused):
        await one.raise_limit(Caller("eve", "other", ("budget-owner",)), ANN, "run", "tokens", 5)
    assert (await one.raise_limit(OWNER, ANN, "run", "tokens", 5)).left == 5
    await one.reserve(ANN, "r2", {"tokens": 5}, {})
    told = await Decisions(db).for_execution("e1")
    assert sorted((r.org, r.user, r.outcome) for r in told) == [
        ("acme", "ann", "refused"),
        ("acme", "otto", "raised"),
        ("other", "eve", "refused"),
    ]
    assert all([await Decisions(db).payload(r.args_digest) for r in told]), "nothing was erased"
    with pytest.raises(ValueError, match="no limit of money"):
        await one.raise_limit(OWNER, ANN, "run", "money", 5)


async def test_without_limits_nothing_is_written(db: Database) -> None:
    one = budgets(db, {})
    await one.reserve(ANN, "r1", {"tokens": 10**9}, {})
    assert await asyncio.gather(one.accounts(ANN), one.recover("e1")) == [[], 0]


@pytest.mark.parametrize(
    "text, said",
    [
        ("[run]\ntokens = -1", r"\[run\] tokens = -1: give a whole number"),
        ("[run]\ntokens = 1.5", "whole number"),
        ("[run]\nmoney = true", "number of dollars"),
        ("[run]\ntoken = 1", "'token' is no unit; there are tokens, money"),
        ("[day]\ntokens = 1", "'day' is no scope; there are the tables run, step, user, org"),
        ("[user]\nseconds = 1", r"time is limited in \[run\] and \[step\]"),
        ("[run", "no TOML"),
        ("[run]\nask = 1", r"\[run\] ask = 1: give true or false"),
        ("replan_at = 80", "replan_at = 80: give a share"),
        ("without_price = true", "give .warn. or .stop."),
    ],
)
def test_a_bad_file_of_limits_is_named_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text(text)
    with pytest.raises(BadLimits, match=said):
        Limits.load(file)


def test_a_good_file_of_limits_is_read(tmp_path: Path) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text("[run]\ntokens = 200_000\nmoney = 1.5\n[user]\ntool_calls = 3\n")
    assert Limits.load(file).of == {("run", "tokens"): 200_000, ("run", "money"): 1_500_000, ("user", "tool_calls"): 3}
    assert not Limits.load(None)
    file.write_text('replan_at = 0.8\nwithout_price = "stop"\n[run]\nask = true\ntokens = 5\n')
    assert Limits.load(file) == Limits({("run", "tokens"): 5}, frozenset(("run",)), 0.8, "stop")
    with pytest.raises(BadLimits, match="CLEARANCE_BUDGETS"):
        Limits.load(tmp_path / "none.toml")
