"""Switches, delegations and raised budgets that were changed by SQL are named, and what the product itself writes is not."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from database import Database
from governance.budgets import Budgets, Spender
from governance.decisions import Decisions
from governance.delegations import Delegations
from governance.identity import Caller, nobody_known
from governance.kill_switch import KillSwitch, SwitchRefused
from governance.limits import Limits
from governance.powers import powers_disagree
from tests.governance.cases import Time

ROOT = Caller("petra", "acme", ("platform", "operator", "budget-owner"))
OTHER = Caller("olaf", "other", ("platform",))
RISK = Caller("rita", "acme", ("risk-manager",))
ANN = Caller("ann", "acme", ("requester",))
WHO = Spender("acme", "ann", "e1", "s1")


def faults(db: Database) -> list[str]:
    return [fault.what for fault in db.run_sync(powers_disagree)]


@pytest.fixture
async def used(db: Database) -> Database:
    """A database in which every power was used, given back and refused."""
    time = Time()
    decisions = Decisions(db, time)
    switch = KillSwitch(db, decisions, ("operator",), ("platform",), time)
    lending = Delegations(db, time, decisions, nobody_known)
    budgets = Budgets(db, decisions, Limits({("run", "tokens"): 10, ("user", "money"): 5}), ("budget-owner",), time)
    await switch.flip(ROOT, True, "odd transfers", everyone=True)
    time.pass_(hours=1)
    await switch.flip(OTHER, False, "explained", everyone=True)
    await switch.flip(ROOT, True, "ours stays shut")
    with pytest.raises(SwitchRefused):
        await switch.flip(ANN, False, "let me")
    until = time() + timedelta(days=3)
    await lending.give(RISK, "ann", "risk-manager", until)
    ended = await lending.give(RISK, "bob", "risk-manager", until, "open_case")
    await lending.revoke(RISK, ended.id)
    for _ in range(2):
        await budgets.raise_limit(ROOT, WHO, "run", "tokens", 7)
    await budgets.raise_limit(ROOT, WHO, "user", "money", 1)
    await budgets.reserve(WHO, "call", {"tokens": 3}, {})
    with pytest.raises(PermissionError):
        await budgets.raise_limit(ANN, WHO, "run", "tokens", 100)
    return db


async def test_a_new_database_agrees(db: Database) -> None:
    assert faults(db) == []


async def test_what_the_product_writes_is_no_fault(used: Database) -> None:
    assert faults(used) == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM kill_switches WHERE org = 'acme'", "the kill switch of acme is gone"),
        ("DELETE FROM kill_switches WHERE org = '*'", "the kill switch of all organisations is gone"),
        ("UPDATE kill_switches SET stopped = false WHERE org = 'acme'", "acme is off, by petra: by the ledger on, by petra"),
        ("UPDATE kill_switches SET stopped = true WHERE org = '*'", "organisations is on, by olaf: by the ledger off, by olaf"),
        ("UPDATE kill_switches SET \"by\" = 'ann' WHERE org = 'acme'", "by ann: by the ledger on, by petra"),
        (
            "INSERT INTO kill_switches (org, stopped, \"by\", reason, at) VALUES ('third', true, 'x', 'y', '')",
            "third is on, by x: by the ledger never flipped",
        ),
        ("DELETE FROM delegations WHERE taker = 'ann'", "of rita is gone"),
        ("UPDATE delegations SET taker = 'eve' WHERE taker = 'ann'", "is not the one that was recorded"),
        ("UPDATE delegations SET until = '2999' WHERE taker = 'ann'", "is not the one that was recorded"),
        ("UPDATE delegations SET tool = NULL WHERE taker = 'bob'", "is not the one that was recorded"),
        ("UPDATE delegations SET revoked_at = NULL WHERE taker = 'bob'", "is revoked by the ledger"),
        ("UPDATE delegations SET revoked_at = '2026' WHERE taker = 'ann'", "is not revoked by the ledger"),
        (
            "INSERT INTO delegations (id, org, giver, taker, role, tool, made_at, until, revoked_at) "
            "SELECT 'made-up', org, giver, 'eve', role, tool, made_at, until, NULL FROM delegations WHERE taker = 'ann'",
            "the ledger knows no delegation made-up of rita to eve",
        ),
        ("UPDATE budget_accounts SET raised = 1000 WHERE scope = 'run'", "raised by 1000, and by the ledger by 14"),
        ("DELETE FROM budget_accounts WHERE scope = 'user'", "raised by 0, and by the ledger by 1"),
        (
            "INSERT INTO budget_accounts (scope, owner, unit, used, reserved, raised) VALUES ('org', 'acme/x', 'money', 0, 0, 9)",
            "raised by 9, and by the ledger by 0",
        ),
    ],
)
async def test_a_changed_row_is_named(used: Database, statement: str, says: str) -> None:
    assert used.run_sync(lambda c: c.execute(text(statement))).rowcount == 1
    (what,) = faults(used)
    assert says in what
