"""Proofs: does the ledger bear out what an approval's row and its votes say? Asked by the gateway just before an effect.

The row and the votes are plain tables that somebody with the database's password can edit; the ledger is a chain. So an action
carried by an approval runs only if the ledger has the decision that opened it, for these very arguments, and for each vote that
agrees the event of that vote (and of the escalation that let them vote); and if it has none that ended it otherwise. One query,
by an index of the hashed bodies themselves.

It defends against: a status set to approved, votes inserted or altered, arguments, tool, requester or digest changed, an ended
or spent approval opened again. It does not against who can also append well-formed entries to the ledger (only a signed head
held elsewhere shows those, `clearance audit verify --head`), nor against an expiry that was put off before it was noticed.
"""

from typing import Any

from sqlalchemy import Connection, literal_column, select

from governance.approval import Approval
from governance.decisions import Record, record_of
from governance.digest import action_digest, digest
from governance.ledger import hash_of
from governance.tables import APPROVAL_ID, ledger


def unproved(c: Connection, approval: Approval) -> str | None:
    """Why the ledger does not bear an approval out, for people; None if it does."""
    if action_digest(approval.facts()) != approval.digest:
        return f"the approval {approval.id} was altered: it no longer fits its own digest"
    about: Any = literal_column(APPROVAL_ID[c.dialect.name])  # as the index has it, to the letter
    query = select(ledger.c.org, ledger.c.body, ledger.c.hash).where(about == approval.id).order_by(ledger.c.seq)
    rows = [row for row in c.execute(query).all() if row.org == approval.org]
    if any(hash_of(row.body) != row.hash for row in rows):
        return f"the ledger's entries about the approval {approval.id} were altered; clearance audit verify tells more"
    events = [event for event in (record_of(row.body) for row in rows) if event.execution_id == approval.execution_id]
    if not any(event.phase == "decided" and _same(event, approval) for event in events):
        return f"the ledger knows of no request for the approval {approval.id} with these arguments"
    for event in events:
        if event.phase == "void" or (event.phase == "vote" and event.outcome != "approve"):
            return f"the ledger says that the approval {approval.id} ended as {event.outcome}"
    if approval.status == "approved" and any(event.phase == "intent" for event in events):
        return f"the ledger says that the approval {approval.id} was already used"
    since = next((event.seq for event in events if event.phase == "escalated"), None)
    if approval.escalated_at and since is None:
        return f"the ledger does not know that the approval {approval.id} was escalated"
    asked = {role for panel in approval.panels for role in panel.roles}
    last = {event.user: event for event in events if event.phase == "vote" and _same(event, approval)}
    for vote in approval.votes:
        told = last.get(vote.user)
        if told is None or told.approvers != vote.roles or told.known.get("for") != vote.behalf:
            return f"the ledger does not bear out the vote of {vote.user} on the approval {approval.id}"
        if not asked & set(vote.roles) and (since is None or told.seq < since):
            return f"{vote.user} voted on the approval {approval.id} before it was escalated to their role"
    return None


def _same(event: Record, approval: Approval) -> bool:
    """Is the event about the very action of the approval?"""
    named = (event.tool, event.version, event.agent, event.step_id, event.args_digest)
    facts = approval.facts()
    return named == (facts.tool, facts.manifest.version, facts.agent, facts.step_id, digest(facts.args))
