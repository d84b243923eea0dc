"""A graph's state as clients read it: one checkpoint of a thread with its tasks. Used by the state router."""

from asyncio import CancelledError
from collections.abc import Mapping
from typing import Any

from langgraph.types import Interrupt, StateSnapshot


def empty(checkpoint: dict[str, Any] | None = None) -> dict[str, Any]:
    """The state of a thread without runs."""
    return {
        "values": {},
        "next": [],
        "tasks": [],
        "metadata": None,
        "created_at": None,
        "checkpoint": checkpoint,
        "parent_checkpoint": None,
        "interrupts": [],
        "checkpoint_id": checkpoint["checkpoint_id"] if checkpoint else None,
        "parent_checkpoint_id": None,
    }


def shown(state: StateSnapshot) -> dict[str, Any]:
    """One state, its subgraphs' states within their tasks where they were asked for."""
    here, before = _checkpoint(state.config), _checkpoint(state.parent_config)
    return {
        "values": state.values,
        "next": list(state.next),
        "tasks": [_task(task) for task in state.tasks],
        "metadata": _public(state.metadata),
        "created_at": state.created_at,
        "checkpoint": here,
        "parent_checkpoint": before,
        "interrupts": [_interrupt(one) for one in state.interrupts],
        "checkpoint_id": here["checkpoint_id"] if here else None,
        "parent_checkpoint_id": before["checkpoint_id"] if before else None,
    }


def waiting(state: StateSnapshot) -> dict[str, list[dict[str, Any]]]:
    """Task id -> its interrupts."""
    return {task.id: [_interrupt(one) for one in task.interrupts] for task in state.tasks if task.interrupts}


def _task(task: Any) -> dict[str, Any]:
    nested = task.state
    return {
        "id": task.id,
        "name": task.name,
        "path": task.path,
        "error": _error(task.error),
        "interrupts": [_interrupt(one) for one in task.interrupts],
        "checkpoint": _checkpoint(nested) if isinstance(nested, Mapping) else None,
        "state": shown(nested) if isinstance(nested, StateSnapshot) else None,
        "result": task.result,
    }


def _error(error: Any) -> str | None:
    """What went wrong in a task. That it was stopped is no error, though LangGraph keeps it as one if it is quick enough."""
    said = error if isinstance(error, str | None) else repr(error)  # one read back is worded already
    return None if said == repr(CancelledError()) else said


def _interrupt(one: Interrupt) -> dict[str, Any]:
    return {"id": one.id, "value": one.value}


def _checkpoint(config: Any) -> dict[str, Any] | None:
    """{checkpoint_id, thread_id, checkpoint_ns} of a config."""
    own = (config or {}).get("configurable")
    if not own:
        return None
    names = ("checkpoint_id", "thread_id", "checkpoint_ns", "checkpoint_map")
    return {"checkpoint_id": None} | {name: own[name] for name in names if name in own}


def _public(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if metadata is None:
        return None
    return {name: value for name, value in metadata.items() if not name.startswith("__") and name != "langgraph_auth_user"}
