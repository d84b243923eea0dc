"""The kill switch: how it stands, on, off. Every try is in the ledger, also a refused one."""

from fastapi import APIRouter

from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.shapes import FlipBody, SwitchShape
from governance.identity import Caller
from graphs.services import Services

router = APIRouter(prefix="/governance/kill-switch", tags=["kill switch"])


@router.get("")
async def status(floors: Floors, caller: Calling) -> list[SwitchShape]:
    """The switches that concern the caller's organisation: that of all first."""
    return [SwitchShape.model_validate(one) for one in await floors.switch.status(caller.org)]


@router.post("/on")
async def on(floors: Floors, caller: Calling, body: FlipBody) -> SwitchShape:
    """Stop every effect."""
    return await _flip(floors, caller, True, body)


@router.post("/off")
async def off(floors: Floors, caller: Calling, body: FlipBody) -> SwitchShape:
    """Let effects go on."""
    return await _flip(floors, caller, False, body)


async def _flip(floors: Services, caller: Caller, stop: bool, body: FlipBody) -> SwitchShape:
    if not body.reason.strip():
        raise Refused(422, "reason: say why the switch is flipped")
    return SwitchShape.model_validate(await floors.switch.flip(caller, stop, body.reason, everyone=body.everyone))
