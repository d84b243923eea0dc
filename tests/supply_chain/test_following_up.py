"""Follow-ups on the sample company, with the offline model: what is said next is understood, and evidence is used again."""

from collections.abc import AsyncIterator

import pytest

from app.runner import Outcome, Runner, open_runner
from graphs.markdown import to_markdown
from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records


@pytest.fixture(scope="module")
async def runner(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runner]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    records = open_records(settings)
    make_demo(records.writing)
    records.close()
    async with open_runner(settings) as opened:
        yield opened


async def talk(runner: Runner, *messages: str) -> list[Outcome]:
    said: list[Outcome] = []
    for message in messages:
        said.append(await runner.run(message, thread_id=said[-1].thread_id if said else None))
    return said


def scope_of(outcome: Outcome) -> str:
    assert outcome.answer
    return next(c.scope for c in outcome.answer.citations if c.ref.split(".")[1] == "deliveries")


def reused(outcome: Outcome) -> set[str]:
    return {step["title"] for step in outcome.steps if (step["result"] or {}).get("reused")}


async def test_a_filter_narrows_the_question_before_and_a_year_narrows_it_further(runner: Runner) -> None:
    first, ocean, year, wide = await talk(
        runner, "Which suppliers deliver late?", "only ocean", "redo it with 2014 only", "all modes again"
    )
    assert "mode" not in scope_of(first)
    assert "mode Ocean" in scope_of(ocean) and "2014" not in scope_of(ocean)
    assert "mode Ocean" in scope_of(year) and "in 2014 (year of the scheduled delivery" in scope_of(year)
    assert "mode" not in scope_of(wide) and "2014" in scope_of(wide)
    assert {c.ref.split(".")[1] for c in ocean.answer.citations} <= {"deliveries", "suppliers"}  # type: ignore[union-attr]


async def test_another_supplier_takes_the_place_of_the_one_before(runner: Runner) -> None:
    _, second, third = await talk(
        runner, "Give me a one-page summary of Oskvar Laboratories", "and Kestrelbank Pharma?", "what about Brackwater Pharma?"
    )
    for outcome, name in ((second, "Kestrelbank Pharma"), (third, "Brackwater Pharma plc")):
        assert outcome.status == "success" and outcome.answer
        told = to_markdown(outcome.answer)
        assert name in told and "Oskvar" not in told.partition("##")[2]


async def test_more_products_are_added_to_the_evidence_that_is_there(runner: Runner) -> None:
    first, second = await talk(runner, "Screen our suppliers against the sanctions list", "and which suppliers deliver late?")
    assert second.answer and second.answer.status == "complete"
    assert {"Suppliers and orders", "Sanctions screening"} <= reused(second)
    assert any("Taken over" in line and "Sanctions screening" in line for line in second.answer.reused)
    kept = {step["result"]["thread_id"] for step in first.steps}
    assert {s["result"]["thread_id"] for s in second.steps if s["result"]["reused"]} <= kept


async def test_how_an_answer_came_about_is_told_from_the_record_with_the_same_figures(runner: Runner) -> None:
    first, told = await talk(runner, "Which suppliers deliver late?", "how did you get this?")
    assert told.status == "success" and told.answer and first.answer and told.execution_id == first.execution_id
    text = " ".join(s.text for section in told.answer.sections for s in section.sentences)
    assert "delivery_performance" in text and "of order_lines" in text and "The query: SELECT" in text
    before = {c.ref: c.value for c in first.answer.citations}
    assert {c.ref: c.value for c in told.answer.citations}.items() <= before.items()


async def test_why_one_supplier_stands_above_another_shows_both_rows_and_where_they_differ(runner: Runner) -> None:
    _, told = await talk(
        runner,
        "Score our suppliers by risk, do not open cases",
        "why is Oskvar Laboratories above Halden Biologics?",
    )
    assert told.answer and told.answer.sections[0].tables
    table = told.answer.sections[0].tables[0]
    assert [row["supplier"] for row in table.rows] == ["Oskvar Laboratories", "Halden Biologics Ltd"]
    first = told.answer.sections[0].sentences[0]
    shown = {c.n: c for c in told.answer.citations}
    assert [shown[n].value for n in first.citations] == [row["score"] for row in table.rows]


async def test_a_change_reaches_the_query_that_answered(runner: Runner) -> None:
    first, ocean = await talk(runner, "How many order lines have no mode in 2014?", "redo it with 2013 only")
    assert first.plan and ocean.plan
    assert "2014-12-31" in first.plan["steps"][0]["settings"]["sql"]
    assert "2013-12-31" in ocean.plan["steps"][0]["settings"]["sql"] and "2014" not in ocean.plan["steps"][0]["settings"]["sql"]


async def test_a_select_of_the_users_own_is_run_as_it_is(runner: Runner) -> None:
    sql = "SELECT mode, COUNT(*) AS line_count FROM orders GROUP BY mode ORDER BY mode"
    (only,) = await talk(runner, sql)
    assert only.status == "success" and only.plan and only.plan["steps"][0]["settings"]["sql"] == sql


async def test_records_that_have_changed_are_read_anew(runner: Runner) -> None:
    (first,) = await talk(runner, "Screen our suppliers against the sanctions list")
    make_demo(runner.services.resources.writing, seed=8)
    try:
        second = await runner.run("and which suppliers deliver late?", thread_id=first.thread_id)
        assert second.answer and not reused(second) and not second.answer.reused
    finally:
        make_demo(runner.services.resources.writing)


@pytest.mark.parametrize("message", ["how did you get this?", "why?", "redo it", "also Kenya"])
async def test_a_follow_up_to_nothing_is_no_answer_and_no_crash(runner: Runner, message: str) -> None:
    (only,) = await talk(runner, message)
    assert only.status in ("declined", "clarify") and only.message


async def test_a_goal_of_its_own_on_the_same_thread_carries_no_filter_over(runner: Runner) -> None:
    _, second = await talk(runner, "Which suppliers deliver late by ocean in 2014?", "Which suppliers deliver late?")
    assert "mode" not in scope_of(second) and "in 2014" not in scope_of(second)
