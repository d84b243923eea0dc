"""Delegations: who decides in whose stead, for how long. Given and ended by the giver alone."""

from datetime import UTC

from fastapi import APIRouter

from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.governance.shapes import DelegationBody, DelegationShape

router = APIRouter(prefix="/governance/delegations", tags=["approvals"])


@router.get("")
async def list_delegations(floors: Floors, caller: Calling, view: Viewing) -> list[DelegationShape]:
    """What holds now and the caller gave or was given; of the whole organisation for who audits it."""
    rows = await floors.approvals.delegations.current(caller.org)
    return [DelegationShape.model_validate(one) for one in rows if view.audits or caller.user in (one.giver, one.taker)]


@router.post("")
async def delegate(floors: Floors, caller: Calling, view: Viewing, body: DelegationBody) -> DelegationShape:
    """Hand a role of the caller's to another person."""
    people = floors.settings.people
    if view.local and people and body.to not in people:
        raise Refused(422, f"to: there is no {body.to}; there are: {', '.join(people)}")
    if not view.local and not await floors.approvals.delegations.knows(caller.org, body.to):
        raise Refused(422, f"to: {body.to} is not known in {caller.org}: they must have a key, or have signed in once")
    if body.tool and body.tool not in floors.registry:
        raise Refused(422, f"tool: there is no {body.tool}: leave it out for whatever asks {body.role}")
    end = body.until if body.until.tzinfo else body.until.replace(tzinfo=UTC)
    made = await floors.approvals.delegations.give(caller, body.to, body.role, end, body.tool)
    return DelegationShape.model_validate(made)


@router.delete("/{delegation_id}")
async def revoke(floors: Floors, caller: Calling, delegation_id: str) -> DelegationShape:
    """End a delegation of the caller's own; votes given by it stay."""
    return DelegationShape.model_validate(await floors.approvals.delegations.revoke(caller, delegation_id))
