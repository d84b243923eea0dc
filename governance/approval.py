"""One approval: the request a person decides, its votes, and the errors of deciding it. Pure data; `approvals.py` stores it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from governance.clock import parse
from governance.digest import digest
from governance.identity import Caller
from governance.manifest import Effect, ToolManifest
from governance.policy import CallFacts, Panel, Seen, asked

Status = Literal["pending", "approved", "rejected", "answered", "expired", "void", "superseded", "consumed"]
Verdict = Literal["approve", "reject", "respond", "edit"]
ENDINGS: Mapping[Verdict, Status] = {"approve": "approved", "reject": "rejected", "respond": "answered"}
ASKED = (  # what never changes of an approval once it was asked for
    *(
        "id",
        "digest",
        "execution_id",
        "step_id",
        "call_id",
        "thread_id",
        "agent",
        "tool",
        "args",
        "provenance",
        "rules",
        "reasons",
    ),
    *("policy_version", "user_request", "created_at", "expires_at", "granted", "planned", "context_labels", "trace", "labels"),
    "budget_left",
)


class VoteRefused(Exception):
    """A vote that does not count; the message says why. Base of the errors below."""


class UnknownApproval(VoteRefused, LookupError):
    """There is no such approval in the voter's organisation."""


class WrongRole(VoteRefused, PermissionError):
    """The voter holds none of the roles that may decide this."""


class DelegationOver(WrongRole):
    """The right to decide was delegated to the voter, and that has ended or was revoked."""


class NotAPerson(VoteRefused, PermissionError):
    """A model or a service voted: its vote never counts."""


class OwnRequest(VoteRefused, PermissionError):
    """The policy wants others to agree than the one who asked for the run."""


class AlreadyDecided(VoteRefused, ValueError):
    """The approval is no longer open; the message says how it ended and by whom."""


class ApprovalExpired(VoteRefused, ValueError):
    """The time to decide is over, which denies the action."""


class EffectsStopped(VoteRefused, PermissionError):
    """The kill switch is on: nothing is approved that could not run. It stays open."""


class EditDenied(VoteRefused, ValueError):
    """The edited action may not run, or is no action at all; the original stays open."""


@dataclass(frozen=True)
class Vote:
    """One person's verdict. `roles` are those of the approver roles that the person held then, or that `behalf`, a second
    person, had delegated to them; `behalf` is None in a vote of one's own right."""

    user: str
    roles: tuple[str, ...]
    verdict: Verdict
    message: str
    at: datetime
    behalf: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """Everybody who stands behind the vote."""
        return frozenset(filter(None, (self.user, self.behalf)))

    @property
    def by(self) -> str:
        """Who voted, and in whose stead, for people to read."""
        return f"{self.user} for {self.behalf}" if self.behalf else self.user


