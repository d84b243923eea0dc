"""`clearance approvals …`: who may decide in whose stead, and what the list says of that and of what was escalated."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.panel import Panel as Shown

from app.terminal import approval_panel
from governance.clock import now
from governance.identity import Caller
from governance.policy import Decision, Panel
from graphs.services import open_services
from settings import Settings
from tests.app.command import clearance
from tests.governance.cases import call

RITA, MARC, ADA = (Caller(user, "local", Settings().people[user]) for user in ("rita", "marc", "ada"))
SOON = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
GIVE = ("--as", "marc", "approvals", "delegate", "ada", "--role", "risk-manager", "--until")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def asked(home: Path, hours_ago: float = 0) -> str:
    """An approval that two risk managers must give within eight hours."""
    panel = Panel(("risk-manager",), 2, others=True, further=("head-of-risk",))
    decision = Decision("approve", ("large",), ("it is large",), panel.roles, 2, "p1", (panel,))

    async def ask() -> str:
        async with open_services(Settings(home=home), clock=lambda: now() - timedelta(hours=hours_ago)) as services:
            told: dict[str, Any] = dict(call_id="c1", thread_id="t1", provenance={})
            ends = now() + timedelta(hours=8 - hours_ago)
            return (await services.approvals.request(call(who=RITA), decision, **told, expires_at=ends)).id

    return asyncio.run(ask())


def vote(home: Path, id: str, voter: Caller) -> None:
    async def cast() -> None:
        async with open_services(Settings(home=home)) as services:
            await services.approvals.vote(id, voter, "approve")

    asyncio.run(cast())


def test_a_right_is_handed_on_used_listed_and_taken_back(home: Path) -> None:
    assert clearance(home, "approvals", "delegations").stdout.strip() == "Nobody decides in another's stead."
    given = clearance(home, *GIVE, SOON)
    assert given.returncode == 0 and "ada decides as risk-manager for marc until" in given.stdout
    id = asked(home)
    vote(home, id, ADA)
    listed = clearance(home, "approvals", COLUMNS="200").stdout
    assert "waits for 2 of risk-manager, not who asked until" in listed and "· agreed so far: ada for marc" in listed
    (row,) = json.loads(clearance(home, "approvals", "--json").stdout)
    assert row["votes"] == [{"user": "ada", "verdict": "approve", "for": "marc"}]
    (lent,) = json.loads(clearance(home, "approvals", "delegations", "--json").stdout)
    assert (lent["giver"], lent["taker"], lent["role"], lent["tool"]) == ("marc", "ada", "risk-manager", None)
    assert "mona made no delegation" in clearance(home, "--as", "mona", "approvals", "revoke", lent["id"]).stderr
    taken = clearance(home, "--as", "marc", "approvals", "revoke", lent["id"])
    assert taken.returncode == 0 and "ada no longer decides as risk-manager for marc" in taken.stdout
    assert "already revoked" in clearance(home, "--as", "marc", "approvals", "revoke", lent["id"]).stderr
    assert json.loads(clearance(home, "approvals", "delegations", "--json").stdout) == []


def test_who_lost_the_role_lends_it_no_more(home: Path) -> None:
    clearance(home, *GIVE, SOON)
    people = json.dumps({"marc": ["requester"], "ada": ["auditor"]})
    assert "Nobody decides" in clearance(home, "approvals", "delegations", CLEARANCE_PEOPLE=people).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*GIVE, "2020-01-01T00:00"), "is already over"),
        ((*GIVE, "2099-01-01T00:00"), "at most 90 days"),
        ((*GIVE, "tomorrow"), "--until 'tomorrow' is no time: write it like"),
        (("--as", "marc", "approvals", "delegate", "eve", "--role", "risk-manager", "--until", SOON), "there is no eve"),
        (("--as", "marc", "approvals", "delegate", "marc", "--role", "risk-manager", "--until", SOON), "to themselves"),
        (("--as", "marc", "approvals", "delegate", "ada", "--role", "boss", "--until", SOON), "does not hold the role boss"),
        (("--as", "rita", "approvals", "delegate", "ada", "--role", "risk-manager", "--until", SOON), "rita does not hold"),
        ((*GIVE, SOON, "--tool", "nothing"), "there is no tool nothing"),
        (("approvals", "revoke", "nothing"), "local made no delegation nothing"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else None,
)
def test_what_cannot_be_delegated_is_said(home: Path, words: tuple[str, ...], said: str) -> None:
    done = clearance(home, *words)
    assert done.returncode == 1 and said in done.stderr
    assert json.loads(clearance(home, "approvals", "delegations", "--json").stdout) == []


def test_the_prompt_shows_what_is_asked_by_whom_and_who_agreed_for_whom(home: Path) -> None:
    id = asked(home)
    clearance(home, *GIVE, SOON)
    vote(home, id, ADA)

    async def panel() -> Shown:
        async with open_services(Settings(home=home)) as services:
            [row] = await services.approvals.get([id])
        return approval_panel(row, 1, 1)

    written = StringIO()
    Console(file=written, width=300).print(asyncio.run(panel()))
    shown = written.getvalue()
    assert "rita wants: open a case" in shown and "agreed so far: ada for marc" in shown and "effect: write" in shown
    assert "Asked because: it is large [large]" in shown and "Who must agree: 2 of risk-manager, not who asked" in shown


def test_the_list_escalates_what_is_due_and_says_to_whom(home: Path) -> None:
    asked(home, hours_ago=6.5)
    listed = clearance(home, "approvals", COLUMNS="300").stdout
    assert "waits for 2 of risk-manager or head-of-risk, not who asked until" in listed
    assert "· escalated to head-of-risk " in listed and "· reminded " in listed
    (row,) = json.loads(clearance(home, "approvals", "--json").stdout)
    assert row["escalated_to"] == ["head-of-risk"] and row["escalated_at"] and row["votes"] == []
