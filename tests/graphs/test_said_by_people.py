"""What people say of answers and plans, as rows, on both databases."""

from collections.abc import Iterator

import pytest

from database import Database
from governance import tables as governance_tables
from governance.approvals import Approvals
from governance.clock import now
from governance.decisions import Decisions
from governance.identity import Caller
from graphs import tables
from graphs.answer import Answer
from graphs.answers import Answers
from graphs.executions import Executions
from graphs.feedback import Feedback, NoAnswer
from graphs.plan import Plan, Step, Wait
from graphs.plan_edits import Change, PlanEdits
from graphs.ready import ready
from graphs.waits import Waits

ANN, BOB = Caller("ann", "acme"), Caller("bob", "acme")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    one = Database(database_url)
    one.create(governance_tables.metadata)
    one.create(tables.metadata)
    yield one
    one.close()


async def test_one_opinion_a_person_each_saying_of_it_on_record(db: Database) -> None:
    decisions, feedback = Decisions(db), Feedback(db, Decisions(db))
    with pytest.raises(NoAnswer, match="execution e1 has no answer yet"):
        await feedback.say("e1", ANN, "up", "")
    assert await decisions.for_execution("e1") == [] == await feedback.of("e1")
    await Answers(db).keep("e1", Answer(title="t", goal="g", status="complete", sections=()))
    for who, thumb, comment in ((BOB, "up", ""), (ANN, "up", "clear"), (ANN, "down", "wrong year")):
        said = await feedback.say("e1", who, thumb, comment)
        assert (said.user, said.thumb, said.comment) == (who.user, thumb, comment)
    assert [(one.user, one.thumb, one.comment) for one in await feedback.of("e1")] == [
        ("ann", "down", "wrong year"),
        ("bob", "up", ""),
    ]
    told = await decisions.for_execution("e1")
    assert [(one.phase, one.user, one.outcome) for one in told] == [
        ("feedback", "bob", "up"),
        ("feedback", "ann", "up"),
        ("feedback", "ann", "down"),
    ]
    assert len({one.result_digest for one in told}) == 3


async def test_a_paused_execution_goes_on_for_what_was_said_once_it_has_a_plan(db: Database) -> None:
    executions, edits, approvals = Executions(db), PlanEdits(db), Approvals(db)
    change = Change(step="s1", settings={"year": None})
    step = Step(id="s1", title="s", specialist="x", produces=("a",), wait=Wait(event="never"))
    await executions.create("e1", "t1", ANN, "goal", {}, "2026-01-02")
    await Waits(db, Decisions(db)).may_start("e1", step)
    await executions.leave("e1", "waiting")

    async def goes_on() -> bool:
        return [one.execution_id for one in await ready(db, approvals, now)] == ["e1"]

    assert await edits.ask("e1", ANN, 1, [change], "so") == 1
    [edit] = await edits.open("e1")
    assert (edit.caller, edit.base, edit.changes, edit.reason, edit.answer) == (ANN, 1, (change,), "so", None)
    assert not await goes_on(), "nothing could take it up"
    await executions.add_revision("e1", Plan(steps=(step,)), "v")
    assert await goes_on()
    await edits.settle(edit, "done")
    assert await edits.open("e1") == [] and [one.answer for one in await edits.of("e1")] == ["done"]
    assert not await goes_on()
    await executions.say("e1", ANN, "also Kenya")
    assert await goes_on()
    [said] = await executions.said("e1")
    await executions.take_up(said, "heard")
    assert not await goes_on()
