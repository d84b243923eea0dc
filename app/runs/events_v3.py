"""A run's stream for the event protocol, as LangGraph itself emits it. Used by `carry_out.py` for runs that `run.start` made.

The entries go into the thread's one log. What both protocols show keeps the classic name (`values`, `updates`, `custom`); what only
the event protocol shows begins with `v3:`, and the classic streams leave it out.
"""

from collections.abc import AsyncGenerator
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.stream import CheckpointsTransformer, CustomTransformer, UpdatesTransformer

from app.runs.modes import INTERRUPT, OWN
from app.runs.spec import Spec

MODES = ("values", "updates", "custom")
"""What such a run streams that the classic protocol shows too."""
Item = tuple[tuple[str, ...], str, Any]


async def stream(graph: Any, given: Any, config: RunnableConfig, spec: Spec) -> AsyncGenerator[Item, None]:
    """(namespace, name of the entry, data) of everything that is streamed.

    A checkpoint comes before the values it holds, as clients that fork by it expect; LangGraph emits it right behind them, so that
    values wait for their checkpoint only.
    """
    run = await graph.astream_events(
        given,
        config,
        version="v3",
        transformers=(UpdatesTransformer, CustomTransformer, CheckpointsTransformer),
        interrupt_before=spec.interrupt_before,
        interrupt_after=spec.interrupt_after,
        durability=spec.durability,
        context=spec.context,
    )
    held: Item | None = None
    names: dict[tuple[str, ...], str] = {}
    async with run:
        async for event in run:
            item = _item(event, names)
            if item is None:
                continue
            namespace, name, _ = item
            if held is not None:
                late = name == f"{OWN}checkpoints" and namespace == held[0]
                if late:
                    yield item
                yield held
                held = None
                if late:
                    continue
            if name == "values" and spec.durability != "exit":
                held = item
            else:
                yield item
        if held is not None:
            yield held


def light(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """What the event protocol says of a checkpoint: where to fork, not the state."""
    shown = {"id": _id(checkpoint.get("config")), "parent_id": _id(checkpoint.get("parent_config"))}
    metadata = checkpoint.get("metadata") or {}
    shown |= {name: metadata.get(name) for name in ("step", "source")}
    return {name: value for name, value in shown.items() if value is not None}


def _item(event: Any, names: dict[tuple[str, ...], str]) -> Item | None:
    method, params = event["method"], event["params"]
    namespace, data = tuple(params["namespace"]), params["data"]
    if method == "values":
        if params.get("interrupts") and isinstance(data, dict):
            data = {**data, INTERRUPT: params["interrupts"]}
        return namespace, "values", data
    if method == "messages":
        said = data[0]
        return (namespace, f"{OWN}messages", said) if isinstance(said, dict) else None  # whole messages are in the values
    if method == "checkpoints":
        return namespace, f"{OWN}checkpoints", light(data)
    if method == "lifecycle":
        return _of_subgraph(data, names)
    if method in ("updates", "custom"):
        return namespace, method, data
    return namespace, f"{OWN}{method}", data


def _of_subgraph(data: dict[str, Any], names: dict[tuple[str, ...], str]) -> Item:
    """A subgraph's lifecycle, in its own namespace and with its name also at its end."""
    namespace = tuple(data["namespace"])
    if data["event"] == "started":
        names[namespace] = data.get("graph_name", "")
        return namespace, f"{OWN}lifecycle", data
    end = {"event": data["event"], "graph_name": names.get(namespace, "")}
    return namespace, f"{OWN}lifecycle", end | ({"error": data["error"]} if data.get("error") else {})


def _id(config: Any) -> str | None:
    found: str | None = ((config or {}).get("configurable") or {}).get("checkpoint_id")
    return found
