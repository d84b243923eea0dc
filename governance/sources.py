"""What an agent has read, as sources of values: who could write each, and did the user point at it. Used by the labels.

A result is walked once to its leaves. A leaf is *system-set* when its tool's output is trusted or its field is one of the
manifest's system fields; everything else is text that somebody may have written for the agent to find.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from governance.manifest import UNLISTED, ToolManifest, Trust
from governance.matching import says
from governance.policy import Seen

ITEM, KEY, EVERY = "item", "key", "*"  # the field of an item of a bare list, of a key of a map; all fields


@dataclass(frozen=True)
class Leaf:
    """One value of a result, the field it stands in and the record around it."""

    field: str
    value: Any
    record: Mapping[str, Any] | None


def leaves(value: Any, field: str = ITEM, record: Mapping[str, Any] | None = None) -> Iterator[Leaf]:
    """Every scalar of JSON-like data, keys of maps included."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield Leaf(KEY, key, value)
            yield from leaves(one, str(key), value)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from leaves(one, field, record)
    elif value is not None and not isinstance(value, bool) and value != "":
        yield Leaf(field, value, record)


@dataclass(frozen=True, eq=False)
class Reading:
    """One result and who could write which part of it."""

    seen: Seen
    manifest: ToolManifest

    @property
    def output(self) -> Trust:
        """Who could write it; what was made from text of others is theirs, whoever made it."""
        return "untrusted" if self.seen.derived else self.manifest.output

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the system sets."""
        return () if self.seen.derived else self.manifest.system_fields

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(leaves(self.seen.result))

    @cached_property
    def system(self) -> tuple[Leaf, ...]:
        """The leaves that the system itself sets."""
        if self.output == "trusted" or EVERY in self.fields:
            return self.leaves
        return tuple(leaf for leaf in self.leaves if leaf.field in self.fields)

    @cached_property
    def text(self) -> str:
        """Everything in it that was not set by the system: what could be a message to the agent."""
        if self.output == "trusted":
            return ""
        return "\n".join(str(leaf.value) for leaf in self.leaves if leaf.field not in self.fields and not _is_name(leaf))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The texts among its arguments: where the agent looked."""
        return tuple(leaf.value for leaf in leaves(dict(self.seen.args)) if leaf.field != KEY and isinstance(leaf.value, str))


@dataclass(frozen=True, eq=False)
class Source:
    """A reading in the light of a request. `pointed`: its arguments come from the user's words, or from a colleague's text
    that the user pointed at."""

    reading: Reading
    pointed: bool

    @property
    def leads(self) -> bool:
        """May its text say what to look at next? Only a colleague's, where the user pointed."""
        return self.pointed and self.reading.output == "internal"


_known: WeakKeyDictionary[Seen, Reading] = WeakKeyDictionary()  # as long as somebody holds the result, and no longer


def _reading(seen: Seen, manifest: ToolManifest) -> Reading:
    found = _known.get(seen)
    if found is None or found.manifest is not manifest:
        _known[seen] = found = Reading(replace(seen), manifest)  # a copy: the value must not keep its key alive
    return found


def sources(trace: Sequence[Seen], manifests: Mapping[str, ToolManifest], request: str) -> tuple[Source, ...]:
    """The results read so far, in order."""
    found: list[Source] = []
    texts = [request]
    for seen in trace:
        reading = _reading(seen, manifests.get(seen.tool, UNLISTED))
        found.append(Source(reading, any(says(text, word) for word in reading.words for text in texts)))
        texts += [reading.text] if found[-1].leads else []
    return tuple(found)


def _is_name(leaf: Leaf) -> bool:
    return leaf.field == KEY and str(leaf.value).isidentifier()  # other keys are data: titles, addresses
