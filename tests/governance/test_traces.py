"""What calls were judged by is stored once, whoever stores it, and two that store the same at once do not wait for each other."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import Cursor
from sqlalchemy import event, text

from database import Database
from governance.policy import Seen
from governance.tables import metadata
from governance.traces import Erased, keep, recall
from tests.postgres import Postgres

LONG = 60.0  # seconds: only a fault waits so long
ONE, TWO = Seen("look", {"at": 1}, {"found": "one"}), Seen("look", {"at": 2}, {"found": "two"}, derived=True)


def test_a_trace_comes_back_and_what_was_erased_is_said(db: Database) -> None:
    kept = db.run_sync(lambda c: keep(c, [ONE, TWO, ONE]))
    found = db.run_sync(lambda c: recall(c, kept))
    assert [(one.args, one.result, one.derived) for one in found] == [(s.args, s.result, s.derived) for s in (ONE, TWO, ONE)]
    assert db.run_sync(lambda c: c.execute(text("SELECT count(*) FROM payloads")).scalar()) == 2
    db.run_sync(lambda c: c.execute(text("DELETE FROM payloads")))
    with pytest.raises(Erased, match="has been erased"):
        db.run_sync(lambda c: recall(c, kept))


@contextmanager
def opened(url: str) -> Iterator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        db.close()


def tell(db: Database, after: Callable[[str], None]) -> None:
    """Call `after` with each statement once the driver of `db` has run it."""

    class Telling(Cursor[Any]):
        def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            done = super().execute(query, *args, **more)
            after(str(query))
            return done

    @event.listens_for(db.engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        connection.cursor_factory = Telling


def test_two_writers_of_the_same_results_do_not_wait_for_each_other(postgres: Postgres) -> None:
    """The first stops after its first insert until the second has made one too, or waits for the first's: were they to insert in
    different orders, each would now hold what the other needs."""
    url, first_in, second_in = postgres.new_url(), threading.Event(), threading.Event()
    with opened(url) as first, opened(url) as second, opened(url) as watch:
        watch.create(metadata)

        def waits() -> bool:
            query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(watch.run_sync(lambda c: c.execute(query).scalar()))

        def after_first(statement: str) -> None:
            if "payloads" in statement and not first_in.is_set():
                first_in.set()
                for _ in range(int(LONG / 0.02)):
                    if second_in.wait(0.02) or waits():
                        return
                raise AssertionError("the second writer never came")

        def after_second(statement: str) -> None:
            if "payloads" in statement:
                second_in.set()

        tell(first, after_first)
        tell(second, after_second)
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first.run_sync, lambda c: keep(c, [ONE, TWO]))
            assert first_in.wait(LONG)
            two = pool.submit(second.run_sync, lambda c: keep(c, [TWO, ONE]))
            assert one.result(LONG)[0]["result"] == two.result(LONG)[1]["result"]
        assert watch.run_sync(lambda c: c.execute(text("SELECT count(*) FROM payloads")).scalar()) == 2
