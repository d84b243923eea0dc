"""Holds the ledger against itself and against heads that were signed. Reads only; called by the audit commands and the export.

Any change of an entry, any gap, swap or insertion shows, because each hash covers the one before it. Two things a chain cannot
show by itself: that its end was cut off together with its head row, or that all of it was written anew. Signed heads show both,
as far as they reach: those in the database if they were not cut off too, and any that somebody holds elsewhere.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from governance.digest import digest
from governance.ledger import START, Entry, Head, hash_of
from governance.signing import Signed
from governance.tables import ledger, ledger_heads, ledger_signatures, payloads


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
    stored = [Signed.from_dict(row) for row in map(dict, connection.execute(select(ledger_signatures)).mappings())]
    signed, faults = _heads([*stored, *held], trusted)
    rows = connection.execute(select(ledger_heads.c.org, ledger_heads.c.seq, ledger_heads.c.hash))
    heads = {row.org: Head(row.org, row.seq, row.hash) for row in rows}
    orgs = sorted({*heads, *connection.scalars(select(ledger.c.org).distinct()), *(one.org for one in signed)})
    counts: dict[str, int] = {}
    known: set[str] = set()
    for org in orgs:
        entries = _entries(connection, org, known)
        faults += chain_faults(org, entries.read(), heads.get(org), [one for one in signed if one.org == org])
        counts[org] = entries.count
    kept = _payload_faults(connection, faults)
    unsigned = {org: after for org in orgs if (after := unsigned_after(counts[org], [h for h in signed if h.org == org]))}
    return Finding(counts, len(signed), unsigned, len(known - kept), tuple(faults))


def unsigned_after(count: int, signed: Sequence[Head]) -> int:
    """How many of an organisation's entries came after its last signed head."""
    return max(count - max((one.seq for one in signed), default=0), 0)


def _heads(all_signed: Sequence[Signed], trusted: set[str]) -> tuple[list[Head], list[Fault]]:
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


@dataclass
class _entries:
    """The entries of one organisation as they are read; notes how many there were and which arguments they name."""

    connection: Connection
    org: str
    digests: set[str]
    count: int = 0

    def read(self) -> Iterable[Entry]:
        query = select(ledger).where(ledger.c.org == self.org).order_by(ledger.c.seq)
        for row in self.connection.execute(query.execution_options(yield_per=500)):
            self.count += 1
            self._note(row.body)
            yield Entry(row.org, row.seq, row.execution_id, row.body, row.hash)

    def _note(self, body: Any) -> None:
        try:
            self.digests.add(json.loads(body)["args_digest"])
        except (ValueError, TypeError, KeyError):
            return  # the chain's own check says so


def _payload_faults(connection: Connection, faults: list[Fault]) -> set[str]:
    """The digests of the arguments that are kept; those that no longer fit theirs are faults."""
    kept = set()
    for row in connection.execute(select(payloads)):
        kept.add(row.digest)
        if digest(row.body) != row.digest:
            faults.append(Fault("arguments", 0, f"what was kept under {row.digest} was changed"))
    return kept
