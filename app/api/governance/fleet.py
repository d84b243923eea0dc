"""The fleet: one specialist or tool taken out of service and put back. Every try is in the ledger, also a refused one."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.shapes import Shape
from app.fleet.parts import check_part
from governance.suspensions import Kind

router = APIRouter(prefix="/governance/fleet", tags=["fleet"])


class PartBody(BaseModel):
    """Which specialist or tool, and why."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    name: Annotated[str, Field(max_length=100)]
    reason: str = Field(max_length=10_000)


class SuspensionShape(Shape):
    """What is out of service: by whom, why, since when."""

    kind: Kind
    name: str
    by: str
    reason: str
    at: str


@router.post("/suspend")
async def suspend(floors: Floors, caller: Calling, body: PartBody) -> SuspensionShape:
    """Take a specialist or a tool out of service for the caller's organisation; takes the role of an operator.

    No step of the specialist begins and no call of the tool; an effect that had its intent before is carried out. Suspended again, it
    is for the newer reason.
    """
    _check(body)
    check_part(floors, body.kind, body.name)
    return SuspensionShape.model_validate(await floors.suspensions.suspend(caller, body.kind, body.name, body.reason))


@router.post("/resume", status_code=204)
async def resume(floors: Floors, caller: Calling, body: PartBody) -> None:
    """Put it back into service. 409 if it is not suspended."""
    _check(body)
    check_part(floors, body.kind, body.name)
    await floors.suspensions.resume(caller, body.kind, body.name, body.reason)


def _check(body: PartBody) -> None:
    if not body.reason.strip():
        raise Refused(422, "reason: say why")
