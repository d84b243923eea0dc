"""What people think of answers: a thumb and a comment of each person on an execution's answer, changed by saying it again.

Kept for those who judge answers later, and recorded in the ledger, the comment by its digest. Called by the application alone: no
graph reads it, so that nothing that a run does rests on it.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Connection, select, update

from database import Database
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.identity import Caller
from governance.tables import insert_new
from graphs.events import now
from graphs.tables import answers, feedback

Thumb = Literal["up", "down"]


class NoAnswer(LookupError):
    """An execution without an answer, of which nobody can think anything yet."""


@dataclass(frozen=True)
class Opinion:
    """One person's, on one answer. `at` is when it was last said."""

    execution_id: str
    user: str
    thumb: Thumb
    comment: str
    at: str


class Feedback:
    """The opinions of one application database."""

    def __init__(self, db: Database, decisions: Decisions) -> None:
        self._db = db
        self._decisions = decisions

    async def say(self, execution_id: str, who: Caller, thumb: Thumb, comment: str) -> Opinion:
        """Keep what a person thinks of an answer, in place of what they said before. Raises `NoAnswer`."""
        said: dict[str, Any] = dict(thumb=thumb, comment=comment, at=now())
        mine = (feedback.c.execution_id == execution_id) & (feedback.c.user == who.user)

        def work(c: Connection) -> None:
            if c.execute(select(answers.c.status).where(answers.c.execution_id == execution_id)).first() is None:
                raise NoAnswer(f"execution {execution_id} has no answer yet")
            if not insert_new(c, feedback, dict(execution_id=execution_id, user=who.user, org=who.org, **said)):
                c.execute(update(feedback).where(mine).values(**said))
            self._decisions.add(c, _record(execution_id, who, thumb, comment))

        await self._db.run(work)
        return Opinion(execution_id, who.user, **said)

    async def of(self, execution_id: str) -> list[Opinion]:
        """All opinions on one answer, by person."""
        query = select(feedback).where(feedback.c.execution_id == execution_id).order_by(feedback.c.user)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all(), durable=False)
        names = ("execution_id", "user", "thumb", "comment", "at")
        return [Opinion(**cast(Any, {name: row[name] for name in names})) for row in rows]


def _record(execution_id: str, who: Caller, thumb: Thumb, comment: str) -> Record:
    return Record(
        phase="feedback",
        outcome=thumb,
        org=who.org,
        execution_id=execution_id,
        step_id="report",
        call_id="",
        agent="",
        user=who.user,
        tool="",
        version="",
        args_digest="",
        roles=who.roles,
        result_digest=digest({"thumb": thumb, "comment": comment}),
    )
