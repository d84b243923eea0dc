"""A goal that was refused before it came to an execution, kept as one of that status: whoever counts goals counts it too.

Called by intake. `Executions.of_thread` leaves these out, for nothing was carried out that could be undone or audited.
"""

from sqlalchemy import Connection

from governance.identity import Caller
from governance.tables import insert_new
from graphs.events import now
from graphs.part_threads import part_thread
from graphs.services import Services
from graphs.tables import executions


async def keep_declined(services: Services, thread_id: str, place: int, caller: Caller, goal: str) -> None:
    """Keep it, once: `place`, how long the thread was, tells it from others of the thread, and a crash declines it again."""
    row = dict(
        id=part_thread(thread_id, "declined", place),
        thread_id=thread_id,
        org=caller.org,
        requester=caller.as_dict(),
        goal=goal,
        request={},
        today=services.today().isoformat(),
        status="declined",
        outcome="refused",
        seq=0,
        created=now(),
        ended=now(),
    )

    def work(c: Connection) -> None:
        insert_new(c, executions, row)

    await services.db.run(work)
