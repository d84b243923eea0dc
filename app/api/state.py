"""A thread's state and history, read and changed through its graph."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from langchain_core.runnables import RunnableConfig
from langgraph.errors import InvalidUpdateError
from starlette.responses import Response

from app import snapshots
from app.api.answers import Serving, ThreadId, answer
from app.api.bodies import History, StateAt, StateUpdate
from app.api.errors import Refused
from app.encoding import plain
from app.runs.spec import Ending
from app.service import Service

router = APIRouter(tags=["thread state"])


@router.get("/threads/{thread_id}/state")
async def get_state(service: Serving, thread_id: ThreadId, subgraphs: bool = False) -> Response:
    """The newest state."""
    return answer(await _state(service, thread_id, {}, subgraphs))


@router.get("/threads/{thread_id}/state/{checkpoint_id}")
async def get_state_at(service: Serving, thread_id: ThreadId, checkpoint_id: str, subgraphs: bool = False) -> Response:
    """The state at a checkpoint."""
    return answer(await _state(service, thread_id, {"checkpoint_id": checkpoint_id}, subgraphs))


@router.post("/threads/{thread_id}/state/checkpoint")
async def post_state_at(service: Serving, thread_id: ThreadId, body: StateAt) -> Response:
    """The state at a checkpoint, also of a subgraph."""
    return answer(await _state(service, thread_id, body.checkpoint, body.subgraphs))


@router.post("/threads/{thread_id}/state")
async def update_state(service: Serving, thread_id: ThreadId, body: StateUpdate) -> Response:
    """Write values as if a node had; the new checkpoint. 409 while a run holds the thread."""
    row = await service.threads.idle(thread_id)
    graph, base = (
        await _graph(service, row),
        {"checkpoint_id": body.checkpoint_id} if body.checkpoint_id else body.checkpoint or {},
    )
    if graph is None:
        raise Refused(
            400, f"Thread {thread_id} has no graph yet: run an assistant on it first, or give it the metadata graph_id"
        )
    service.catalogue.entry(row["metadata"]["graph_id"]).refuse_kept(body.values)
    config = _config(thread_id, base, row["metadata"])
    try:
        with _followed():
            made = await graph.aupdate_state(config, body.values, body.as_node)
    except InvalidUpdateError as error:
        raise Refused(400, str(error)) from None
    except (KeyError, TypeError, AttributeError) as error:  # an edge of the graph that cannot read what the state says now
        raise Refused(400, f"the graph cannot go on from there: {type(error).__name__}: {error}") from None
    state = await graph.aget_state(_config(thread_id, {}))
    await service.threads.stands(
        thread_id, Ending("success", plain(state.values), plain(snapshots.waiting(state)), tuple(state.next))
    )
    names = ("thread_id", "checkpoint_ns", "checkpoint_id")
    checkpoint = {name: made["configurable"].get(name, "") for name in names}
    return answer({"checkpoint": checkpoint, "configurable": checkpoint, "checkpoint_id": checkpoint["checkpoint_id"]})


@router.get("/threads/{thread_id}/history")
async def get_history(
    service: Serving, thread_id: ThreadId, limit: Annotated[int, Query(ge=1, le=1000)] = 10, before: str | None = None
) -> Response:
    """The thread's states, the newest first."""
    return answer(await _history(service, thread_id, History(limit=limit, before=before)))


@router.post("/threads/{thread_id}/history")
async def post_history(service: Serving, thread_id: ThreadId, body: History = Body(default_factory=History)) -> Response:
    """The thread's states, the newest first; of a subgraph with its checkpoint's namespace."""
    return answer(await _history(service, thread_id, body))


async def _state(service: Service, thread_id: str, point: dict[str, Any], subgraphs: bool) -> dict[str, Any]:
    graph = await _graph(service, await service.threads.get(thread_id))
    with _followed():
        state = await graph.aget_state(_config(thread_id, point), subgraphs=subgraphs) if graph is not None else None
    if state is None or not state.created_at:
        id = point.get("checkpoint_id")
        return snapshots.empty({"checkpoint_id": id, "thread_id": thread_id} if id else None)
    return snapshots.shown(state)


async def _history(service: Service, thread_id: str, body: History) -> list[dict[str, Any]]:
    graph = await _graph(service, await service.threads.get(thread_id))
    if graph is None:
        return []
    point = {name: value for name, value in (body.checkpoint or {}).items() if name == "checkpoint_ns"}
    start: dict[str, Any] = {"checkpoint_id": body.before} if isinstance(body.before, str) else body.before or {}
    before = _config(thread_id, start.get("configurable", start)) if start else None
    with _followed():
        states = graph.aget_state_history(_config(thread_id, point), filter=body.metadata, before=before, limit=body.limit)
        return [snapshots.shown(state) async for state in states]


@contextmanager
def _followed() -> Iterator[None]:
    """Raises `Refused` (422) for a namespace or a filter that LangGraph, whose words these are, cannot follow."""
    try:
        yield
    except ValueError as error:
        raise Refused(422, str(error)) from None


async def _graph(service: Service, row: dict[str, Any]) -> Any:
    """The graph of a thread's last run; None if it never had one."""
    name = row["metadata"].get("graph_id")
    if name not in service.catalogue.entries:
        return None
    return await service.catalogue.graph(name, service.saver, _config(row["thread_id"], {}))


def _config(thread_id: str, point: dict[str, Any], metadata: dict[str, Any] | None = None) -> RunnableConfig:
    own = {name: value for name, value in point.items() if name in ("checkpoint_id", "checkpoint_ns", "checkpoint_map")}
    return {"configurable": {"checkpoint_ns": "", **own, "thread_id": thread_id}, "metadata": metadata or {}}
