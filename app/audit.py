"""What can be proved of a run: everything recorded of it, and that as one signed bundle. Called by `audit_commands.py` only.

Reads the tables of a home alone: no graph, no model, no domain is opened, so it works on a copy of the database too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, make_url, select

from app.audit_bundle import bundle_of
from app.audit_story import Story
from database import Database
from governance import compensations, policy_texts
from governance import tables as governance_tables
from governance.decisions import record_of
from governance.effects import Effects
from governance.heads import HEADS_FILE, read_heads, sign_heads
from governance.ledger import Entry
from governance.ledger_check import Fault, Finding, check
from governance.powers import powers_disagree
from governance.signing import KEY_FILE, Signed, signer_for
from graphs import tables as graph_tables
from graphs.executions import Execution, Executions
from settings import Settings

LOOKS = 3  # how often a fault must be seen: a run that goes on meanwhile may be read in the middle of two transactions


class NothingRecorded(LookupError):
    """There is no database, or no run of this id; the message says where was looked."""


class LedgerNotSound(RuntimeError):
    """What the ledger says cannot be vouched for; the message says why and what to do."""


class Audit:
    """The audit of one home's application database."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._executions = Executions(db)

    async def verify(self, held: Path | None = None) -> Finding:
        """Hold the ledger against itself, the heads kept in the home, and those of a file; and the tables against the ledger.

        Raises `BadHeads`, `BadKey`.
        """
        own = self._settings.home / HEADS_FILE
        heads = [*(read_heads(own) if own.exists() else ()), *(read_heads(held) if held else ())]
        found = await self._db.run(lambda c: check(c, self.keys(), heads))
        for _ in range(LOOKS - 1):
            if found.faults:
                found = await self._db.run(lambda c: check(c, self.keys(), heads))
        if found.faults:  # an unsound ledger is no measure for the tables
            return found
        ids = await self._db.run(_executions_named)
        faults = [fault for id in ids for fault in await self._disagreements(id)]
        faults += await self._db.run(powers_disagree)
        return replace(found, faults=tuple(faults))

    def keys(self) -> list[str]:
        """The public key of this home, if it has one. Raises `BadKey`."""
        has_key = self._settings.signing_key or (self._settings.home / KEY_FILE).exists()
        return [signer_for(self._settings).key] if has_key else []

    def heads(self) -> list[Signed]:
        """Sign where each organisation's ledger ends now. Raises `LedgerBroken`, `BadKey`."""
        return sign_heads(self._settings, self._db)

    async def stories(self, run: str) -> list[Story]:
        """What is recorded of an execution, or of each of a thread. Raises `NothingRecorded`."""
        one = await self._executions.get(run)
        found = [one] if one else await self._executions.of_thread(run)
        if not found:
            raise NothingRecorded(f"there is no execution or thread {run} in {self._settings.home}")
        return [await self._story(execution) for execution in found]

    async def bundle(self, run: str) -> Signed:
        """Everything recorded of a run as one signed statement. Raises `LedgerNotSound` if the ledger does not hold."""
        stories = await self.stories(run)
        if faults := (await self.verify()).faults:
            raise LedgerNotSound(f"nothing is exported from a record that was tampered with ({faults[0]}): see audit verify")
        orgs = {story.execution.requester.org for story in stories}
        heads = [head for head in self.heads() if head.statement["org"] in orgs]
        return signer_for(self._settings).sign(bundle_of(run, stories, heads))

    async def _disagreements(self, id: str) -> list[Fault]:
        found: list[Fault] = []
        for _ in range(LOOKS):
            execution = await self._executions.get(id)
            if execution is None:
                gone = await self._db.run(lambda c: _was_planned(c, id))
                return [Fault("executions", 0, f"execution {id}, of which something is recorded, is gone")] if gone else []
            found = (await self._story(execution)).faults
            if not found:
                break
        return found

    async def _story(self, execution: Execution) -> Story:
        id = execution.id
        attempts = await self._executions.attempts(id)
        effects = await Effects(self._db).for_execution(id)

        def rest(c: Connection) -> Story:
            plans, approvals, entries = _plans(c, id), _approvals(c, id), _entries(c, id)
            records = [record_of(one.body) for one in entries]
            versions = {one.policy_version for one in records if one.policy_version}
            kept = policy_texts.recall(c, versions)
            policies = {version: kept.get(version) for version in sorted(versions)}
            args = _payloads(c, {one.args_digest for one in records})
            undoing = compensations.of_execution(c, id)
            return Story(execution, plans, attempts, entries, records, approvals, effects, undoing, args, policies)

        return await self._db.run(rest)


def _plans(c: Connection, execution_id: str) -> dict[int, Any]:
    own = graph_tables.revisions
    query = select(own.c.rev, own.c.plan).where(own.c.execution_id == execution_id).order_by(own.c.rev)
    return {row.rev: row.plan for row in c.execute(query)}


def _approvals(c: Connection, execution_id: str) -> list[dict[str, Any]]:
    own, cast = governance_tables.approvals, governance_tables.votes
    query = select(own).where(own.c.execution_id == execution_id).order_by(own.c.created_at, own.c.id)
    rows = [dict(row) for row in c.execute(query).mappings()]
    for row in rows:
        votes = select(cast).where(cast.c.approval_id == row["id"]).order_by(cast.c.at, cast.c.user)
        row["votes"] = [dict(vote) for vote in c.execute(votes).mappings()]
    return rows


def _entries(c: Connection, execution_id: str) -> list[Entry]:
    own = governance_tables.ledger
    query = select(own).where(own.c.execution_id == execution_id).order_by(own.c.seq)
    return [Entry(row.org, row.seq, row.execution_id, row.body, row.hash) for row in c.execute(query)]


def _payloads(c: Connection, digests: set[str]) -> dict[str, Any]:
    own = governance_tables.payloads
    found = (c.execute(select(own).where(own.c.digest == one)).one_or_none() for one in sorted(digests))
    return {row.digest: row.body for row in found if row}


def _executions_named(c: Connection) -> list[str]:
    """Every execution that a table or the ledger speaks of."""
    own = graph_tables.executions
    tables = (governance_tables.approvals, governance_tables.effects, governance_tables.ledger, graph_tables.revisions)
    ids = {id for table in tables for id in c.scalars(select(table.c.execution_id).distinct())}
    return sorted({*ids, *c.scalars(select(own.c.id))})


def _was_planned(c: Connection, id: str) -> bool:
    """Is there more of an execution than calls made outside any plan?"""
    tables = (governance_tables.approvals, governance_tables.effects, graph_tables.revisions)
    rows = any(c.execute(select(table.c.execution_id).where(table.c.execution_id == id)).first() for table in tables)
    return rows or any(record_of(one.body).phase == "plan" for one in _entries(c, id))


@asynccontextmanager
async def open_audit(settings: Settings) -> AsyncIterator[Audit]:
    """The audit of a home. Raises `NothingRecorded` where there is no database."""
    db = await asyncio.to_thread(_open, settings)
    try:
        yield Audit(settings, db)
    finally:
        db.close()


def _open(settings: Settings) -> Database:
    url = make_url(settings.app_url())
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise NothingRecorded(f"nothing was recorded in {settings.home} yet: there is no {url.database}")
    db = Database(settings.app_url())
    db.create(governance_tables.metadata)
    db.create(graph_tables.metadata)
    return db
