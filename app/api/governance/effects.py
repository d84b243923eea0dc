"""Effects: what runs changed outside."""

from fastapi import APIRouter

from app.api.caller import Calling, Floors
from app.api.governance.shapes import EffectShape

router = APIRouter(prefix="/governance/effects", tags=["effects"])


@router.get("")
async def list_effects(floors: Floors, caller: Calling, execution_id: str | None = None) -> list[EffectShape]:
    """The effects of the caller's organisation, or of one of its executions."""
    rows = await floors.effects.all_of(caller.org)
    return [EffectShape.model_validate(row) for row in rows if execution_id in (None, row.execution_id)]
