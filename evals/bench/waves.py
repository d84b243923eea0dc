"""The baseline: a LangGraph graph that runs a plan in waves. `Send` dispatches every step that is ready, then waits for all.

Each step is carried out by the same `StepRunner` as in the engine, on the same files, so only the dispatching differs.
"""

import asyncio
import operator
import time
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from evals.bench.engine import Ran, finished, open_execution
from graphs.events import child_context, silent
from graphs.plan import Plan, StepResult, needs
from graphs.saver import open_saver
from graphs.scheduler import Waiting
from graphs.services import Services
from graphs.step import StepRunner
from graphs.trace import Products


class WaveState(TypedDict):
    """`done` maps the id of each finished step to its dumped result."""

    done: Annotated[dict[str, dict[str, Any]], operator.or_]


async def by_waves(services: Services, plan: Plan, checkpoints: Path) -> Ran:
    """Run a plan and time the graph from entry to exit; its own thread is saved in `checkpoints`. Raises `BenchFailed`."""
    execution = await open_execution(services, plan)
    runner = StepRunner(services, execution, silent, Products(services.registry.manifests()))

    def wave(state: WaveState) -> dict[str, Any]:  # where a wave's steps meet again
        return {}

    def dispatch(state: WaveState) -> list[Send] | str:
        done = state["done"]
        ready = [step for step in plan.steps if step.id not in done and set(needs(step)) <= set(done)]
        return [Send("work", {"id": s.id, "done": {id: done[id] for id in needs(s)}}) for s in ready] or END

    async def work(task: dict[str, Any]) -> dict[str, Any]:
        step, done = plan.step(task["id"]), {id: StepResult.model_validate(r) for id, r in task["done"].items()}
        carried = runner.attempt(step, 1, step.specialist, done)
        outcome = await asyncio.create_task(carried, context=child_context())
        assert not isinstance(outcome, Waiting), "the benchmark's tool needs no approval"
        return {"done": {step.id: outcome.model_dump(mode="json")}}

    graph = StateGraph(WaveState)
    graph.add_node("wave", wave)
    graph.add_node("work", work)  # type: ignore[arg-type]  # LangGraph's types know no Send payload
    graph.add_edge(START, "wave")
    graph.add_conditional_edges("wave", dispatch, ["work", END])
    graph.add_edge("work", "wave")
    async with open_saver(checkpoints) as saver:
        app = graph.compile(checkpointer=saver)
        began = time.perf_counter()
        config = {"configurable": {"thread_id": execution.thread_id}, "recursion_limit": 2 * len(plan.steps) + 10}
        left = await app.ainvoke({"done": {}}, config)  # type: ignore[call-overload]  # a state of our own
        seconds = time.perf_counter() - began
    await services.executions.leave(execution.id, "finished")
    return finished(plan, seconds, left["done"])
