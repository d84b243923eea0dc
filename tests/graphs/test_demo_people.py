"""The demo people of local mode: one person at a laptop plays several, and each act is recorded as that person's."""

import pytest
from pydantic import ValidationError

from governance.approval import WrongRole
from settings import Settings
from tests.graphs.little import Yard, at_work, draft


async def test_one_asks_and_another_agrees_and_both_are_on_record(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard, act_as="rita") as runner:
        waiting = await runner.run("note")
        (row,) = await runner.pending(waiting.thread_id)
        with pytest.raises(WrongRole, match="rita may not decide"):
            await runner.vote(row.id, "approve")
    async with at_work(yard, act_as="marc") as runner:
        await runner.vote(row.id, "approve")
        assert (await runner.resume(waiting.thread_id)).status == "success"
        log = await runner.services.decisions.for_execution(waiting.execution_id)
    assert yard.notes() == ["hello"]
    assert [(one.user, one.outcome) for one in log if one.phase == "vote"] == [("marc", "approve")]
    assert {one.user for one in log if one.phase in ("decided", "intent", "outcome")} == {"rita"}


def test_nobody_plays_who_is_not_there() -> None:
    with pytest.raises(ValidationError, match="no demo person 'eve'; there are: rita, marc, mona, hana, ada, bo, olga"):
        Settings(act_as="eve")
