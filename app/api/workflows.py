"""Workflows: plans kept under a name, and events from other systems that steps of theirs wait for.

A workflow is run like any goal: a run of the orchestrator whose input has `workflow: {name, version?, parameters?}`; so a cron runs
one, too. An event is signed as Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature) with the secret of its sender.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from app.api.answers import Serving, empty
from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.plain_json import NotPlain, check
from app.workflows import save_workflow
from graphs.services import Services
from graphs.waits import wait_of
from graphs.workflows import NAME, BadWorkflow, Workflow, compare
from settings import Settings

router = APIRouter(tags=["workflows"])
Name = Annotated[str, Path(pattern=NAME)]


class Save(BaseModel):
    """`waits` maps a step's id to what it first waits for: `3d`, a moment, or `event:NAME within 5d`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    execution_id: str
    parameters: list[str] = Field(default_factory=list, max_length=50)
    waits: dict[str, str] = Field(default_factory=dict, max_length=100)


class Difference(BaseModel):
    """`changed` maps a step to its fields that differ: before, after."""

    model_config = ConfigDict(populate_by_name=True)

    old: int = Field(alias="from")
    to: int
    added: list[str]
    dropped: list[str]
    changed: dict[str, dict[str, list[Any]]]
    parameters: list[dict[str, str | None]]
    goal: list[str]


class Arrived(BaseModel):
    """The executions that may go on."""

    executions: list[str]


@router.post("/workflows", status_code=201)
async def save(floors: Floors, caller: Calling, view: Viewing, body: Save) -> Workflow:
    """Keep the plan of a run that is the caller's to read as the next version of a name, which is the whole organisation's."""
    await view.execution(body.execution_id, "read")
    try:
        waits = {step: wait_of(text) for step, text in body.waits.items()}
    except ValueError as error:
        raise BadWorkflow(f"waits: {error}") from error
    return await save_workflow(floors, caller, body.name, body.execution_id, body.parameters, waits)


@router.get("/workflows")
async def every(floors: Floors, caller: Calling) -> list[Workflow]:
    """The newest version of each."""
    return await floors.workflows.every(caller.org)


@router.get("/workflows/{name}")
async def get(
    floors: Floors, caller: Calling, name: Name, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Workflow:
    """A version, or the newest."""
    return await floors.workflows.get(caller.org, name, version)


@router.get("/workflows/{name}/compare")
async def differences(
    floors: Floors,
    caller: Calling,
    name: Name,
    old: Annotated[int, Query(ge=1, le=2**31 - 1, alias="from")],
    to: Annotated[int, Query(ge=1, le=2**31 - 1)],
) -> Difference:
    """What is different between two versions."""
    one, other = [await floors.workflows.get(caller.org, name, version) for version in (old, to)]
    return Difference.model_validate(compare(one, other))


@router.delete("/workflows/{name}", status_code=204)
async def remove(floors: Floors, caller: Calling, name: Name) -> Response:
    """Forget all its versions; for who saved the newest, and admins."""
    newest = await floors.workflows.get(caller.org, name)
    if caller.user != newest.saved_by and "admin" not in caller.roles:
        raise Refused(403, f"{name} is {newest.saved_by}'s: only they, or an admin, may remove it")
    await floors.workflows.remove(caller.org, name)
    return empty()


@router.post("/events/{name}", openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}})
async def event(service: Serving, request: Request, name: Annotated[str, Path(max_length=80)]) -> Arrived:
    """Something happened that steps wait for. The body is an object, kept and recorded; `execution_id` in it names one run.

    401 without a valid signature of a known sender; 404 if nobody waits; the same message told again does nothing more.
    """
    raw = await request.body()
    sender = _sender(service.settings, raw, dict(request.headers))
    floors = _floors(service)
    try:
        check(raw)  # whatever its content type is: it is kept
    except NotPlain as error:
        raise Refused(422, str(error)) from None
    data = json.loads(raw) if raw else None
    if not isinstance(data, dict):
        raise Refused(422, "the body must be a JSON object")
    org, _, who = sender.rpartition("/")
    told = await floors.waits.arrive(
        org or service.settings.org,
        name,
        data,
        who,
        execution_id=str(data.get("execution_id") or ""),
        message_id=request.headers["webhook-id"],
    )
    return Arrived(executions=told)


def _floors(service: Serving) -> Services:
    if service.services is None:
        raise Refused(404, "this service serves the graphs of a langgraph.json: nothing here waits for events")
    return service.services


def _sender(settings: Settings, raw: bytes, headers: dict[str, str]) -> str:
    """Whose secret signed this. Raises `Refused` (401)."""
    for sender, secret in settings.event_secrets.items():
        try:
            Webhook(secret.get_secret_value()).verify(raw, headers, json_parse=False)
        except (WebhookVerificationError, ValueError):  # a malformed signature is a wrong one
            continue
        return sender
    raise Refused(401, "no valid signature of a known sender (Standard Webhooks, secrets in CLEARANCE_EVENT_SECRETS)")
