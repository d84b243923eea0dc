"""The benchmark in small: both systems run the same steps to the same results, and its figures mean what they say."""

import json
from pathlib import Path

import pytest

from evals.bench.bare import bare_agent, by_bare_agent
from evals.bench.domain import MODULUS
from evals.bench.engine import BenchFailed, bench_services, by_engine, finished
from evals.bench.ledger import EventCost, event_cost
from evals.bench.limits import broken
from evals.bench.measure import Makespan, Memory, StepCost, makespan, memory, slope
from evals.bench.shapes import Shape, fan_out, flagship, random_dag
from evals.bench.show import lines, tables
from evals.bench.waves import by_waves
from graphs import brief
from graphs.plan import StepResult
from graphs.saver import open_saver

GOOD = Makespan("chain of 2", 2, "even", path=0.6, own_path=0.64, engine=0.65, waves=0.7)
COST = StepCost(engine=20.0, bare=12.0, bare_light=10.0)
FLAT = Memory(100, slope=0.4, held=(100.0, 140.0), resident=(1000.0, 1000.0))
EVENT = EventCost(batched=60.0, alone=600.0, bare=400.0, bare_batched=20.0)


def parts(shape: Shape) -> dict[str, int]:
    made: dict[str, int] = {}
    for id, upstream in shape.upstream.items():
        made[id] = (1 + sum(made[other] for other in upstream)) % MODULUS
    return made


@pytest.mark.parametrize("shape", [fan_out(3), flagship(), random_dag(20)], ids=lambda shape: shape.name)
async def test_engine_and_waves_make_the_same_parts(shape: Shape, tmp_path: Path) -> None:
    async with bench_services(tmp_path / "home", {}, len(shape)) as services:
        engine = await by_engine(services, shape.plan())
        waves = await by_waves(services, shape.plan(), tmp_path / "waves.db")
    assert engine.parts == waves.parts == parts(shape)


async def test_a_makespan_is_at_least_the_critical_path() -> None:
    uneven = Shape("slow beside quick", {"s1": (), "s2": (), "s3": ("s1",), "s4": ("s2",)})
    found = await makespan(uneven, "even", 1)
    assert found.path == pytest.approx(0.6)
    assert found.path < found.own_path <= found.engine
    assert found.path < found.waves


async def test_steps_beside_each_other_overlap_and_waves_wait_for_the_slowest(tmp_path: Path) -> None:
    shape = Shape("two chains", {"a1": (), "b1": (), "a2": ("a1",), "b2": ("b1",)})
    seconds = {"a1": 1.0, "a2": 0.0, "b1": 0.0, "b2": 1.0}
    async with bench_services(tmp_path / "home", seconds, len(shape)) as services:
        engine = await by_engine(services, shape.plan())
        waves = await by_waves(services, shape.plan(), tmp_path / "waves.db")
    assert 1.0 <= engine.seconds < 2.0 <= waves.seconds


async def test_the_bare_agent_does_the_same_turns(tmp_path: Path) -> None:
    async with bench_services(tmp_path / "home", {}, 1) as services, open_saver(tmp_path / "bare.db") as saver:
        step = flagship().plan().steps[0]
        agent = bare_agent(saver)
        assert await by_bare_agent(agent, brief.for_specialist("", step, "worker", services.registry)) > 0
        threads = [found async for found in saver.alist(None)]
    said = threads[0].checkpoint["channel_values"]["messages"]
    assert [message.type for message in said] == ["human", "ai", "tool", "ai", "tool"]


async def test_memory_is_sampled_after_the_first_runs() -> None:
    found = await memory(6, every=1)
    assert found.runs == 6
    assert found.held[0] > 0


def test_events_are_written_in_all_four_ways() -> None:
    found = event_cost(2)
    assert min(found.batched, found.alone, found.bare, found.bare_batched) > 0


def test_a_step_without_success_fails_the_benchmark() -> None:
    plan = fan_out(1).plan()
    failed = StepResult(step_id="s1", status="failed", specialist="worker").model_dump(mode="json")
    with pytest.raises(BenchFailed, match="step s1 did not succeed"):
        finished(plan, 1.0, {"s1": failed})


def test_slope_is_that_of_a_line() -> None:
    assert slope([(1, 10.0), (2, 12.0), (3, 14.0)]) == pytest.approx(2.0)


def test_a_limit_that_does_not_hold_is_named() -> None:
    assert broken([GOOD], COST, FLAT, EVENT) == []
    slow = Makespan("chain of 2", 2, "even", path=0.6, own_path=0.6, engine=0.7, waves=0.7)
    large = Makespan("random DAG of 400", 400, "even", path=0.6, own_path=0.6, engine=0.7, waves=0.7)
    wrong = broken(
        [slow, large], StepCost(99.0, 12.0, 10.0), Memory(100, 64.0, (1.0, 2.0), (1.0, 2.0)), EventCost(900, 900, 400, 20)
    )
    assert [sentence.split()[0] for sentence in wrong] == ["chain", "a", "memory", "an"]


def test_figures_are_shown_as_tables_and_as_json_lines() -> None:
    shown = tables([GOOD], COST, FLAT, EVENT)
    assert "| chain of 2 |" in shown and "1.67" in shown
    assert len({len(line) for line in shown.split("\n\n")[0].splitlines()}) == 1
    told = [json.loads(line) for line in lines([GOOD], COST, FLAT, EVENT).splitlines()]
    assert [one["kind"] for one in told] == ["makespan", "step_cost", "memory", "ledger"]
