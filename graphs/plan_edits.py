"""Edits of single steps that people ask for while a plan is carried out: kept until the scheduler takes them up, and what came of each.

The application writes them, and wakes the scheduler; `plan_work.py` applies them (`editing.py` says how) or says why not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import insert, select, update

from database import Database
from governance.identity import Caller
from graphs.events import now
from graphs.tables import plan_edits


class Change(BaseModel):
    """What becomes of one step. `settings` are merged into its own; null takes one away."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    step: str = Field(max_length=40)
    leave_out: bool = False
    specialist: str | None = Field(None, max_length=100)
    settings: dict[str, str | None] = Field(default_factory=dict, max_length=100)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.leave_out == bool(self.specialist or self.settings):
            raise ValueError("say either leave_out, or another specialist or settings")
        return self


def reason_of(who: Caller, reason: str) -> str:
    """A revision's reason, with the person whose it is."""
    return f"{who.user} edited the plan: {reason}"


@dataclass(frozen=True)
class PlanEdit:
    """One edit of the revision `base`. `answer` says what came of it; None until it was taken up."""

    id: int
    execution_id: str
    caller: Caller
    base: int
    changes: tuple[Change, ...]
    reason: str
    answer: str | None
    created: str


class PlanEdits:
    """The edits of one application database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def ask(self, execution_id: str, caller: Caller, base: int, changes: Sequence[Change], reason: str) -> int:
        """Keep an edit to be taken up; its number."""
        told = [change.model_dump(mode="json") for change in changes]
        row = dict(execution_id=execution_id, caller=caller.as_dict(), base=base, changes=told, reason=reason, created=now())
        add = insert(plan_edits).values(**row).returning(plan_edits.c.id)
        return await self._db.run(lambda c: c.execute(add).scalar_one())

    async def open(self, execution_id: str) -> list[PlanEdit]:
        """What nobody has taken up, oldest first."""
        return await self._all(execution_id, plan_edits.c.answer.is_(None))

    async def of(self, execution_id: str) -> list[PlanEdit]:
        """Every edit of an execution, oldest first."""
        return await self._all(execution_id)

    async def settle(self, edit: PlanEdit, answer: str) -> None:
        """Say what came of it."""
        change = update(plan_edits).where(plan_edits.c.id == edit.id).values(answer=answer)
        await self._db.run(lambda c: c.execute(change))

    async def _all(self, execution_id: str, *which: Any) -> list[PlanEdit]:
        query = select(plan_edits).where(plan_edits.c.execution_id == execution_id, *which).order_by(plan_edits.c.id)
        rows = await self._db.run(lambda c: c.execute(query).mappings().all(), durable=False)
        return [
            PlanEdit(
                row["id"],
                row["execution_id"],
                Caller.from_dict(row["caller"]),
                row["base"],
                tuple(Change.model_validate(one) for one in row["changes"]),
                row["reason"],
                row["answer"],
                row["created"],
            )
            for row in rows
        ]
