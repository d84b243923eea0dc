"""An effect is intended once, and what is done stays done."""

from database import Database
from governance.digest import effect_key
from governance.effects import Effects
from tests.governance.cases import Time, call


async def test_the_second_intent_sees_the_first(db: Database, time: Time) -> None:
    effects = Effects(db, time)
    facts, key = call(), effect_key(call())
    intend = lambda c: effects.intend(c, facts, call_id="c1", approval_id="a1").state  # noqa: E731
    assert [await db.run(intend), await db.run(intend)] == ["new", "intended"]
    await db.run(lambda c: effects.finish(c, key, {"case": 7}))
    await db.run(lambda c: effects.lose(c, key, "late"))
    assert await db.run(intend) == "done"
    (row,) = await effects.for_execution("e1")
    assert (row.result, row.approval_id, row.compensation, row.state) == ({"case": 7}, "a1", "close_case", "done")
    assert row.ended_at is not None and await effects.get("nothing") is None
