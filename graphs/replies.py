"""What people answer to an interrupt, in every form that clients send, as one.

Used by the graph, and by the service before a run is made.

| form       | as it comes                                                                  |
|------------|------------------------------------------------------------------------------|
| batched    | {decisions: [{type, message?, edited_action?}]}, one for each action in order |
| a list     | the decisions without the name                                               |
| per call   | one decision                                                                 |
| legacy     | [{type: accept, edit, response, ignore; args}]: args is the action or a text |
| words      | any other value: an answer to a question                                     |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEGACY = {"accept": "approve", "response": "respond", "ignore": "reject"}
VERDICTS = ("approve", "edit", "reject", "respond")


@dataclass(frozen=True)
class Reply:
    """One decision. `verdict` is one of VERDICTS, or what a client said instead; `args` are the new arguments of an edit."""

    verdict: str
    message: str = ""
    args: Mapping[str, Any] | None = None


def replies_of(answer: Any) -> list[Reply]:
    """The decisions of a resume value, in the order of the actions that were asked."""
    if isinstance(answer, Mapping) and "decisions" in answer:
        answer = answer["decisions"]
    if isinstance(answer, list):
        return [_reply(one) for one in answer]
    return [_reply(answer)] if answer else []


def reply_of(answer: Any) -> Reply:
    """The first decision, or one that says nothing."""
    return next(iter(replies_of(answer)), Reply(""))


def _reply(one: Any) -> Reply:
    if not isinstance(one, Mapping):
        return Reply("respond", str(one).strip()) if one else Reply("")
    said = str(one.get("type"))
    verdict, given = LEGACY.get(said, said), one.get("args")
    message = one.get("message") or (given if isinstance(given, str) else "")
    if verdict != "edit":
        return Reply(verdict, str(message).strip())
    edited = one.get("edited_action") or one.get("editedAction") or given or {}  # some clients send both spellings
    args = edited.get("args", edited) if isinstance(edited, Mapping) else {}
    return Reply(verdict, str(message).strip(), args if isinstance(args, Mapping) else {})
