"""Holds the ledger against itself and against heads that were signed. Reads only; called by the audit commands and the export.

Any change of an entry, any gap, swap or insertion shows, because each hash covers the one before it. Two things a chain cannot
show by itself: that its end was cut off together with its head row, or that all of it was written anew. Signed heads show both,
as far as they reach: those in the database if they were not cut off too, and any that somebody holds elsewhere.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Text, cast, select
from sqlalchemy.exc import DatabaseError

from governance.digest import digest
from governance.ledger import START, Entry, Head, hash_of
from governance.signing import Signed
from governance.tables import approvals, ledger, ledger_heads, ledger_signatures, payloads


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, in a sentence. `seq` is where in the organisation's chain, 0 if nowhere in particular."""

    org: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.org}{f', entry {self.seq}' if self.seq else ''}: {self.what}"


@dataclass(frozen=True)
class Finding:
    """What a check found: entries by organisation, signed heads that hold, arguments that were erased, and every fault.

    `unsigned` are entries, by organisation, that came after the last signed head: that they are genuine, only the chain says,
    which whoever can write to the database could go on with.
    """

    entries: Mapping[str, int] = field(default_factory=dict)
    signatures: int = 0
    unsigned: Mapping[str, int] = field(default_factory=dict)
    erased: int = 0
    faults: tuple[Fault, ...] = ()


def chain_faults(org: str, entries: Iterable[Entry], head: Head | None, signed: Sequence[Head]) -> list[Fault]:
    """What is wrong with one organisation's chain, given in the order of `seq`. `signed` are heads whose signatures hold."""
    faults: list[Fault] = []
    at, hashes, wanted = 0, {0: START}, {one.seq for one in signed}
    before = START
    for entry in entries:
        at += 1
        if why := _wrong(entry, org, at, before):
            faults.append(Fault(org, at, why))
            if entry.seq != at:  # one gap is one fault, not one for each entry that follows
                at = entry.seq if isinstance(entry.seq, int) else at
        before = entry.hash
        if entry.seq in wanted:
            hashes[entry.seq] = entry.hash
    if head is None:
        faults.append(Fault(org, at, "the chain has no head"))
    elif (head.seq, head.hash) != (at, before):
        faults.append(Fault(org, head.seq, f"the head is not the chain's end, which is entry {at}"))
    for one in signed:
        if one.seq not in hashes:
            faults.append(
                Fault(org, one.seq, f"a head was signed there, but the chain ends at entry {at}: its end was cut off")
            )
        elif hashes[one.seq] != one.hash:
            faults.append(Fault(org, one.seq, "the entry is not the one that was there when the head was signed"))
    return faults


