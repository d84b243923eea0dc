"""A budget that asks: the run waits for its owners, its other steps go on, and what they say decides how it goes on."""

from pathlib import Path
from typing import Any

import pytest

from app.audit import Audit
from app.runner import Outcome, Runner
from governance.approval import EditDenied, OwnRequest, WrongRole
from governance.budgets import Spender
from governance.identity import Caller
from tests.graphs.little import Yard, at_work, call, draft, finding, turns

BO = Caller("bo", "local", ("budget-owner",))
# each of the first two takes one call, the third none that is left
CHAIN = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "cat", "c", b="s2.b")]


def limited(yard: Yard, text: str) -> Path:
    file = yard.home / "budgets.toml"
    file.write_text(text)
    return file


def open_asks(outcome: Outcome) -> list[dict[str, Any]]:
    return [row for row in outcome.approvals if row["tool"] == "raise_budget" and row["status"] == "pending"]


async def sound(runner: Runner) -> None:
    """The ledger holds, and the tables say what it says."""
    found = await Audit(runner.services.settings, runner.services.gateway.db).verify()
    assert [str(fault) for fault in found.faults] == []


async def phases(runner: Runner, execution: str) -> list[tuple[str, str, str]]:
    told = await runner.services.decisions.for_execution(execution)
    return [(one.phase, one.outcome, one.user) for one in told if one.tool in ("raise_budget", "budget")]


async def test_a_run_that_needs_more_waits_for_its_owners_and_goes_on_by_what_they_agree_to(yard: Yard) -> None:
    yard.steps = [*CHAIN, draft("s4", "dan", "d")]
    async with at_work(yard, budgets=limited(yard, "[run]\nask = true\ntool_calls = 2\n")) as runner:
        waits = await runner.run("a b c d")
        (row,) = open_asks(waits)
        assert waits.status == "interrupted" and not waits.may_go_on and len(yard.calls()) == 2
        assert row["args"] == {"budget": "run", "of": waits.execution_id, "unit": "tool_calls", "limit": 2, "more": 1}
        assert "2 tool calls of 2 tool calls" in row["reasons"][0] and row["panels"][0]["roles"] == ("budget-owner",)
        with pytest.raises(OwnRequest):  # who asked for the run owns budgets too, and may not agree to this
            await runner.vote(row["id"], "approve")
        with pytest.raises(WrongRole):
            await runner.vote(row["id"], "approve", voter=Caller("marc", "local", ("risk-manager",)))
        wrong = {**row["args"], "of": "another-run"}
        with pytest.raises(EditDenied, match="only the amount"):
            await runner.vote(row["id"], "edit", voter=BO, args=wrong)
        assert (await runner.resume(waits.thread_id)).status == "interrupted", "nobody agreed yet"
        await runner.vote(row["id"], "edit", voter=BO, args={**row["args"], "more": 2}, message="and one to spare")
        done = await runner.resume(waits.thread_id)
        who = Spender("local", "local", waits.execution_id, "")
        (account,) = await runner.services.budgets.accounts(who)
        assert done.as_json()["complete"] and (account.limit, account.used, account.raised) == (4, 4, 2)
        told = await phases(runner, waits.execution_id)
        assert told.count(("budget", "raised", "bo")) == 1 and told.count(("intent", "go", "local")) == 1
        await sound(runner)


async def test_steps_that_lack_the_same_ask_once_and_a_refusal_ends_them_with_what_was_found(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "dan", "d", after={"s1": "success"})]
    async with at_work(yard, budgets=limited(yard, "[run]\nask = true\ntool_calls = 1\n")) as runner:
        waits = await runner.run("a b d", on_event=yard.hear)
        assert yard.statuses("s2")[-1] == yard.statuses("s3")[-1] == "waiting_approval"
        (row,) = open_asks(waits)
        await runner.vote(row["id"], "reject", voter=BO, message="not this quarter")
        done = await runner.resume(waits.thread_id)
        body = done.as_json()
        assert done.status == "success" and not body["complete"] and "The size is" in body["answer"]
        said = "the budget of this run is spent: 1 tool call of 1 tool call are used or reserved"
        assert said in str(body["missing"]) and "more was refused by bo (not this quarter)" in str(body["missing"])
        assert yard.calls() == ["look_a s1"] and len(open_asks(done)) == 0
        await sound(runner)


