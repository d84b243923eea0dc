"""Effects: what runs changed outside."""

from fastapi import APIRouter

from app.api.caller import Calling, Floors, Viewing
from app.api.governance.shapes import EffectShape

router = APIRouter(prefix="/governance/effects", tags=["effects"])


@router.get("")
async def list_effects(floors: Floors, caller: Calling, view: Viewing, execution_id: str | None = None) -> list[EffectShape]:
    """The effects of the runs that the caller sees, or of one of them."""
    rows = [row for row in await floors.effects.all_of(caller.org) if execution_id in (None, row.execution_id)]
    of = {id: await floors.executions.get(id) for id in {row.execution_id for row in rows}}
    seen = [(row, one) for row in rows if (one := of[row.execution_id]) is not None and view.reaches("audit", one.requester)]
    return [await view.effect_shape(row, one) for row, one in seen]
