"""A specialist that fails in any way: its siblings' work stays, another way is tried, and the answer never hides it."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from graphs.planner import grant
from tests.graphs.little import Yard, act_then_report, at_work, call, draft, say, turns
from tools.registry import ToolError


def junk(brief: Any, messages: Any) -> Any:
    """A finding of a call that was never made."""
    products = [{"product": "b", "call_id": "invented"}]
    return say("Finding", status="complete", headline="Done.", products=products, claims=[], caveats=[], gaps=[])


def chatter(brief: Any, messages: Any) -> Any:
    return AIMessage("I would rather talk.")


def again_and_again(brief: Any, messages: Any) -> Any:
    return call(("look_b", {}), turn=turns(messages))


def endless(brief: Any, messages: Any) -> Any:
    return call(*(("look_b", {"times": 10 * turns(messages) + n}) for n in range(5)), turn=turns(messages))


def crashing(brief: Any, messages: Any) -> Any:
    raise ZeroDivisionError("the client has a bug")


def unreachable(brief: Any, messages: Any) -> Any:
    raise ConnectionError("nobody there")


PLAN = [draft("s1", "ann", "a"), draft("s2", "ben", "b"), draft("s3", "dan", "d", after={"s2": "success"})]


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (junk, "junk", "refused 3 times"),
        (chatter, "junk", "without a finding"),
        (again_and_again, "loop", "the same call was made"),
        (endless, "loop", "tool calls without a finding"),
        (crashing, "raised", "ZeroDivisionError"),
    ],
)
async def test_a_failing_specialist_costs_its_own_products_and_what_hangs_on_them(
    yard: Yard, behaviour: Any, kind: str, words: str
) -> None:
    yard.steps, yard.says["ben"] = PLAN, behaviour
    async with at_work(yard) as runner:
        done = await runner.run("a b d", on_event=yard.hear)
    steps = {s["id"]: s for s in done.steps}
    assert {id: s["status"] for id, s in steps.items()} == {"s1": "succeeded", "s2": "failed", "s3": "skipped"}
    assert [a["attempt"] for a in steps["s2"]["attempts"]] == [1, 2], "it was tried as often as the settings say"
    error = steps["s2"]["result"]["error"]
    assert error["kind"] == kind and words in error["message"]
    assert steps["s3"]["result"]["error"]["message"] == "it needs s2 (failed)"
    assert done.answer and done.answer.status == "partial" and yard.calls("look_d") == []
    (line,) = [line for line in done.answer.missing if line.startswith("Product b")]
    assert words in line and "Step s3" in line, "the answer says what is missing, why, and what falls with it"
    assert any(line.startswith("Product d is missing: it needs s2") for line in done.answer.missing)
    assert [s.sentences[0].text for s in done.answer.sections] == ["The size is 1."], "the sibling's result stands"


async def test_a_model_that_cannot_be_reached_is_a_failed_step(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.steps, yard.says["ben"] = PLAN, unreachable
    async with at_work(yard, step_attempts=1) as runner:
        impatient(monkeypatch)
        done = await runner.run("a b d")
    steps = {s["id"]: s for s in done.steps}
    assert steps["s2"]["result"]["error"]["kind"] == "model" and steps["s1"]["status"] == "succeeded"
    assert done.answer and done.answer.status == "partial"


async def test_a_model_that_dies_before_the_end_leaves_the_specialists_own_words(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.says["verifier"] = yard.says["reporter"] = unreachable
    async with at_work(yard) as runner:
        impatient(monkeypatch)
        done = await runner.run("a b")
    assert done.answer and {s.heading for s in done.answer.sections} == {"Product a", "Product b"}
    assert any("the specialists' claims stand as they are" in issue for issue in done.answer.issues)


async def test_a_model_that_dies_while_a_failure_is_mended_costs_only_that(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.says["ben"] = crashing

    def planner(brief: Any, messages: Any) -> Any:
        return unreachable(brief, messages) if brief["plan"] else yard._planner(brief, messages)

    yard.says["planner"] = planner
    async with at_work(yard) as runner:
        impatient(monkeypatch)
        done = await runner.run("a b", on_event=yard.hear)
    assert done.answer and done.answer.status == "partial"
    assert {s["id"]: s["status"] for s in done.steps} == {"s1": "succeeded", "s2": "failed"}


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No seconds between tries."""
    monkeypatch.setattr("models.retry.RetryModel._wait", lambda self, failure, attempt: 0.0)


