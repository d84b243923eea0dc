"""Which role a request is for, and the module that answers it. The whole offline model in one screen."""

from collections.abc import Callable

from models.offline import chat, checking, planning, reading, reporting, working
from models.offline.brief import find_brief
from models.offline.request import Json, Reply, Request, Turn

Role = Callable[[Json, Turn, Request], Reply]

ROLES: dict[str, Role] = {
    "intake": reading.take,
    "planner": planning.plan,
    "specialist": working.work,
    "reporter": reporting.report,
    "verifier": checking.verify,
}


def think(request: Request) -> Reply:
    """Answer one request. Without a brief, or with a role nobody knows, it is plain conversation."""
    found = find_brief(request.messages)
    if found and found[0]["role"] in ROLES:
        brief, after = found
        return ROLES[brief["role"]](brief, Turn.of(after), request)
    return chat.chat(request)


__all__ = ["ROLES", "think"]
