"""The store: items under namespaces, each caller's own, as graphs read and write them in runs of that caller."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from langgraph.store.base import BaseStore
from starlette.responses import Response

from app.api.answers import Serving, answer, empty
from app.api.bodies import ItemDelete, ItemPut, ItemSearch, Namespaces
from app.api.errors import Refused
from app.auth.access import Calling, acting
from app.service import Service
from app.store import OwnStore
from governance.identity import Caller

router = APIRouter(prefix="/store", tags=["store"])


@router.put("/items", status_code=204)
async def put(service: Serving, caller: Calling, body: ItemPut) -> Response:
    """Write an item; one that is there is replaced."""
    await _own(service, caller).aput(tuple(body.namespace), body.key, body.value, body.index, ttl=body.ttl)
    return empty()


@router.get("/items")
async def get(
    service: Serving,
    caller: Calling,
    key: Annotated[str, Query(max_length=1000)],
    namespace: Annotated[str, Query(description="its labels, joined by dots", max_length=2000)] = "",
    refresh_ttl: bool | None = None,
) -> Response:
    """An item."""
    labels = tuple(namespace.split(".")) if namespace else ()
    item = await _own(service, caller).aget(labels, key, refresh_ttl=refresh_ttl)
    if item is None:
        raise Refused(404, "Item not found")
    return answer(_shown(item))


@router.delete("/items", status_code=204)
async def delete(service: Serving, caller: Calling, body: ItemDelete) -> Response:
    """Delete an item, if it is there."""
    await _own(service, caller).adelete(tuple(body.namespace), body.key)
    return empty()


@router.post("/items/search")
async def search(service: Serving, caller: Calling, body: ItemSearch) -> Response:
    """Items under a namespace, by their values."""
    try:
        found = await _own(service, caller).asearch(
            tuple(body.namespace_prefix), filter=body.filter, limit=body.limit, offset=body.offset, refresh_ttl=body.refresh_ttl
        )
    except ValueError as error:  # an operator that no store knows
        raise Refused(422, f"filter: {error}") from None
    return answer({"items": [{**_shown(item), "score": item.score} for item in found]})


@router.post("/namespaces")
async def namespaces(service: Serving, caller: Calling, body: Namespaces) -> Response:
    """The namespaces that have items."""
    found = await _own(service, caller).alist_namespaces(
        prefix=tuple(body.prefix) if body.prefix else None,
        suffix=tuple(body.suffix) if body.suffix else None,
        max_depth=body.max_depth,
        limit=body.limit,
        offset=body.offset,
    )
    return answer({"namespaces": [list(one) for one in found]})


def _own(service: Service, caller: Caller | None) -> BaseStore:
    who = acting(caller, service)
    return OwnStore(service.store, lambda: who)


def _shown(item: Any) -> dict[str, Any]:
    names = ("key", "value", "created_at", "updated_at")
    return {"namespace": list(item.namespace), **{name: getattr(item, name) for name in names}}
