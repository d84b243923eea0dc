"""The ledger: a tamper-evident chain of events, one for each organisation. Written by `decisions.py` alone, in its transactions.

An entry's body is RFC 8785 JSON that holds its place (`org`, `seq` from 1) and the hash of the entry before it (`prev`); its
hash is SHA-256(0x00 ‖ body). The organisation's head row is locked while an entry is added, so writers take turns, and an entry
is only ever added to a head that its last entry bears out: a ledger whose end was tampered with takes no more entries, and
what cannot be recorded may not run. `ledger_check.py` holds a whole chain against itself and against signed heads.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from governance.clock import Clock, now, parse, stamp
from governance.prepared import Prepared
from governance.signing import Signed, Signer
from governance.tables import insert_new, ledger, ledger_heads, ledger_signatures

START = "0" * 64  # `prev` of a chain's first entry
SIGN_EVENTS = 100
SIGN_AFTER = timedelta(minutes=1)
_LAST = Prepared(select(ledger.c.body, ledger.c.hash).where(ledger.c.org == bindparam("of"), ledger.c.seq == bindparam("at")))
_MOVING = ("seq", "hash", "signed_seq", "signed_at")
_HEAD = Prepared(
    select(*(ledger_heads.c[name] for name in _MOVING), ledger.c.body, ledger.c.hash)
    .join_from(ledger_heads, ledger, (ledger.c.org == ledger_heads.c.org) & (ledger.c.seq == ledger_heads.c.seq), isouter=True)
    .where(ledger_heads.c.org == bindparam("of"))
    .with_for_update(of=ledger_heads)
)
_ADD = Prepared(insert(ledger))
_MOVE = Prepared(
    update(ledger_heads)
    .where(ledger_heads.c.org == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in _MOVING})
)
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class LedgerBroken(RuntimeError):
    """The ledger was tampered with and takes no more entries; the message says where it shows."""


@dataclass(frozen=True)
class Entry:
    """One entry as it is stored. `execution_id` is also in the body, which counts."""

    org: str
    seq: int
    execution_id: str
    body: str
    hash: str


@dataclass(frozen=True)
class Head:
    """Where an organisation's chain ends: its last entry's `seq` and `hash`; 0 and `START` before the first."""

    org: str
    seq: int
    hash: str

    def statement(self, at: str, after: int) -> dict[str, Any]:
        """What is signed: that the chain ended so at a time, and where the last head before this was signed, 0 for the first."""
        head = {"type": "clearance.ledger.head", "org": self.org, "seq": self.seq, "hash": self.hash}
        return {**head, "at": at, "after": after}

    @classmethod
    def of(cls, signed: Signed) -> "Head":
        """The head that a signed statement tells. Raises `ValueError` if it tells none."""
        said = signed.statement
        if said.get("type") != "clearance.ledger.head" or not isinstance(said.get("seq"), int):
            raise ValueError("the signed statement is not a head of a ledger")
        return cls(str(said.get("org")), said["seq"], str(said.get("hash")))


def hash_of(body: str) -> str:
    """The hash of an entry's body, 64 hex digits."""
    return hashlib.sha256(b"\0" + body.encode()).hexdigest()


def body_of(event: Mapping[str, Any]) -> str:
    """RFC 8785 of an event: text, lists of text, maps to text, truth values and whole numbers, and decimals of a few digits.

    For these the C encoder of the standard library writes the same bytes as `digest.canonical`, several times faster.
    """
    whole = {name: int(one) for name, one in event.items() if isinstance(one, float) and one.is_integer()}
    return _encode({**event, **whole})


@dataclass(frozen=True)
class _Last:
    """An organisation's head row, with the entry that is stored at its place: `body` and `hash` are None where there is none."""

    head: Head
    signed_seq: int
    signed_at: str | None
    body: str | None
    hash: str | None