async def test_a_step_that_takes_too_long(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step has little time; its sibling has plenty, so that a slow machine does not fail it too."""

    def little_for_ben(specialist: str, *more: Any) -> dict[str, Any]:
        return {**grant(specialist, *more), **({"timeout": 0.3} if specialist == "ben" else {})}

    monkeypatch.setattr("graphs.planner.grant", little_for_ben)
    yard.held["look_b"] = asyncio.Event()
    async with at_work(yard) as runner:
        done = await runner.run("a b")
    steps = {s["id"]: s for s in done.steps}
    assert steps["s2"]["result"]["error"] == {"kind": "timeout", "message": "no result within 0.3 s"}
    assert done.answer and done.answer.status == "partial" and len(steps["s2"]["attempts"]) == 2


async def test_a_second_attempt_may_succeed(yard: Yard) -> None:
    tries: list[int] = []

    def ben(brief: Any, messages: Any) -> Any:
        if not turns(messages):
            tries.append(1)
        return chatter(brief, messages) if len(tries) == 1 else act_then_report(brief, messages)

    yard.says["ben"] = ben
    async with at_work(yard) as runner:
        done = await runner.run("a b", on_event=yard.hear)
    assert done.answer and done.answer.status == "complete"
    assert yard.statuses("s2") == ["running", "failed", "running", "succeeded"]


async def test_the_fallback_is_tried_when_the_attempts_are_used_up(yard: Yard) -> None:
    yard.says["cat"] = chatter
    async with at_work(yard) as runner:
        done = await runner.run("c", on_event=yard.hear)
    attempts = done.steps[0]["attempts"]
    assert [(a["specialist"], a["status"]) for a in attempts] == [("cat", "failed"), ("cat", "failed"), ("carl", "succeeded")]
    assert done.answer and done.answer.status == "complete" and done.answer.citations[0].specialist == "carl"


async def test_what_people_refused_is_not_tried_again(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard) as runner:
        waiting = await runner.run("note")
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "reject", "message": "no"}])
    assert [len(s["attempts"]) for s in done.steps] == [1] and done.status == "success"


async def test_a_tool_that_fails_is_told_to_the_specialist_and_the_step_fails_with_its_words(yard: Yard) -> None:
    yard.trouble["look_b"] = [ToolError("the ledger is closed") for _ in range(9)]
    async with at_work(yard) as runner:
        done = await runner.run("a b")
    assert done.answer and any("the ledger is closed" in line for line in done.answer.missing)


@pytest.mark.parametrize(("transient", "kind", "tries"), [(False, "unable", [1]), (True, "tool", [1, 2])])
async def test_what_a_tool_cannot_do_is_not_asked_of_it_again(yard: Yard, transient: bool, kind: str, tries: list[int]) -> None:
    yard.trouble["look_b"] = [ToolError("no line has a date", transient=transient) for _ in range(9)]
    async with at_work(yard) as runner:
        done = await runner.run("a b")
    (step,) = [step for step in done.steps if step["result"] and step["result"]["produces"] == ["b"]]
    assert step["result"]["error"]["kind"] == kind
    assert [attempt["attempt"] for attempt in step["attempts"]] == tries


async def test_who_is_unable_leaves_it_to_the_fallback_at_once(yard: Yard) -> None:
    yard.trouble["look_c"] = [ToolError("no line has a date")]
    yard.steps = [draft("s1", "cat", "c")]
    async with at_work(yard) as runner:
        done = await runner.run("c")
    (step,) = done.steps
    assert [(a["attempt"], a["specialist"]) for a in step["attempts"]] == [(1, "cat"), (3, "carl")]
    assert step["status"] == "succeeded" and done.answer and done.answer.status == "complete"


# -- revisions ------------------------------------------------------------------------------------


def replace(brief: Any) -> Any:
    """Somebody else for what failed, and everything that hung on it anew."""
    failed, number = brief["failures"][-1], brief["next_id"]
    hung = [s for s in brief["plan"]["steps"] if any(ref.startswith(f"{failed['step']}.") for ref in s["inputs"].values())]
    fresh = draft(f"s{number}", "sam", *failed["products"])
    refs = {"a": f"s{number}.a"}
    more = [draft(f"s{number + n}", s["specialist"], *s["produces"], **refs) for n, s in enumerate(hung, 1)]
    drop = [failed["step"], *(s["id"] for s in hung)]
    return {"reason": "sam takes over", "steps": [fresh, *more], "drop": drop, "assumptions": ["sam can do it"]}


async def test_a_revision_replaces_what_failed_and_keeps_what_is_done(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b"), draft("s3", "cat", "c", a="s1.a")]
    yard.says["ann"], yard.revise = chatter, replace
    committed: list[tuple[str, Any]] = []
    async with at_work(yard) as runner:
        done = await runner.run("a b c", on_event=yard.hear)
        committed = await runner.services.executions.plans(done.execution_id)
    _, second = yard.plans()
    assert second["rev"] == 2 and second["parent_rev"] == 1 and second["reason"] == "sam takes over"
    assert second["diff"] == {"added": ["s4", "s5"], "dropped": ["s1", "s3"]}
    assert [p.rev for p in committed] == [1, 2] and committed[1].ids() == ["s2", "s4", "s5"]
    statuses = {s["id"]: s["status"] for s in done.steps}
    assert [statuses[id] for id in ("s1", "s2", "s3", "s4", "s5")] == [
        "failed",
        "succeeded",
        "superseded",
        "succeeded",
        "succeeded",
    ]
    assert yard.calls("look_b") == ["s2"] and yard.calls("spare_a") == ["s4"] and yard.calls("look_c") == ["s5"]
    assert done.answer and done.answer.status == "complete"
    assert any("ann failed and the plan was revised" in issue for issue in done.answer.issues)


async def test_a_revision_is_a_row_before_any_of_its_steps_starts(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a")]
    yard.says["ann"], yard.revise = chatter, replace
    seen: list[list[int]] = []

    async with at_work(yard) as runner:

        def sam(brief: Any, messages: Any) -> Any:
            with runner.services.executions._db.engine.connect() as c:
                seen.append([row[0] for row in c.exec_driver_sql("select rev from plan_revisions order by rev")])
            return act_then_report(brief, messages)

        yard.says["sam"] = sam
        await runner.run("a")
    assert seen[0] == [1, 2]


async def test_two_failures_get_two_thoughts(yard: Yard) -> None:
    """The planner is asked about the second failure too, though nothing could be done about the first."""
    yard.steps = [draft("s1", "ben", "b"), draft("s2", "ann", "a")]
    yard.says["ann"] = yard.says["ben"] = chatter

    def revise(brief: Any) -> Any:
        lost = [f for f in brief["failures"] if f["step"] == "s2"]
        nothing = {"reason": "none", "steps": [], "drop": [], "assumptions": []}
        return {**replace({**brief, "failures": lost}), "drop": ["s2"]} if lost else nothing

    yard.revise = revise
    async with at_work(yard, concurrency=1) as runner:
        done = await runner.run("a b", on_event=yard.hear)
    assert yard.calls("spare_a") == ["s3"]
    assert done.answer and done.answer.status == "partial" and [m.split(" is")[0] for m in done.answer.missing] == ["Product b"]


async def test_a_step_that_a_revision_dropped_is_still_known_to_have_failed(yard: Yard) -> None:
    """The planner of the second revision must not propose what the first one gave up."""
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b"), draft("s3", "dan", "d", a="s1.a")]
    yard.trouble = {name: [ToolError(f"{name} has no dates") for _ in range(9)] for name in ("look_b", "look_d")}
    told: list[list[tuple[str, list[str]]]] = []

    def give_up(brief: Any) -> Any:
        told.append([(failure["step"], failure["products"]) for failure in brief["failures"]])
        number, failed = brief["next_id"], brief["failures"][-1]
        return {
            "reason": "without it",
            "steps": [draft(f"s{number}", "dan", "d")] if failed["step"] == "s2" else [],
            "drop": [failed["step"]],
            "assumptions": [],
        }

    yard.revise = give_up
    async with at_work(yard, revisions=2) as runner:
        done = await runner.run("a b d")
    assert told[0] == [("s2", ["b"])] and told[-1][0] == ("s2", ["b"]), "what a dropped step was to make is not forgotten"
    assert done.answer and any(
        line.startswith("Product b is missing: no b: look_b has no dates") for line in done.answer.missing
    )


async def test_a_revision_that_drops_a_waiting_step_withdraws_its_question(yard: Yard) -> None:
    yard.steps = [draft("s1", "ben", "b"), draft("s2", "clerk", "note")]

    def revise(brief: Any) -> Any:
        fresh = draft(f"s{brief['next_id']}", "ann", "a")
        return {"reason": "another way", "steps": [fresh], "drop": ["s1", "s2"], "assumptions": []}

    waits = asyncio.Event()

    def ben(brief: Any, messages: Any) -> Any:
        return chatter(brief, messages) if waits.is_set() else call(("look_b", {}))

    def heard(event: dict[str, Any]) -> None:
        yard.hear(event)
        if event["event"] == "step" and event["status"] == "waiting_approval":
            waits.set()
            yard.held["look_b"].set()

    yard.says["ben"], yard.revise, yard.held["look_b"] = ben, revise, asyncio.Event()
    async with at_work(yard) as runner:
        done = await asyncio.wait_for(runner.run("b note", on_event=heard), 60)
    assert [(a["status"], a["message"]) for a in done.approvals] == [("void", "plan revision 2 dropped the step")]
    assert yard.statuses("s2")[-1] == "superseded" and yard.notes() == [] and yard.calls("look_a") == ["s3"]
    assert done.answer and done.answer.status == "partial"


@pytest.mark.parametrize("allowed", [0, 2])
async def test_there_is_an_end_to_revising(yard: Yard, allowed: int) -> None:
    def revise(brief: Any) -> Any:
        failed, number = brief["failures"][-1], brief["next_id"]
        fresh = draft(f"s{number}", ("sam", "ann")[number % 2], "a")
        return {"reason": "once more", "steps": [fresh], "drop": [failed["step"]], "assumptions": []}

    yard.steps, yard.revise = [draft("s1", "ann", "a"), draft("s2", "ben", "b")], revise
    yard.says["ann"] = yard.says["sam"] = chatter
    async with at_work(yard, revisions=allowed, step_attempts=1) as runner:
        done = await runner.run("a b", on_event=yard.hear)
        plans = await runner.services.executions.plans(done.execution_id)
    assert len(plans) == 1 + allowed
    assert any(e["event"] == "note" and f"{allowed} revisions were made" in e["text"] for e in yard.events)
    assert done.answer and done.answer.status == "partial" and "Product a is missing" in done.answer.missing[0]


async def test_revisions_are_counted_over_pauses(yard: Yard) -> None:
    def revise(brief: Any) -> Any:
        fresh = draft(f"s{brief['next_id']}", "sam", "a")
        return {"reason": "once more", "steps": [fresh], "drop": [], "assumptions": []}

    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note"), draft("s3", "ben", "b", after={"s2": "success"})]
    yard.revise = revise
    yard.says["ann"] = yard.says["sam"] = yard.says["ben"] = chatter
    async with at_work(yard, revisions=2, step_attempts=1) as runner:
        waiting = await runner.run("a note b")
        done = await runner.resume(waiting.thread_id, decisions=[{"type": "approve"}])
        plans = await runner.services.executions.plans(done.execution_id)
    assert [p.rev for p in plans] == [1, 2, 3]


async def test_with_nothing_done_the_run_has_failed(yard: Yard) -> None:
    yard.says["ann"] = chatter
    async with at_work(yard) as runner:
        done = await runner.run("a")
    assert done.status == "failed" and done.answer and done.answer.status == "failed" and done.answer.missing
