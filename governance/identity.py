"""Who acts: the authenticated person a run acts for. Comes with the run from the caller, never from a goal's text."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Caller:
    """An authenticated person: `user` is unique within `org`; `roles` are what policies and approvals ask for."""

    user: str
    org: str = "local"
    roles: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"user": self.user, "org": self.org, "roles": list(self.roles)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Caller":
        return cls(str(data["user"]), str(data["org"]), tuple(data["roles"]))
