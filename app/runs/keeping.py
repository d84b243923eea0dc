"""What the log keeps, so that a step of a long thread costs no more storage than one of a short. Used by `queue.py`.

Events that repeat the state (values, checkpoints, tasks, debug, events) are as long as the state is, and a thread's log would grow with
its square. They are kept of a thread's newest `WHOLE` runs; of older runs the rest stays (metadata, updates, messages, custom, errors,
ends, and what only the event protocol shows), under the numbers it had. A replay of the whole thread therefore has no gap that a client
could see: the values it ends with are those of the newest runs, and each such event holds the whole state.
"""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, func, or_, select

from app.db.tables import events, runs
from app.runs.modes import OWN
from app.runs.spec import ACTIVE

WHOLE = 5
AT_ONCE = 20  # runs: a few more than one, for a process that died may not have come to it
OF_STATE = ("values", "checkpoints", "tasks", "debug", "events", f"{OWN}tasks")

_older = (
    select(runs.c.run_id)
    .where(runs.c.thread_id == bindparam("of_thread"), runs.c.status.not_in(ACTIVE))
    .order_by(runs.c.created_at.desc(), runs.c.run_id.desc())
    .offset(WHOLE)
    .limit(AT_ONCE)
)
_repeats_the_state = or_(events.c.event.in_(OF_STATE), *(events.c.event.like(f"{name}|%") for name in OF_STATE))
_lighten = delete(events).where(events.c.run_id.in_(_older.scalar_subquery()), _repeats_the_state)
_busy = select(func.count()).where(runs.c.thread_id == bindparam("of_thread"), runs.c.status.in_(ACTIVE))


def lighten(c: Connection, thread_ids: Collection[str]) -> list[str]:
    """Let go what the logs of these threads no longer keep; those on which no run goes on or waits."""
    for thread_id in thread_ids:
        c.execute(_lighten, {"of_thread": thread_id})
    return [one for one in thread_ids if not c.execute(_busy, {"of_thread": one}).scalar_one()]
