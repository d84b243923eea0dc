"""What a domain declares: products, specialists with tools that make them, playbooks that name wanted products.

Pure data, made by `graphs/specialists/<domain>/domain.py:domain()`. The planner chains back from products; nobody writes edges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from graphs.wire import Finding
from settings import Settings
from tools.connectors import Connector
from tools.query import View
from tools.registry import Tool


@dataclass(frozen=True)
class Product:
    """Something a specialist makes and another needs. `words` are what people call it. A `live` one changes with what runs do,
    so it is always made anew; any other holds as long as the domain's version."""

    name: str
    title: str
    words: tuple[str, ...] = ()
    live: bool = False


@dataclass(frozen=True)
class Specialist:
    """An agent with a narrow job. What it produces and consumes is what its tools produce and consume (`offers`).

    `for_each`: a product over whose rows its step is repeated. `fallbacks`: specialists tried when its attempts are used up.
    `prompt` is a file beside the declaration. `response` is what it answers with. `owner` is who answers for it, if not who answers
    for the domain.
    """

    name: str
    title: str
    purpose: str
    tools: tuple[str, ...]
    prompt: Path
    for_each: str | None = None
    fallbacks: tuple[str, ...] = ()
    response: type[BaseModel] = Finding
    owner: str = ""


@dataclass(frozen=True)
class Offer:
    """One product a specialist can make, with what it needs for it; read off the tool that makes it."""

    specialist: Specialist
    product: str
    tool: str
    consumes: tuple[str, ...]
    optional: tuple[str, ...]


def offers(specialists: Sequence[Specialist], tools: Mapping[str, Tool]) -> list[Offer]:
    """Everything that can be made, in the order of declaration. A tool argument that names a product is an edge."""
    found = []
    for one in specialists:
        for name in one.tools:
            if name not in tools or not tools[name].produces:
                continue
            needs: list[str] = [one.for_each] if one.for_each else []
            likes: list[str] = []
            for argument in tools[name].args.model_fields.values():
                extra = argument.json_schema_extra
                product = extra.get("product") if isinstance(extra, dict) else None
                if isinstance(product, str) and product != "*":
                    (needs if argument.is_required() else likes).append(product)
            found.append(Offer(one, tools[name].produces, name, tuple(needs), tuple(likes)))
    return found


@dataclass(frozen=True)
class Playbook:
    """A kind of goal and the products that answer it: never steps or edges.

    `settings`: those that must all be named for it, and that then make it the first reading. `exclude`: what it does without.
    """

    name: str
    title: str
    example: str
    products: tuple[str, ...]
    words: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """Something that can be counted or summed over the facts' view. `columns` are SELECT expressions with their aliases, the
    first of which rows are ordered by; `where` always holds.

    `products` maps what it is grouped by (a group's name, "" for nothing) to the product of a typed tool that answers it.
    """

    name: str
    title: str
    words: tuple[str, ...]
    columns: tuple[str, ...]
    where: str = ""
    products: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """A column that people group by. `words` are what they call it; `where` holds when it is grouped by."""

    name: str
    column: str
    words: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Facts:
    """What simple questions are about: measures × groups × filters over one view of `query_records`.

    `filters` maps a setting to the columns it narrows (any of them), `at_least` a setting to the aggregate it bounds, `day` is
    the column of years, `scopes` maps a condition to the words that ask for it.
    """

    view: str
    measures: tuple[Measure, ...]
    groups: tuple[Group, ...]
    filters: Mapping[str, tuple[str, ...]]
    at_least: Mapping[str, str]
    day: str
    scopes: Mapping[str, tuple[str, ...]]


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
    """A domain's own handles: `reading` for read tools (read-only), `writing` for effects.

    For dry runs it may have `rehearsing()`: the same handles, but nothing that is done with `writing` stays. Without it a dry run
    says that it cannot show what an effect would do.
    """

    reading: Any
    writing: Any

    def close(self) -> None: ...


@dataclass(frozen=True)
class Domain:
    """Everything the core knows of a domain. `version(resources)` changes when its records do: evidence of another version is
    not used again. `origins(resources)` says for each table of records what it was filled from, as a person would look for it.
    `read`, `version` and `origins` block: call them in a thread. `verifier_tools`: those by which its results can be held
    against its records. `views`: by which people open the records that a result cites, one for each table; they are read from
    `resources.reading`, then a `Database`. `asks`: for a setting that only the user can give, the question when a tool cannot do
    without it.
    `policies`: the folders or files under `governance/policies` that make up its bundle. `owner`: who answers for its specialists and
    tools where these name nobody. `connectors`: what its tools draw on, to be shown."""

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
    facts: Facts | None = None
    verifier_tools: tuple[str, ...] = ()
    views: tuple[View, ...] = ()
    asks: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[str, ...] = ("core", "changes")
    version: Callable[[Any], str] = field(default=lambda resources: "")
    origins: Callable[[Any], Mapping[str, str]] = field(default=lambda resources: {})
    owner: str = ""
    connectors: tuple[Connector, ...] = ()


@dataclass(frozen=True)
class Added:
    """What one file adds to a domain: a specialist, with the tools it brings and the products that they make."""

    specialist: Specialist
    tools: tuple[Tool, ...] = ()
    products: tuple[Product, ...] = ()

    def to(self, domain: Domain) -> Domain:
        """The domain with it."""
        return replace(
            domain,
            specialists=(*domain.specialists, self.specialist),
            tools=(*domain.tools, *self.tools),
            products=(*domain.products, *self.products),
        )
