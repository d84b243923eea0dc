"""What an installation's database says happened, read in plain SQL: who held which run when, what was done for which thread."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

HELD = "SELECT run_id, worker FROM runs WHERE status = 'running'"
DONE = """SELECT e.thread_id, f.tool, f.state, f.key FROM effects f JOIN executions e ON e.id = f.execution_id"""
ENDED = "SELECT thread_id, status, attempt FROM runs"


def holders(app: Engine) -> dict[str, str]:
    """Who carries out which run now; nothing while the database cannot be read."""
    try:
        return {run: worker for run, worker in _rows(app, HELD)}
    except DBAPIError:
        return {}


class Takeovers:
    """How long it took until each run of a process that was killed was another's, or had ended."""

    def __init__(self, app: Engine, held: Sequence[str], worker: str) -> None:
        self._app, self._left, self._worker, self._began = app, set(held), worker, time.monotonic()
        self.seconds: list[float] = []

    def look(self) -> bool:
        """Are all taken over?"""
        try:
            still = {run for run, worker in _rows(self._app, HELD) if worker == self._worker}
        except DBAPIError:
            return False
        taken = self._left - still
        self.seconds += [time.monotonic() - self._began] * len(taken)
        self._left -= taken
        return not self._left


def broken(app: Engine, records: Engine, threads: Sequence[str], expected: Counter[str], cases: str) -> list[str]:
    """Every rule that was broken for these threads, each a sentence. Each execution finished, with the effects `expected` (how often
    which tool), which are done or were refused because another thread's are done: all in all each is done once."""
    found = []
    done: dict[str, Counter[str]] = {thread: Counter() for thread in threads}
    states: Counter[tuple[str, str]] = Counter()
    for thread, tool, state, _ in _rows(app, DONE):
        if thread in done:
            done[thread][tool] += 1
            states[(tool, state)] += 1
    found += [f"thread {t}: effects {dict(one)}, undisturbed {dict(expected)}" for t, one in done.items() if one != expected]
    right = {(tool, "done"): n for tool, n in expected.items()}
    right |= {(tool, "failed"): n * (len(threads) - 1) for tool, n in expected.items()}
    if states != right:
        found.append(f"the effects stand as {dict(states)}, and not as {right}")
    stand = Counter(
        (thread, status) for thread, status in _rows(app, "SELECT thread_id, status FROM executions") if thread in done
    )
    found += [f"thread {t} has {n} executions {s}" for (t, s), n in stand.items() if (s, n) != ("finished", 1)]
    runs = [(t, status, attempt) for t, status, attempt in _rows(app, ENDED) if t in done]
    found += [f"thread {t}: a run stands as {status}" for t, status, _ in runs if status not in ("success", "interrupted")]
    keys = Counter(key for (key,) in _rows(records, cases))
    known = {key for *_, key in _rows(app, DONE)}
    found += [f"case {key} was opened {n} times" for key, n in keys.items() if n > 1]
    found += [f"case {key} belongs to no effect" for key in keys if key not in known]
    if keys.total() != expected.total():
        found.append(f"{keys.total()} cases were opened, undisturbed {expected.total()}")
    return found


def effects_of(app: Engine, thread: str) -> Counter[str]:
    """How often which tool did something for a thread."""
    return Counter(tool for t, tool, _, _ in _rows(app, DONE) if t == thread)


def attempts(app: Engine, threads: Sequence[str]) -> int:
    """How many attempts of these threads' runs were lost with their process."""
    return sum(attempt - 1 for thread, _, attempt in _rows(app, ENDED) if thread in threads)


def _rows(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)).all())
