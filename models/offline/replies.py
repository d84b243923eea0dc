"""The Intake's wire shape, filled in. Used by the modules that decide what a message asks for."""

from models.offline.request import Json


def answer(kind: str, **fields: object) -> Json:
    """An Intake with the given fields, the others empty."""
    empty: Json = {"products": [], "exclude": [], "settings": [], "question": None, "choices": [], "reason": None}
    return {"kind": kind, **empty, **fields}


def clarified(question: str, choices: list[str]) -> Json:
    return answer("clarify", question=question, choices=choices)
