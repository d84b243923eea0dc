"""What forgers do to a ledger: each kind of change as SQL on a real database. Used by `tamper.py`.

The forger can write every table and knows how hashes are made, but has not the signing key.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from governance.ledger import START, Head, body_of, hash_of
from governance.signing import Signer

ORG, OTHER = "acme", "zeta"
ENTRIES = 8  # of ORG's chain
Row = dict[str, Any]


@dataclass
class Forger:
    """Writes to a copy of the ledger. `moves_head`: rewrites the head row so that it fits the chain's end again."""

    connection: Connection
    random: random.Random
    stranger: Signer
    moves_head: bool = False

    def rows(self) -> list[Row]:
        return [dict(row) for row in self.ask("SELECT * FROM ledger WHERE org = :org ORDER BY seq", org=ORG)]

    def some(self) -> Row:
        return self.random.choice(self.rows())

    def ask(self, sql: str, /, **values: Any) -> Any:
        return self.connection.execute(text(sql), values).mappings().all()

    def do(self, sql: str, /, **values: Any) -> None:
        self.connection.execute(text(sql), values)

    def replace(self, rows: list[Row]) -> None:
        """Write the whole chain anew, as given."""
        self.do("DELETE FROM ledger WHERE org = :org", org=ORG)
        for row in rows:
            self.do(
                "INSERT INTO ledger (org, seq, execution_id, body, hash) VALUES (:org, :seq, :execution_id, :body, :hash)",
                **row,
            )
        if self.moves_head:
            self.fit_head()

    def fit_head(self) -> None:
        end = (self.rows() or [{"seq": 0, "hash": START}])[-1]
        self.do("UPDATE ledger_heads SET seq = :seq, hash = :hash WHERE org = :org", org=ORG, seq=end["seq"], hash=end["hash"])

    def set(self, row: Row, **values: Any) -> None:
        named = ", ".join(f"{name} = :{name}" for name in values)
        self.do(f"UPDATE ledger SET {named} WHERE org = :of AND seq = :at", of=row["org"], at=row["seq"], **values)
        if self.moves_head:
            self.fit_head()


def forged(row: Row, **changes: Any) -> Row:
    """A row whose body says something else, hashed anew."""
    body = body_of({**json.loads(row["body"]), **changes})
    return {**row, "body": body, "hash": hash_of(body)}


def chained(rows: list[Row], start: int) -> list[Row]:
    """The rows from `start` on, linked and hashed anew: a chain that holds together by itself."""
    made, before = rows[:start], rows[start - 1]["hash"] if start else START
    for place, row in enumerate(rows[start:], start + 1):
        made.append(forged({**row, "seq": place}, prev=before, seq=place))
        before = made[-1]["hash"]
    return made


# -- what forgers do ---------------------------------------------------------------------------------------------------


def edit_of_a_character(f: Forger) -> None:
    row, column = f.some(), f.random.choice(["body", "hash"])
    at = f.random.randrange(len(row[column]))
    f.set(row, **{column: row[column][:at] + chr((ord(row[column][at]) + 1) % 128 or 1) + row[column][at + 1 :]})


def edit_hashed_anew(f: Forger) -> None:
    row = f.some()
    made = forged(row, outcome="deny", user="mallory")
    f.set(row, body=made["body"], hash=made["hash"])


def rewriting_from_there_on(f: Forger) -> None:
    rows = f.rows()
    at = f.random.randrange(len(rows))
    rows[at] = forged(rows[at], outcome="deny")
    f.replace(chained(rows, at))


def deletion(f: Forger) -> None:
    rows = f.rows()
    at, count = f.random.randrange(len(rows) - 1), f.random.randint(1, 3)
    f.replace([*rows[:at], *rows[at + count :]] if at + count < len(rows) else [*rows[:at], rows[-1]])


def deletion_closed_up(f: Forger) -> None:
    rows = f.rows()
    at = f.random.randrange(len(rows) - 1)
    f.replace(chained([*rows[:at], *rows[at + 1 :]], at))


def swap_of_several(f: Forger) -> None:
    rows, count = f.rows(), f.random.randint(1, 3)
    for a, b in (f.random.sample(range(len(rows)), 2) for _ in range(count)):
        rows[a], rows[b] = {**rows[b], "seq": a + 1}, {**rows[a], "seq": b + 1}
    if [row["body"] for row in rows] == [row["body"] for row in f.rows()]:  # swapped back
        rows[0], rows[1] = {**rows[1], "seq": 1}, {**rows[0], "seq": 2}
    f.replace(rows)


