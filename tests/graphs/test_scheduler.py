"""The scheduler alone, over work that only keeps a diary: no barrier, no overrun, nothing forgotten. Order is told by events."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings

from graphs.plan import Plan, Step, StepError, StepResult, needs
from graphs.scheduler import Scheduler, Waiting
from tests.graphs.test_plan import plans


def step(id: str, **more: Any) -> Step:
    return Step(id=id, title=f"Step {id}", specialist="ann", produces=("a",), **{"attempts": 1, **more})


def product(rows: int = 0) -> dict[str, Any]:
    return {"rows": [{"name": f"part {n}"} for n in range(rows)], "columns": [{"field": "name"}]}


@dataclass
class Diary:
    """Work that ends at once, or when the test lets it; `fails` and `waits` name steps that do."""

    held: dict[str, asyncio.Event] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    waits: dict[str, str] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    rows: int = 0
    lines: list[str] = field(default_factory=list)
    written: dict[str, asyncio.Event] = field(default_factory=dict)
    running: int = 0
    most: int = 0
    given: dict[str, list[str]] = field(default_factory=dict)
    revisions: list[Plan] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def attempt(self, step: Step, attempt: int, specialist: str, done: Mapping[str, StepResult]) -> StepResult | Waiting:
        if step.id in self.waits and self.waits[step.id] in self.open:
            return Waiting((self.waits[step.id],))
        self.write(f"+{step.id}")
        self.given[step.id] = sorted(done)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await (self.held[step.id].wait() if step.id in self.held else asyncio.sleep(0))
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.cancelled.append(step.id)
            raise
        finally:
            self.running -= 1
        self.write(f"-{step.id}")
        head: dict[str, Any] = dict(step_id=step.id, specialist=specialist, attempt=attempt)
        if step.id in self.fails:
            return StepResult(status="failed", error=StepError(kind="junk", message="no"), **head)
        return StepResult(status="succeeded", data={"a": product(self.rows)}, **head)

    async def undecided(self, approvals: Iterable[str]) -> list[str]:
        return [id for id in approvals if id in self.open]

    async def revise(self, plan: Plan, done: Mapping[str, StepResult], failed: StepResult) -> Plan | None:
        return self.revisions.pop(0) if self.revisions else None

    async def steer(self, plan: Plan, done: Mapping[str, StepResult]) -> Plan | None:
        return None

    async def economise(self, plan: Plan, done: Mapping[str, StepResult], idle: frozenset[str]) -> Plan | None:
        return None

    async def expanded(self, plan: Plan) -> list[str]:
        self.write(f"={plan.rev}")
        return []

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.written.setdefault(line, asyncio.Event()).set()

    async def until(self, line: str) -> None:
        await asyncio.wait_for(self.written.setdefault(line, asyncio.Event()).wait(), 60)


def plan(*steps: Step) -> Plan:
    return Plan(steps=steps)


async def test_a_step_does_not_wait_for_the_siblings_of_what_it_needs() -> None:
    """s3 needs s1 alone, and s2 is let go only when s3 has ended: a barrier after the first wave would never end."""
    work = Diary(held={"s2": asyncio.Event()})
    run = Scheduler(plan(step("s1"), step("s2"), step("s3", inputs={"a": "s1.a"}), step("s4", inputs={"a": "s2.a"})), work)
    task = asyncio.create_task(run.run())
    await work.until("-s3")
    assert "-s2" not in work.lines
    work.held["s2"].set()
    await task
    assert work.lines == ["+s1", "+s2", "-s1", "+s3", "-s3", "-s2", "+s4", "-s4"]


@pytest.mark.parametrize("cap", [1, 2, 5])
async def test_never_more_at_once_than_allowed_and_never_fewer(cap: int) -> None:
    work = Diary()
    await Scheduler(plan(*(step(f"s{n}") for n in range(9))), work, concurrency=cap).run()
    assert work.most == cap and len(work.lines) == 18


async def test_a_waiting_step_frees_its_place() -> None:
    work = Diary(waits={"s1": "ok"}, open={"ok"})
    run = Scheduler(plan(step("s1"), step("s2"), step("s3", inputs={"a": "s1.a"})), work, concurrency=1)
    await run.run()
    assert run.waiting == {"s1": ("ok",)} and run.status == {"s1": "waiting_approval", "s2": "succeeded", "s3": "pending"}


async def test_a_verdict_wakes_the_live_scheduler() -> None:
    work = Diary(waits={"s1": "ok"}, open={"ok"}, held={"s2": asyncio.Event()})
    run = Scheduler(plan(step("s1"), step("s2")), work)
    task = asyncio.create_task(run.run())
    await work.until("+s2")
    work.open.clear()
    run.wake.set()
    await work.until("-s1")
    work.held["s2"].set()
    await task
    assert run.status == {"s1": "succeeded", "s2": "succeeded"}


async def test_what_can_never_start_is_skipped_and_says_what_it_lacks() -> None:
    steps = (step("s1"), step("s2", inputs={"a": "s1.a"}), step("s3", depends_on={"s2": "success"}), step("s4"))
    run = Scheduler(plan(*steps), Diary(fails={"s1"}))
    await run.run()
    assert {id: r.status for id, r in run.results.items()} == {
        "s1": "failed",
        "s2": "skipped",
        "s3": "skipped",
        "s4": "succeeded",
    }
    said = {id: r.error.message for id, r in run.results.items() if r.error and r.error.kind == "upstream"}
    assert said == {"s2": "it needs a of s1 (failed)", "s3": "it needs s2 (skipped)"}


async def test_the_kinds_of_dependency() -> None:
    """done: however it ends, though it never starts. any: once it is under way."""
    steps = (
        step("s1"),
        step("s2", inputs={"a": "s1.a"}),
        step("s3", depends_on={"s2": "done"}),
        step("s4"),
        step("s5", depends_on={"s4": "any"}),
    )
    work = Diary(fails={"s1"}, held={"s4": asyncio.Event()})
    run = Scheduler(plan(*steps), work)
    task = asyncio.create_task(run.run())
    await work.until("-s5")
    assert "-s4" not in work.lines
    work.held["s4"].set()
    await asyncio.wait_for(task, 60)
    assert run.status == {"s1": "failed", "s2": "skipped", "s3": "succeeded", "s4": "succeeded", "s5": "succeeded"}
    assert work.given["s3"] == ["s4", "s5"], "only what succeeded is handed on"


@pytest.mark.parametrize(("rows", "copies"), [(0, 0), (1, 1), (25, 20)])
async def test_a_repeated_step_is_one_for_each_row(rows: int, copies: int) -> None:
    steps = (step("s1"), step("s2", for_each="s1.a"), step("s3", depends_on={"s2": "done"}), step("s4", inputs={"a": "s2.a"}))
    work, told = Diary(rows=rows), []
    run = Scheduler(plan(*steps), work, emit=told.append)
    await run.run()
    made = [id for id in run.results if id.startswith("s2-")]
    assert len(made) == copies and run.results["s3"].status == run.results["s4"].status == "succeeded"
    if not rows:
        assert run.results["s2"].headline == "There was nothing to do." and run.plan.rev == 1
        return
    assert run.plan.rev == 2 and run.plan.cause == "rows" and run.status["s2"] == "superseded"
    assert run.plan.step("s2-1").item == {"name": "part 0"} and run.plan.step("s2-1").title == "Step s2: part 0"
    assert work.lines.index("=2") < work.lines.index("+s2-1"), "the revision is committed before its steps start"
    assert set(work.given["s4"]) >= set(made), "who takes the product takes it from every row"
    assert set(run.plan.step("s4").inputs.values()) == {f"{id}.a" for id in made}
    dropped = [a for a in run.plan.assumptions if "more rows were left out" in a]
    assert dropped == (["Step s2: 5 more rows were left out (limit 20)"] if rows == 25 else [])
    assert [e["diff"]["dropped"] for e in told if e["event"] == "plan"] == [["s2"]]


async def test_one_row_that_fails_does_not_take_the_others_with_it() -> None:
    steps = (step("s1"), step("s2", for_each="s1.a"), step("s3", inputs={"a": "s2.a"}))
    work = Diary(rows=3, fails={"s2-2"})
    run = Scheduler(plan(*steps), work)
    await run.run()
    assert run.results["s3"].status == "succeeded" and work.given["s3"] == ["s1", "s2-1", "s2-3"]


async def test_a_step_that_a_revision_drops_is_stopped_before_the_run_ends() -> None:
    work = Diary(fails={"s1"}, held={"s2": asyncio.Event()})
    work.revisions = [Plan(rev=2, parent_rev=1, steps=(step("s1"), step("s9")))]
    run = Scheduler(plan(step("s1"), step("s2")), work)
    await run.run()
    assert work.cancelled == ["s2"] and run.status["s2"] == "superseded" and run.status["s9"] == "succeeded"


async def test_a_repeated_step_is_expanded_after_a_revision_under_way() -> None:
    """Both would be the same revision: what came second would undo the rows that had been expanded, and carry them out again."""

    class Slow(Diary):
        async def revise(self, plan: Plan, done: Mapping[str, StepResult], failed: StepResult) -> Plan | None:
            self.write("revise")
            await self.held["revise"].wait()
            kept = tuple(one for one in plan.steps if one.id != "s1")
            return Plan(rev=plan.rev + 1, parent_rev=plan.rev, steps=(*kept, step("s9")))

    work = Slow(held={"revise": asyncio.Event(), "s2": asyncio.Event()}, fails={"s1"}, rows=2)
    run = Scheduler(plan(step("s1"), step("s2"), step("s3", inputs={"a": "s2.a"}, for_each="s2.a")), work)
    task = asyncio.create_task(run.run())
    await work.until("revise")
    work.held["s2"].set()
    await work.until("-s2")
    for _ in range(20):  # as often as the scheduler may look at what has ended
        await asyncio.sleep(0)
    work.held["revise"].set()
    await task
    assert run.plan.rev == 3 and run.plan.ids() == ["s2", "s3-1", "s3-2", "s9"]
    assert [work.lines.count(f"+{id}") for id in ("s3-1", "s3-2", "s9")] == [1, 1, 1] and work.lines.count("=3") == 1
    assert run.status["s3-1"] == run.status["s3-2"] == "succeeded"


async def test_cancelling_the_run_cancels_and_awaits_its_children() -> None:
    work = Diary(held={"s1": asyncio.Event(), "s2": asyncio.Event()})
    task = asyncio.create_task(Scheduler(plan(step("s1"), step("s2")), work).run())
    await work.until("+s2")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(work.cancelled) == ["s1", "s2"] and work.running == 0


@settings(max_examples=60, deadline=None)
@given(plans(acyclic=True))
async def test_every_step_of_every_plan_starts_once_and_after_what_it_needs(drawn: Plan) -> None:
    work = Diary()
    run = Scheduler(drawn, work, concurrency=2)
    await run.run()
    assert {r.status for r in run.results.values()} == {"succeeded"} and sorted(run.results) == sorted(drawn.ids())
    for one in drawn.steps:
        for above, on in needs(one).items():
            before = f"{'+' if on == 'any' else '-'}{above}"
            assert work.lines.index(before) < work.lines.index(f"+{one.id}")
