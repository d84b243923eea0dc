"""A run's plan is kept under a name and run again with other values; what may run is decided on the day it runs."""

from typing import Any

import pytest

from app.runner import Outcome, Runner
from app.workflows import UnknownRun, save_workflow
from governance.identity import Caller
from graphs.plan import Wait
from graphs.specialists.base import Mention, Reading
from graphs.waits import wait_of
from graphs.workflows import BadWorkflow, NoWorkflow, Workflow, compare
from tests.graphs.little import Yard, at_work, draft


def with_times(step: dict[str, Any], times: str) -> dict[str, Any]:
    return {**step, "settings": [{"name": "times", "value": times}]}


async def kept(runner: Runner, run: Outcome, *parameters: str, name: str = "mine", **waits: Wait) -> Workflow:
    return await save_workflow(runner.services, runner.caller, name, run.execution_id, parameters, waits)


async def again(runner: Runner, name: str = "mine", version: int | None = None, **parameters: str) -> Outcome:
    chosen: Any = {"name": name, "parameters": parameters} | ({"version": version} if version else {})
    return await runner.run("again", workflow=chosen)


async def test_it_runs_as_it_was_saved_and_takes_values(yard: Yard) -> None:
    yard.steps = [with_times(draft("s1", "ann", "a"), "2"), with_times(draft("s2", "ben", "b", a="s1.a"), "2")]
    yard.reading = lambda goal: Reading(mentions=(Mention("times", "2", "twice"),) if "twice" in goal else ())
    async with at_work(yard) as runner:
        first = await runner.run("a b twice")
        saved = await kept(runner, first, "times")
        assert (saved.version, saved.saved_by, saved.saved_from) == (1, "local", first.execution_id)
        yard.steps = []  # the planner would plan otherwise now; it is not asked
        same = await again(runner, times="twice")
        assert same.status == "success" and same.plan and first.plan
        strip = ("id", "specialist", "inputs", "settings", "tools", "produces")
        told = [[{key: step[key] for key in strip} for step in plan["steps"]] for plan in (first.plan, same.plan)]
        assert told[0] == told[1] and same.plan["cause"] == "workflow"
        assert same.thread_id != first.thread_id and yard.calls("look_a") == ["s1", "s1"]
        other = await again(runner, times="7")
        assert other.plan and [s["settings"] for s in other.plan["steps"]] == [{"times": "7"}, {"times": "7"}]
        assert "times: 7" in (await runner.services.executions.of_thread(other.thread_id))[0].goal


async def test_what_cannot_be_is_said_in_words(yard: Yard) -> None:
    async with at_work(yard) as runner:
        first = await runner.run("a")
        await kept(runner, first, "times")
        for parameters, why in (({}, "needs a value for times"), ({"times": "1", "place": "x"}, "has no parameter place")):
            refused = await again(runner, **parameters)
            assert refused.status == "declined" and why in refused.message
        assert "no workflow other" in (await again(runner, "other")).message
        assert "no workflow mine of version 9" in (await again(runner, version=9, times="1")).message
        for name, parameters, waits, why in (
            ("Bad Name", (), {}, "no name for a workflow"),
            ("mine", ("colour",), {}, "take no such setting; they take: times"),
            ("mine", (), {"s9": Wait(after="1d")}, "no step s9; it has: s1"),
        ):
            with pytest.raises(BadWorkflow, match=why):
                await kept(runner, first, *parameters, name=name, **waits)
        stranger = Caller("eve", "elsewhere", ())
        with pytest.raises(UnknownRun):
            await save_workflow(runner.services, stranger, "mine", first.execution_id, (), {})
        with pytest.raises(NoWorkflow):
            await runner.services.workflows.get("elsewhere", "mine")


async def test_its_effects_are_asked_for_anew(yard: Yard) -> None:
    async with at_work(yard) as runner:
        first = await runner.run("note")
        await runner.vote(first.approvals[0]["id"], "approve")
        assert (await runner.resume(first.thread_id)).status == "success" and len(yard.notes()) == 1
        await kept(runner, first)
        second = await again(runner)
        assert second.status == "interrupted" and len(yard.notes()) == 1
        assert second.approvals[0]["id"] != first.approvals[0]["id"]
        await runner.vote(second.approvals[0]["id"], "approve")
        assert (await runner.resume(second.thread_id)).status == "success" and len(yard.notes()) == 2


async def test_rows_are_found_anew(yard: Yard) -> None:
    yard.steps = [draft("s1", "lister", "parts"), draft("s2", "each", "each", each="s1.parts")]
    async with at_work(yard) as runner:
        first = await runner.run("parts each")
        saved = await kept(runner, first)
        assert saved.plan.ids() == ["s1", "s2"] and len(yard.calls("look_each")) == 3
        yard.rows = 5
        assert (await again(runner)).status == "success"
    assert len(yard.calls("look_each")) == 8


async def test_one_that_rests_on_what_is_gone_does_not_run(yard: Yard) -> None:
    async with at_work(yard) as runner:
        first = await runner.run("a")
        saved = await kept(runner, first)
        gone = saved.plan.steps[0].model_copy(update={"specialist": "nobody"})
        await runner.services.workflows.save(
            runner.caller, saved.model_copy(update={"plan": saved.plan.model_copy(update={"steps": (gone,)})})
        )
        refused = await again(runner)
        assert refused.status == "declined" and "cannot run any more" in refused.message and "'nobody'" in refused.message
        assert (await again(runner, version=1)).status == "success", "what was saved before is still there"


async def test_versions_are_compared(yard: Yard) -> None:
    async with at_work(yard) as runner:
        first = await runner.run("a b")
        one = await kept(runner, first)
        second = await runner.run("a c")
        two = await kept(runner, second, "times", s1=Wait(after="2d"))
        assert (one.version, two.version) == (1, 2)
        told = compare(one, two)
        assert told["changed"]["s1"] == {"wait": [None, {"after": "2d", "until": "", "event": "", "within": ""}]}
        assert told["changed"]["s2"]["produces"] == [["b"], ["c"]] and told["parameters"] == [{}, {"times": None}]
        assert compare(one, one)["changed"] == {} and [w.version for w in await runner.services.workflows.every("local")] == [2]


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("3d", Wait(after="3d")),
        ("event:po.received", Wait(event="po.received")),
        ("event:po within 5d", Wait(event="po", within="5d")),
        ("2027-01-31T09:00+01:00", Wait(until="2027-01-31T09:00+01:00")),
    ],
)
def test_waits_as_people_type_them(text: str, wait: Wait) -> None:
    assert wait_of(text) == wait


@pytest.mark.parametrize("text", ["", "3", "soon", "2027-01-31T09:00", "event:", "event:a b", "3d within 2d"])
def test_no_waits(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        wait_of(text)
