"""One plan through Clearance's own execute node: execution rows, scheduler, step threads, gateway, savers on disk."""

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.bench.domain import bench_domain, size_of
from evals.bench.model import FixedLatencyModel
from graphs.caller import local_caller
from graphs.events import silent
from graphs.execute import execute
from graphs.executions import Execution
from graphs.plan import Plan, StepResult
from graphs.services import Services, open_services
from graphs.state import State
from settings import Settings


class BenchFailed(RuntimeError):
    """A plan did not come to its end, so its time means nothing; the message names the step."""


@dataclass(frozen=True)
class Ran:
    """One finished run: wall seconds, the seconds each step took, and its part, by which two runs of a plan are compared."""

    seconds: float
    steps: dict[str, float]
    parts: dict[str, int]


@asynccontextmanager
async def bench_services(home: Path, seconds: Mapping[str, float], width: int) -> AsyncIterator[Services]:
    """Real services on files under `home`. `width` steps may run at once, so that the cap is not what is measured."""
    settings = Settings(home=home, concurrency=max(width, 1), database_url="")
    async with open_services(settings, model=FixedLatencyModel(seconds=seconds), domain=bench_domain()) as services:
        yield services


async def open_execution(services: Services, plan: Plan) -> Execution:
    """A new execution of a plan, as the plan node leaves it."""
    id = str(uuid.uuid4())
    caller, today = local_caller(services.settings), services.today().isoformat()
    await services.executions.create(id, str(uuid.uuid4()), caller, plan.reason, {}, today)
    await services.executions.add_revision(id, plan, services.engine.version)
    found = await services.executions.get(id)
    assert found
    return found


async def by_engine(services: Services, plan: Plan) -> Ran:
    """Run a plan and time the execute node from entry to exit. Raises `BenchFailed`."""
    execution = await open_execution(services, plan)
    state: State = {"execution_id": execution.id, "seq": 1, "plan": plan.model_dump(mode="json"), "results": {}}
    began = time.perf_counter()
    left = await execute(services, state, execution.requester, execution.thread_id, "bench", silent)
    seconds = time.perf_counter() - began
    await services.executions.leave(execution.id, "finished")
    return finished(plan, seconds, left["results"])


def finished(plan: Plan, seconds: float, dumped: Mapping[str, Mapping[str, Any]]) -> Ran:
    """The run whose dumped results these are. Raises `BenchFailed` if a step did not succeed."""
    results = {id: StepResult.model_validate(result) for id, result in dumped.items()}
    for id in plan.ids():
        result = results.get(id)
        if not result or result.status != "succeeded":
            why = result.error.message if result and result.error else "it never ran"
            raise BenchFailed(f"{plan.reason}: step {id} did not succeed ({why}), so the benchmark has no time for it")
    parts = {id: size_of(results[id].data["part"]) for id in plan.ids()}
    return Ran(seconds, {id: results[id].seconds for id in plan.ids()}, parts)
