"""The record only grows."""

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from database import Database
from governance.decisions import Decisions, Record
from governance.identity import Caller
from tests.governance.cases import ANN, START, call

OLGA = Caller("olga", "other")


async def test_a_record_comes_back_as_written_and_its_arguments_apart(decisions: Decisions) -> None:
    facts = call()
    why = dict(rules=("effects",), reasons=("why",), approvers=("risk-manager",), provenance=("amount: said by the user",))
    told = dict(roles=("requester",), known={"tainted": False, "target": "user", "budget_left": -250})
    written = Record.of(facts, "decided", "approve", "c1", ms=1.5, labels=("untrusted",), **why, **told)
    await decisions.append(written, facts.args)
    await decisions.append(Record.of(facts, "outcome", "ok", "c1"), facts.args)
    first, second = await decisions.for_execution("e1")
    assert (first.seq, second.seq) == (1, 2)
    assert first.at == START.isoformat(timespec="microseconds")
    assert replace(first, seq=0, at="") == written and (second.roles, second.known) == ((), {})
    assert await decisions.payload(first.args_digest) == facts.args
    assert await decisions.for_execution("e2") == []


async def test_executions_are_listed_oldest_first_in_each_organisation(decisions: Decisions) -> None:
    for execution, who in (("e2", OLGA), ("e7", ANN), ("e3", ANN), ("e7", ANN)):
        await decisions.append(Record.of(call(execution=execution, who=who), "decided", "deny", "c1"))
    assert await decisions.executions() == ["e7", "e3", "e2"]


CHANGES = ("UPDATE ledger SET body = '{}'", "DELETE FROM ledger")
OWN = {
    "sqlite": "INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 1",
    "postgresql": "TRUNCATE ledger",
}


async def test_nothing_written_can_be_changed(db: Database, decisions: Decisions) -> None:
    await decisions.append(Record.of(call(), "decided", "deny", "c1"))
    other = create_engine(db.url)  # a connection that is not ours fares no better
    for statement in (*CHANGES, OWN[db.url.get_backend_name()]):
        with pytest.raises(DatabaseError, match="append-only"):
            await db.run(lambda c, statement=statement: c.execute(text(statement)))
        with other.begin() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(statement))
    other.dispose()
    assert [one.outcome for one in await decisions.for_execution("e1")] == ["deny"]


async def test_erasing_arguments_leaves_the_record(db: Database, decisions: Decisions) -> None:
    facts = call()
    await decisions.append(Record.of(facts, "decided", "deny", "c1"), facts.args)
    await db.run(lambda c: c.execute(text("DELETE FROM payloads")))
    (record,) = await decisions.for_execution("e1")
    assert await decisions.payload(record.args_digest) is None
