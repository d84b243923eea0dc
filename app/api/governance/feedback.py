"""Feedback: what people think of an execution's answer, a thumb and a comment each."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.caller import Calling, Floors, Viewing
from app.api.errors import Refused
from app.api.governance.shapes import Shape
from app.api.governance.sight import MASKED

router = APIRouter(prefix="/governance/executions", tags=["executions"])


class OpinionShape(Shape):
    """One person's opinion; `at` is when it was last said."""

    execution_id: str
    user: str
    thumb: Literal["up", "down"]
    comment: str
    at: str


class OpinionBody(BaseModel):
    """What is thought of the answer, and why."""

    model_config = ConfigDict(extra="forbid")
    thumb: Literal["up", "down"]
    comment: str = Field("", max_length=10_000)


@router.get("/{execution_id}/feedback")
async def list_feedback(floors: Floors, view: Viewing, caller: Calling, execution_id: str) -> list[OpinionShape]:
    """Everybody's opinion of an answer. A comment may repeat what was read: it is for who may read all of that."""
    found = await view.execution(execution_id)
    shapes = [OpinionShape.model_validate(one) for one in await floors.feedback.of(execution_id)]
    whole = await view.reads_all(found)
    return [one if whole or one.user == caller.user else one.model_copy(update={"comment": MASKED}) for one in shapes]


@router.post("/{execution_id}/feedback")
async def say(floors: Floors, view: Viewing, caller: Calling, execution_id: str, body: OpinionBody) -> OpinionShape:
    """Say as the caller what the answer is worth, in place of what they said before. 409 while there is no answer. For people."""
    await view.execution(execution_id)
    if not caller.person:
        raise Refused(403, f"{caller.user} is not a person: only people say what they think of an answer")
    return OpinionShape.model_validate(await floors.feedback.say(execution_id, caller, body.thumb, body.comment.strip()))
