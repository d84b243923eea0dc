"""Questions to the ledger: entries of one organisation that match, the newest first, a page at a time. Used by the audit's router.

What an entry says lies in its body, which is hashed as it is; so entries are read back from the end and looked at, at most `LOOKED` a
page, and a page that found less than was asked for says where to go on.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from database import Database
from governance.tables import ledger

LOOKED = 5_000


@dataclass(frozen=True)
class Asked:
    """What an entry has to be; None: whatever. Times are ISO text in UTC, `since` included and `until` not."""

    org: str
    execution_id: str | None = None
    phase: str | None = None
    outcome: str | None = None
    tool: str | None = None
    user: str | None = None
    since: str | None = None
    until: str | None = None

    def fits(self, said: dict[str, Any]) -> bool:
        names = ("phase", "outcome", "tool", "user")
        if any(getattr(self, name) not in (None, said.get(name)) for name in names):
            return False
        at = str(said.get("at", ""))
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


async def matching(db: Database, asked: Asked, before: int | None, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """Entries as {seq, hash, …what was recorded}, and the place before which the next page begins; None at the ledger's beginning."""

    def work(c: Connection) -> tuple[list[dict[str, Any]], int | None]:
        query = select(ledger).where(ledger.c.org == asked.org)
        if asked.execution_id is not None:
            query = query.where(ledger.c.execution_id == asked.execution_id)
        if before is not None:
            query = query.where(ledger.c.seq < before)
        rows = c.execute(query.order_by(ledger.c.seq.desc()).limit(LOOKED)).all()
        found: list[dict[str, Any]] = []
        for row in rows:
            said = json.loads(row.body)
            if asked.fits(said):
                found.append({**said, "seq": row.seq, "hash": row.hash})
            if len(found) == limit:
                return found, int(row.seq)
        return found, int(rows[-1].seq) if len(rows) == LOOKED else None

    return await db.run(work, durable=False)
