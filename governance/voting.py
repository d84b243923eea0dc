"""Voting: what one person's verdict does to one approval. Used by `approvals.py` alone, inside its transactions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, update

from governance.approval import (
    ENDINGS,
    AlreadyDecided,
    Approval,
    DelegationOver,
    EditDenied,
    EffectsStopped,
    NotAPerson,
    OwnRequest,
    UnknownApproval,
    Verdict,
    WrongRole,
    seal,
)
from governance.clock import Clock, stamp
from governance.delegations import Delegation, Delegations
from governance.digest import action_digest
from governance.identity import Caller
from governance.kill_switch import halted
from governance.policy import CallFacts, Decision
from governance.tables import insert_new, votes
from governance.traces import Erased, recall

if TYPE_CHECKING:
    from governance.approvals import Approvals

Decide = Callable[[CallFacts], Decision]
CheckArgs = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


def refuse_edits(facts: CallFacts) -> Decision:
    """The judge of edits where no policy is at hand."""
    return Decision("deny", ("no-policy",), ("no policy is at hand to judge an edited action",))


class Voting:
    """Votes on the approvals of `store`. `decide` and `check_args` as `Approvals` has them."""

    def __init__(
        self, store: "Approvals", delegations: Delegations, clock: Clock, decide: Decide, check_args: CheckArgs | None
    ) -> None:
        self._store = store
        self._delegations = delegations
        self._clock = clock
        self._decide = decide
        self._check_args = check_args

    def vote(
        self, c: Connection, id: str, voter: Caller, verdict: Verdict, message: str, args: Mapping[str, Any] | None
    ) -> Approval:
        """The approval that results, as `Approvals.vote` says; an expiry is returned, so that it is committed."""
        stopped = halted(c, voter.org)  # first: effects, too, lock the switch before an approval
        found = self._store.load(c, id, lock=True)
        if found.org != voter.org:
            raise UnknownApproval(f"there is no approval {id} in {voter.org}")  # another organisation's is not even named
        if not voter.person:
            raise NotAPerson(f"{voter.user} is not a person: only people decide {found.tool}")
        found = self._store.escalation.if_due(c, found)
        voter, lent = self._seat(c, found, voter)
        if verdict == "approve" and found.status == "pending" and not self._counts(found, voter, lent):
            raise OwnRequest(
                f"{found.requester.user} asked for this run, so others must approve {found.tool}: {found.waits_for()}"
            )
        if found.status != "pending":
            raise AlreadyDecided(f"{found.tool} was already {found.status}{found.by_whom}: your {verdict} was not counted")
        if found.expires_at <= self._clock():
            return self._store.end(c, found, "expired", "nobody decided in time")
        if verdict == "edit":
            return self._edit(c, found, voter, lent, message, args, stopped)
        if verdict == "approve" and stopped and found.effect != "read":
            raise EffectsStopped(f"{found.tool} cannot be approved now: {stopped}; it stays open")
        return self._count(c, found, voter, lent, verdict, message)

    def _count(
        self, c: Connection, found: Approval, voter: Caller, lent: Delegation | None, verdict: Verdict, message: str
    ) -> Approval:
        self._cast(c, found, voter, lent, verdict, message)
        found = self._store.load(c, found.id)
        if verdict == "approve" and not found.carried_by(found.panels):
            return found  # others must agree too
        people = sorted(vote.user for vote in found.votes if vote.verdict == verdict)
        return self._store.close(c, found, ENDINGS[verdict], people, message)

    def _edit(
        self,
        c: Connection,
        found: Approval,
        voter: Caller,
        lent: Delegation | None,
        message: str,
        args: Mapping[str, Any] | None,
        stopped: str,
    ) -> Approval:
        """A new row for the edited action, judged in the context of the old one; votes for that do not count for it.

        The edit is the editor's yes to it, unless effects are `stopped`: then it waits, as any other.
        """
        facts = self._edited(c, found, self._checked(found.tool, args))
        if action_digest(facts) == found.digest:
            raise EditDenied(f"the edit changes no argument of {found.tool}: approve or reject it instead")
        try:
            decision = self._decide(facts)
        except Exception as error:  # a policy that fails denies, here as in the gateway
            raise EditDenied(f"the edited {found.tool} could not be judged ({error}): it may not run") from error
        if decision.outcome == "deny":
            raise EditDenied(f"the edited {found.tool} may not run: {'; '.join(decision.reasons)}")
        changed = {name for name in facts.args if facts.args[name] != found.args.get(name)}
        made = self._store.open(
            c,
            facts,
            decision,
            call_id=found.call_id,
            thread_id=found.thread_id,
            provenance={**found.provenance, **{name: f"edited by {voter.user}" for name in sorted(changed)}},
            expires_at=found.expires_at,
        )
        if made.status not in ("pending", "approved"):
            raise EditDenied(f"the same {found.tool} was already {made.status} in this step")
        self._cast(c, found, voter, lent, "edit", message)
        self._store.close(c, found, "superseded", [voter.user], message, superseded_by=made.id)
        told: dict[str, Any] = dict(reasons=decision.reasons, approvers=decision.approvers, result_digest=seal(made))
        told.update(roles=facts.caller.roles, known=decision.known)
        told["provenance"] = tuple(f"{name}: {words}" for name, words in made.provenance.items())
        self._store.record(c, made, "decided", decision.outcome, **told)
        if made.status == "approved":  # another call of the step asked for just this, and got it
            return made
        if decision.outcome == "allow":
            return self._store.close(c, made, "approved", [voter.user], message)
        if found.escalated_at:  # nobody had decided it, and its time goes on
            made = self._store.escalation.escalate(c, made)
        if not self._counts(made, voter, lent) or (stopped and made.effect != "read"):
            return made
        return self._count(c, made, voter, lent, "approve", message)

    def _edited(self, c: Connection, found: Approval, args: Mapping[str, Any]) -> CallFacts:
        try:
            return found.facts(args, recall(c, found.trace), self._clock())
        except Erased as error:
            raise EditDenied(f"the edited {found.tool} cannot be judged: {error}") from error

    @staticmethod
    def _counts(found: Approval, voter: Caller, lent: Delegation | None) -> bool:
        """Would this person's yes count for any of the panels?"""
        own = found.requester.user in (voter.user, lent and lent.giver)
        return any(set(found.roles_of(one)) & set(voter.roles) and not (one.others and own) for one in found.panels)

    def _checked(self, tool: str, args: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if args is None:
            raise EditDenied(f"an edit of {tool} must say its new arguments")
        try:
            return self._check_args(tool, args) if self._check_args else args
        except ValueError as error:
            raise EditDenied(f"the edited arguments do not fit {tool}: {error}") from error

    def _cast(
        self, c: Connection, found: Approval, voter: Caller, lent: Delegation | None, verdict: Verdict, message: str
    ) -> None:
        roles = _roles(found, voter)
        values = dict(roles=roles, behalf=lent and lent.giver, verdict=verdict, message=message, at=stamp(self._clock()))
        if not insert_new(c, votes, dict(approval_id=found.id, user=voter.user, **values)):  # a change of mind while it is open
            own = (votes.c.approval_id == found.id) & (votes.c.user == voter.user)
            c.execute(update(votes).where(own).values(**values))
        told: dict[str, Any] = dict(user=voter.user, approvers=roles, reasons=(message,) if message else ())
        told["known"] = {"for": lent.giver, "delegation": lent.id} if lent else {}
        self._store.record(c, found, "vote", verdict, **told)

    def _seat(self, c: Connection, found: Approval, voter: Caller) -> tuple[Caller, Delegation | None]:
        """The voter with the roles the vote is given in: their own, else one that was lent to them. Raises `WrongRole`."""
        if set(found.approvers) & set(voter.roles):
            return voter, None
        lent = self._delegations.lent(c, voter, found.approvers, found.tool)
        if lent and (over := self._delegations.over(c, lent)):
            raise DelegationOver(f"{voter.user} may not decide {found.tool}: what {lent.giver} delegated {over}")
        if lent:
            return replace(voter, roles=(lent.role,)), lent
        raise WrongRole(f"{voter.user} may not decide {found.tool}: it takes one of {', '.join(found.approvers)}")


def _roles(found: Approval, voter: Caller) -> tuple[str, ...]:
    """Those of the asked roles that a voter holds."""
    return tuple(sorted(set(found.approvers) & set(voter.roles)))