async def test_siblings_go_on_while_owners_are_asked_and_a_raise_by_hand_is_an_answer_too(yard: Yard) -> None:
    """ann calls until her step's budget is spent; dan, of another step, ends meanwhile. The next process goes on."""
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "dan", "d")]
    yard.says["ann"] = lambda brief, messages: (
        finding(brief, messages) if turns(messages) > 3 else call(("look_a", {"times": len(messages)}), turn=len(messages))
    )
    file = limited(yard, "[step]\nask = true\ntool_calls = 3\n")
    async with at_work(yard, budgets=file) as runner:
        waits = await runner.run("a d")
        (row,) = open_asks(waits)
        assert row["step_id"] == "s1" and row["args"]["of"] == f"{waits.execution_id}/s1"
        assert yard.calls("look_d") == ["s2"] and yard.calls("look_a") == ["s1"] * 3
    async with at_work(yard, budgets=file) as runner:
        who = Spender("local", "local", waits.execution_id, "s1")
        await runner.services.asking.raise_limit(BO, who, "step", "tool_calls", 1)
        assert open_asks(await runner.outcome(waits.thread_id)) == []
        done = await runner.resume(waits.thread_id)
        assert done.as_json()["complete"] and yard.calls("look_a") == ["s1"] * 4
        await sound(runner)


async def test_model_calls_and_time_are_asked_for_like_calls(yard: Yard) -> None:
    """The planner and both of ann's calls fit, ben's do not; and of time there is none at all."""
    yard.steps = CHAIN[:2]
    text = "[run]\nask = true\nmodel_calls = 4\nseconds = 0\n"
    asked = []
    async with at_work(yard, budgets=limited(yard, text)) as runner:
        outcome = await runner.run("a b")
        while outcome.status == "interrupted":
            (row,) = open_asks(outcome)
            asked.append(row["args"]["unit"])
            more = {"seconds": 600, "model_calls": 10}[row["args"]["unit"]]
            await runner.vote(row["id"], "edit", voter=BO, args={**row["args"], "more": more})
            outcome = await runner.resume(outcome.thread_id)
        assert outcome.as_json()["complete"] and asked == ["seconds", "model_calls"] and len(yard.calls()) == 2
        await sound(runner)


async def test_a_plan_that_cannot_be_paid_for_is_made_once_somebody_agrees(yard: Yard) -> None:
    async with at_work(yard, budgets=limited(yard, "[user]\nask = true\nmodel_calls = 1\n")) as runner:  # the intake's
        waits = await runner.run("a")
        (row,) = open_asks(waits)
        assert (row["args"]["budget"], row["agent"]) == ("user", "planner") and waits.plan is None
        queued = await runner.run("b", thread_id=waits.thread_id)
        assert queued.status == "interrupted" and open_asks(queued) == [row]
        args = {**row["args"], "more": 50}
        await runner.vote(row["id"], "edit", voter=BO, args=args)
        done = await runner.resume(waits.thread_id)
        assert done.as_json()["complete"] and set(yard.calls()) == {"look_a s1", "look_b s1"}
        await sound(runner)
    async with at_work(yard, budgets=limited(yard, "[org]\nask = true\nmodel_calls = 1\n")) as runner:
        runner.caller = Caller("uma", "other", ("requester",))
        waits = await runner.run("a")
        (row,) = open_asks(waits)
        await runner.vote(row["id"], "reject", voter=Caller("bo", "other", ("budget-owner",)))
        done = await runner.resume(waits.thread_id)
        assert done.status == "declined" and "more was refused by bo" in done.message
        await sound(runner)


async def test_a_dry_run_asks_nobody(yard: Yard) -> None:
    yard.steps = CHAIN
    async with at_work(yard, budgets=limited(yard, "[run]\nask = true\ntool_calls = 2\n")) as runner:
        done = await runner.run("a b c", dry_run=True)
    assert done.approvals == [] and "the budget of this run is spent" in str(done.as_json()["missing"])