def _wrong(entry: Entry, org: str, seq: int, before: str) -> str:
    """Why an entry cannot stand at this place after that hash; empty if it can."""
    if entry.seq != seq:
        return f"here should be entry {seq}, and entry {entry.seq} follows: some are missing"
    try:
        if hash_of(entry.body) != entry.hash:
            return "it was changed: its hash does not fit"
        said = json.loads(entry.body)
        told = (said["org"], said["seq"], said["execution_id"])
        prev = said["prev"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return "it cannot be read as an event"
    if told != (org, seq, entry.execution_id) or entry.org != org:
        return "it belongs elsewhere: its organisation, place or execution is another in its body"
    return "" if prev == before else "it does not follow from the entry before it"


def check(connection: Connection, keys: Iterable[str], held: Sequence[Signed] = ()) -> Finding:
    """Check every chain, signature and kept argument of a database. `keys` are the public keys that are trusted; `held` are
    signed heads kept elsewhere, trusted with the key that they carry. Raises `ValueError` for a held statement that is no head."""
    trusted = {*keys, *(one.key for one in held)}
    stored, faults = _stored(connection)
    signed, unsound = _trusted([*stored, *held], trusted)
    faults += unsound
    rows = connection.execute(select(ledger_heads)).all()
    heads = {row.org: row for row in rows}
    orgs = sorted({*heads, *connection.scalars(select(ledger.c.org).distinct()), *(one.org for one in signed)})
    counts: dict[str, int] = {}
    named: set[str] = set()
    for org in orgs:
        entries, own = _entries(connection, org, named), [one for one in signed if one.org == org]
        head = Head(org, heads[org].seq, heads[org].hash) if org in heads else None
        try:
            faults += chain_faults(org, entries.read(), head, own)
        except (DatabaseError, ValueError) as error:  # bytes that are no text: the driver refuses to read on
            faults.append(Fault(org, entries.count + 1, f"it cannot be read: {error}"))
        counts[org] = entries.count
        faults += _signature_faults(org, heads.get(org), [one for one in stored if Head.of(one).org == org], held)
    named |= _results_named(connection)
    kept = _payload_faults(connection, faults)
    unsigned = {org: after for org in orgs if (after := unsigned_after(counts[org], [h for h in signed if h.org == org]))}
    return Finding(counts, len(signed), unsigned, len(named - kept), tuple(faults))


def unsigned_after(count: int, signed: Sequence[Head]) -> int:
    """How many of an organisation's entries came after its last signed head."""
    return max(count - max((one.seq for one in signed), default=0), 0)


def _stored(connection: Connection) -> tuple[list[Signed], list[Fault]]:
    """The signed heads of the database, in order, and what is there in the place of one."""
    found, faults = [], []
    columns = ledger_signatures.c
    query = select(columns.org, columns.seq, cast(columns.statement, Text).label("statement"), columns.key, columns.signature)
    for row in connection.execute(query.order_by(columns.org, columns.seq)).mappings():
        try:
            one = Signed.from_dict({**row, "statement": _plain(row["statement"])})
            head = Head.of(one)
            if (head.org, head.seq) != (row["org"], row["seq"]):
                raise ValueError("it is the head of another place")
        except (ValueError, TypeError) as error:
            faults.append(Fault(str(row["org"]), 0, f"what is kept as the signed head of entry {row['seq']} is none: {error}"))
            continue
        found.append(one)
    return found, faults


def _trusted(all_signed: Sequence[Signed], trusted: set[str]) -> tuple[list[Head], list[Fault]]:
    heads, faults = [], []
    for one in all_signed:
        head = Head.of(one)
        if not one.genuine:
            faults.append(Fault(head.org, head.seq, "the signature of this head does not hold"))
        elif one.key not in trusted:
            faults.append(Fault(head.org, head.seq, f"this head was signed with a key that is not known here: {one.key}"))
        else:
            heads.append(head)
    return heads, faults


def _signature_faults(org: str, row: Any, stored: Sequence[Signed], held: Sequence[Signed]) -> list[Fault]:
    """Signed heads of an organisation that are gone: each says which came before it, the head row which came last."""
    faults, before = [], 0
    for one in stored:
        seq, after = Head.of(one).seq, one.statement.get("after")
        if after != before:
            faults.append(Fault(org, seq, f"the head that was signed before this one, at entry {after}, is gone"))
        before = seq
    last = (before, stored[-1].statement.get("at")) if stored else (0, None)
    if row is not None and (row.signed_seq, row.signed_at) != last:
        faults.append(
            Fault(org, before, f"its head was last signed at entry {row.signed_seq}, and that is not the last one here")
        )
    there = {Head.of(one).seq for one in stored}
    kept = [head for head in map(Head.of, held) if head.org == org and head.seq not in there]
    return faults + [Fault(org, head.seq, "a signed head that is held elsewhere is gone from the database") for head in kept]


@dataclass
class _entries:
    """The entries of one organisation as they are read; notes how many there were and which arguments they name."""

    connection: Connection
    org: str
    named: set[str]
    count: int = 0

    def read(self) -> Iterable[Entry]:
        query = select(ledger).where(ledger.c.org == self.org).order_by(ledger.c.seq)
        for row in self.connection.execute(query.execution_options(yield_per=500)):
            self.count += 1
            self._note(row.body)
            yield Entry(row.org, row.seq, row.execution_id, row.body, row.hash)

    def _note(self, body: Any) -> None:
        try:
            self.named |= {said} if (said := json.loads(body)["args_digest"]) else set()
        except (ValueError, TypeError, KeyError):
            return  # the chain's own check says so


def _results_named(connection: Connection) -> set[str]:
    """The digests of the results that approvals were judged by."""
    traces = connection.scalars(select(approvals.c.trace))
    return {str(seen["result"]) for trace in traces for seen in trace}


def _payload_faults(connection: Connection, faults: list[Fault]) -> set[str]:
    """The digests of the arguments and results that are kept; those that no longer fit theirs are faults."""
    kept = set()
    for named, text in connection.execute(select(payloads.c.digest, cast(payloads.c.body, Text))):
        kept.add(named)
        try:
            fits = digest(_plain(text)) == named
        except (ValueError, TypeError):
            fits = False
        if not fits:
            faults.append(Fault("arguments", 0, f"what was kept under {named} was changed"))
    return kept


def _plain(text: Any) -> Any:
    """The value of a JSON text. Raises `ValueError` where a name is said twice: one reader would take the first, another the last."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name is said twice")
    return found