class Ledger:
    """The chains of one application database. With a `signer`, heads are signed every `SIGN_EVENTS` or after `SIGN_AFTER`."""

    def __init__(self, clock: Clock = now, signer: Signer | None = None) -> None:
        self._clock = clock
        self._signer = signer

    def append(self, connection: Connection, org: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Add events to an organisation's chain, inside the caller's transaction. Raises `LedgerBroken`, the database's error.

        An event says `execution_id` and whatever else belongs to it; `org`, `seq`, `prev` and `at` are given here.
        """
        last = self._lock(connection, org)
        self._check_end(connection, last)
        at, head, rows = stamp(self._clock()), last.head, []
        for event in events:
            body = body_of({**event, "org": org, "seq": head.seq + 1, "prev": head.hash, "at": at})
            head = Head(org, head.seq + 1, hash_of(body))
            rows.append({"org": org, "seq": head.seq, "execution_id": event["execution_id"], "body": body, "hash": head.hash})
        _ADD.run(connection, rows)
        signed_seq, signed_at = last.signed_seq, last.signed_at
        if self._due(last, head.seq):
            self._sign(connection, head, at, last.signed_seq)
            signed_seq, signed_at = head.seq, at
        self._move(connection, head, signed_seq, signed_at)

    def _move(self, connection: Connection, head: Head, signed_seq: int, signed_at: str | None) -> None:
        new = {"new_seq": head.seq, "new_hash": head.hash, "new_signed_seq": signed_seq, "new_signed_at": signed_at}
        _MOVE.run(connection, [{"of": head.org, **new}])

    def sign(self, connection: Connection, org: str) -> Signed | None:
        """Sign an organisation's head as it stands, to be kept elsewhere. None if its chain is empty or there is no key.

        A head that was signed already is answered as it was: each is signed once.
        """
        last = _last(connection, org)
        if last is None or last.head.seq == 0 or self._signer is None:
            return None
        head, at = last.head, stamp(self._clock())
        self._check_end(connection, last)
        if last.signed_seq == head.seq and (known := self._signed(connection, head)):
            return known
        self._move(connection, head, head.seq, at)
        return self._sign(connection, head, at, last.signed_seq)

    def _signed(self, connection: Connection, head: Head) -> Signed | None:
        """The signature of a head that this signer made."""
        same = (ledger_signatures.c.org == head.org) & (ledger_signatures.c.seq == head.seq)
        row = connection.execute(select(ledger_signatures).where(same)).mappings().one_or_none()
        made = Signed.from_dict(dict(row)) if row else None
        own = made and self._signer and made.key == self._signer.key
        return made if made and own and made.genuine and Head.of(made) == head else None

    def _lock(self, connection: Connection, org: str) -> _Last:
        found = _last(connection, org)
        if found is None:
            insert_new(connection, ledger_heads, {"org": org, "seq": 0, "hash": START, "signed_seq": 0, "signed_at": None})
            found = _last(connection, org)
        assert found is not None, "its row was just there"
        return found

    def _check_end(self, connection: Connection, last: _Last) -> None:
        """Where the head was set back, the insert fails: that entry is there."""
        head = last.head
        if head.seq == 0 or _bears_out(last.body, last.hash, head.hash):
            return
        # who waited for the lock on PostgreSQL sees the new head, but the entries of before: look again
        found = _LAST.first(connection, {"of": head.org, "at": head.seq})
        if found is None or not _bears_out(found[0], found[1], head.hash):
            raise LedgerBroken(
                f"the ledger of {head.org} is broken at its end, entry {head.seq}: nothing can be recorded, so nothing may run; "
                "clearance audit verify tells more"
            )

    def _due(self, last: _Last, seq: int) -> bool:
        if self._signer is None:
            return False
        late = last.signed_at is not None and self._clock() - parse(last.signed_at) >= SIGN_AFTER
        return late or seq - last.signed_seq >= SIGN_EVENTS

    def _sign(self, connection: Connection, head: Head, at: str, after: int) -> Signed:
        assert self._signer is not None
        made = self._signer.sign(head.statement(at, after))
        row = {
            "org": head.org,
            "seq": head.seq,
            "statement": dict(made.statement),
            "key": made.key,
            "signature": made.signature,
        }
        insert_new(connection, ledger_signatures, row)
        return made


def _bears_out(body: str | None, hash: str | None, head: str) -> bool:
    """Is this the entry that a head names, by its stored hash and by its body's own?"""
    return body is not None and hash == head and hash_of(body) == head


def _last(connection: Connection, org: str) -> _Last | None:
    """Lock an organisation's head row and read it; None before its first entry."""
    row = _HEAD.first(connection, {"of": org})
    return _Last(Head(org, row[0], row[1]), *row[2:]) if row else None