@dataclass(frozen=True)
class Approval:
    """Everything an approver must see, and how it stands. `args` are exactly what would run.

    `panels` say who must agree, and each of them must. `labels` are the decision's; `context_labels`, `trace` (see
    `traces.recall`) and the like are what it rested on. `decided_by` are people. `superseded_by` is the row that an edit made
    of this one.
    """

    id: str
    digest: str
    status: Status
    execution_id: str
    step_id: str
    call_id: str
    thread_id: str
    requester: Caller
    agent: str
    tool: str
    manifest: ToolManifest = field(repr=False)
    args: Mapping[str, Any]
    provenance: Mapping[str, str]
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    panels: tuple[Panel, ...]
    policy_version: str
    user_request: str
    created_at: datetime
    expires_at: datetime
    granted: frozenset[str] = frozenset()
    planned: frozenset[str] | None = None
    context_labels: frozenset[str] = frozenset()
    trace: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    budget_left: int | None = None
    labels: tuple[str, ...] = ()
    votes: tuple[Vote, ...] = ()
    decided_at: datetime | None = None
    decided_by: tuple[str, ...] = ()
    message: str = ""
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    superseded_by: str | None = None

    @property
    def org(self) -> str:
        return self.requester.org

    @property
    def effect(self) -> Effect:
        return self.manifest.effect

    @property
    def approvers(self) -> tuple[str, ...]:
        """Every role that may decide now."""
        return tuple(dict.fromkeys(role for panel in self.panels for role in self.roles_of(panel)))

    @property
    def further(self) -> tuple[str, ...]:
        """The roles that may decide only because it was escalated."""
        asked = {role for panel in self.panels for role in panel.roles}
        return tuple(role for role in self.approvers if role not in asked)

    def roles_of(self, panel: Panel) -> tuple[str, ...]:
        """The roles whose yes counts for a panel: those that it asks, and the further ones once it was escalated."""
        return (*panel.roles, *panel.further) if self.escalated_at else panel.roles

    def facts(
        self, args: Mapping[str, Any] | None = None, trace: tuple[Seen, ...] = (), at: datetime | None = None
    ) -> CallFacts:
        """The call as it was proposed, or with other arguments, in its own context: `trace` is what it had seen, recalled."""
        return CallFacts(
            caller=self.requester,
            agent=self.agent,
            tool=self.tool,
            manifest=self.manifest,
            args=self.args if args is None else args,
            execution_id=self.execution_id,
            step_id=self.step_id,
            granted=self.granted,
            context_labels=self.context_labels,
            request=self.user_request,
            planned=self.planned,
            trace=trace,
            budget_left=self.budget_left,
            now=at,
        )

    def carried_by(self, panels: Sequence[Panel]) -> bool:
        """Did enough people agree for each of these panels? Asked again at the effect: the policy may have changed."""
        return all(len(self.agreed(panel)) >= max(panel.quorum, 1) for panel in panels)

    def agreed(self, panel: Panel) -> set[str]:
        """The people who agreed and count for a panel: with one of its roles and, where it asks for others, not who asked.

        Nobody counts twice, whether voting or voted for: the earlier vote stands.
        """
        counted: dict[str, frozenset[str]] = {}
        for vote in self.votes:
            fits = vote.verdict == "approve" and set(vote.roles) & set(self.roles_of(panel))
            own = panel.others and self.requester.user in vote.names
            if fits and not own and not any(vote.names & names for names in counted.values()):
                counted[vote.user] = vote.names
        return set(counted)

    @property
    def by_whom(self) -> str:
        """ " by dora for ravi": who decided, and in whose stead; empty where no person did."""
        known = {vote.user: vote.by for vote in self.votes}
        return f" by {', '.join(known.get(user, user) for user in self.decided_by)}" if self.decided_by else ""

    def waits_for(self) -> str:
        """Who must agree, for people to read."""
        return asked(replace(panel, roles=self.roles_of(panel)) for panel in self.panels)


def seal(approval: Approval) -> str:
    """The digest of everything that was asked: recorded when it was, so that a changed row shows."""
    asked: dict[str, Any] = {name: getattr(approval, name) for name in ASKED}
    asked["requester"], asked["manifest"] = approval.requester.as_dict(), approval.manifest.model_dump(mode="json")
    return digest({**asked, "panels": [asdict(panel) for panel in approval.panels]})


def from_row(row: Mapping[Any, Any], votes: Sequence[Mapping[Any, Any]]) -> Approval:
    """An `Approval` of its database row and those of its votes."""
    same = ("id", "digest", "status", "execution_id", "step_id", "call_id", "thread_id", "agent", "tool", "args", "provenance")
    also = ("policy_version", "user_request", "message", "superseded_by", "budget_left")
    values: dict[str, Any] = {name: row[name] for name in (*same, *also)}
    values.update({name: tuple(row[name]) for name in ("rules", "reasons", "labels", "trace", "decided_by")})
    values.update({name: frozenset(row[name]) for name in ("granted", "context_labels")})
    for name in ("created_at", "expires_at", "decided_at", "reminded_at", "escalated_at"):
        values[name] = parse(row[name]) if row[name] else None
    return Approval(
        requester=Caller.from_dict(row["requester"]),
        manifest=ToolManifest.model_validate(row["manifest"]),
        planned=None if row["planned"] is None else frozenset(row["planned"]),
        panels=tuple(Panel(tuple(p["roles"]), p["quorum"], p["others"], tuple(p["further"])) for p in row["panels"]),
        votes=tuple(Vote(v["user"], tuple(v["roles"]), v["verdict"], v["message"], parse(v["at"]), v["behalf"]) for v in votes),
        **values,
    )
