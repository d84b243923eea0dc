"""A prepared statement says what the same statement says through SQLAlchemy, and fails as it does."""

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from database import Database
from governance.prepared import Prepared

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(10)),
    Column("seen", JSON),
    Column("more", JSON),
)
ADD = Prepared(insert(things), ("id", "name", "seen"))
WHOLE = Prepared(select(things).where(things.c.id == bindparam("of")))
NAMED = Prepared(select(things.c.name, things.c.id).where(things.c.id >= bindparam("least"), things.c.name != "nobody"))


def test_rows_go_in_and_come_out_as_through_sqlalchemy(database_url: str) -> None:
    db = Database(database_url)
    db.create(metadata)
    rows = [{"id": 1, "name": "é %s ? :x", "seen": {"a": ["é", None, 1.5]}}, {"id": 2, "name": None, "seen": None}]
    db.run_sync(lambda c: ADD.run(c, rows))
    db.run_sync(lambda c: c.execute(insert(things), [{**row, "id": row["id"] + 10} for row in rows]))
    stored = db.run_sync(lambda c: c.execute(select(things).order_by(things.c.id)).all())
    assert [tuple(row)[1:] for row in stored[:2]] == [tuple(row)[1:] for row in stored[2:]]
    assert stored[0].seen == rows[0]["seen"]
    assert db.run_sync(lambda c: WHOLE.row(c, {"of": 1})) == {**rows[0], "more": None}
    assert db.run_sync(lambda c: WHOLE.row(c, {"of": 2})) == {**rows[1], "more": None}
    assert db.run_sync(lambda c: WHOLE.row(c, {"of": 3})) is None
    assert db.run_sync(lambda c: NAMED.first(c, {"least": 5})) == ("é %s ? :x", 11)
    assert db.run_sync(lambda c: NAMED.first(c, {"least": 12})) is None
    db.close()


def test_what_the_database_refuses_is_sqlalchemys_error_and_leaves_nothing(database_url: str) -> None:
    db = Database(database_url)
    db.create(metadata)
    one, two = ({"id": n, "name": "x", "seen": None} for n in (1, 2))
    with pytest.raises(IntegrityError):
        db.run_sync(lambda c: ADD.run(c, [one, two, one]))
    assert db.run_sync(lambda c: c.execute(select(things.c.id)).all()) == []
    db.run_sync(lambda c: ADD.run(c, [one]))
    db.run_sync(things.drop)
    for _ in range(2):  # whatever the first did to the connection
        with pytest.raises(DatabaseError, match="things"):
            db.run_sync(lambda c: ADD.run(c, [two]))
    db.create(metadata)
    db.run_sync(lambda c: ADD.run(c, [one, two]))
    assert db.run_sync(lambda c: c.scalars(select(things.c.id).order_by(things.c.id)).all()) == [1, 2]
    db.close()
