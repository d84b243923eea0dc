"""The catalogue of a brief as something to match a goal's words against: playbooks and products, each a bag of stems."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from models.offline.request import Json
from models.offline.words import holds, split, stems

_NEGATED = re.compile(r"\b(?:without|do not|don't|not|no)\b.*", re.IGNORECASE)
NAMED, TITLED, SHOWN = 1.0, 0.9, 0.6  # what a word counts for: from words, from the title, from the example only
PHRASE = 0.5  # added for each phrase of `words` that the goal holds, as a share of the phrase's weight

WHOLE = 1.15  # a playbook goes before the one product of it that says the same


@dataclass(frozen=True)
class Candidate:
    """Something a goal may mean: a playbook, or a single product. `bag` maps a stem to what it counts for."""

    title: str
    products: tuple[str, ...]
    bag: dict[str, float]
    phrases: tuple[tuple[str, ...], ...]
    names: frozenset[tuple[str, ...]]
    playbook: bool
    changes: bool = False
    drafted_as: str = ""
    settings: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    requires: frozenset[str] = frozenset()

    @property
    def own(self) -> frozenset[str]:
        """The words of its names that stand for it alone or at the end of a phrase: "case" of "open a case"."""
        return frozenset(name[-1] for name in self.names)

    @classmethod
    def of(cls, entry: Json, *, playbook: bool) -> "Candidate":
        bag: dict[str, float] = {}
        named = [*entry.get("words", ()), *([] if playbook else [entry["name"].replace("_", " ")])]
        # "Draft without opening" is not about opening.
        title, example, *named = (_NEGATED.sub("", text) for text in (entry["title"], entry.get("example", ""), *named))
        for worth, text in [(SHOWN, example), (TITLED, title), *((NAMED, w) for w in named)]:
            bag |= {word: max(worth, bag.get(word, 0.0)) for word in stems(text)}
        names = frozenset(tuple(stems(text)) for text in [*named, title] if stems(text))
        products = tuple(entry["products"]) if playbook else (entry["name"],)
        more = (bool(entry.get("changes")), str(entry.get("drafted_as") or ""), frozenset(entry.get("settings", ())))
        phrases = tuple(sorted(p for p in names if len(p) > 1))
        return cls(
            entry["title"],
            products,
            bag,
            phrases,
            names,
            playbook,
            *more,
            tuple(entry.get("exclude", ())),
            frozenset(entry.get("requires", ())),
        )


@dataclass(frozen=True)
class Match:
    """How well a candidate explains a goal. `share`: of the goal's weight, 0 to 1. `strong`: words beyond its example."""

    candidate: Candidate
    score: float
    share: float
    words: frozenset[str]
    strong: frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """Candidates, the names of settings, and the words that show that a goal is about this domain."""

    candidates: tuple[Candidate, ...]
    settings: frozenset[str]
    anchors: frozenset[str]
    playbook_titles: tuple[str, ...]
    facts: Json | None = None
    spoken: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Json) -> "Catalogue":
        playbooks = [Candidate.of(entry, playbook=True) for entry in data.get("playbooks", ())]
        products = [Candidate.of(entry, playbook=False) for entry in data.get("products", ())]
        return cls(
            (*playbooks, *products),
            frozenset(data.get("settings", ())),
            frozenset(word for anchor in data.get("anchors", ()) for word in stems(anchor)),
            tuple(one.title for one in playbooks) or tuple(one.title for one in products),
            data.get("facts"),
            tuple(w for part in ("products", "playbooks") for one in data.get(part, ()) for w in (*one["words"], one["title"])),
        )

    @cached_property
    def products(self) -> dict[str, Candidate]:
        """The single products, by name."""
        return {one.products[0]: one for one in self.candidates if not one.playbook}

    @cached_property
    def lexicon(self) -> frozenset[str]:
        """Every word of the facts and of what products are called: what a misspelt word may have been meant to be."""
        facts = self.facts or {"measures": (), "groups": ()}
        said = [word for part in ("measures", "groups") for one in facts[part] for word in one["words"]]
        return frozenset(word for text in [*said, *self.spoken] for word in split(text) if len(word) > 3)

    @cached_property
    def fact_stems(self) -> frozenset[str]:
        """The stems of measures and groups."""
        facts = self.facts or {"measures": (), "groups": ()}
        return frozenset(
            w for part in ("measures", "groups") for one in facts[part] for text in one["words"] for w in stems(text)
        )

    @cached_property
    def narrowing(self) -> frozenset[str]:
        """The settings that narrow what a question is about: a tool that does not take one cannot answer it."""
        facts = self.facts or {"filters": (), "at_least": ()}
        return frozenset((*facts["filters"], *facts["at_least"], "year_from", "year_to"))

    @cached_property
    def measured(self) -> frozenset[str]:
        """The products of tools that answer a measure of the facts."""
        return frozenset(p for one in (self.facts or {}).get("measures", ()) for p in one["products"].values())

    @cached_property
    def grouped(self) -> frozenset[str]:
        """Stems of what facts are grouped by: alone they are no topic."""
        return frozenset(w for one in (self.facts or {}).get("groups", ()) for text in one["words"] for w in stems(text))

    @cached_property
    def weights(self) -> dict[str, float]:
        """Inverse document frequency of each stem over the candidates."""
        seen = Counter(word for candidate in self.candidates for word in candidate.bag)
        return {word: math.log(1 + len(self.candidates) / (1 + count)) for word, count in seen.items()}

    @property
    def vocabulary(self) -> Any:
        return self.weights.keys()

    @cached_property
    def unknown(self) -> float:
        """Weight of a word the catalogue does not have: below an ordinary one, since it may be mere phrasing."""
        return 0.75 * self.typical

    @cached_property
    def typical(self) -> float:
        """The median weight."""
        ordered = sorted(self.weights.values())
        return ordered[len(ordered) // 2] if ordered else 1.0

    def weight(self, words: frozenset[str] | set[str]) -> float:
        return sum(self.weights.get(word, self.unknown) for word in words)

    def anchored(self, words: list[str]) -> bool:
        """Does the goal have a word of the domain: an anchor, or a word that names a product?"""
        names = {w for c in self.candidates for w, worth in c.bag.items() if worth >= TITLED}
        return bool(set(words) & (self.anchors | names if not self.anchors else self.anchors | (names - _GENERIC)))

    def offers(self, most: int = 5) -> list[str]:
        """Titles of what can be asked."""
        return list(self.playbook_titles[:most])

    def match(self, words: list[str]) -> list[Match]:
        """The candidates that share a word with the goal, best first; equals in the order of the catalogue, playbooks first."""
        said = set(words)
        # A word of the domain's own that nothing in the catalogue tells apart ("company") neither helps nor hurts.
        total = self.weight({w for w in said if w in self.weights or w not in self.anchors}) or 1.0
        found: list[Match] = []
        for candidate in self.candidates:
            shared = said & candidate.bag.keys()
            if not shared:
                continue
            explained = sum(self.weights[word] * candidate.bag[word] for word in shared)
            phrases = sum(self.weight(set(p)) for p in candidate.phrases if holds(words, list(p)))
            found.append(
                Match(
                    candidate,
                    (explained + PHRASE * phrases + 0.02 * len(shared) / len(candidate.bag))
                    * (WHOLE if candidate.playbook else 1),
                    sum(self.weights[word] for word in shared) / total,
                    frozenset(shared),
                    frozenset(word for word in shared if candidate.bag[word] >= TITLED),
                )
            )
        return sorted(found, key=lambda match: -match.score)


_GENERIC = frozenset(
    stems("cost price number name list rate share total time score change risk plan case order line item year")
)
