"""What executions answered, kept beside them: a thread's state holds only its newest answer, and loses it with its checkpoints.

Written by the orchestrator's report node; read by the application (the list of threads, reports to take away).
"""

from sqlalchemy import Connection, select, update

from database import Database
from governance.tables import insert_new
from graphs.answer import Answer
from graphs.events import now
from graphs.tables import answers


class Answers:
    """The answers of one application database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def keep(self, execution_id: str, answer: Answer) -> None:
        """Keep what an execution answered; a node that ran again after a crash says it anew."""
        said = dict(status=answer.status, body=answer.model_dump(mode="json"), made=now())

        def work(c: Connection) -> None:
            if not insert_new(c, answers, {"execution_id": execution_id, **said}):
                c.execute(update(answers).where(answers.c.execution_id == execution_id).values(**said))

        await self._db.run(work)

    async def get(self, execution_id: str) -> Answer | None:
        """None while there is none."""
        query = select(answers.c.body).where(answers.c.execution_id == execution_id)
        body = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return Answer.model_validate(body) if body is not None else None
