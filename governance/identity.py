"""Who acts: the authenticated person a run acts for. Comes with the run from the caller, never from a goal's text."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the policy engine, which knows callers, runs where no database is installed
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Caller:
    """An authenticated person: `user` is unique within `org`; `roles` are what policies and approvals ask for.

    `person` is false for a model or a service that acts as itself: it may ask, and never decides.
    """

    user: str
    org: str = "local"
    roles: tuple[str, ...] = ()
    person: bool = True

    @property
    def identity(self) -> str:
        """The user, by the name under which LangGraph looks for it."""
        return self.user

    def as_dict(self) -> dict[str, Any]:
        said = {"user": self.user, "org": self.org, "roles": list(self.roles)}
        return said if self.person else {**said, "person": False}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Caller":
        return cls(str(data["user"]), str(data["org"]), tuple(data["roles"]), data.get("person", True) is True)


RolesOf = Callable[["Connection", str, str], Collection[str] | None]
"""What a directory knows: the roles that a person (organisation, user) holds now; None for whom it does not know. Asked inside a
transaction, so that it may be a table of the same database."""


def nobody_known(connection: "Connection", org: str, user: str) -> None:
    """The directory where there is none."""
