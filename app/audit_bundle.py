"""The bundle of a run: one signed statement of everything recorded of it, made by the audit and checked without any database.

What a bundle says is held against itself as `audit verify` holds a database: every event against its hash and the one before it,
arguments and policies against their digests, approvals, effects, plans and results against the events. docs/audit.md says how to do
the first of these without Clearance. Called by `audit.py` and `audit_commands.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.audit_story import Story
from governance.agreement import Account, disagreements
from governance.approval import from_row
from governance.bundle import version_of
from governance.compensations import from_row as compensation_of
from governance.decisions import record_of
from governance.digest import canonical, digest
from governance.effects import EffectRow
from governance.identity import Caller
from governance.ledger import START, Head, hash_of
from governance.ledger_check import Fault
from governance.signing import Signed

BUNDLE = "clearance.audit.run"


class BadBundle(ValueError):
    """A file that is no bundle; the message names it and what is wrong."""


@dataclass(frozen=True)
class Checked:
    """What a check of a bundle found. `erased` are arguments that events name and the bundle does not hold, `unread` policy
    versions whose text it does not hold."""

    run: str
    key: str
    made_at: str
    executions: int
    events: int
    heads: int
    erased: int
    unread: tuple[str, ...]
    faults: tuple[Fault, ...]


def bundle_of(run: str, stories: Sequence[Story], heads: Iterable[Signed]) -> dict[str, Any]:
    """The statement of a run, as plain JSON values: what a reader parses is what was signed."""
    said = {
        "type": BUNDLE,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run,
        "executions": [_told(story) for story in stories],
        "heads": [head.as_dict() for head in heads],
    }
    told: dict[str, Any] = json.loads(canonical(said))
    return told


def _told(story: Story) -> dict[str, Any]:
    """A story as JSON values. Events are told as they were hashed, approvals as their rows."""
    return {
        **asdict(story.execution),
        "models": story.models,
        "policies": story.policies,
        "revisions": [{"rev": rev, "plan": plan} for rev, plan in story.plans.items()],
        "outcomes": [one.result.model_dump(mode="json") for one in story.attempts if one.result],
        "approvals": [dict(row) for row in story.approvals],
        "effects": [asdict(one) for one in story.effects],
        "compensations": [asdict(one) for one in story.compensations],
        "events": [{"body": event.body, "hash": event.hash} for event in story.entries],
        "arguments": story.args,
    }


def read_bundle(path: Path) -> Signed:
    """The bundle of a file. Raises `BadBundle`."""
    try:
        found = Signed.from_dict(json.loads(path.read_text(encoding="utf-8")))
        if found.statement.get("type") != BUNDLE:
            raise ValueError(f"its type is {found.statement.get('type')!r}")
    except (OSError, ValueError, AttributeError) as error:
        raise BadBundle(f"{path} is no bundle as clearance audit export writes it: {error}") from error
    return found


def check_bundle(bundle: Signed, keys: Iterable[str], held: Sequence[Signed] = ()) -> Checked:
    """Hold a bundle against itself, the public keys that are trusted, and heads that were held elsewhere. Raises `BadBundle`."""
    said, trusted = bundle.statement, {*keys, *(one.key for one in held)}
    try:
        faults = _signature(bundle, trusted)
        heads = [Signed.from_dict(one) for one in said["heads"]]
        for own in said["executions"]:
            faults += _execution(own)
            faults += _heads(own, [*heads, *held], {bundle.key, *trusted})
        events = [json.loads(one["body"]) for own in said["executions"] for one in own["events"]]
        named = {one["args_digest"] for one in events} - {""}
        kept = {name for own in said["executions"] for name in own["arguments"]}
        policies = {version: files for own in said["executions"] for version, files in own["policies"].items()}
        used = {one["policy_version"] for one in events} - {""}
        unread = tuple(sorted(version for version in used if not policies.get(version)))
        head = (str(said["run"]), bundle.key, str(said["made_at"]), len(said["executions"]), len(events))
        return Checked(*head, len(heads), len(named - kept), unread, tuple(faults))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadBundle(f"it lacks something, or something in it cannot be read: {type(error).__name__}: {error}") from error


def _signature(bundle: Signed, trusted: set[str]) -> list[Fault]:
    if not bundle.genuine:
        return [Fault("bundle", 0, "its signature does not hold: it was changed after it was signed")]
    if not trusted:
        return [Fault("bundle", 0, f"it is signed with {bundle.key}, and nothing says whose key that is: --key")]
    if bundle.key not in trusted:
        return [Fault("bundle", 0, f"it is signed with another key than the one that is trusted: {bundle.key}")]
    return []


def _execution(own: Mapping[str, Any]) -> list[Fault]:
    """One execution of a bundle against itself."""
    requester = Caller.from_dict(own["requester"])
    faults = _events(own, requester.org)
    if faults:  # events that were changed are no measure for the rest
        return faults
    for name, args in own["arguments"].items():
        if digest(args) != name:
            faults.append(Fault("arguments", 0, f"what was kept under {name} was changed"))
    for version, files in own["policies"].items():
        if files is not None and version_of(files) != version:
            faults.append(Fault("policies", 0, f"these are not the files of {version}"))
    account = Account(
        own["id"],
        requester,
        {one["rev"]: one["plan"] for one in own["revisions"]},
        own["outcomes"],
        [from_row(row, row["votes"]) for row in own["approvals"]],
        [EffectRow(**row) for row in own["effects"]],
        [compensation_of(row) for row in own["compensations"]],
    )
    return faults + disagreements(account, [record_of(one["body"]) for one in own["events"]])


def _events(own: Mapping[str, Any], org: str) -> list[Fault]:
    """Hashes, places and links. What lies between two events of a run are other people's, and not in its bundle."""
    faults, before = list[Fault](), (0, START)
    for event in own["events"]:
        said = json.loads(event["body"])
        seq, prev = said["seq"], said["prev"]
        if hash_of(event["body"]) != event["hash"]:
            faults.append(Fault(org, seq, "it was changed: its hash does not fit"))
        if (said["org"], said["execution_id"]) != (org, own["id"]):
            faults.append(Fault(org, seq, "it belongs to another organisation or execution"))
        if seq <= before[0] or (seq == before[0] + 1 and prev != before[1]):
            faults.append(Fault(org, seq, "it does not follow from the event before it"))
        before = (seq, event["hash"])
    return faults


def _heads(own: Mapping[str, Any], heads: Sequence[Signed], trusted: set[str]) -> list[Fault]:
    """The heads of the organisation against the events that they vouch for, where they stand at one, or come too early."""
    org = own["requester"]["org"]
    hashes = {json.loads(event["body"])["seq"]: event["hash"] for event in own["events"]}
    faults, last = [], 0
    for signed in heads:
        head = Head.of(signed)
        if head.org != org:
            continue
        if not signed.genuine or signed.key not in trusted:
            faults.append(
                Fault(org, head.seq, "the signature of this head does not hold, or is not that of a key that is trusted")
            )
        elif hashes.get(head.seq, head.hash) != head.hash:
            faults.append(Fault(org, head.seq, "the event is not the one that was there when the head was signed"))
        last = max(last, head.seq)
    if hashes and last < max(hashes):
        faults.append(Fault(org, max(hashes), "no head of the bundle was signed after its last event"))
    return faults
