"""The decisions: the record of what was planned, proposed, decided, voted, intended and done, kept as events of the ledger.

Written by the gateway, the approvals and the executions, always in the transaction of what it records; read by the application for
audit. `agreement.py` holds the tables against it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from database import Database
from governance.clock import Clock, now
from governance.digest import digest
from governance.ledger import Ledger
from governance.policy import CallFacts
from governance.signing import Signer
from governance.tables import insert_new, ledger, payloads

Phase = Literal[
    "plan",
    "step",
    "decided",
    "intent",
    "outcome",
    "violation",
    "vote",
    "refused",
    "reminded",
    "escalated",
    "void",
    "delegated",
    "switch",
    "suspension",
    "budget",
    "undo",
    "event",
    "load",
    "feedback",
]
_LISTS = ("labels", "provenance", "rules", "reasons", "roles", "approvers")
_GIVEN = ("seq", "at")  # by the ledger


@dataclass(frozen=True)
class Record:
    """One event. `seq`, its place in its organisation's ledger, and `at` are given when it is written.

    `provenance` says where each argument comes from, as approvers were told.
    `user` is whom the run acts for, in a vote the voter. `roles` are that person's, `known` what the policies were told
    (`Decision.known`); both only where something was decided; in a vote for somebody else `known` says for whom. `approvers` are the
    roles asked (decided) or the people who agreed (intent). `args_digest` names the arguments in `payloads`, where they can be erased.
    `ms` is wall time in milliseconds. `result_digest` is that of what came of it: a tool's result, an approval as it was asked for
    (`approval.seal`), a plan.

    A plan's revision (plan) and the end of a step's attempt (step) are no calls: `tool` and `args_digest` are empty, `outcome` is the
    revision's cause or the step's status, `version` the number of the revision or attempt, `model` what the model calls itself.
    An event from outside that a step waited for (event) has its name as `version`, its sender as `user` and the digest of what it
    carried. That somebody asked to undo an effect (undo) names the call that is to undo it: its proposal follows. That somebody loaded
    records (load) has the kind of records as `tool`; that it began and how it ended share a `call_id`. What a person thinks of an
    answer (feedback) is its thumb, the comment by its digest.
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
    provenance: tuple[str, ...] = ()
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
    model: str | None = None
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
    """The records of one application database. `signer` signs the ledger's heads; without one they stay unsigned."""

    def __init__(self, db: Database, clock: Clock = now, signer: Signer | None = None) -> None:
        self._db = db
        self.ledger = Ledger(clock, signer)

    def add(self, connection: Connection, record: Record, args: Mapping[str, Any] | None = None) -> None:
        """Append one record inside the caller's transaction, and its raw arguments apart.

        Raises `LedgerBroken`, or the database's error.
        """
        self.add_all(connection, [record], args)

    def add_all(self, connection: Connection, records: Sequence[Record], args: Mapping[str, Any] | None = None) -> None:
        """Append records of one organisation in order, inside the caller's transaction. `args` are the first's. Raises as `add`."""
        self.ledger.append(connection, records[0].org, [_event(one) for one in records])
        if args is not None:  # after the ledger's lock, as anywhere: two transactions cannot wait for each other
            insert_new(connection, payloads, {"digest": records[0].args_digest, "body": dict(args)})

    async def append(self, record: Record, args: Mapping[str, Any] | None = None, *, durable: bool = True) -> None:
        """Append one record in a transaction of its own; `durable` as in `Database.run_sync`."""
        await self._db.run(lambda c: self.add(c, record, args), durable=durable)

    async def for_execution(self, execution_id: str) -> list[Record]:
        """Every record of an execution, in the order written."""
        query = select(ledger.c.body).where(ledger.c.execution_id == execution_id).order_by(ledger.c.seq)
        return [record_of(body) for body in await self._db.run(lambda c: c.scalars(query).all())]

    async def executions(self) -> list[str]:
        """Every execution of which something is recorded: one organisation after the other, of each the oldest first.

        What belongs to none (a delegation, a kill switch, a vote on an approval that is not there) has an empty id and is left out.
        """
        query = select(ledger.c.execution_id).where(ledger.c.execution_id != "").group_by(ledger.c.org, ledger.c.execution_id)
        return await self._db.run(lambda c: list(c.scalars(query.order_by(ledger.c.org, func.min(ledger.c.seq))).all()))

    async def payload(self, args_digest: str) -> dict[str, Any] | None:
        """The raw arguments of a digest; None when they were erased."""
        query = select(payloads.c.body).where(payloads.c.digest == args_digest)
        body: dict[str, Any] | None = await self._db.run(lambda c: c.execute(query).scalar_one_or_none())
        return body


def _event(record: Record) -> dict[str, Any]:
    told = {name: value for name, value in vars(record).items() if name not in _GIVEN}
    return {**told, "known": dict(record.known)}  # JSON knows no other mapping


def record_of(body: str) -> Record:
    """The record that a ledger entry's body tells."""
    values = json.loads(body)
    del values["prev"]
    return Record(**{**values, **{name: tuple(values[name]) for name in _LISTS}})