def insertion(f: Forger) -> None:
    rows = f.rows()
    at = f.random.randrange(len(rows) + 1)
    new = [
        forged({**f.random.choice(rows), "seq": at + 1}, seq=at + 1, prev=rows[at - 1]["hash"] if at else START, outcome="deny")
    ]
    f.replace([*rows[:at], *new, *({**row, "seq": row["seq"] + 1} for row in rows[at:])])


def insertion_linked_in(f: Forger) -> None:
    rows = f.rows()
    at = f.random.randrange(len(rows) + 1)
    f.replace(chained([*rows[:at], f.random.choice(rows), *rows[at:]], at))


def cut_end_with_a_held_head(f: Forger) -> None:
    at = f.random.randint(1, ENTRIES)
    f.do("DELETE FROM ledger WHERE org = :org AND seq >= :at", org=ORG, at=at)
    if f.moves_head:
        f.fit_head()
        f.do("DELETE FROM ledger_signatures WHERE org = :org AND seq >= :at", org=ORG, at=at)
        last = "(SELECT max(seq) FROM ledger_signatures WHERE org = :org)"
        signed_at = f"(SELECT json_extract(statement, '$.at') FROM ledger_signatures WHERE org = :org AND seq = {last})"
        f.do(f"UPDATE ledger_heads SET signed_seq = coalesce({last}, 0), signed_at = {signed_at} WHERE org = :org", org=ORG)


def cut_start(f: Forger) -> None:
    f.do("DELETE FROM ledger WHERE org = :org AND seq <= :at", org=ORG, at=f.random.randint(1, ENTRIES - 1))


def copied_columns(f: Forger) -> None:
    """The columns beside the body, which only repeat what it says."""
    row = f.some()
    ways: list[Mapping[str, Any]] = [
        {"execution_id": row["execution_id"] + " "},
        {"execution_id": "e99"},
        {"seq": row["seq"] + 100},
    ]
    ways += [{"org": OTHER, "seq": row["seq"] + 100}, {"org": "nobody"}, {"execution_id": row["execution_id"].upper()}]
    f.set(row, **f.random.choice(ways))


def head_row(f: Forger) -> None:
    ways = ["DELETE FROM ledger_heads WHERE org = :org", "UPDATE ledger_heads SET seq = seq - 1 WHERE org = :org"]
    ways += [f"UPDATE ledger_heads SET {name} = {value} WHERE org = :org" for name, value in HEAD_VALUES]
    f.do(f.random.choice(ways), org=ORG)


HEAD_VALUES = (
    ("hash", "upper(hash)"),
    ("hash", "'00'"),
    ("seq", "seq + 1"),
    ("signed_seq", "1000000"),  # so that none would be signed for a long time
    ("signed_at", "'2999-01-01T00:00:00.000000+00:00'"),
    ("signed_seq", "0"),
    ("org", "'nobody'"),
)


def signed_heads(f: Forger) -> None:
    """Signatures removed, edited, put in each other's place."""
    seqs = [row["seq"] for row in f.ask("SELECT seq FROM ledger_signatures WHERE org = :org", org=ORG)]
    at, other = f.random.sample(seqs, 2)
    way = f.random.randrange(5)
    where = "WHERE org = :org AND seq = :at"
    if way == 0:
        f.do(f"DELETE FROM ledger_signatures {where}", org=ORG, at=at)
    elif way == 1:
        f.do(f"UPDATE ledger_signatures SET seq = seq + 100 {where}", org=ORG, at=at)
    elif way == 2:
        f.do(f"UPDATE ledger_signatures SET statement = json_set(statement, '$.hash', '00') {where}", org=ORG, at=at)
    elif way == 3:
        f.do(f"UPDATE ledger_signatures SET statement = '[' {where}", org=ORG, at=at)
    else:
        take = "(SELECT {0} FROM ledger_signatures WHERE org = :org AND seq = :other)"
        pairs = ", ".join(f"{name} = {take.format(name)}" for name in ("statement", "signature"))
        f.do(f"UPDATE ledger_signatures SET {pairs} {where}", org=ORG, at=at, other=other)


