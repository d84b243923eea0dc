"""Custom events, version 1: what a run tells while it runs. Emitted by the graphs through one `Emit`; shown by terminal and UI.

Each event is a flat dict whose `event` names it: plan, step, tool, approval, token, cost, note. They leave the root graph as
`custom` stream chunks, so that any client sees a specialist's progress without its frames in the chat log.
"""

import contextvars
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config
from langgraph.config import get_stream_writer

Emit = Callable[[dict[str, Any]], None]


def silent(event: dict[str, Any]) -> None:
    """An `Emit` that tells nobody."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def captured_writer() -> Emit:
    """The running node's stream writer, usable from child tasks whose own context knows no running node."""
    context, write = contextvars.copy_context(), get_stream_writer()
    return lambda event: context.run(write, event)


def child_context() -> contextvars.Context:
    """A copy of this context (tracing stays) in which a graph that is invoked is no subgraph of the running node."""
    context = contextvars.copy_context()
    context.run(var_child_runnable_config.set, None)
    return context
