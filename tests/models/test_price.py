"""What calls cost and the limit on it: reserved before, settled after, never passed."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from models.budget import Budget, CostLimit
from models.metered import Meter, MeteredModel
from models.price import Price, estimate
from models.recording import Head, Recording
from models.scripted import ScriptedModel
from settings import Settings

DEAR = Price(1_000_000, 1_000_000)  # a dollar a token


def test_a_price_is_read_from_the_setting() -> None:
    assert Price.of("") is None
    assert Price.of("2.50/10") == Price(2.5, 10.0)
    assert Price(2.5, 10.0).cost(1_000_000, 100_000) == 3.5
    with pytest.raises(ValueError, match="model_price"):
        Settings(model_price="cheap")


def test_an_estimate_counts_texts_calls_and_tools() -> None:
    said = AIMessage("", tool_calls=[{"name": "look_up", "args": {"word": "lead"}, "id": "c"}])
    bare = estimate([HumanMessage("a" * 300)], {})
    assert bare == 101
    assert estimate([HumanMessage("a" * 300), said], {}) > bare
    assert estimate([HumanMessage("a" * 300)], {"tools": [{"x": "y" * 300}]}) > bare + 100


async def test_a_call_that_could_pass_the_limit_is_not_made() -> None:
    budget = Budget(DEAR, limit=10, output=4)
    async with budget.call(3) as charge:
        charge.real = (3, 1)
    assert budget.spent == 4
    with pytest.raises(CostLimit, match=r"could cost \$7.0000, and \$4.0000 of the limit of \$10.00 is spent"):
        async with budget.call(3):
            pytest.fail("the call was made")
    assert budget.stopped and budget.spent == 4


async def test_a_call_waits_for_what_others_reserved() -> None:
    budget, first_may_end, order = Budget(DEAR, limit=10, output=4), asyncio.Event(), []

    async def first() -> None:
        async with budget.call(3) as charge:
            order.append("first")
            await first_may_end.wait()
            charge.real = (1, 1)

    async def second() -> None:
        async with budget.call(3) as charge:
            order.append("second")
            charge.real = (1, 1)

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        group.create_task(second())
        for _ in range(5):
            await asyncio.sleep(0)
        assert order == ["first"], "the second would pass the limit while the first is under way"
        first_may_end.set()
    assert order == ["first", "second"] and budget.spent == 4 and not budget.stopped


async def test_nothing_is_left_reserved_by_sums_that_do_not_cancel_out() -> None:
    """0.1 + 0.2 - 0.1 - 0.2 is more than nothing in floating point: the next call would wait for it for ever."""
    budget, ends = Budget(Price(100_000, 0), limit=0.4), [asyncio.Event(), asyncio.Event()]

    async def one(tokens: int, end: asyncio.Event) -> None:
        async with budget.call(tokens) as charge:
            await end.wait()
            charge.real = (1, 0)

    async with asyncio.TaskGroup() as group:
        for tokens, end in zip((1, 2), ends, strict=True):
            group.create_task(one(tokens, end))
        await asyncio.sleep(0)
        assert budget.reserved > 0.3
        for end in ends:
            end.set()
            await asyncio.sleep(0)
    assert budget.reserved == 0
    with pytest.raises(CostLimit):
        async with asyncio.timeout(5), budget.call(3):
            pytest.fail("the call was made")


async def test_a_call_that_ends_badly_is_charged_what_it_sent_and_frees_the_rest() -> None:
    budget = Budget(DEAR, limit=10, output=4)
    with pytest.raises(TimeoutError):
        async with budget.call(3):
            raise TimeoutError
    assert (budget.spent, budget.reserved) == (3, 0)


async def test_the_meter_counts_what_the_model_says_it_used_and_nothing_for_a_refusal() -> None:
    inner = ScriptedModel(script=[AIMessage("yes")], fault="rate_limit")
    meter = Meter(Budget(Price(1_000_000, 0), 1000, 4), Recording(Head("scripted", "here", "2026-03-02")))
    model = MeteredModel(inner=inner, meter=meter)
    with pytest.raises(Exception, match="429"):
        await model.ainvoke("hello there")
    assert meter.budget.spent == 0 and meter.calls[0].error == "HttpFault: HTTP 429"
    assert (await model.ainvoke("hello there")).text == "yes"
    assert (meter.calls[1].sent, meter.calls[1].given, meter.budget.spent) == (10, 10, 10)
    assert [one.error for one in meter.recording.exchanges] == ["HttpFault: HTTP 429", ""]
