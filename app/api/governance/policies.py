"""The policies: read, checked before they are put in place, and tried on a call."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import Serving
from app.api.caller import Viewing
from app.api.errors import Refused
from app.policies import Call, Policies, problem
from governance.bundle import BadPolicy, load
from graphs.services import Services
from settings import Settings

router = APIRouter(prefix="/governance/policies", tags=["policies"])
Name = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*/[a-z0-9_]+\.cedar|schema\.cedarschema)$")]


class Texts(BaseModel):
    """Policy files by their names under governance/policies, in place of those in use or beside them."""

    model_config = ConfigDict(extra="forbid")
    files: dict[Name, Annotated[str, Field(max_length=1_000_000)]] = Field(max_length=100)


class PoliciesShape(BaseModel):
    """The rules of a bundle, or what is wrong with it and where."""

    valid: bool
    version: str | None
    policies: list[dict[str, Any]]
    problems: list[dict[str, Any]]


class MatrixShape(BaseModel):
    """What comes of each tool for each agent and role."""

    version: str
    tainted: bool
    roles: list[str]
    rows: list[dict[str, Any]]


class ExplainedShape(BaseModel):
    """What comes of a call, by which rules, with which labels, and what would change the answer. `asks`: whom it would ask."""

    version: str
    tool: str
    outcome: str
    asks: str
    rules: list[dict[str, str]]
    labels: list[str]
    changes: list[dict[str, Any]]


@router.get("")
async def read(service: Serving, view: Viewing) -> PoliciesShape:
    """Every rule in use: what it asks, of whom, and where it stands."""
    view.check_audits()
    return PoliciesShape(**await asyncio.to_thread(_told, view.floors, service.settings, None))


@router.get("/files")
async def files(service: Serving, view: Viewing) -> Texts:
    """The policy files in use and their schema, as they are written."""
    view.check_audits()
    return Texts(files=dict((await asyncio.to_thread(_in_use, view.floors, service.settings)).bundle.texts))


@router.post("/validate")
async def validate(service: Serving, view: Viewing, body: Texts) -> PoliciesShape:
    """Would these files be valid in place of those in use? Nothing is changed: an operator puts the files in place."""
    view.check_audits()
    return PoliciesShape(**await asyncio.to_thread(_told, view.floors, service.settings, body.files))


@router.get("/matrix")
async def matrix(service: Serving, view: Viewing, tainted: bool = False) -> MatrixShape:
    """What comes of each tool for each agent and role; `tainted`: after text that others can write was read."""
    view.check_audits()
    return MatrixShape(**await asyncio.to_thread(lambda: _in_use(view.floors, service.settings).matrix(tainted)))


@router.post("/explain")
async def explain(service: Serving, view: Viewing, body: Call) -> ExplainedShape:
    """Explain a call: its outcome, rules and labels, and what would change the answer."""
    view.check_audits()
    _, told = await asyncio.to_thread(lambda: _in_use(view.floors, service.settings).explain(body))
    return ExplainedShape(**told)


def _in_use(floors: Services, settings: Settings) -> Policies:
    try:
        return Policies(floors.domain, load(*floors.domain.policies), floors.registry, settings)
    except BadPolicy as error:
        raise Refused(409, f"the policies were edited and cannot be used; those of before go on deciding: {error}") from None


def _told(floors: Services, settings: Settings, texts: dict[str, str] | None) -> dict[str, Any]:
    try:
        found = _in_use(floors, settings)
        return (found.with_texts(texts) if texts is not None else found).listed()
    except BadPolicy as error:
        return problem(error)
