"""What a run knows of its data as it goes: taint and data classes pass from step to step, into approvals, and into revisions."""

from io import StringIO
from typing import Any

from langchain_core.messages import AIMessage
from rich.console import Console

from app.terminal import approval_panel
from governance.policy import Decision
from tests.graphs.little import READ, Yard, at_work, call, draft, finding, turns

OTHERS = READ.model_copy(update={"output": "untrusted"})
CHAIN = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "clerk", "note", b="s2.b")]


async def the_approval(yard: Yard, goal: str) -> Any:
    """The one approval that a run waits for, and the run's steps by id; read by the next process."""
    async with at_work(yard) as runner:
        left = await runner.run(goal)
    async with at_work(yard) as runner:
        (row,) = await runner.pending(left.thread_id)
        attempts = await runner.services.executions.attempts(left.execution_id)
    return row, {one.step_id: one.result for one in attempts if one.result}


async def test_taint_passes_through_a_trusted_tool_to_whom_its_product_is_handed(yard: Yard) -> None:
    yard.steps, yard.manifests = CHAIN, {"look_a": OTHERS}
    row, done = await the_approval(yard, "a b note")
    assert done["s1"].labels == done["s2"].labels == {"untrusted", "read:internal"}
    assert row.context_labels == {"untrusted", "read:internal"} and "untrusted" in row.labels
    assert [(one["tool"], one["derived"]) for one in row.trace] == [("look_b", True)]
    assert row.rules == ("changes-need-their-approver", "target-pointed-at")


async def test_a_run_that_reads_nothing_of_others_stays_clean(yard: Yard) -> None:
    yard.steps = CHAIN
    row, done = await the_approval(yard, "a b note")
    assert done["s2"].labels == row.context_labels == {"read:internal"}
    assert [one["derived"] for one in row.trace] == [False] and row.rules == ("changes-need-their-approver",)


async def test_an_agents_own_reading_taints_what_it_proposes_next(yard: Yard) -> None:
    def look_then_write(brief: Any, messages: Any) -> AIMessage:
        turn = turns(messages)
        return [call(("look_d", {})), call(("write_note", {}), turn=1)][turn] if turn < 2 else finding(brief, messages)

    yard.manifests["look_d"] = OTHERS.model_copy(update={"data_class": "confidential"})
    yard.steps, yard.says["clerk"] = [draft("s1", "clerk", "d", "note")], look_then_write
    row, _ = await the_approval(yard, "d note")
    assert row.context_labels == frozenset() and [one["tool"] for one in row.trace] == ["look_d"]
    assert {"untrusted", "read:confidential"} <= set(row.labels)


async def test_the_rows_of_a_repeated_step_carry_the_labels_of_their_table(yard: Yard) -> None:
    yard.manifests["look_parts"] = OTHERS
    yard.steps, yard.rows = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")], 2
    async with at_work(yard) as runner:
        done = await runner.run("parts each")
        results = {one.step_id: one.result for one in await runner.services.executions.attempts(done.execution_id)}
    assert all("untrusted" in (results[id] and results[id].labels) for id in ("s2-1", "s2-2"))  # type: ignore[union-attr]


async def test_what_a_tainted_revision_adds_was_not_planned(yard: Yard) -> None:
    def revise(brief: Any) -> Any:
        fresh = draft(f"s{brief['next_id']}", "clerk", "note", a="s1.a")
        return {"reason": "write it down instead", "steps": [fresh], "drop": ["s2"], "assumptions": []}

    yard.manifests["look_a"] = OTHERS
    yard.steps, yard.revise = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a")], revise
    yard.says["ben"] = lambda brief, messages: AIMessage("I would rather not.")
    async with at_work(yard, revisions=1) as runner:
        done = await runner.run("a b")
        revised = (await runner.services.executions.plans(done.execution_id))[-1]
        decided = [one for one in await runner.services.decisions.for_execution(done.execution_id) if one.tool == "write_note"]
    assert [step.tainted for step in revised.steps] == [False, True]
    assert yard.notes() == [] and decided[0].outcome == "deny" and "not-asked" in decided[0].rules


async def test_each_result_is_one_object_for_the_policy_and_says_who_confirmed_it(yard: Yard) -> None:
    seen: dict[str, list[Any]] = {}
    yard.steps = [
        draft("s1", "ann", "a"),
        *(draft(f"s{n}", name, p, a="s1.a") for n, name, p in ((2, "ben", "b"), (3, "cat", "c"))),
    ]
    async with at_work(yard) as runner:
        engine = runner.services.gateway._engine
        decide = engine.decide

        def listening(facts: Any) -> Decision:
            seen.setdefault(facts.step_id, []).extend(facts.trace)
            assert facts.request == "a b c" and facts.now is not None and facts.planned in (facts.granted, None)
            return decide(facts)

        engine.decide = listening  # type: ignore[method-assign]
        await runner.run("a b c")
    assert len({id(one) for step in ("s2", "s3") for one in seen[step]}) == 1
    assert seen["s2"][0].tool == "look_a" and not seen["s2"][0].confirmed


async def test_labels_outlive_the_process_and_are_shown_to_who_approves(yard: Yard) -> None:
    """Stopped at an approval and resumed by another process: the step that starts then knows what was read before."""
    yard.manifests["look_a"] = OTHERS
    yard.steps = [
        draft("s1", "ann", "a"),
        draft("s2", "clerk", "note", a="s1.a"),
        draft("s3", "ben", "b", after={"s2": "success"}, a="s1.a"),
    ]
    async with at_work(yard) as runner:
        left = await runner.run("a b note")
        (row,) = await runner.pending(left.thread_id)
        assert yard.calls("look_b") == []
    console = Console(record=True, width=200, file=StringIO())
    console.print(approval_panel(row, 1, 1))
    assert "the agent has read text that others can write" in console.export_text()
    async with at_work(yard) as runner:
        assert (await runner.resume(left.thread_id, decisions=[{"type": "approve"}])).status == "success"
        decided = [one for one in await runner.services.decisions.for_execution(left.execution_id) if one.step_id == "s3"]
    assert decided[0].tool == "look_b" and "untrusted" in decided[0].labels


async def test_a_step_may_use_only_what_its_plan_granted_before_and_after_a_revision(yard: Yard) -> None:
    def grabs(brief: Any, messages: Any) -> AIMessage:
        return finding(brief, messages) if turns(messages) else call(("look_d", {}), ("send_wire", {}), ("write_note", {}))

    def revise(brief: Any) -> Any:
        fresh = draft(f"s{brief['next_id']}", "clerk", "d")
        return {"reason": "look again", "steps": [fresh], "drop": ["s2"], "assumptions": []}

    yard.steps, yard.revise = [draft("s1", "clerk", "d"), draft("s2", "ben", "b", after={"s1": "done"})], revise
    yard.says = {"clerk": grabs, "ben": lambda brief, messages: AIMessage("I would rather not.")}
    async with at_work(yard, revisions=1) as runner:
        done = await runner.run("d b")
        plans = await runner.services.executions.plans(done.execution_id)
        log = await runner.services.decisions.for_execution(done.execution_id)
    steps = {step.id for plan in plans for step in plan.steps if step.specialist == "clerk"}
    refused = {(one.step_id, one.tool) for one in log if one.phase == "violation" and one.rules == ("not-granted",)}
    assert len(plans) == len(steps) == 2 and refused == {(id, tool) for id in steps for tool in ("send_wire", "write_note")}
    assert yard.notes() == [] and yard.calls("send_wire") == []