def signed_with_another_key(f: Forger) -> None:
    """All written anew from somewhere on, and every head after it signed again with a key of the forger's own."""
    rewriting_from_there_on(f)
    hashes, after = {row["seq"]: row["hash"] for row in f.rows()}, 0
    for row in f.ask("SELECT seq, statement FROM ledger_signatures WHERE org = :org ORDER BY seq", org=ORG):
        at = json.loads(row["statement"])["at"]
        made = f.stranger.sign(Head(ORG, row["seq"], hashes[row["seq"]]).statement(at, after))
        said = dict(org=ORG, seq=row["seq"], statement=json.dumps(dict(made.statement)), key=made.key, signature=made.signature)
        f.do(
            "UPDATE ledger_signatures SET statement = :statement, key = :key, signature = :signature WHERE org = :org AND seq = :seq",
            **said,
        )
        after = row["seq"]
    f.fit_head()


def same_value_other_bytes(f: Forger) -> None:
    """A body that a JSON reader takes for the same, hashed anew: spaces, another order, escapes, floats, a name said twice."""
    row = f.some()
    said = json.loads(row["body"])
    ways: list[Callable[[], str]] = [
        lambda: json.dumps(said),
        lambda: row["body"] + " ",
        lambda: json.dumps(dict(reversed(said.items())), ensure_ascii=False, separators=(",", ":")),
        lambda: row["body"].replace("é", "\\u00e9"),
        lambda: row["body"].replace("é", "e\u0301"),
        lambda: row["body"].replace(f'"ms":{said["ms"]}', f'"ms":{said["ms"]}0'),
        lambda: row["body"].replace(f'"seq":{row["seq"]}', f'"seq":{row["seq"]}.0'),
        lambda: row["body"].replace('"outcome":', '"outcome":"deny","outcome":'),
        lambda: "\ufeff" + row["body"],
    ]
    body = f.random.choice(ways)()
    f.set(row, body=body, hash=hash_of(body))


def bytes_that_are_no_text(f: Forger) -> None:
    row, value = (
        f.some(),
        f.random.choice(["x'ff41'", "CAST(x'ff41' AS TEXT)", "''", "'null'", '\'{"a": "\\ud800"}\'', "7", "NULL || ''"]),
    )
    f.do(f"UPDATE OR IGNORE ledger SET body = coalesce({value}, '') WHERE org = :org AND seq = :at", org=ORG, at=row["seq"])


def arguments(f: Forger) -> None:
    """What is kept beside the ledger by its digest."""
    row = f.random.choice(f.ask("SELECT digest, body FROM payloads"))
    said = json.loads(row["body"])
    ways = [
        json.dumps({**said, "amount": said["amount"] + 0.01}),
        json.dumps({**said, "amount": str(said["amount"])}),
        json.dumps({**said, "who": said["who"].replace("é", "e\u0301")}),
        json.dumps({**said, "who": said["who"].replace("o", "\u043e")}),  # a Cyrillic letter that looks alike
        row["body"].replace('"amount":', '"amount": 999, "amount":'),
        json.dumps({**said, "amount": True}),
        row["body"].replace(f'"amount": {said["amount"]}', '"amount": 1e999'),
        row["body"].replace(f'"amount": {said["amount"]}', '"amount": NaN'),
        '{"who": "\\ud800"}',
        "null",
    ]
    f.do("UPDATE payloads SET body = :body WHERE digest = :digest", body=f.random.choice(ways), digest=row["digest"])


def cut_end_with_all_that_tells_of_it(f: Forger) -> None:
    f.moves_head = True
    cut_end_with_a_held_head(f)


def all_written_anew_without_signatures(f: Forger) -> None:
    rows = f.rows()
    f.moves_head = True
    f.replace(chained([forged(row, user="mallory") for row in rows], 0))
    f.do("DELETE FROM ledger_signatures WHERE org = :org", org=ORG)
    f.do("UPDATE ledger_heads SET signed_seq = 0, signed_at = NULL WHERE org = :org", org=ORG)


KINDS: tuple[Callable[[Forger], None], ...] = (
    edit_of_a_character,
    edit_hashed_anew,
    same_value_other_bytes,
    bytes_that_are_no_text,
    rewriting_from_there_on,
    signed_with_another_key,
    deletion,
    deletion_closed_up,
    swap_of_several,
    insertion,
    insertion_linked_in,
    cut_start,
    cut_end_with_a_held_head,
    copied_columns,
    head_row,
    signed_heads,
    arguments,
)
NEED_A_HELD_HEAD = (cut_end_with_all_that_tells_of_it, all_written_anew_without_signatures)
