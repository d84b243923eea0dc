"""The decisions: an append-only record of what was proposed, decided, voted, intended and done.

Written by the gateway and by the approvals, always in the transaction of what it records; read by the application for audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select

from database import Database
from governance.clock import Clock, now, stamp
from governance.digest import digest
from governance.policy import CallFacts
from governance.tables import decisions, insert_new, payloads

Phase = Literal["decided", "intent", "outcome", "violation", "vote", "reminded", "void"]
_LISTS = ("labels", "rules", "reasons", "roles", "approvers")


@dataclass(frozen=True)
class Record:
    """One event. `seq` and `at` are given when it is written.

    `user` is whom the run acts for, in a vote the voter. `roles` are that person's, `known` what the policies were told
    (`Decision.known`); both only where something was decided. `approvers` are the roles asked (decided) or the people who agreed
    (intent). `args_digest` names the arguments in `payloads`, where they can be erased. `ms` is wall time in milliseconds.
    """

    phase: Phase
    outcome: str
    org: str
    execution_id: str
    step_id: str
    call_id: str
    agent: str
    user: str
    tool: str
    version: str
    args_digest: str
    labels: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy_version: str = ""
    roles: tuple[str, ...] = ()
    known: Mapping[str, Any] = field(default_factory=dict)
    approval_id: str | None = None
    approvers: tuple[str, ...] = ()
    result_digest: str | None = None
    ms: float | None = None
    error: str | None = None
    seq: int = 0
    at: str = ""

    @classmethod
    def of(cls, facts: CallFacts, phase: Phase, outcome: str, call_id: str, **more: Any) -> "Record":
        """A record about one call. `more` are any further fields."""
        known: dict[str, Any] = dict(
            org=facts.caller.org,
            execution_id=facts.execution_id,
            step_id=facts.step_id,
            agent=facts.agent,
            user=facts.caller.user,
            tool=facts.tool,
            version=facts.manifest.version,
            args_digest=digest(facts.args),
            labels=tuple(sorted(facts.context_labels)),
        )
        return cls(phase=phase, outcome=outcome, call_id=call_id, **{**known, **more})


class Decisions:
    """The records of one application database."""

    def __init__(self, db: Database, clock: Clock = now) -> None:
        self._db = db
        self._clock = clock

    def add(self, connection: Connection, record: Record, args: Mapping[str, Any] | None = None) -> None:
        """Append one record inside the caller's transaction, and its raw arguments apart. Raises the database's error."""
        row = {**vars(record), "at": stamp(self._clock())}
        del row["seq"]
        connection.execute(insert(decisions), row)  # not .values(**row): building an expression of each value takes longer
        if args is not None:
            insert_new(connection, payloads, {"digest": record.args_digest, "body": dict(args)})

    async def append(self, record: Record, args: Mapping[str, Any] | None = None, *, durable: bool = True) -> None:
        """Append one record in a transaction of its own; `durable` as in `Database.run_sync`."""
        await self._db.run(lambda c: self.add(c, record, args), durable=durable)

    async def for_execution(self, execution_id: str) -> list[Record]:
        """Every record of an execution, in the order written."""
        query = select(decisions).where(decisions.c.execution_id == execution_id).order_by(decisions.c.seq)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all())
        return [_record(row) for row in rows]

    async def executions(self) -> list[str]:
        """Every execution in which something was decided, oldest first."""
        query = select(decisions.c.execution_id).group_by(decisions.c.execution_id).order_by(func.min(decisions.c.seq))
        return await self._db.run(lambda c: list(c.scalars(query).all()))

    async def payload(self, args_digest: str) -> dict[str, Any] | None:
        """The raw arguments of a digest; None when they were erased."""
        query = select(payloads.c.body).where(payloads.c.digest == args_digest)
        body: dict[str, Any] | None = await self._db.run(lambda c: c.execute(query).scalar_one_or_none())
        return body


def _record(row: Mapping[Any, Any]) -> Record:
    values = {one.name: row[one.name] for one in fields(Record)}
    values.update({name: tuple(values[name]) for name in _LISTS})
    return Record(**values)
