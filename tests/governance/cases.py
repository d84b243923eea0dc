"""What the tests of governance speak of: people, a clock that only tests move, a policy, one effect to ask about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.identity import Caller
from governance.manifest import ToolManifest
from governance.policy import CallFacts, Decision, Panel

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ANN = Caller("ann", "acme", ("requester",))
RISK = Caller("ravi", "acme", ("risk-manager",))
RISK2 = Caller("rosa", "acme", ("risk-manager",))
MANIFEST = ToolManifest(effect="write", approvers=("risk-manager",), compensation="close_case")


@dataclass
class Time:
    """A clock that only tests move."""

    at: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **delta: float) -> datetime:
        self.at += timedelta(**delta)
        return self.at


@dataclass
class Judge:
    """A policy for edited actions: over 500 it asks two people, over 900 it denies, 0 it allows. `further` may decide in the end."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    further: tuple[str, ...] = ()

    def __call__(self, facts: CallFacts) -> Decision:
        self.asked.append(dict(facts.args))
        if facts.args["amount"] > 900:
            return Decision("deny", ("too-much",), ("over the limit",))
        if facts.args["amount"] == 0:
            return Decision("allow", ("free",), ("it costs nothing",))
        panel = Panel(("risk-manager",), 2 if facts.args["amount"] > 500 else 1, further=self.further)
        why = ("effects",), ("it changes something",)
        return Decision("approve", *why, panel.roles, panel.quorum, panels=(panel,))


def call(amount: int = 100, step: str = "s1", execution: str = "e1", who: Caller = ANN) -> CallFacts:
    args = {"who": "Aurobindo", "amount": amount}
    return CallFacts(
        who, "closer", "open_case", MANIFEST, args, execution, step, frozenset({"open_case"}), request="open a case"
    )


def decision(quorum: int = 1) -> Decision:
    return Decision("approve", ("effects",), ("it changes something",), ("risk-manager",), quorum, "p1")


def details(at: datetime = START, hours: float = 8) -> dict[str, Any]:
    return dict(
        call_id="c1",
        thread_id="t1",
        provenance={"who": "from the request", "amount": "written by the model"},
        expires_at=at + timedelta(hours=hours),
    )
