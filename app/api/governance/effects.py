"""Effects: what runs changed outside, what nobody knows of them, and taking them back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api.answers import Serving
from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.governance.rights import Having, Rights
from app.api.governance.shapes import EffectShape, SettleBody, UndoBody, UndoingShape
from app.service import Service
from graphs.executions import Execution
from graphs.services import Services
from tools.settling import Settling
from tools.undoing import Undoer, Undoing

router = APIRouter(prefix="/governance", tags=["effects"])
Key = Annotated[str, Path(max_length=200)]


@router.get("/effects")
async def list_effects(floors: Floors, caller: Calling, execution_id: str | None = None) -> list[EffectShape]:
    """The effects of the caller's organisation, or of one of its executions."""
    rows = await floors.effects.all_of(caller.org)
    return [EffectShape.model_validate(row) for row in rows if execution_id in (None, row.execution_id)]


@router.post("/effects/{key}/settle")
async def settle(service: Serving, floors: Floors, caller: Calling, key: Key, body: SettleBody) -> EffectShape:
    """Say what became of an effect of unknown outcome. For those who may approve its tool's use."""
    row = await floors.effects.get(key)
    if row is None or row.org != caller.org:
        raise Refused(404, f"there is no effect {key}")
    await _idle(service, floors, row.execution_id)
    settling = Settling(floors.registry, floors.effects, floors.decisions, floors.gateway.db)
    return EffectShape.model_validate(await settling.settle(key, body.outcome == "done", caller, body.reason))


@router.get("/executions/{execution_id}/undo")
async def look(rights: Having, execution_id: str, step: Annotated[str, Query(max_length=40)] = "") -> list[UndoingShape]:
    """What would be undone, last things first, and what cannot be. Changes nothing."""
    found = await _own(rights, execution_id)
    return [_shown(one) for one in await _undoer(rights.floors).look(found.id, step)]


@router.post("/executions/{execution_id}/undo")
async def undo(service: Serving, rights: Having, caller: Calling, execution_id: str, body: UndoBody) -> list[UndoingShape]:
    """Undo what an execution did, last things first, each as an action with its own decision and approval.

    Ask again once its approvals are decided; without a reason it goes on with what somebody gave a reason for.
    """
    found = await _own(rights, execution_id)
    await _idle(service, rights.floors, found.id)
    return [_shown(one) for one in await _undoer(rights.floors).undo(found.id, caller, body.reason, body.step)]


async def _own(rights: Rights, id: str) -> Execution:
    found = (await rights.executions(id))[-1]
    if found.id != id:
        raise Refused(404, f"there is no execution {id}")
    return found


async def _idle(service: Service, floors: Services, id: str) -> None:
    found = await floors.executions.get(id)
    if found is None:
        return
    here = await service.queue.of_thread(found.thread_id, status="running", limit=1, offset=0)
    if here or await floors.executions.held_elsewhere(id):
        raise Refused(409, f"execution {id} is running and may be changing something now: wait for it, or stop it")


def _undoer(floors: Services) -> Undoer:
    return Undoer(floors.gateway, floors.registry, floors.effects, floors.gateway.db, floors.resources, floors.today())


def _shown(one: Undoing) -> UndoingShape:
    return UndoingShape.model_validate(one)
