"""A run whose budget ends stops cleanly with what it has, and says which budget it was."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from app.runner import Runner
from governance.budgets import Spender, reservations
from governance.policy import PlanFacts, StepFacts
from graphs.planner import left_to_spend
from tests.graphs.little import Yard, at_work, call, draft

THREE = [draft("s1", "ann", "a"), draft("s2", "ben", "b", a="s1.a"), draft("s3", "cat", "c", b="s2.b")]


def limited(yard: Yard, text: str) -> Path:
    file = yard.home / "budgets.toml"
    file.write_text(text)
    return file


async def used(runner: Runner, execution: str) -> dict[str, tuple[int, int]]:
    who = Spender(runner.caller.org, runner.caller.user, execution, "")
    return {f"{one.scope} {one.unit}": (one.used, one.reserved) for one in await runner.services.budgets.accounts(who)}


async def test_when_tool_calls_run_out_the_run_ends_with_what_it_has(yard: Yard) -> None:
    yard.steps = THREE
    async with at_work(yard, budgets=limited(yard, "[run]\ntool_calls = 2")) as runner:
        done = await runner.run("a b c")
        assert await used(runner, done.execution_id) == {"run tool_calls": (2, 0)}
    body = done.as_json()
    assert done.status == "success" and not body["complete"] and len(yard.calls()) == 2
    assert "The size is" in body["answer"]
    assert "the budget of this run is spent: 2 tool calls of 2 tool calls" in str(body["missing"])


async def test_when_model_calls_run_out_even_the_reporter_goes_without(yard: Yard) -> None:
    yard.steps = THREE
    async with at_work(yard, budgets=limited(yard, "[run]\nmodel_calls = 4")) as runner:  # the planner, ann twice, ben once
        done = await runner.run("a b c")
        assert await used(runner, done.execution_id) == {"run model_calls": (4, 0)}
    body = done.as_json()
    assert not body["complete"] and "The size is" in body["answer"]
    assert "4 model calls of 4 model calls" in str(body["missing"])


@pytest.mark.parametrize("scope", ["user", "org"])
async def test_a_day_of_which_nothing_is_left_declines_the_goal(yard: Yard, scope: str) -> None:
    async with at_work(yard, budgets=limited(yard, f"[{scope}]\ntokens = 10")) as runner:
        done = await runner.run("a")
    assert done.status in ("declined", "failed") and "budget" in done.message and yard.calls() == []


async def test_one_step_that_spends_too_much_does_not_take_from_its_siblings(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "dan", "d")]
    yard.says["ann"] = lambda brief, messages: call(("look_a", {"times": len(messages)}), turn=len(messages))
    async with at_work(yard, budgets=limited(yard, "[step]\ntool_calls = 3")) as runner:
        done = await runner.run("a d")
    assert yard.calls("look_a") == ["s1"] * 3 and yard.calls("look_d") == ["s2"]
    assert "the budget of this step is spent" in str(done.as_json()["missing"])


async def test_tokens_and_money_are_settled_at_what_was_used_and_told_as_costs(yard: Yard) -> None:
    file = limited(yard, "[run]\ntokens = 1_000_000\nmoney = 100\n")
    async with at_work(yard, budgets=file, model_price="1/2") as runner:
        done = await runner.run("a", on_event=yard.hear)
        found = await used(runner, done.execution_id)
    told = [e for e in yard.events if e["event"] == "cost"]
    assert told and all(e["budgets"] for e in told if e["role"] != "intake")  # which has no run yet
    tokens, money = found["run tokens"], found["run money"]
    assert tokens[1] == money[1] == 0 and 0 < tokens[0] <= money[0] <= 2 * tokens[0]  # $1 to $2 a million tokens


async def test_a_waiting_run_pays_a_call_once_and_a_raised_budget_lets_it_go_on(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note"), draft("s2", "ann", "a", after={"s1": "success"})]
    async with at_work(yard, budgets=limited(yard, "[run]\ntool_calls = 2")) as runner:
        waits = await runner.run("note a")
        before = await used(runner, waits.execution_id)
        assert waits.status == "interrupted"
        who = Spender(runner.caller.org, runner.caller.user, waits.execution_id, "")
        await runner.services.budgets.raise_limit(runner.caller, who, "run", "tool_calls", 1)
        await runner.vote(str(waits.approvals[0]["id"]), "approve")
        done = await runner.resume(waits.thread_id)
        after = await used(runner, waits.execution_id)
    assert done.as_json()["complete"] and yard.notes() == ["hello"]
    assert (before, after) == ({"run tool_calls": (before["run tool_calls"][0], 0)}, {"run tool_calls": (len(yard.calls()), 0)})


async def test_without_limits_no_meter_is_built_and_nothing_is_counted(yard: Yard) -> None:
    async with at_work(yard) as runner:
        done = await runner.run("a", on_event=yard.hear)
        assert runner.services.spending() is None and await used(runner, done.execution_id) == {}
    assert not any("budgets" in e for e in yard.events)


@pytest.mark.parametrize("scope", ["run", "step"])
async def test_a_step_that_works_for_longer_than_is_left_is_cut_off_and_the_run_ends(yard: Yard, scope: str) -> None:
    yard.steps = [draft("s1", "ann", "a")]
    yard.held["look_a"] = asyncio.Event()  # nobody sets it: only the budget ends this step
    async with at_work(yard, budgets=limited(yard, f"[{scope}]\nseconds = 0.5")) as runner:
        done = await runner.run("a")
        who = Spender(runner.caller.org, runner.caller.user, done.execution_id, "s1")
        (account,) = await runner.services.budgets.accounts(who)
    assert not done.as_json().get("complete")
    assert f"the budget of this {scope} is spent: 0.5 seconds of work have passed" in str(done.as_json())
    assert account.scope == scope and account.used >= 500 >= account.limit


async def test_waiting_for_people_takes_no_time_and_work_does(yard: Yard) -> None:
    yard.steps = [draft("s1", "clerk", "note")]
    async with at_work(yard, budgets=limited(yard, "[run]\nseconds = 600")) as runner:
        waits = await runner.run("note")
        before = await used(runner, waits.execution_id)
        await runner.vote(str(waits.approvals[0]["id"]), "approve")
        assert await used(runner, waits.execution_id) == before  # charged by attempts, of which none is at work
        done = await runner.resume(waits.thread_id)
        after = await used(runner, waits.execution_id)
    assert done.as_json()["complete"] and 0 < before["run seconds"][0] < after["run seconds"][0]


async def test_a_plan_that_would_spend_more_than_is_left_does_not_start(yard: Yard) -> None:
    async with at_work(yard, budgets=limited(yard, "[run]\nspend = 25")) as runner:
        left = await left_to_spend(runner.services, runner.caller, "e1")
        assert left == 2500
        steps = [StepFacts("s1", "clerk", ("write_note",), spend=1500), StepFacts("s2", "clerk", ("write_note",), spend=1001)]
        found = runner.services.engine.check_plan(PlanFacts(runner.caller, tuple(steps), left))
        assert found and "more than the budget has left" in found[0].reason
        assert runner.services.engine.check_plan(PlanFacts(runner.caller, tuple(steps[:1]), left)) == []


async def test_money_without_a_price_is_said_to_be_unknown_or_nothing_is_called(yard: Yard) -> None:
    said = "Money is limited, and what m-1 costs is not known"
    async with at_work(yard, budgets=limited(yard, "[run]\nmoney = 1\n"), model="m-1") as runner:
        done = await runner.run("a", on_event=yard.hear)
        told = [e["budgets"] for e in yard.events if e["event"] == "cost" and e["role"] == "ann"]
        assert told and all((one["used"], one["left"]) == (None, None) for several in told for one in several)
        notes = [e["text"] for e in yard.events if e["event"] == "note"]
        assert (
            len([text for text in notes if said in text]) == 1
            and done.answer
            and any(said in text for text in done.answer.caveats)
        )
    async with at_work(
        yard, budgets=limited(yard, 'without_price = "stop"\n[org]\nmoney = 1\nask = true\n'), model="m-1"
    ) as runner:
        calls = len(yard.calls())
        done = await runner.run("a")
        assert done.status == "declined" and said in done.message and "no call is made" in done.message
        assert len(yard.calls()) == calls and done.approvals == []
    async with at_work(yard, budgets=limited(yard, "[run]\nmoney = 1\n")) as runner:
        assert runner.services.unpriced == "", "the offline model costs nothing"


async def test_of_a_run_that_ended_only_the_sums_are_kept(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    async with at_work(yard, budgets=limited(yard, "[run]\ntool_calls = 9\n[org]\ntool_calls = 99\n")) as runner:
        rows = select(reservations.c.id).where(reservations.c.unit == "tool_calls")
        count: Callable[[], Awaitable[int]] = lambda: runner.services.gateway.db.run(lambda c: len(c.execute(rows).all()))  # noqa: E731
        waits = await runner.run("a note")
        assert await count() == 2 * len(yard.calls()) + 2, "each call, and that which waits, by run and by organisation"
        await runner.vote(str(waits.approvals[0]["id"]), "approve")
        done = await runner.resume(waits.thread_id)
        assert done.as_json()["complete"] and await count() == 0
        assert await used(runner, done.execution_id) == {"run tool_calls": (2, 0), "org tool_calls": (2, 0)}
