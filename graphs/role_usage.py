"""What the core's roles used (intake, planner, verifier, reporter): a row for each thread of theirs, as steps have their attempts.

Written by `step.ask`, as far as a role came to an end; read by the application, which adds it to what attempts used.
"""

from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import AnyMessage
from sqlalchemy import Connection, update

from database import Database
from governance.tables import insert_new
from graphs.context import StepContext
from graphs.events import now
from graphs.findings import model_of, usage_of
from graphs.tables import role_usage

Ended = Literal["succeeded", "failed"]


class RoleUsage:
    """The rows of one application database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def keep(
        self, context: StepContext, thread_id: str, messages: Sequence[AnyMessage], status: Ended, seconds: float | None
    ) -> None:
        """Set down what all calls on a role's thread used. Without `seconds` it was adopted: a row that is there stays."""
        row = dict(
            thread_id=thread_id,
            execution_id=context.execution_id,
            parent_thread_id=context.thread_id,
            org=context.caller.org,
            role=context.agent,
            status=status,
            model=model_of(messages),
            **usage_of(messages),
            seconds=seconds or 0.0,
            ended=now(),
        )

        def work(c: Connection) -> None:
            if not insert_new(c, role_usage, row) and seconds is not None:
                c.execute(update(role_usage).where(role_usage.c.thread_id == thread_id).values(**row))

        await self._db.run(work, durable=False)
