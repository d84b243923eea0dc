"""How a goal came out is on record: answered whole, in part or not at all, refused before or after it was understood, stopped."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from graphs.specialists.base import Reading
from graphs.tables import executions
from tests.graphs.little import Yard, at_work, draft
from tools.registry import ToolError


async def outcomes(services: Any) -> Sequence[tuple[str, str | None]]:
    query = select(executions.c.status, executions.c.outcome).order_by(executions.c.created)
    return [(row.status, row.outcome) for row in await services.db.run(lambda c: c.execute(query).all())]


async def test_each_end_has_its_outcome(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b")]
    async with at_work(yard) as runner:
        await runner.run("a b")
        yard.trouble["look_b"] = [ToolError("no")] * 2
        await runner.run("a b")
        yard.trouble = {"look_a": [ToolError("no")] * 3, "look_b": [ToolError("no")] * 3, "spare_a": [ToolError("no")] * 3}
        await runner.run("a b")
        yard.steps = [draft("s1", "clerk", "note")]
        asked = await runner.run("note")
        assert (await outcomes(runner.services))[-1] == ("waiting", None)
        await runner.run("cancel", thread_id=asked.thread_id)
        yard.reading = lambda goal: Reading(refusal="That is none of ours.")
        refused = await runner.run("a poem")
        again = await runner.run("bad \x07 goal", thread_id=refused.thread_id)
        assert await runner.services.executions.of_thread(again.thread_id) == [], "nothing was carried out"
        found = await outcomes(runner.services)
    ended = [("finished", one) for one in ("success", "partial", "failed")]
    assert found == [*ended, ("cancelled", None), ("declined", "refused"), ("declined", "refused")]
