"""Labels: for each argument of a proposed call, who it comes from; for the context, what has been read. Pure.

Called by the policy engine. Nothing here looks for the words of an attack: a value is traced to where the agent got it, and
what cannot be traced to the user or to the system is somebody else's. From best to worst:

user      said in the request, or in a call that a person approved
linked    set by the system, in a record that holds something the user said
system    set by the system
other     set by the system, where the user named another value of the same field
internal  in a colleague's text where the user pointed
colleague in a colleague's text elsewhere
pointed   in an outsider's text that the user pointed at
made      found nowhere, the agent's own, where a text that the user pointed at may have led to it
guessed   found nowhere, and the user pointed at no text
instead   found nowhere or pointed, where the user named another identifier that looks alike (an account, a mail or web address)
invented  an identifier found nowhere, and the user pointed at no text
foreign   in an outsider's text that nobody pointed at
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.amounts import AmountLabel, amount_label
from governance.intent import asks_for
from governance.manifest import UNLISTED, DataClass, ToolManifest
from governance.matching import is_identifier, links, number, numbers, same, says, shape, shapes
from governance.policy import CallFacts, Seen
from governance.sources import KEY, Leaf, Reading, Source, leaves, sources

GRADES = (
    *("none", "user", "linked", "system", "other"),
    *("internal", "colleague", "pointed", "made", "guessed", "instead", "invented", "foreign"),
)
CLASSES: tuple[DataClass, ...] = ("public", "internal", "confidential", "secret")
AMOUNTS: tuple[AmountLabel, ...] = ("none", "user", "system", "computed", "untraced")
TAINT = "untrusted"  # the label by which a context hands its taint on,
READ = "read:"  # and the beginning of that by which it hands on the highest data class it has read
WORD = 3  # letters a text needs to say what a call is about


@dataclass(frozen=True)
class Labels:
    """What is known of a call's values. `target`, `amount` and `link` are the worst of theirs, "none" where there is none.

    `read_class` is the highest data class read so far, 0 (public) to 3 (secret); `secret`: an argument holds a secret value.
    """

    asked: bool
    tainted: bool
    read_class: int
    target: str
    amount: str
    link: str
    secret: bool
    arguments: Mapping[str, str]

    def as_text(self) -> tuple[str, ...]:
        context = [READ + CLASSES[self.read_class]] if self.read_class else []
        context += [TAINT] if self.tainted else []
        context += [] if self.asked else ["not-asked"]
        context += [f"link:{self.link}"] if self.link != "none" else []
        context += ["secret"] if self.secret else []
        return (*context, *(f"{name}:{label}" for name, label in sorted(self.arguments.items())))


def label(call: CallFacts, manifests: Mapping[str, ToolManifest]) -> Labels:
    """The labels of one proposed call, from its request, plan and trace.

    A read that stays in the house is aimed at nobody: its arguments are not traced, for large results make that slow.
    """
    manifest = manifests.get(call.tool, UNLISTED)
    found = sources(call.trace, manifests, call.request)
    read = [source.reading for source in found]
    led = TAINT in call.context_labels or any(one.pointed and one.reading.output != "trusted" for one in found)
    origin = _Origin(call.request, found, led)
    traced = manifest.effect != "read" or manifest.egress
    present = {name: values for name, value in call.args.items() if (values := _values(value))} if traced else {}
    targets = {name: _worst(origin.of(v) for v in present[name]) for name in manifest.targets if name in present}
    amounts = _amounts(call, manifest, present, read)
    texts = {n: v for n, v in present.items() if n not in manifest.targets and n not in manifest.amounts}
    linked = [origin.of(one) for values in texts.values() for v in values if isinstance(v, str) for one in links(v)]
    asked = call.tool in call.planned if call.planned is not None else asks_for(call.request, call.tool, manifest)
    return Labels(
        asked=asked,
        tainted=TAINT in call.context_labels or _is_tainted(read),
        read_class=max(_class_handed_on(call.context_labels), _class_read(read)),
        target=_worst(targets.values())
        if targets
        else _subject(origin, texts, "made" if traced and manifest.targets else "none"),
        amount=max(amounts.values(), key=AMOUNTS.index, default="none"),
        link=_worst(linked),
        secret=_holds_secret(present, read),
        arguments={**targets, **amounts},
    )


def handed_on(labels: frozenset[str], trace: Sequence[Seen], manifests: Mapping[str, ToolManifest]) -> frozenset[str]:
    """The context labels of whoever goes on with the results of an agent that was handed `labels` and has seen `trace`."""
    read = [source.reading for source in sources(trace, manifests, "")]
    highest = max(_class_handed_on(labels), _class_read(read))
    tainted = TAINT in labels or _is_tainted(read)
    return frozenset([READ + CLASSES[highest]] * bool(highest) + [TAINT] * tainted)


def _is_tainted(read: Sequence[Reading]) -> bool:
    return any(r.output != "trusted" and r.leaves for r in read)


def _class_read(read: Sequence[Reading]) -> int:
    return max((CLASSES.index(r.manifest.data_class) for r in read), default=0)


def _class_handed_on(labels: frozenset[str]) -> int:
    """A class that is not known counts as the highest."""
    named = [label.removeprefix(READ) for label in labels if label.startswith(READ)]
    return max((CLASSES.index(one) if one in CLASSES else len(CLASSES) - 1 for one in named), default=0)


def _amounts(
    call: CallFacts, manifest: ToolManifest, present: Mapping[str, Sequence[Any]], read: Sequence[Reading]
) -> dict[str, AmountLabel]:
    aimed = [v for name in manifest.targets for v in present.get(name, ())]
    return {
        name: max((amount_label(v, call.request, aimed, read, manifest.amounts) for v in present[name]), key=AMOUNTS.index)
        for name in manifest.amounts
        if name in present
    }


def _values(value: Any) -> list[Any]:
    return [leaf.value for leaf in leaves(value) if leaf.field != KEY]


def _worst(grades: Iterable[str]) -> str:
    return max(grades, key=GRADES.index, default="none")


def _subject(origin: "_Origin", texts: Mapping[str, Sequence[Any]], without: str) -> str:
    """What a call without a target is about: one text of it must be the user's or the system's, whole."""
    said = [v for values in texts.values() for v in values if isinstance(v, str) and sum(map(str.isalpha, v)) >= WORD]
    return min((origin.of(v) for v in said), key=GRADES.index, default=without)


def _holds_secret(present: Mapping[str, Sequence[Any]], read: Sequence[Reading]) -> bool:
    secrets = {str(leaf.value) for r in read if r.manifest.data_class == "secret" for leaf in r.leaves if leaf.field != KEY}
    texts = [str(v) for values in present.values() for v in values]
    return any(says(text, secret) for secret in secrets if len(secret) > WORD for text in texts)


@dataclass(frozen=True)
class _Origin:
    """Grades one value by where it can be found. `led`: a text that the user pointed at, or one that was read before and is
    not here to be looked at, may have led to a value that is found nowhere."""

    request: str
    read: Sequence[Source]
    led: bool

    @property
    def readings(self) -> Iterator[Reading]:
        return (source.reading for source in self.read)

    def of(self, value: Any) -> str:
        if says(self.request, value) or self._confirmed(value):
            return "user"
        if found := [(r, leaf) for r in self.readings for leaf in r.system if same(leaf.value, value)]:
            return self._set_by_system(found)
        trusted = (leaf for r in self.readings if r.output == "trusted" for leaf in r.leaves)
        if any(says(str(leaf.value), value) for leaf in trusted):
            return "system"
        return self._written_by_others(value)

    def _written_by_others(self, value: Any) -> str:
        written = [source for source in self.read if says(source.reading.text, value)]
        if any(source.leads for source in written):
            return "internal"
        if any(source.reading.output == "internal" for source in written):
            return "colleague"
        if written and not any(source.pointed for source in written):
            return "foreign"
        if shape(value) in shapes(self.request):
            return "instead"
        if written or self.led:
            return "pointed" if written else "made"
        return "invented" if is_identifier(value) else "guessed"

    def _confirmed(self, value: Any) -> bool:
        approved = (one for r in self.readings if r.seen.confirmed for one in _values(dict(r.seen.args)))
        return any(same(one, value) for one in approved)

    def _set_by_system(self, found: Sequence[tuple[Reading, Leaf]]) -> str:
        if any(self._linked(reading, leaf) for reading, leaf in found):
            return "linked"
        named = any(self._names_a_sibling(reading, leaf) for reading, leaf in found)
        return "other" if named else "system"

    def _linked(self, reading: Reading, leaf: Leaf) -> bool:
        around = [one for one in reading.system if one.record is leaf.record and one is not leaf] if leaf.record else []
        return any(self._said(one.value) for one in around if one.field != KEY)

    def _said(self, value: Any) -> bool:
        if isinstance(value, str):
            return len(value) > WORD and says(self.request, value)
        return number(value) in numbers(self.request)

    def _names_a_sibling(self, reading: Reading, leaf: Leaf) -> bool:
        beside = (one for one in reading.system if one.field == leaf.field and isinstance(one.value, str))
        others = (one.value for one in beside if len(one.value) >= WORD and not same(one.value, leaf.value))
        return any(says(self.request, value) for value in others)
