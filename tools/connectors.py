"""Connectors: what a domain's tools draw on outside of Clearance, as it is shown to people. Declared by a domain; looked at by the
application, which knows no more of them than this."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Standing:
    """How a connector stands: `rows` that it gives, the day or period that they are `as_of` ("" where nothing says), and what they
    were filled from."""

    rows: int
    as_of: str = ""
    source: str = ""


@dataclass(frozen=True)
class Connector:
    """One source. `look(resources)` reads how it stands; it blocks, so it is called in a thread, and raises
    `database.DatabaseUnavailable` where it cannot be reached."""

    name: str
    title: str
    look: Callable[[Any], Standing]
