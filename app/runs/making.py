"""Making a run: its row, and what happens if its thread is held by another. Used by `queue.py`, inside its transactions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from app.auth.reach import Owner, may
from app.db.clock import new_id, stamp
from app.db.tables import runs, threads
from app.runs.claiming import SERVER_NOW, claimed
from app.runs.deliveries import owe
from app.runs.lease import LEASE_S
from app.runs.spec import ACTIVE, Action, Claim, Ending, NewRun, Spec
from governance.identity import Caller
from governance.prepared import Prepared
from governance.tables import insert_new
from graphs.part_threads import is_part

# what every run needs is put together once: that takes longer than to carry it out
ACTIVE_OF = select(runs.c.run_id, runs.c.status).where(runs.c.thread_id == bindparam("of_thread"), runs.c.status.in_(ACTIVE))
_LOCK = Prepared(select(threads).where(threads.c.thread_id == bindparam("of_thread")).with_for_update())
CHANGE_THREAD = update(threads).where(threads.c.thread_id == bindparam("of_thread"))
_COLUMNS = tuple(column.name for column in runs.c if column.name != "leased_until")
_NEW_RUN = Prepared(insert(runs).values(leased_until=bindparam("until")), _COLUMNS)
_NEW_RUN_HELD = Prepared(
    insert(runs).values(leased_until=SERVER_NOW + LEASE_S), _COLUMNS
)  # by the clock that all workers share


class ThreadMissing(LookupError):
    """There is no such thread."""


class ThreadReserved(ValueError):
    """A thread of this id is none that a client may have."""


class ThreadBusy(RuntimeError):
    """The thread is held by a run, and the request was to be rejected then."""


class StaleResume(RuntimeError):
    """The command answers an interrupt that does not wait."""


@dataclass(frozen=True)
class Created:
    """A run that was made. `claim` is set if this process holds it already; `told` are active runs that are to stop."""

    row: dict[str, Any]
    claim: Claim | None
    told: tuple[str, ...]
    dropped: tuple[str, ...]
    last_seq: int


def make(c: Connection, worker: str, new: NewRun, claim: bool) -> Created:
    """Make a run; with `claim` this worker takes it if it may start now. Raises `ThreadMissing`, `ThreadBusy`, `StaleResume`, each
    before it writes."""
    at = stamp()
    ids = {"graph_id": new.graph_id, "assistant_id": new.assistant_id}
    config = {**new.spec.config, "configurable": public(new.spec.config.get("configurable") or {})}
    thread = lock(c, new.thread_id) if new.thread_id else None
    active: list[tuple[str, str]] = []
    made: dict[str, Any] | None = None
    if thread is None:
        if new.thread_id and not new.make_thread:
            raise ThreadMissing(new.thread_id)
        _refuse_stale(new.spec, {})
        made = new_thread(new.thread_id, {**new.thread_metadata, **ids}, at, new.owner) | {"status": "busy", "config": config}
        if not insert_new(c, threads, made):  # another request made it meanwhile
            thread, made = lock(c, str(new.thread_id)), None
    if thread is None:
        assert made is not None
        thread = made
    else:
        if new.spec.caller and not may(new.owner, "write", Owner(thread["org"], thread["owner"])):
            raise ThreadMissing(new.thread_id)
        active = [(run_id, status) for run_id, status in c.execute(ACTIVE_OF, {"of_thread": new.thread_id})]
    if active and new.strategy == "reject":
        raise ThreadBusy("Thread is already running a task. Wait for it to finish or choose a different multitask strategy.")
    if not active:
        _refuse_stale(new.spec, thread["interrupts"])
    dropped, told = (
        [id for id, status in active if status == "pending"],
        [id for id, status in active if status == "running"],
    )
    if new.strategy in ("interrupt", "rollback"):
        drop(c, dropped, new.strategy)
        if told:
            c.execute(update(runs).where(runs.c.run_id.in_(told)).values(cancel=new.strategy))
    else:
        dropped, told = [], []
    taken = claim and not active and not new.after
    run_id, thread_id = new_id(), str(thread["thread_id"])
    row = dict(
        run_id=run_id,
        thread_id=thread_id,
        assistant_id=new.assistant_id,
        graph_id=new.graph_id,
        status="running" if taken else "pending",
        multitask_strategy=new.strategy,
        metadata={**new.base_metadata, **thread["metadata"], **new.metadata, **ids},
        kwargs=new.spec.as_dict(),
        stateless=new.stateless,
        not_before=time.time() + new.after if new.after else None,
        attempt=1 if taken else 0,
        worker=worker if taken else None,
        cancel=None,
        error=None,
        created_at=at,
        updated_at=at,
    )
    if taken and c.dialect.name != "sqlite":
        _NEW_RUN_HELD.run(c, [row])
    else:
        _NEW_RUN.run(c, [{**row, "until": time.time() + LEASE_S if taken else None}])
    if made is None:
        change = dict(status="busy", config=config, updated_at=at)
        if not active:  # while another run holds the thread, its state is that run's graph's
            change["metadata"] = {**thread["metadata"], **ids}
        c.execute(CHANGE_THREAD, {"of_thread": thread_id, **change})
    alone = c.dialect.name == "sqlite" or not new.spec.resumable
    held = claimed(row, thread["last_seq"], alone=alone) if taken else None
    return Created({**row, "status": "pending"}, held, tuple(told), tuple(dropped), thread["last_seq"])


def drop(c: Connection, run_ids: Sequence[str], action: Action) -> None:
    """End runs that have not begun."""
    if run_ids and action == "rollback":
        c.execute(delete(runs).where(runs.c.run_id.in_(run_ids)))
    elif run_ids:
        own = runs.c.run_id.in_(run_ids)
        for run_id, asked in c.execute(select(runs.c.run_id, runs.c.kwargs).where(own)).all():
            if asked.get("webhook"):
                owe(c, run_id, asked["webhook"], Ending("interrupted"))
        c.execute(update(runs).where(own).values(status="interrupted", updated_at=stamp()))


def new_thread(thread_id: str | None, metadata: dict[str, Any], at: str, owner: Caller) -> dict[str, Any]:
    """The row of a new thread. Raises `ThreadReserved` for the id that a part of a run may have."""
    if thread_id and is_part(thread_id):
        raise ThreadReserved(f"Invalid thread ID: {thread_id} is a UUID of version 8, as parts of runs have: choose another")
    row: dict[str, Any] = dict(thread_id=thread_id or new_id(), status="idle", metadata=metadata, config={}, values=None)
    row |= {"org": owner.org, "owner": owner.user}
    return {**row, "interrupts": {}, "error": None, "last_seq": 0, "created_at": at, "updated_at": at, "state_updated_at": at}


def lock(c: Connection, thread_id: str) -> dict[str, Any] | None:
    """A thread's row, locked until the transaction ends (on SQLite the whole database is)."""
    return _LOCK.row(c, {"of_thread": thread_id})


def public(configurable: dict[str, Any]) -> dict[str, Any]:
    """What may be shown of a `configurable`: not who asked, nor what LangGraph keeps there."""
    return {name: value for name, value in configurable.items() if not name.startswith(("__", "langgraph_"))}


def _refuse_stale(spec: Spec, waiting: dict[str, list[dict[str, Any]]]) -> None:
    """Raise `StaleResume` for an answer to an interrupt that does not wait on the thread's newest checkpoint."""
    resume = (spec.command or {}).get("resume")
    if not isinstance(resume, dict) or (spec.config.get("configurable") or {}).get("checkpoint_id"):
        return
    if not resume or not all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in resume):
        return  # a value, not answers by id
    ids = {one["id"] for several in waiting.values() for one in several}
    if gone := sorted(set(resume) - ids):
        raise StaleResume(f"no interrupt {', '.join(gone)} waits on this thread: read its state, and answer what waits now")
