"""Assistants: found, made, versioned; and what their graphs look like."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from langgraph.channels.base import BaseChannel
from langgraph.pregel import Pregel
from pydantic import create_model
from pydantic.errors import PydanticUserError
from starlette.responses import Response

from app.api.answers import ASSISTANT, AssistantId, Serving, answer, empty, page, shown
from app.api.asking import assistant_of
from app.api.bodies import AssistantCreate, AssistantLatest, AssistantPatch, AssistantSearch, AssistantVersions
from app.auth.access import Calling, acting, check_manages
from app.db.assistants import AssistantMissing
from app.service import Service
from governance.identity import Caller

router = APIRouter(prefix="/assistants", tags=["assistants"])
XRAY_DEPTH = 10


@router.post("")
async def create(service: Serving, caller: Calling, body: AssistantCreate) -> Response:
    """A new assistant: a graph with a config of its own."""
    check_manages(caller)
    service.catalogue.entry(body.graph_id)
    fields = body.model_dump(exclude={"assistant_id", "if_exists"})
    org, keep = acting(caller, service).org, body.if_exists == "do_nothing"
    return answer(_shown(await service.assistants.create(body.assistant_id, org=org, keep=keep, **fields)))


@router.post("/search")
async def search(service: Serving, caller: Calling, body: AssistantSearch) -> Response:
    """Assistants by graph, name and metadata; the newest first."""
    rows, total = await _found(service, caller, body)
    names = [name for name in ASSISTANT if not body.select or name in body.select]
    return page([shown(row, names) for row in rows], total, body.offset)


@router.post("/count")
async def count(service: Serving, caller: Calling, body: AssistantSearch) -> Response:
    """How many assistants a search finds."""
    return answer((await _found(service, caller, body.model_copy(update={"limit": 1, "offset": 0})))[1])


@router.get("/{assistant_id}")
async def get(service: Serving, assistant_id: AssistantId) -> Response:
    """An assistant."""
    return answer(_shown(await service.assistants.get(assistant_id)))


@router.patch("/{assistant_id}")
async def change(service: Serving, assistant_id: AssistantId, body: AssistantPatch) -> Response:
    """A new version with these fields changed."""
    if body.graph_id:
        service.catalogue.entry(body.graph_id)
    fields = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    return answer(_shown(await service.assistants.change(assistant_id, **fields)))


@router.delete("/{assistant_id}", status_code=204)
async def delete(service: Serving, assistant_id: AssistantId) -> Response:
    """Delete an assistant with its versions. Threads and runs stay."""
    await service.assistants.delete(assistant_id)
    return empty()


@router.post("/{assistant_id}/versions")
async def versions(service: Serving, assistant_id: AssistantId, body: AssistantVersions) -> Response:
    """An assistant's versions, the newest first."""
    found = await service.assistants.versions(assistant_id, body.metadata or {}, body.limit, body.offset)
    if not found:
        raise AssistantMissing(f"Assistant {assistant_id} not found")
    return answer(found)


@router.post("/{assistant_id}/latest")
async def latest(service: Serving, assistant_id: AssistantId, body: AssistantLatest) -> Response:
    """Use a version from now on."""
    return answer(_shown(await service.assistants.use(assistant_id, body.version)))


@router.get("/{assistant_id}/graph")
async def graph(service: Serving, caller: Calling, assistant_id: str, xray: str = "false") -> Response:
    """The graph's nodes and edges; `xray` opens its subgraphs, to a depth if it is a number."""
    depth = int(xray) if xray.isdigit() else XRAY_DEPTH if xray.lower() == "true" else 0
    found = await _graph(service, caller, assistant_id)
    drawn = (await found.aget_graph(xray=min(depth, XRAY_DEPTH))).to_json()
    for node in drawn["nodes"]:
        if isinstance(node.get("data"), dict):
            node["data"].pop("id", None)  # the Python class that runs it
    return answer(drawn)


@router.get("/{assistant_id}/schemas")
async def schemas(service: Serving, caller: Calling, assistant_id: str) -> Response:
    """The JSON schemas of the graph's input, output, state, config and context; null where it has none that JSON can say."""
    name = (await assistant_of(service, assistant_id, caller))["graph_id"]
    return answer({"graph_id": name, **_schemas(await _graph(service, caller, assistant_id))})


@router.get("/{assistant_id}/subgraphs")
async def subgraphs(service: Serving, caller: Calling, assistant_id: AssistantId, recurse: bool = False) -> Response:
    """The schemas of the graph's subgraphs, by namespace."""
    found = await _graph(service, caller, assistant_id)
    return answer({name: _schemas(one) async for name, one in found.aget_subgraphs(recurse=recurse)})


@router.get("/{assistant_id}/subgraphs/{namespace}")
async def subgraph(
    service: Serving, caller: Calling, assistant_id: AssistantId, namespace: str, recurse: bool = False
) -> Response:
    """The schemas of one subgraph."""
    found = await _graph(service, caller, assistant_id)
    return answer({name: _schemas(one) async for name, one in found.aget_subgraphs(namespace=namespace, recurse=recurse)})


async def _graph(service: Service, caller: Caller | None, name: str) -> Any:
    assistant = await assistant_of(service, name, caller)
    return await service.catalogue.graph(assistant["graph_id"], service.saver, assistant["config"])


def _schemas(graph: Pregel[Any, Any, Any, Any]) -> dict[str, Any]:
    return {
        "input_schema": _schema(graph.get_input_jsonschema),
        "output_schema": _schema(graph.get_output_jsonschema),
        "state_schema": _schema(lambda: _state_schema(graph)),
        "config_schema": _schema(graph.get_config_jsonschema),
        "context_schema": _schema(graph.get_context_jsonschema),
    }


def _state_schema(graph: Pregel[Any, Any, Any, Any]) -> Any:
    """Of the state's channels, by what may be written to them."""
    names = graph.stream_channels_asis
    channels = {name: graph.channels[name] for name in ([names] if isinstance(names, str) else names)}
    fields: dict[str, Any] = {
        name: (channel.UpdateType, None) for name, channel in channels.items() if isinstance(channel, BaseChannel)
    }
    return create_model(f"{graph.get_name()}_state", **fields).model_json_schema()


def _schema(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (PydanticUserError, TypeError, AttributeError, ValueError):  # a type that JSON Schema cannot say
        return None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return shown(row, ASSISTANT)


async def _found(service: Service, caller: Caller | None, body: AssistantSearch) -> tuple[list[dict[str, Any]], int]:
    return await service.assistants.search(
        metadata=body.metadata or {},
        graph_id=body.graph_id,
        name=body.name,
        limit=body.limit,
        offset=body.offset,
        sort_by=body.sort_by or "created_at",
        descending=body.sort_order != "asc",
        org=caller.org if caller else None,
    )
