"""Refusals: a vote that did not count is an event of the ledger, with its reason. Used by `approvals.py` alone.

The event stands in the ledger of the organisation whose approval it was, which is the one that has to know; of an approval that
is not there, in the voter's.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from governance.approval import (
    AlreadyDecided,
    ApprovalExpired,
    DelegationOver,
    EditDenied,
    EffectsStopped,
    NotAPerson,
    OwnRequest,
    UnknownApproval,
    Verdict,
    VoteRefused,
    WrongRole,
)
from governance.decisions import Decisions, Record
from governance.identity import Caller

if TYPE_CHECKING:
    from governance.approvals import Approvals

RULES: Mapping[type[VoteRefused], str] = {
    UnknownApproval: "unknown-approval",
    NotAPerson: "not-a-person",
    WrongRole: "wrong-role",
    DelegationOver: "delegation-over",
    OwnRequest: "own-request",
    AlreadyDecided: "already-decided",
    ApprovalExpired: "expired",
    EditDenied: "edit-denied",
    EffectsStopped: "kill-switch",
}


def record_refusal(
    c: Connection, store: "Approvals", decisions: Decisions, id: str, voter: Caller, verdict: Verdict, refused: VoteRefused
) -> None:
    """Write who was refused which verdict on what, and why. `rules` names the kind of refusal."""
    why = dict(rules=(RULES[type(refused)],), reasons=(str(refused),), roles=voter.roles)
    try:
        found = store.load(c, id)
    except UnknownApproval:
        nothing = dict.fromkeys(("execution_id", "step_id", "call_id", "agent", "tool", "version", "args_digest"), "")
        decisions.add(c, Record("refused", verdict, org=voter.org, user=voter.user, approval_id=id[:36], **nothing, **why))  # type: ignore[arg-type]  # mypy unites the values' types
        return
    who = voter.user if voter.org == found.org else f"{voter.user} of {voter.org}"
    store.record(c, found, "refused", verdict, user=who, **why)
