"""Errors on the wire: `{"detail": text}` with the status that says what kind it is. Every error of the house has its status here."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from langgraph.store.base import InvalidNamespaceError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.audit import LedgerNotSound, NothingRecorded
from app.auth.refusals import NotAdmitted, NotSignedIn, ProviderUnavailable, SignInFailed
from app.catalogue import NotWritable, UnknownGraph
from app.db.assistants import AssistantExists, AssistantMissing
from app.db.crons import BadSchedule, CronMissing
from app.db.filters import BadFilter
from app.db.threads import ThreadExists
from app.fleet.parts import UnknownPart
from app.runs.making import StaleResume, ThreadBusy, ThreadMissing, ThreadReserved
from app.runs.queue import RunMissing
from app.workflows import UnknownRun
from database import DatabaseUnavailable
from governance.approval import (
    AlreadyDecided,
    ApprovalExpired,
    EditDenied,
    EffectsStopped,
    NotAPerson,
    OwnRequest,
    UnknownApproval,
    WrongRole,
)
from governance.budgets import NotRaised, RaiseRefused
from governance.delegations import DelegationRefused
from governance.kill_switch import SwitchRefused
from governance.ledger import LedgerBroken
from governance.loading import LoadRefused
from governance.suspensions import NotSuspended, SuspensionRefused
from graphs.executions import AlreadyRunning, EffectsStand
from graphs.feedback import NoAnswer
from graphs.waits import NobodyWaits
from graphs.workflows import BadWorkflow, NoWorkflow
from tools.settling import CannotSettle
from tools.undoing import CannotUndo

logger = logging.getLogger("clearance")


class Problem(BaseModel):
    """What an error answers."""

    detail: str


class Refused(HTTPException):
    """An answer that a router words itself."""


STATUS: dict[type[Exception], int] = {
    ThreadMissing: 404,
    RunMissing: 404,
    AssistantMissing: 404,
    CronMissing: 404,
    BadSchedule: 422,
    UnknownGraph: 404,
    NotWritable: 422,
    ThreadReserved: 422,
    ThreadExists: 409,
    ThreadBusy: 409,
    StaleResume: 409,
    AssistantExists: 409,
    BadFilter: 422,
    InvalidNamespaceError: 422,
    UnknownApproval: 404,
    NoWorkflow: 404,
    UnknownRun: 404,
    NobodyWaits: 404,
    BadWorkflow: 422,
    WrongRole: 403,
    NotAPerson: 403,
    OwnRequest: 403,
    SwitchRefused: 403,
    LoadRefused: 403,
    SuspensionRefused: 403,
    NotSuspended: 409,
    UnknownPart: 404,
    DelegationRefused: 422,
    AlreadyDecided: 409,
    ApprovalExpired: 409,
    EffectsStopped: 409,
    EditDenied: 403,
    CannotSettle: 403,
    CannotUndo: 422,
    EffectsStand: 409,
    AlreadyRunning: 409,
    NotRaised: 422,
    RaiseRefused: 403,
    LedgerNotSound: 409,
    LedgerBroken: 409,
    NothingRecorded: 404,
    NoAnswer: 409,
    DatabaseUnavailable: 503,
    ProviderUnavailable: 503,
    NotSignedIn: 401,
    NotAdmitted: 403,
    SignInFailed: 403,
}
HEADERS = {401: {"WWW-Authenticate": "Bearer"}}


def status_of(error: Exception) -> int:
    """The status of one of these errors, or of a kind of it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "nobody signed in, or what they showed is not good"},
    413: {"model": Problem, "description": "the body is too large"},
    429: {"model": Problem, "description": "too many requests; Retry-After says when to try again"},
    400: {"model": Problem, "description": "two things were said that exclude each other"},
    403: {"model": Problem, "description": "the caller may not do this"},
    404: {"model": Problem, "description": "there is no such thing"},
    409: {"model": Problem, "description": "it is there already, or held by a run"},
    422: {"model": Problem, "description": "the request cannot be read, or asks for what is not supported"},
    503: {"model": Problem, "description": "the database, or the identity provider, cannot be used now"},
}
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"description": "the run's events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


def install(app: FastAPI) -> None:
    """Let the application answer these errors."""
    for kind, status in STATUS.items():
        app.add_exception_handler(kind, _answering(status))
    app.add_exception_handler(DatabaseUnavailable, _no_database)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _answering(status: int) -> Any:
    async def handler(request: Request, error: Exception) -> Response:
        said = "Not Found" if isinstance(error, RunMissing) else str(error)
        return JSONResponse({"detail": said}, status, HEADERS.get(status))

    return handler


async def _no_database(request: Request, error: Exception) -> Response:
    """Where the database is, and as whom it is asked, is for the log; in local mode whoever calls is who can mend it."""
    logger.warning("%s %s: %s", request.method, request.url.path, error)
    local = request.app.state.service.ways is None
    return JSONResponse({"detail": str(error) if local else "the database cannot be used now: the server's log says why"}, 503)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """A fault of ours: people get a sentence, the server's log the traceback (the framework writes it)."""
    return JSONResponse({"detail": f"this should not have happened: {type(error).__name__}; the server's log says more"}, 500)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": "; ".join(_worded(one) for one in error.errors())}, 422)


def _worded(problem: dict[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return "Invalid JSON in request body"
    said = str(problem["msg"]).removeprefix("Value error, ")
    if said.startswith("Invalid "):
        return said
    place = ".".join(str(part) for part in problem["loc"] if part != "body")
    return f"{place}: {said}" if place else said
