"""Effects: what runs changed outside, what nobody knows of them, and taking them back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api.answers import Serving
from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.governance.shapes import EffectShape, SettleBody, UndoBody, UndoingShape
from app.api.governance.sight import masked
from app.api.governance.views import View
from app.service import Service
from graphs.executions import Execution
from graphs.services import Services
from tools.settling import Settling
from tools.undoing import Undoer, Undoing

router = APIRouter(prefix="/governance", tags=["effects"])
Key = Annotated[str, Path(max_length=200)]


@router.get("/effects")
async def list_effects(floors: Floors, caller: Calling, view: Viewing, execution_id: str | None = None) -> list[EffectShape]:
    """The effects of the runs that the caller sees, or of one of them."""
    rows = [row for row in await floors.effects.all_of(caller.org) if execution_id in (None, row.execution_id)]
    of = {id: await floors.executions.get(id) for id in {row.execution_id for row in rows}}
    seen = [(row, one) for row in rows if (one := of[row.execution_id]) is not None and view.reaches("audit", one.requester)]
    return [await view.effect_shape(row, one) for row, one in seen]


@router.post("/effects/{key}/settle")
async def settle(service: Serving, floors: Floors, caller: Calling, view: Viewing, key: Key, body: SettleBody) -> EffectShape:
    """Say what became of an effect of unknown outcome. For those who may approve its tool's use."""
    row = await floors.effects.get(key)
    of = await floors.executions.get(row.execution_id) if row else None
    settling = Settling(floors.registry, floors.effects, floors.decisions, floors.gateway.db)
    if row is None or of is None or row.org != caller.org:
        raise Refused(404, f"there is no effect {key}")
    if not (view.reaches("audit", of.requester) or settling.may(row.tool, caller)):
        raise Refused(404, f"there is no effect {key}")
    await _idle(service, floors, of)
    return await view.effect_shape(await settling.settle(key, body.outcome == "done", caller, body.reason), of)


@router.get("/executions/{execution_id}/undo")
async def look(view: Viewing, execution_id: str, step: Annotated[str, Query(max_length=40)] = "") -> list[UndoingShape]:
    """What would be undone, last things first, and what cannot be. Changes nothing."""
    found = await view.execution(execution_id)
    return [await _shown(view, found, one) for one in await _undoer(view.floors).look(found.id, step)]


@router.post("/executions/{execution_id}/undo")
async def undo(service: Serving, view: Viewing, caller: Calling, execution_id: str, body: UndoBody) -> list[UndoingShape]:
    """Undo what an execution did, last things first, each as an action with its own decision and approval. For who asked for the
    execution, and admins.

    Ask again once its approvals are decided; without a reason it goes on with what somebody gave a reason for.
    """
    found = await view.execution(execution_id)
    if not view.reaches("write", found.requester):
        raise Refused(403, f"{caller.user} may not undo what {found.requester.user} asked for")
    await _idle(service, view.floors, found)
    told = await _undoer(view.floors).undo(found.id, caller, body.reason, body.step)
    return [await _shown(view, found, one) for one in told]


async def _idle(service: Service, floors: Services, found: Execution) -> None:
    here = await service.queue.of_thread(found.thread_id, status="running", limit=1, offset=0)
    if here or await floors.executions.held_elsewhere(found.id):
        raise Refused(409, f"execution {found.id} is running and may be changing something now: wait for it, or stop it")


def _undoer(floors: Services) -> Undoer:
    return Undoer(floors.gateway, floors.registry, floors.effects, floors.gateway.db, floors.resources, floors.today())


async def _shown(view: View, of: Execution, one: Undoing) -> UndoingShape:
    effect = await view.effect_shape(one.effect, of)
    args = masked(one.args) if effect.masked else one.args
    return UndoingShape(
        effect=effect, standing=one.standing, tool=one.tool, args=args, why=one.why, approval_id=one.approval_id
    )
