"""The audit: what was recorded, is it sound, and that to take away as one signed bundle or as CloudEvents."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.answers import Serving, answer
from app.api.caller import Calling, Viewing
from app.api.governance.shapes import FindingShape, RecordsShape
from app.audit import Audit
from app.audit_query import Asked, matching
from app.cloud_events import cloud_event
from app.service import Service
from graphs.services import Services

router = APIRouter(prefix="/governance/audit", tags=["audit"])


@router.get("/records")
async def records(
    view: Viewing,
    caller: Calling,
    execution_id: str | None = None,
    phase: str | None = None,
    outcome: str | None = None,
    tool: str | None = None,
    user: str | None = None,
    since: Annotated[str | None, Query(description="ISO time in UTC: at or after it", max_length=40)] = None,
    until: Annotated[str | None, Query(description="ISO time in UTC: before it", max_length=40)] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**53, description="only entries before this place in the ledger: `next` of a page")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> RecordsShape:
    """The organisation's ledger, the newest first. Arguments are named by their digests."""
    if execution_id is None:
        view.check_audits()
    else:
        await view.executions(execution_id)
    asked = Asked(caller.org, execution_id, phase, outcome, tool, user, since, until)
    found, following = await matching(view.floors.gateway.db, asked, before, limit)
    return RecordsShape(records=found, next=following)


@router.get("/verify")
async def verify(service: Serving, view: Viewing) -> FindingShape:
    """Does the ledger hold, and do approvals, effects, plans and results agree with it?"""
    view.check_audits()
    found = await _audit(service, view.floors).verify()
    return FindingShape(sound=not found.faults, **{**asdict(found), "faults": [asdict(one) for one in found.faults]})


@router.get("/heads")
async def heads(service: Serving, view: Viewing, caller: Calling) -> list[dict[str, Any]]:
    """Sign where the organisation's ledger ends now, to be held elsewhere."""
    view.check_audits()
    signed = await asyncio.to_thread(_audit(service, view.floors).heads)
    return [one.as_dict() for one in signed if one.statement["org"] == caller.org]


@router.get("/runs/{run}")
async def run_records(view: Viewing, run: str) -> list[list[dict[str, Any]]]:
    """What was recorded of an execution, or of each of a thread's, in order."""
    found = await view.executions(run)
    return [[asdict(one) for one in await view.floors.decisions.for_execution(execution.id)] for execution in found]


@router.get("/runs/{run}/bundle")
async def bundle(service: Serving, view: Viewing, run: str) -> dict[str, Any]:
    """Everything recorded of a run as one signed statement, arguments included. 409 if the ledger does not hold."""
    for execution in await view.executions(run):
        view.check_takes(execution.requester)
    return (await _audit(service, view.floors).bundle(run)).as_dict()


@router.get("/runs/{run}/cloudevents")
async def cloud_events(service: Serving, view: Viewing, run: str) -> Response:
    """A run's events as a batch of CloudEvents 1.0."""
    for execution in await view.executions(run):
        view.check_takes(execution.requester)
    stories = await _audit(service, view.floors).stories(run)
    body = answer([cloud_event(entry) for story in stories for entry in story.entries])
    body.headers["content-type"] = "application/cloudevents-batch+json"
    return body


def _audit(service: Service, floors: Services) -> Audit:
    return Audit(service.settings, floors.gateway.db)
