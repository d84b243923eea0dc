"""What each role may reach: the one table. Everybody who signed in may do everything with what is theirs; two roles reach further.

Used by `access.py` and by the searches. What a caller does not reach does not exist for them:
the answer is that of an id that never was.
"""

from dataclasses import dataclass
from typing import Literal

from governance.identity import Caller

Deed = Literal["read", "write", "audit"]
"""audit: read what is on record of runs (plans, evidence, approvals, effects, the ledger), never a thread."""

OF_ORGANISATION: dict[str, frozenset[Deed]] = {
    "auditor": frozenset({"audit"}),
    "admin": frozenset({"read", "write", "audit"}),
}
"""Role -> what it may do with what belongs to others of its organisation. No role reaches another organisation. Approvers are not
here: the roles that an approval asks are the policy's, and reach that approval alone (`app/api/governance/views.py`)."""


@dataclass(frozen=True)
class Owner:
    """Whose a row is."""

    org: str
    user: str


def may(caller: Caller, deed: Deed, owner: Owner) -> bool:
    """May they do this with what is the owner's?"""
    return caller.org == owner.org and (caller.user == owner.user or reaches_all(caller, deed))


def reaches_all(caller: Caller, deed: Deed) -> bool:
    """Does one of their roles reach everything of their organisation?"""
    return any(deed in OF_ORGANISATION.get(role, ()) for role in caller.roles)
