"""What can be proved of a run: everything recorded of it, and that as one signed bundle. Called by `audit_commands.py` only.

Reads the tables of a home alone: no graph, no model, no domain is opened, so it works on a copy of the database too.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, select

from database import Database
from governance import tables as governance_tables
from governance.approval import Approval
from governance.approvals import Approvals
from governance.decisions import Decisions, Record
from governance.digest import canonical
from governance.effects import EffectRow, Effects
from governance.heads import HEADS_FILE, read_heads, sign_heads
from governance.ledger_check import Finding, check
from governance.signing import KEY_FILE, Signed, signer_for
from graphs import tables as graph_tables
from graphs.executions import Attempt, Execution, Executions
from graphs.plan import Plan
from settings import Settings

BUNDLE = "clearance.audit.run"


class NothingRecorded(LookupError):
    """There is no database, or no run of this id; the message says where was looked."""


class LedgerNotSound(RuntimeError):
    """What the ledger says cannot be vouched for; the message says why and what to do."""


@dataclass(frozen=True)
class Story:
    """Everything recorded of one execution. `args` maps the digest in a record to the arguments, unless they were erased."""

    execution: Execution
    plans: Sequence[Plan]
    attempts: Sequence[Attempt]
    records: Sequence[Record]
    approvals: Sequence[Approval]
    effects: Sequence[EffectRow]
    args: dict[str, dict[str, Any]]

    @property
    def models(self) -> list[str]:
        return sorted({one.result.model for one in self.attempts if one.result and one.result.model})

    @property
    def policies(self) -> list[str]:
        return sorted({one.policy_version for one in self.records if one.policy_version})


class Audit:
    """The audit of one home's application database."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._decisions, self._executions = Decisions(db), Executions(db)

    def verify(self, held: Path | None = None) -> Finding:
        """Hold the ledger against itself, the heads kept in the home, and those of a file. Raises `BadHeads`, `BadKey`."""
        own = self._settings.home / HEADS_FILE
        heads = [*(read_heads(own) if own.exists() else ()), *(read_heads(held) if held else ())]
        has_key = self._settings.signing_key or (self._settings.home / KEY_FILE).exists()
        keys = [signer_for(self._settings).key] if has_key else []
        return self._db.run_sync(lambda c: check(c, keys, heads))

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
        if faults := self.verify().faults:
            raise LedgerNotSound(f"nothing is exported from a ledger that was tampered with ({faults[0]}): see audit verify")
        orgs = {story.execution.requester.org for story in stories}
        heads = [head.as_dict() for head in self.heads() if head.statement["org"] in orgs]
        said = {
            "type": BUNDLE,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": run,
            "executions": [await self._told(story) for story in stories],
            "heads": heads,
        }
        return signer_for(self._settings).sign(
            json.loads(canonical(said))
        )  # plain JSON: what a reader parses is what was signed

    async def _story(self, execution: Execution) -> Story:
        id, records = execution.id, await self._decisions.for_execution(execution.id)
        digests = dict.fromkeys(one.args_digest for one in records)
        kept = {one: args for one in digests if (args := await self._decisions.payload(one)) is not None}
        return Story(
            execution,
            await self._executions.plans(id),
            await self._executions.attempts(id),
            records,
            await Approvals(self._db).of_execution(id, superseded=True),
            await Effects(self._db).for_execution(id),
            kept,
        )

    async def _told(self, story: Story) -> dict[str, Any]:
        """A story as JSON values. Events are told as they were hashed."""
        entries = governance_tables.ledger
        query = select(entries.c.body, entries.c.hash).where(entries.c.execution_id == story.execution.id)
        events = await self._db.run(lambda c: c.execute(query.order_by(entries.c.seq)).all())
        return {
            **asdict(story.execution),
            "models": story.models,
            "policies": story.policies,
            "revisions": [plan.model_dump(mode="json") for plan in story.plans],
            "outcomes": [one.result.model_dump(mode="json") for one in story.attempts if one.result],
            "approvals": [_plain(one) for one in story.approvals],
            "effects": [asdict(one) for one in story.effects],
            "events": [{"body": event.body, "hash": event.hash} for event in events],
            "arguments": story.args,
        }


def _plain(approval: Approval) -> dict[str, Any]:
    return {**asdict(approval), "manifest": approval.manifest.model_dump(mode="json")}


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
