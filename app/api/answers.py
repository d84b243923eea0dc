"""Answers: any value of a graph as a JSON response, and how rows are shown. Used by every router."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import AfterValidator
from starlette.responses import Response

from app.encoding import dumps
from app.service import Service

RUN = ("run_id", "thread_id", "assistant_id", "metadata", "status", "kwargs", "multitask_strategy", "created_at", "updated_at")
THREAD = (
    "thread_id",
    "created_at",
    "updated_at",
    "state_updated_at",
    "metadata",
    "status",
    "config",
    "values",
    "error",
    "interrupts",
)
ASSISTANT = (
    "assistant_id",
    "graph_id",
    "version",
    "name",
    "description",
    "config",
    "context",
    "metadata",
    "created_at",
    "updated_at",
)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(dumps(body), status, dict(headers or {}), "application/json")


def empty(status: int = 204) -> Response:
    return Response(status_code=status)


def shown(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """These columns of a row."""
    return {name: row[name] for name in names}


def page(rows: list[Any], total: int, offset: int) -> Response:
    """A page of a search, with the headers that say where it stands."""
    headers = {"X-Pagination-Total": str(total)}
    if offset + len(rows) < total:
        headers["X-Pagination-Next"] = str(offset + len(rows))
    return answer(rows, headers=headers)


async def service_of(request: Request) -> Service:  # not a plain function: FastAPI would hand each call to a thread
    found: Service = request.app.state.service
    return found


def _uuid(what: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            return str(UUID(text))
        except ValueError:
            raise ValueError(f"Invalid {what} ID: must be a UUID") from None

    return AfterValidator(check)


Serving = Annotated[Service, Depends(service_of)]
ThreadId = Annotated[str, _uuid("thread")]
RunId = Annotated[str, _uuid("run")]
AssistantId = Annotated[str, _uuid("assistant")]
CronId = Annotated[str, _uuid("cron")]
