"""Budgets: what runs may spend, what is left of it, and more of it."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.caller import Calling, Viewing
from app.api.governance.shapes import Shape
from governance.budgets import Account
from governance.limits import PARTS

router = APIRouter(prefix="/governance/budgets", tags=["budgets"])


class BudgetShape(Shape):
    """One limit and how it stands, in its unit: money in US dollars. `raised` is part of `limit`."""

    scope: str
    owner: str
    unit: str
    limit: float
    used: float
    reserved: float
    left: float
    raised: float

    @classmethod
    def of(cls, one: Account) -> "BudgetShape":
        parts = PARTS.get(one.unit, 1)
        names = ("limit", "used", "reserved", "left", "raised")
        amounts = {name: getattr(one, name) / parts for name in names}
        return cls(scope=one.scope, owner=one.owner, unit=one.unit, **amounts)


class RaiseBody(BaseModel):
    """How much more, of whose: `run` is an execution's or a thread's id; the days are those of the run's user."""

    model_config = ConfigDict(extra="forbid")
    run: str = Field(max_length=100)
    unit: Literal["tokens", "money", "tool_calls", "model_calls", "seconds", "spend"]
    amount: Annotated[float, Field(gt=0, le=1e12)]
    scope: Literal["run", "user", "org"] = "run"


@router.get("")
async def list_budgets(view: Viewing, run: str | None = None) -> list[BudgetShape]:
    """Of the caller's day and their organisation's; with `run` that run's own, of its user and day."""
    found = await view.floors.budgets.accounts(await view.spender(run))
    return [BudgetShape.of(one) for one in found]


@router.post("/raise")
async def raise_budget(view: Viewing, caller: Calling, body: RaiseBody) -> BudgetShape:
    """Add to a limit. Takes the role of a budget owner; a try without it is recorded too."""
    amount = round(body.amount * PARTS.get(body.unit, 1))
    who = await view.spender(body.run)
    return BudgetShape.of(await view.floors.asking.raise_limit(caller, who, body.scope, body.unit, amount))
