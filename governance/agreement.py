"""Do the tables say what the ledger says? Approvals, votes, effects, undoings, plans and step results of one execution, held against
its events.

The ledger cannot be changed unseen, but these tables can: they are the product's working memory. Whatever matters in them was
recorded when it was written, so a row that was changed, added or removed since is named. Not recorded, and so not checked, are the
times of rows (the events have their own). Pure; called by the audit, for a database as for an exported bundle.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from governance.approval import ENDINGS, Approval, Vote, seal
from governance.clock import parse
from governance.compensations import Compensation, call_id_of
from governance.decisions import Record
from governance.digest import digest, key_of
from governance.effects import EffectRow
from governance.identity import Caller
from governance.ledger_check import Fault

NAMES_A_ROW = ("decided", "vote", "void", "intent", "escalated")  # a refused call may name an approval that never was
STATES = {
    "ok": "done",
    "error": "failed",
    "unknown": "unknown",
    "reconciled": "done",
    "not-done": "failed",
    "settled-done": "done",
    "settled-not-done": "failed",
}


@dataclass(frozen=True)
class Account:
    """What the tables tell of one execution. `plans` maps a revision to the plan, `results` are step results, both as JSON values;
    `approvals` are all of them, superseded ones too."""

    execution_id: str
    requester: Caller
    plans: Mapping[int, Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]
    approvals: Sequence[Approval]
    effects: Sequence[EffectRow]
    compensations: Sequence[Compensation]


def disagreements(account: Account, records: Sequence[Record]) -> list[Fault]:
    """Everything the tables say otherwise than the events of the execution, which are given in their order."""
    org = account.requester.org
    parts = (_plans, _results, _approvals, _effects, _compensations)
    return [
        Fault(org, seq, f"execution {account.execution_id}: {what}") for part in parts for seq, what in part(account, records)
    ]


Found = Iterator[tuple[int, str]]  # where in the chain, 0 if nowhere, and what


def _plans(account: Account, records: Sequence[Record]) -> Found:
    events = {one.version: one for one in records if one.phase == "plan"}
    rows = {str(rev): plan for rev, plan in account.plans.items()}
    for rev in sorted({*events, *rows}, key=lambda rev: (len(rev), rev)):
        event, row = events.get(rev), rows.get(rev)
        if event is None:
            yield 0, f"the ledger knows no plan revision {rev}"
        elif row is None:
            yield event.seq, f"plan revision {rev} is gone"
        elif _digest(row) != event.result_digest:
            yield event.seq, f"plan revision {rev} is not the one that was recorded"
    for one in events.values():
        if (one.user, one.org) != (account.requester.user, account.requester.org):
            yield one.seq, f"it was asked for by {one.user} of {one.org}, not by {account.requester.user}"
            return


def _results(account: Account, records: Sequence[Record]) -> Found:
    events = {(one.step_id, one.version): one for one in records if one.phase == "step"}
    rows = {(str(one["step_id"]), str(one["attempt"])): one for one in account.results}
    made = {one.result_digest for one in records if one.phase == "outcome"}
    for key in dict.fromkeys([*events, *rows]):
        event, row, name = events.get(key), rows.get(key), f"attempt {key[1]} of {key[0]}"
        if event is None:
            yield 0, f"the ledger knows no {name}"
        elif row is None:
            yield event.seq, f"what came of {name} is gone"
        elif (row["status"], row.get("model") or None) != (event.outcome, event.model):
            yield event.seq, f"{name} ended as {event.outcome} by {event.model or 'no model'}, not as its row says"
        elif not row.get("reused"):  # what was taken over was recorded with the execution that made it
            for product, data in row["data"].items():
                bare = {name: value for name, value in data.items() if name != "product"}  # it was named for the model
                if not made & {_digest(data), _digest(bare)}:
                    yield event.seq, f"{product} of {name} is nothing that a tool returned"


def _approvals(account: Account, records: Sequence[Record]) -> Found:
    rows = {row.id: row for row in account.approvals}
    events: dict[str, list[Record]] = {}
    for one in records:
        if one.approval_id and one.phase in NAMES_A_ROW:
            events.setdefault(one.approval_id, []).append(one)
    for id, several in events.items():
        if id not in rows:
            yield several[0].seq, f"approval {id} is gone"
    for row in rows.values():
        for seq, what in _approval(row, events.get(row.id, []), rows):
            yield seq, f"approval {row.id} of {row.tool}: {what}"


def _approval(row: Approval, events: Sequence[Record], rows: Mapping[str, Approval]) -> Found:
    asked = [one for one in events if one.phase == "decided" and one.result_digest]
    if not asked:
        yield 0, "the ledger does not know that it was asked for"
        return
    if asked[-1].result_digest != seal(row):
        yield asked[-1].seq, "what it asks for, of whom or why is not what was recorded"
    wider = [one for one in events if one.phase == "escalated"]
    if bool(wider) != bool(row.escalated_at) or any(tuple(one.approvers) != row.further for one in wider):
        yield (wider or events)[-1].seq, "to whom it was escalated is not what was recorded"
    said = [one for one in events if one.phase == "vote"]
    cast = {one.user: (one.outcome, tuple(one.approvers), one.known.get("for"), tuple(one.reasons)) for one in said}
    held = {one.user: (one.verdict, one.roles, one.behalf, (one.message,) if one.message else ()) for one in row.votes}
    for user in sorted({*cast, *held}):
        if cast.get(user) != held.get(user):
            yield events[-1].seq, f"the vote of {user} is not the one that was recorded"
    status, last, people = _standing(row, events)
    if row.status != status:
        yield last.seq, f"it says that it is {row.status}, and the ledger that it is {status}"
    elif people is not None and (row.decided_by, row.message) != (people, "; ".join(last.reasons)):
        yield last.seq, "who decided it, or what they said, is not what was recorded"
    if row.superseded_by:
        other = rows.get(row.superseded_by)
        if other is None or (other.step_id, other.tool) != (row.step_id, row.tool):
            yield 0, f"no edit made {row.superseded_by} of it"


def _standing(row: Approval, events: Sequence[Record]) -> tuple[str, Record, tuple[str, ...] | None]:
    """How an approval stands by its events, the one that made it so, and the people who decided; None where no event says them."""
    status, last, people = "pending", events[0], None
    votes: dict[str, Vote] = {}
    for one in events:
        if one.phase == "vote":
            verdict: Any = one.outcome
            behalf = one.known.get("for")
            votes[one.user] = Vote(one.user, tuple(one.approvers), verdict, "; ".join(one.reasons), parse(one.at), behalf)
            agree = tuple(sorted(user for user, vote in votes.items() if vote.verdict == verdict))
            if verdict != "approve" or replace(row, votes=tuple(votes.values())).carried_by(row.panels):
                status, last = ("superseded" if verdict == "edit" else ENDINGS[verdict]), one
                people = (one.user,) if verdict == "edit" else agree
        elif one.phase == "void":
            status, last, people = one.outcome, one, ()
        elif one.phase == "decided" and one.outcome == "allow" and status == "pending":
            # an edit that needs nobody's yes: its vote stands with what it replaced
            status, last, people = "approved", one, None
        elif one.phase == "intent" and one.outcome == "go":
            status = "consumed"
    return status, last, people


def _effects(account: Account, records: Sequence[Record]) -> Found:
    events: dict[tuple[str, str, str], list[Record]] = {}
    for one in records:
        if one.phase in ("intent", "outcome"):
            events.setdefault((one.step_id, one.tool, one.args_digest), []).append(one)
    asked = {(one.call_id, one.tool) for one in records if one.phase == "undo"}
    undone = {one.call_id for one in records if (one.call_id, one.tool) in asked and STATES.get(one.outcome) == "done"}
    for row in account.effects:
        own = events.pop((row.step_id, row.tool, _digest(row.args)), [])
        name = f"effect {row.tool} of {row.step_id}"
        if row.key != _key(account, row):
            yield 0, f"{name}: its key is that of another call"
        yield from ((seq, f"{name}: {what}") for seq, what in _effect(row, own, call_id_of(row.key) in undone))
    reads = {row.id for row in account.approvals if row.effect == "read"}
    for (step, tool, _), several in events.items():
        intents = [one for one in several if one.phase == "intent" and one.approval_id not in reads]
        if intents:
            yield intents[0].seq, f"effect {tool} of {step}: its row is gone, or of other arguments"


def _effect(row: EffectRow, events: Iterable[Record], undone: bool) -> Found:
    intent = last = None
    for one in events:
        if last and STATES[last.outcome] == "done":
            break  # what is done stays done
        if one.phase == "intent":
            intent, last = one, None
        elif intent and one.outcome in STATES:
            last = one
    if intent is None:
        yield 0, "the ledger knows of no intent"
        return
    state = STATES[last.outcome] if last else "intended"
    if state == "done" and undone:
        state = "compensated"
    if row.state != state:
        yield (last or intent).seq, f"its row says {row.state}, and the ledger {state}"
    elif last and last.result_digest and _digest(row.result) != last.result_digest:
        yield last.seq, "its result is not the one that was recorded"
    elif last and row.error != last.error:
        yield last.seq, "its error is not the one that was recorded"
    if row.approval_id != intent.approval_id:
        yield intent.seq, f"it rests on approval {intent.approval_id or 'none'}, not on {row.approval_id or 'none'}"


def _compensations(account: Account, records: Sequence[Record]) -> Found:
    asked = {one.call_id: one for one in records if one.phase == "undo"}
    rows = {one.call_id: one for one in account.compensations}
    for call in sorted({*asked, *rows}):
        event, row = asked.get(call), rows.get(call)
        if event is None:
            yield 0, f"the ledger does not know that {call} was asked for"
        elif row is None:
            yield event.seq, f"what {event.user} asked for, {call}, is gone"
        elif (call_id_of(row.key), row.tool, _digest(row.args), row.requester.user, (row.reason,)) != (
            call,
            event.tool,
            event.args_digest,
            event.user,
            event.reasons,
        ):
            yield event.seq, f"what {event.user} asked for, {call}, is not what was recorded"


def _key(account: Account, row: EffectRow) -> str:
    try:
        return key_of(account.execution_id, row.step_id, row.tool, row.args)
    except ValueError:
        return ""


def _digest(value: Any) -> str:
    """Empty for what has no canonical form: nothing like it was ever recorded."""
    try:
        return digest(value)
    except ValueError:
        return ""
