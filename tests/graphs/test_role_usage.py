"""What models used is set down whole: of the core's roles too, and of attempts that failed."""

from typing import Any

from sqlalchemy import select

from graphs.tables import role_usage
from graphs.usage import NAMES
from tests.graphs.little import Yard, at_work, call, draft, turns


def again_and_again(brief: Any, messages: Any) -> Any:
    return call(("look_b", {}), turn=turns(messages))


async def test_roles_and_failed_attempts_are_counted(yard: Yard) -> None:
    yard.steps, yard.says["ben"] = [draft("s1", "ann", "a"), draft("s2", "ben", "b")], again_and_again
    async with at_work(yard) as runner:
        done = await runner.run("a b")
        tries = await runner.services.executions.attempts(done.execution_id)
        failed = [one.result for one in tries if one.specialist == "ben" and one.result]
        assert failed and all(one.status == "failed" and one.usage["model_calls"] > 2 for one in failed)
        rows = await runner.services.db.run(lambda c: c.execute(select(role_usage).order_by(role_usage.c.ended)).all())
    own = [row for row in rows if row.execution_id]
    for name in NAMES:
        whole = sum(getattr(row, name) for row in own) + sum(one.result.usage.get(name, 0) for one in tries if one.result)
        assert done.usage[name] == whole > 0
    told = {(row.role, row.execution_id, row.status) for row in rows}
    assert ("intake", "", "succeeded") in told and ("reporter", done.execution_id, "succeeded") in told
    assert all(row.model_calls and row.parent_thread_id == done.thread_id and row.org == "local" for row in rows)


async def test_a_role_that_gives_no_answer_is_counted_as_failed(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a")]
    yard.says["reporter"] = lambda brief, messages: call(("look_a", {}), turn=turns(messages))
    async with at_work(yard) as runner:
        done = await runner.run("a")
        query = select(role_usage).where(role_usage.c.role == "reporter")
        [row] = await runner.services.db.run(lambda c: c.execute(query).all())
    assert done.answer and (row.status, row.execution_id) == ("failed", done.execution_id) and row.model_calls > 1
