"""What a domain declares: products, specialists that consume and produce them, playbooks that name wanted products.

Pure data, made by `graphs/specialists/<domain>/domain.py:domain()`. The planner chains back from products; nobody writes edges.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from settings import Settings
from tools.registry import Tool


@dataclass(frozen=True)
class Product:
    """Something a specialist makes and another needs. `words` are what people call it."""

    name: str
    title: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specialist:
    """An agent with a narrow job. It needs all of `consumes`, takes `optional` when they are there, makes `produces`.

    `for_each`: the consumed product over whose selected rows the step is repeated. `prompt` is a file beside the declaration.
    """

    name: str
    title: str
    purpose: str
    produces: tuple[str, ...]
    tools: tuple[str, ...]
    prompt: Path
    consumes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    for_each: str | None = None
    fallbacks: tuple[str, ...] = ()
    response: type[BaseModel] | None = None  # None: Finding


@dataclass(frozen=True)
class Playbook:
    """A kind of goal and the products that answer it: never steps or edges."""

    name: str
    title: str
    example: str
    products: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mention:
    """An entity found in a goal: the setting it fills, its canonical value, and, if it is ambiguous, the readings."""

    setting: str
    value: str
    text: str
    readings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What code alone reads from a goal: entities, and the reasons to ask or to decline before any model is called."""

    mentions: tuple[Mention, ...] = ()
    question: str = ""
    choices: tuple[str, ...] = ()
    refusal: str = ""
    notes: tuple[str, ...] = ()


class Resources(Protocol):
    """A domain's own handles: `reading` for read tools (read-only), `writing` for effects."""

    reading: Any
    writing: Any

    def close(self) -> None: ...


@dataclass(frozen=True)
class Domain:
    """Everything the core knows of a domain."""

    name: str
    title: str
    products: tuple[Product, ...]
    specialists: tuple[Specialist, ...]
    playbooks: tuple[Playbook, ...]
    tools: tuple[Tool, ...]
    settings: tuple[str, ...]
    open: Callable[[Settings], Resources]
    read: Callable[[str, Any], Reading]
    anchors: tuple[str, ...] = ()
    facts: Callable[[Any], Sequence[str]] = field(default=lambda resources: ())
