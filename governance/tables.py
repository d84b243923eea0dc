"""The tables of governance, in the application's database. Only the modules of this room read or write them.

Times are text from `clock.stamp`. `ledger` takes inserts only: triggers refuse anything else, whoever asks.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import DDL, JSON, BigInteger, Column, Connection, Index, Integer, MetaData, String, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite

from governance.prepared import Prepared

metadata = MetaData()

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True, comment="of the action: see digest.action_digest"),
    Column("status", String(12), nullable=False),
    Column("org", String(100), nullable=False),
    Column("execution_id", String(36), nullable=False),
    Column("step_id", String(40), nullable=False),
    Column("call_id", String(100), nullable=False),
    Column("thread_id", String(64), nullable=False),
    Column("requester", JSON, nullable=False, comment="Caller the run acts for"),
    Column("agent", String(60), nullable=False),
    Column("tool", String(100), nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("args", JSON, nullable=False),
    Column("provenance", JSON, nullable=False, comment="argument -> where it comes from, in words"),
    Column("granted", JSON, nullable=False),
    Column("planned", JSON, comment="tools of the frozen plan; null: there is none"),
    Column("context_labels", JSON, nullable=False, comment="handed on by earlier steps"),
    Column("trace", JSON, nullable=False, comment="what the agent had seen: see traces.keep"),
    Column("budget_left", BigInteger, comment="hundredths"),
    Column("labels", JSON, nullable=False, comment="of the context and the arguments, as decided"),
    Column("rules", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("panels", JSON, nullable=False, comment="who must agree, rule by rule: policy.Panel"),
    Column("policy_version", String(100), nullable=False),
    Column("user_request", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("reminded_at", String(32)),
    Column("escalated_at", String(32), comment="from when on the further roles of its panels may decide as well"),
    Column("decided_at", String(32)),
    Column("decided_by", JSON, nullable=False, comment="people"),
    Column("message", Text, nullable=False),
    Column("superseded_by", String(36), comment="the row an edit made of this one"),
    Index("approvals_execution", "execution_id", "step_id"),
    Index("approvals_open", "status", "org"),
)
votes = Table(
    "votes",
    metadata,
    Column("approval_id", String(36), primary_key=True),
    Column("user", String(100), primary_key=True),
    Column("roles", JSON, nullable=False, comment="the approver's roles the voter held when voting"),
    Column("behalf", String(100), comment="the person who delegated those roles to the voter"),
    Column("verdict", String(10), nullable=False),
    Column("message", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
effects = Table(
    "effects",
    metadata,
    Column("key", String(64), primary_key=True, comment="also the tool's idempotency key"),
    Column("state", String(12), nullable=False, comment="intended, done, failed, unknown or compensated"),
    Column("org", String(100), nullable=False),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("step_id", String(40), nullable=False),
    Column("call_id", String(100), nullable=False),
    Column("tool", String(100), nullable=False),
    Column("args", JSON, nullable=False),
    Column("compensation", String(100), comment="the tool that undoes it"),
    Column("approval_id", String(36)),
    Column("intended_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("result", JSON),
    Column("error", Text),
)
payloads = Table(
    "payloads",
    metadata,
    Column("digest", String(64), primary_key=True, comment="args_digest of the ledger's events, approvals.trace"),
    Column("body", JSON, nullable=False),
    comment="raw arguments and results, apart from the ledger, so that they can be erased without touching it",
)
ledger = Table(
    "ledger",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="from 1, without a gap, in each organisation"),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("body", Text, nullable=False, comment="the event as hashed: RFC 8785 JSON"),
    Column("hash", String(64), nullable=False),
)
ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signed_seq", Integer, nullable=False),
    Column("signed_at", String(32)),
    comment="where each organisation's ledger ends; locked by whoever adds to it",
)
signing_key = Table(
    "signing_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False, comment="the public key of whoever signed here first"),
)
ledger_signatures = Table(
    "ledger_signatures",
    metadata,
    Column("org", String(100), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("statement", JSON, nullable=False, comment="ledger.Head.statement"),
    Column("key", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)
policy_texts = Table(
    "policy_texts",
    metadata,
    Column("version", String(100), primary_key=True, comment="bundle.version_of the files"),
    Column("files", JSON, nullable=False, comment="name -> text, the schema's among them"),
    comment="every bundle of policies that was in use: what a recorded decision's policy_version stands for",
)


def _only_grows(table: Table) -> None:
    """Triggers that let nobody, whoever asks, do anything but insert."""
    name, refuse = table.name, f"the {table.name} is append-only"
    same = " AND ".join(f"{column.name} = NEW.{column.name}" for column in table.primary_key.columns)
    abort = f"BEGIN SELECT RAISE(ABORT, '{refuse}'); END"
    statements = {
        "sqlite": (
            f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} {abort}",
            f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {abort}",
            # INSERT OR REPLACE deletes without firing the delete trigger
            f"CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name} WHEN EXISTS (SELECT 1 FROM {name} WHERE {same}) {abort}",
        ),
        "postgresql": (
            f"CREATE OR REPLACE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refuse}'; END $$",
            f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {name}_refuse()",
            f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse()",
        ),
    }
    for dialect, several in statements.items():
        for statement in several:
            event.listen(table, "after_create", DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]  # SQLAlchemy's


_only_grows(ledger)

APPROVAL_ID: Mapping[str, str] = {  # on SQLite, whoever breaks an entry is not stopped here: verify tells
    "sqlite": "CASE WHEN json_valid(body) THEN json_extract(body, '$.approval_id') END",
    "postgresql": "((body::jsonb) ->> 'approval_id')",
}
"""The approval that a ledger entry is about, of the body that is hashed: what the index is of, by dialect."""
for _dialect, _text in APPROVAL_ID.items():
    _index = DDL(f"CREATE INDEX ledger_approvals ON ledger ({_text})").execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]  # SQLAlchemy's
    event.listen(ledger, "after_create", _index)


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; says whether it was inserted. Safe against a concurrent insert."""
    insert = _insert_new(connection.dialect.name, table, tuple(row))
    return insert.first(connection, row) is not None  # a row count is not told by every driver


@cache
def _insert_new(dialect: str, table: Table, columns: tuple[str, ...]) -> Prepared:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return Prepared(make(table).on_conflict_do_nothing().returning(*table.primary_key.columns), columns)
