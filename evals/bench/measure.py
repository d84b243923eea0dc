"""The three measurements: makespans over the ladder, the cost of a step, the slope of memory. Called by the command and tests.

Two systems are always measured in turns, and the best of several runs counts: on a shared machine noise only ever adds.
"""

import gc
import tempfile
import tracemalloc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from evals.bench.bare import bare_agent, by_bare_agent
from evals.bench.engine import BenchFailed, bench_services, by_engine
from evals.bench.shapes import Latency, Shape, chain, flagship
from evals.bench.waves import by_waves
from graphs import brief
from graphs.plan import critical_path
from graphs.saver import open_saver

TURNS = 20  # steps of one sample of the cost
KIB = 1024


@dataclass(frozen=True)
class Makespan:
    """One shape under one latency. Seconds of wall time, best of the repetitions.

    `path` is the critical path in model time alone: no engine can be faster. `own_path` is the critical path over the steps as
    they took in the engine's best run, with all that a step does itself: what lies above it is the scheduler's.
    """

    shape: str
    steps: int
    latency: Latency
    path: float
    own_path: float
    engine: float
    waves: float

    @property
    def ratio(self) -> float:
        return self.engine / self.path

    @property
    def own_ratio(self) -> float:
        return self.engine / self.own_path

    @property
    def waves_ratio(self) -> float:
        return self.waves / self.path


@dataclass(frozen=True)
class StepCost:
    """Milliseconds of one step whose model takes no time, best of the rounds.

    `bare` is `create_agent` with the SQLite saver as it comes (every write reaches the disk); `bare_light` with Clearance's
    own saver, which leaves the reaching to the system.
    """

    engine: float
    bare: float
    bare_light: float

    @property
    def ratio(self) -> float:
        return self.engine / self.bare

    @property
    def light_ratio(self) -> float:
        return self.engine / self.bare_light


@dataclass(frozen=True)
class Memory:
    """Memory over runs of one shape, after a full collection. `slope` in KiB a run, over all but the first fifth of the runs.

    `held` is what Python holds (KiB, first and last sample); `resident` what the system gave (KiB; zeros where unknown).
    """

    runs: int
    slope: float
    held: tuple[float, float]
    resident: tuple[float, float]


async def makespan(shape: Shape, latency: Latency, times: int) -> Makespan:
    """Run a shape `times` times in each system, in turns. Raises `BenchFailed` if they come to different results."""
    plan, seconds = shape.plan(), shape.seconds(latency)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with bench_services(home / "home", seconds, len(shape)) as services:
            engine, waves = [], []
            for _ in range(times):
                engine.append(await by_engine(services, plan))
                waves.append(await by_waves(services, plan, home / "waves.db"))
                if engine[-1].parts != waves[-1].parts:
                    raise BenchFailed(f"{shape.name}: engine and waves made different parts")
    best = min(engine, key=lambda run: run.seconds)
    return Makespan(
        shape=shape.name,
        steps=len(shape),
        latency=latency,
        path=critical_path(plan, seconds),
        own_path=critical_path(plan, best.steps),
        engine=best.seconds,
        waves=min(run.seconds for run in waves),
    )


async def step_cost(rounds: int) -> StepCost:
    """A chain of steps in the engine, and the same turns one after another by bare agents, in turns; one round warms up."""
    plan = chain(TURNS).plan()
    samples: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with AsyncExitStack() as opened:
            services = await opened.enter_async_context(bench_services(home / "home", {}, 1))
            task = brief.for_specialist(plan.reason, plan.steps[0], "worker", services.registry)
            stock = await opened.enter_async_context(AsyncSqliteSaver.from_conn_string(str(home / "stock.db")))
            light = await opened.enter_async_context(open_saver(home / "light.db"))
            bare, bare_light = bare_agent(stock), bare_agent(light)
            for _ in range(rounds + 1):
                engine = (await by_engine(services, plan)).seconds
                plain = sum([await by_bare_agent(bare, task) for _ in range(TURNS)])
                samples.append((engine, plain, sum([await by_bare_agent(bare_light, task) for _ in range(TURNS)])))
    best = [min(column) * 1000 / TURNS for column in zip(*samples[1:], strict=True)]
    return StepCost(*best)


async def memory(runs: int, every: int = 5) -> Memory:
    """The flagship's shape again and again in one process, without any model time."""
    shape = flagship()
    plan, taken = shape.plan(), []
    with tempfile.TemporaryDirectory() as folder:
        async with bench_services(Path(folder), {}, len(shape)) as services:
            await by_engine(services, plan)  # imports and caches
            tracemalloc.start()
            try:
                for number in range(1, runs + 1):
                    await by_engine(services, plan)
                    if number % every == 0:
                        gc.collect()
                        taken.append((number, tracemalloc.get_traced_memory()[0] / KIB, resident()))
            finally:
                tracemalloc.stop()
    steady = taken[len(taken) // 5 :]
    return Memory(runs, slope([(n, held) for n, held, _ in steady]), (taken[0][1], taken[-1][1]), (taken[0][2], taken[-1][2]))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line nearest to the points."""
    return linear_regression([x for x, _ in points], [y for _, y in points]).slope


def resident() -> float:
    """KiB of memory the system has given this process, or zero where it does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:  # no Linux
        return 0.0
    return next((float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)
