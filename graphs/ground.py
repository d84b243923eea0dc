"""The ground a claim stands on: the products it may cite, what code wrote about them, the user's words, and the day.

Made from the tool results of a step (for a finding) or of a run (for a report) and handed to `graphs/claims.py`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from governance.numerals import Answered, plain
from tools.results import Figure, UnknownPath, lookup

_REF = re.compile(r"(?P<source>.+?)\.(?P<path>figures\.\w+|rows\[(?P<row>\d+)\]\.(?P<field>\w+))\Z")
_WORD = re.compile(r"[^\W\d_]{2,}")


class Place(NamedTuple):
    """Where a reference leads: the product, and the row if it is a row's field."""

    source: str
    row: int | None
    field: str


@dataclass(frozen=True)
class Ground:
    """`products` by the prefix that references to them have ("exposure" in a finding, "s2.exposure" in a report); `deeds` are
    those that an effect made; `today` as ISO date. `said` are further texts of code, such as errors of calls."""

    products: Mapping[str, Mapping[str, Any]]
    goal: str = ""
    today: str = ""
    deeds: frozenset[str] = frozenset()
    said: tuple[str, ...] = field(default=())

    def figure(self, ref: str) -> Figure:
        """The figure at a reference. Raises `UnknownPath`."""
        place = self.place(ref)
        if place.source not in self.products:
            raise UnknownPath(f"{ref!r} names no product that is here; there are: {', '.join(self.products) or 'none'}")
        return lookup(dict(self.products[place.source]), ref[len(place.source) + 1 :])

    def place(self, ref: str) -> Place:
        """Raises `UnknownPath` for what is no reference."""
        found = _REF.fullmatch(ref)
        if not found:
            raise UnknownPath(f"{ref!r} is not of the form PRODUCT.figures.NAME or PRODUCT.rows[N].FIELD")
        row = found["row"]
        return Place(found["source"], int(row) if row else None, found["field"] or "")

    @cached_property
    def answered(self) -> Answered:
        """Whose numbers may be repeated, and how."""
        whole, names = [*self.said], []
        for data in self.products.values():
            whole += [data["title"], data["scope"], data["as_of"], *data["caveats"], *templates(data)]
            names += [data["title"], *labels(data), *templates(data)]
        return Answered(tuple(whole), (self.goal,), tuple(names))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the goal and of what code wrote, lower case."""
        answered = self.answered
        return frozenset(words((*answered.whole, *answered.user, *answered.names)))

    @cached_property
    def brands(self) -> frozenset[str]:
        """The first words of the names in the rows: what a model would type for one of them."""
        found: set[str] = set()
        for data in self.products.values():
            texts = [c["field"] for c in data["columns"] if c["unit"] == "text"]
            found |= {first for row in data["rows"] for f in texts for first in list(words([str(row.get(f) or "")]))[:1]}
        return frozenset(word for word in found if len(word) > 3) - self.words


def labels(data: Mapping[str, Any]) -> list[str]:
    return [*(f["label"] for f in data["figures"].values()), *(c["label"] for c in data["columns"])]


def templates(data: Mapping[str, Any]) -> list[str]:
    """The sentences of a product with a gap for each slot."""
    return [part for one in data["highlights"] for part in re.split(r"\{\w+\}", one["text"]) if part.strip()]


def words(texts: Iterable[str]) -> Iterable[str]:
    return (word.lower() for text in texts for word in _WORD.findall(plain(text)))
