"""Carries out one run: the graph is streamed, its events are worded and told, and it is said how the thread stands at the end.

Knows neither rows nor leases: the worker hands it a graph and a `Claim`, takes its events and its `Ending`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, Send

from app.encoding import plain
from app.runs import events_v3
from app.runs.lease import LeaseLost
from app.runs.modes import INTERRUPT, Wording, graph_modes
from app.runs.spec import Claim, Ending, Spec
from governance.identity import Caller

Tell = Callable[[str, Any], None]
LANGGRAPH = version("langgraph")


async def carry_out(building: Awaitable[Any], claim: Claim, tell: Tell) -> Ending:
    """Run the graph from its input, or from its own checkpoint if it has one already, to its end or its next pause.

    Whatever the graph raises is told as an `error` event and is the run's ending; only a cancellation goes through.
    """
    config = config_of(claim)
    tell("metadata", {"run_id": claim.run_id, "attempt": claim.attempt})
    wording, values, graph = Wording(claim.spec.stream_mode), None, None
    try:
        graph = await building
        given = None if claim.attempt > 1 and await _has_begun(graph, config, claim.run_id) else given_of(claim.spec)
        async with aclosing(_stream(graph, given, config, claim.spec)) as stream:
            async for namespace, mode, data in stream:
                for event, body in wording.events(namespace, mode, data):
                    tell(event, body)
                if mode == "values" and not namespace:
                    values = data
    except LeaseLost:
        raise
    except Exception as error:  # a graph is anybody's code: whatever it raises ends this run, and only this run
        said = {"error": type(error).__name__, "message": str(error)}
        tell("error", said)
        return await _failed(graph, config, said)
    paused = claim.spec.interrupt_before or claim.spec.interrupt_after or (isinstance(values, dict) and INTERRUPT in values)
    if paused or values is None:
        return await standing(graph, config, "success")
    return Ending("success", plain(values))


async def _failed(graph: Any, config: RunnableConfig, said: dict[str, str]) -> Ending:
    """The ending of a run that raised, with the thread's state if that can be read at all: an input that its channels refuse is
    in the checkpoint already."""
    try:
        return await standing(graph, config, "error", said) if graph is not None else Ending("error", error=said)
    except LeaseLost:
        raise
    except Exception:  # whatever the graph's own channels raise again: the run has ended, and is not to be tried again
        return Ending("error", error=said)


async def standing(graph: Any, config: RunnableConfig, status: str, error: dict[str, str] | None = None) -> Ending:
    """An ending, with the thread as its newest checkpoint says it is."""
    state = await graph.aget_state(latest(config))
    waiting = {
        task.id: [{"id": one.id, "value": one.value} for one in task.interrupts] for task in state.tasks if task.interrupts
    }
    return Ending(status, plain(state.values), plain(waiting), tuple(state.next), error)


def config_of(claim: Claim) -> RunnableConfig:
    """The config of a run: the request's, and what only the server may say."""
    asked = claim.spec.config
    ids = {
        "run_id": claim.run_id,
        "thread_id": claim.thread_id,
        "graph_id": claim.graph_id,
        "assistant_id": claim.assistant_id,
    }
    metadata = {**claim.metadata, **ids, "run_attempt": claim.attempt, "langgraph_version": LANGGRAPH}
    configurable = {"checkpoint_ns": "", **(asked.get("configurable") or {}), **ids}
    if claim.spec.caller:
        configurable["langgraph_auth_user"] = Caller.from_dict(claim.spec.caller)
    config: dict[str, Any] = {**asked, "configurable": configurable, "metadata": metadata, "run_id": claim.run_id}
    return config  # type: ignore[return-value]  # a RunnableConfig is such a dict


def latest(config: RunnableConfig) -> RunnableConfig:
    """The same thread's newest checkpoint, whichever the run started from."""
    own = {name: value for name, value in config["configurable"].items() if name not in ("checkpoint_id", "checkpoint_map")}
    return {**config, "configurable": own}


def given_of(spec: Spec) -> Any:
    """The graph's input: a command, or the input as it came."""
    if not spec.command:
        return spec.input
    command = dict(spec.command)
    goto = command.get("goto")
    if goto is not None:
        places = goto if isinstance(goto, list) else [goto]
        command["goto"] = [Send(place["node"], place.get("input")) if isinstance(place, dict) else place for place in places]
    if isinstance(command.get("update"), list):
        command["update"] = [tuple(one) for one in command["update"]]
    return Command(**command)


async def _has_begun(graph: Any, config: RunnableConfig, run_id: str) -> bool:
    """Did an earlier attempt of the run write a checkpoint? Then the run goes on from there."""
    state = await graph.aget_state(latest(config))
    return bool(state.metadata) and state.metadata.get("run_id") == run_id


async def _stream(
    graph: Any, given: Any, config: RunnableConfig, spec: Spec
) -> AsyncGenerator[tuple[tuple[str, ...], str, Any], None]:
    """(namespace, mode, data) of everything that LangGraph streams."""
    if spec.protocol:
        async with aclosing(events_v3.stream(graph, given, config, spec)) as items:
            async for item in items:
                yield item
        return
    options: dict[str, Any] = dict(
        stream_mode=graph_modes(spec.stream_mode),
        subgraphs=spec.subgraphs,
        interrupt_before=spec.interrupt_before,
        interrupt_after=spec.interrupt_after,
        durability=spec.durability,
        context=spec.context,
    )
    if "events" not in spec.stream_mode:
        async for item in graph.astream(given, config, **options):
            yield item if spec.subgraphs else ((), *item)
        return
    async for event in graph.astream_events(given, config, version="v2", **options):
        if event["event"] == "on_chain_stream" and event["run_id"] == str(config.get("run_id")):
            item = event["data"]["chunk"]
            yield item if spec.subgraphs else ((), *item)
        else:
            yield (), "events", event
