"""The numbers of operations, counted in SQL, are what the records say when they are counted by hand; on both databases."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.operations.behind import page
from app.operations.figures import operations
from app.operations.items import Window
from app.operations.shapes import Filter, RunShape
from app.runner import Runner
from governance.approval import Approval
from governance.identity import Caller
from graphs.specialists.base import Reading
from models.price import Price
from tests.graphs.little import Yard, at_work, draft
from tools.registry import ToolError

GOALS = ["success", "partial", "failed", "waiting", "stopped", "refused", "success"]
OPERATOR = Caller("olga", "local", ("operator",))


async def played(yard: Yard, runner: Runner) -> list[str]:
    """One goal of each outcome, in the order of `GOALS`; the threads that they were asked on."""
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b")]
    threads = [(await runner.run("a b")).thread_id]
    yard.trouble["look_b"] = [ToolError("no"), ToolError("no")]
    threads.append((await runner.run("a b")).thread_id)
    yard.trouble = {name: [ToolError("no")] * 3 for name in ("look_a", "look_b", "spare_a")}
    threads.append((await runner.run("a b")).thread_id)
    yard.trouble, yard.steps = {}, [draft("s1", "clerk", "note")]
    threads.append((await runner.run("note")).thread_id)
    stopped = await runner.run("note")
    await runner.run("cancel", thread_id=stopped.thread_id)
    yard.reading = lambda goal: Reading(refusal="That is none of ours.")
    refused = await runner.run("a poem")
    yard.reading = lambda goal: Reading()
    done = await runner.run("note")
    await runner.vote(done.approvals[0]["id"], "approve")
    assert (await runner.resume(done.thread_id)).as_json()["complete"]
    return [*threads, stopped.thread_id, refused.thread_id, done.thread_id]


def of_everybody() -> Window:
    day = timedelta(days=1)
    return Window("local", (datetime.now(UTC) - day).isoformat(), (datetime.now(UTC) + day).isoformat())


async def test_every_number_is_what_is_on_record_and_opens_its_runs(tmp_path: Path, database_url: str) -> None:
    yard, price = Yard(tmp_path / "home"), Price(2, 10)
    async with at_work(yard, database_url=database_url) as runner:
        services, window = runner.services, of_everybody()
        threads = await played(yard, runner)
        own = [one for thread in threads for one in await services.executions.of_thread(thread)]
        tries = {one.id: await services.executions.attempts(one.id) for one in own}
        told_of = [one for each in own for one in await services.decisions.for_execution(each.id)]
        asked = [row for one in own for row in await services.approvals.of_execution(one.id, superseded=True)]
        found = await services.db.read(lambda c: operations(c, window, price, lambda requester: True))
        blind = await services.db.read(lambda c: operations(c, window, None, lambda requester: False))
        filters = [
            *(one.runs.filter for one in (*found.goals, *found.approvals, *found.steps, *found.failing_tools)),
            found.waiting.runs.filter,
        ]
        pages = [
            await services.db.read(lambda c, wanted=one: page(c, window, wanted, None, 100, lambda _: True)) for one in filters
        ]
        seen = await walked(runner, window)
        empty = Window("other", window.since, window.until)
        nothing = await services.db.read(lambda c: operations(c, empty, price, lambda requester: True))

    goals = {one.outcome: one for one in found.goals}
    assert {name: one.count for name, one in goals.items() if one.count} == Counter(GOALS)
    assert [goals[name].runs.newest[-1].thread_id for name in ("partial", "refused")] == [threads[1], threads[5]]
    assert found.success_rate == 2 / 5, "of two successes, a partial, a failed and a refused one"
    for told, listed in zip(
        [*found.goals, *found.approvals, *found.steps, *found.failing_tools, found.waiting], pages, strict=True
    ):
        assert told.runs.total == len(listed.runs) and listed.next is None
        assert [one.execution_id for one in told.runs.newest] == [one.execution_id for one in listed.runs]

    results = [one.result for several in tries.values() for one in several if one.result]
    assert found.usage.model_calls > sum(one.usage["model_calls"] for one in results), "roles of the core call models, too"
    cost = price.cost(found.usage.input_tokens, found.usage.output_tokens)
    assert found.usage.cost == cost and blind.usage.cost is None
    decided = [row for row in asked if row.decided_at and row.status in ("approved", "consumed")]
    assert found.waiting.decided == len(decided) == 1 and found.waiting.p50_seconds == pytest.approx(
        took(decided[0]), abs=0.002
    )
    assert {one.verdict: one.count for one in found.approvals if one.count} == {"approved": 1, "pending": 1, "void": 1}
    for step in found.steps:
        seconds = sorted(one.seconds for one in results if one.specialist == step.specialist)
        assert (step.count, step.p50_seconds, step.p95_seconds) == (len(seconds), nearest(50, seconds), nearest(95, seconds))
    assert sum(one.count for one in found.steps) == len(results)
    assert [one.seconds for one in found.slowest_steps] == sorted((one.seconds for one in results), reverse=True)[:10]
    calls = [one for one in told_of if one.phase == "outcome"]
    broke = Counter(one.tool for one in calls if one.outcome in ("error", "unknown"))
    ran = Counter(one.tool for one in calls if one.outcome != "denied")
    assert {one.tool: (one.failed, one.calls) for one in found.failing_tools} == {
        name: (n, ran[name]) for name, n in broke.items()
    }
    assert {"look_a", "look_b"} <= set(broke)
    assert all(one.thread_id is None for shown in blind.goals for one in shown.runs.newest)
    assert [one.created for one in seen] == sorted((one.created for one in seen), reverse=True)
    assert len({one.execution_id for one in seen}) == len(seen) and Counter(one.outcome for one in seen) == Counter(GOALS)
    assert nothing.success_rate is None and not any(one.count for one in nothing.goals) and nothing.usage.model_calls == 0


async def test_a_request_that_was_edited_waits_once_and_from_its_first_asking(tmp_path: Path, database_url: str) -> None:
    yard = Yard(tmp_path / "home", steps=[draft("s1", "clerk", "note")])
    hours, edits, asked = (1, 3, 5), (0, 1, 2), []
    async with at_work(yard, database_url=database_url) as runner:
        for late, times in zip(hours, edits, strict=True):
            yard.late = timedelta()
            run = await runner.run("note")
            yard.late, id = timedelta(hours=late), run.approvals[0]["id"]
            for n in range(times - 1):  # while effects are stopped an edit is no yes: what it asks waits
                await runner.services.switch.flip(OPERATOR, True, "a drill")
                made = await runner.vote(id, "edit", args={"text": f"edit {n}"})
                assert made.status == "pending"
                await runner.services.switch.flip(OPERATOR, False, "it is over")
                id = made.id
            done = await runner.vote(id, "edit" if times else "approve", args={"text": "last"} if times else None)
            assert done.status == "approved"
            asked.append(run.execution_id)
        window = of_everybody()
        found = await runner.services.db.read(lambda c: operations(c, window, None, lambda _: True))
        behind = await runner.services.db.read(lambda c: page(c, window, found.waiting.runs.filter, None, 100, lambda _: True))
    assert {one.verdict: one.count for one in found.approvals if one.count} == {"approved": 3, "edited": 3}
    waiting = found.waiting
    assert waiting.decided == 3 and waiting.p50_seconds == pytest.approx(3 * 3600, abs=60)
    assert waiting.p95_seconds == pytest.approx(5 * 3600, abs=60)
    assert [one.execution_id for one in behind.runs] == asked[::-1] == [one.execution_id for one in waiting.runs.newest]


async def walked(runner: Runner, window: Window) -> list[RunShape]:
    """All runs, two a page."""
    found: list[RunShape] = []
    before: tuple[str, str] | None = None
    while True:
        at = before
        one = await runner.services.db.read(lambda c, at=at: page(c, window, Filter(), at, 2, lambda _: True))
        found += one.runs
        if one.next is None:
            return found
        created, _, id = one.next.partition("/")
        before = (created, id)


def took(row: Approval) -> float:
    assert row.decided_at
    return (row.decided_at - row.created_at).total_seconds()


def nearest(share: int, ordered: Sequence[float]) -> float:
    """The percentile by its definition: the least value that so many per cent of all are not above."""
    return next(one for one in ordered if 100 * sum(other <= one for other in ordered) >= share * len(ordered))
