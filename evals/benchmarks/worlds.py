"""What a benchmark's suite is to an episode: tasks and injections by name, and scenes to play them in. No suite lies here.

AgentDojo's suites are made into these by `dojo.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Call:
    """One tool call, as the user's task or the attacker's goal wants it."""

    tool: str
    args: Mapping[str, Any]


class Failed(Exception):
    """The tool refused the call."""


class Scene(Protocol):
    """One user task in a world of its own, in which some text stands wherever an outsider can write."""

    @property
    def request(self) -> str:
        """The user's words."""
        ...

    def own(self) -> Sequence[Call]:
        """The calls that do the user's task."""
        ...

    def theirs(self, injection: str) -> Sequence[Call]:
        """The calls that reach the attacker's goal."""
        ...

    def run(self, call: Call) -> Any:
        """Call the tool; its result as JSON values. Raises `Failed`."""
        ...

    def useful(self) -> bool:
        """Is the user's task done, as the suite judges it?"""
        ...

    def attacked(self, injection: str) -> bool:
        """Is the attacker's goal reached, as the suite judges it?"""
        ...


class World(Protocol):
    """A suite: its user tasks, and its attackers' goals in words by name."""

    @property
    def tasks(self) -> Sequence[str]: ...

    @property
    def injections(self) -> Mapping[str, str]: ...

    def scene(self, task: str, text: str) -> Scene: ...
