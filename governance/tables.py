"""The tables of governance, in the application's database. Only the modules of this room read or write them.

Times are text from `clock.stamp`. `decisions` takes inserts only: triggers refuse anything else, whoever asks.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import DDL, JSON, BigInteger, Column, Connection, Float, Index, Integer, MetaData, String, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite

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
    Column("verdict", String(10), nullable=False),
    Column("message", Text, nullable=False),
    Column("at", String(32), nullable=False),
)
effects = Table(
    "effects",
    metadata,
    Column("key", String(64), primary_key=True, comment="also the tool's idempotency key"),
    Column("state", String(10), nullable=False, comment="intended, done, failed or unknown"),
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
    Column("digest", String(64), primary_key=True, comment="decisions.args_digest, approvals.trace"),
    Column("body", JSON, nullable=False),
    comment="raw arguments and results, apart from the decisions, so that they can be erased without touching those",
)
decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("phase", String(10), nullable=False, comment="decided, intent, outcome, violation, vote, reminded or void"),
    Column("outcome", String(12), nullable=False),
    Column("org", String(100), nullable=False),
    Column("execution_id", String(36), nullable=False, index=True),
    Column("step_id", String(40), nullable=False),
    Column("call_id", String(100), nullable=False),
    Column("agent", String(60), nullable=False),
    Column("user", String(100), nullable=False, comment="whom the run acts for; in a vote the voter"),
    Column("tool", String(100), nullable=False),
    Column("version", String(40), nullable=False, comment="of the tool's manifest"),
    Column("args_digest", String(64), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("policy_version", String(100), nullable=False),
    Column("roles", JSON, nullable=False, comment="in phase decided: of the user"),
    Column("known", JSON, nullable=False, comment="in phase decided: what the policies were told, see policy.Decision"),
    Column("approval_id", String(36)),
    Column("approvers", JSON, nullable=False, comment="roles asked (decided, reminded), people who agreed (intent)"),
    Column("result_digest", String(64)),
    Column("ms", Float),
    Column("error", Text),
    sqlite_autoincrement=True,
)

_NO_CHANGE = "decisions are append-only"
_SQLITE = (
    f"CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, '{_NO_CHANGE}'); END",
    f"CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, '{_NO_CHANGE}'); END",
    # INSERT OR REPLACE deletes without firing the delete trigger
    "CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions WHEN EXISTS (SELECT 1 FROM decisions WHERE seq = NEW.seq) "
    f"BEGIN SELECT RAISE(ABORT, '{_NO_CHANGE}'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_NO_CHANGE}'; END $$",
    "CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_refuse()",
    "CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()",
)
for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        event.listen(decisions, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; says whether it was inserted. Safe against a concurrent insert."""
    found = connection.execute(_insert_new(connection.dialect.name, table), dict(row))
    return found.first() is not None  # a row count is not told by every driver


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing().returning(*table.primary_key.columns)
