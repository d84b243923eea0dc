"""What is wrong with one sentence of a model: the rules that hold whatever model writes it.

A figure stands by slot, in its own unit, beside the name of its own row, over its own population; a thing that exists is named
by slot; the present is only spoken of where the data speaks of it; a deed only where an effect made it. `wrong_with` says what
breaks them, in sentences the model can act on. Used for findings (`findings.py`) and reports (`report.py`).
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from governance.numerals import numbers, plain
from graphs.ground import Ground, Place, templates
from graphs.wire import Claim
from tools.results import Figure, Unit, UnknownPath

SLOT = re.compile(r"\{([a-z0-9_]+)\}")
NAMING: frozenset[Unit] = frozenset({"text", "date"})
_UNIT_AFTER = re.compile(
    r"[\s-]*(%|‰|percent|per cent|percentage|bps?|days?|hours?|weeks?|months?|years?|kg|kilograms?|tons?|tonnes?|dollars?|usd|eur|"
    r"euros?|pounds?|points?)(?!\w)",
    re.I,
)
_POINTS: frozenset[Unit] = frozenset({"score", "index"})  # shown bare, so that "points" may follow
_SIGN_BEFORE = re.compile(r"((?<!\S)[-−–+~]|[€£¥$₹]\s*|(?<!\w)(minus|negative|plus|usd|eur|gbp|us\$)\s+)\Z", re.I)
_MAGNITUDE_AFTER = re.compile(r"\s?(k|m|mn|mio|bn|b|tn|x|fold|times)(?!\w)", re.I)
_TOUCHES_BEFORE = re.compile(r"(\w|\}[.,'’:/×·^*⁄∕]?)\Z")
_TOUCHES_AFTER = re.compile(r"\w|[.,'’:/×·^*⁄∕]?\{")
_SHARE_OF = re.compile(r"\s*(?:of|out of|in|per)\s+(?:the |all |its |their |these |those |a total of )*\Z", re.I)
_AGGREGATE = re.compile(r"(?:\b(?:of|against|than|among|from|in|over|under|to|total|all)\s+[\w\s]{0,20}|\()\Z", re.I)
_NOW = re.compile(
    r"\b(today|current|currently|now|nowadays|at present|presently|at the moment|right now|still|these days|recent|recently|latest|"
    r"up[- ]to[- ]date|live|real[- ]time|this (?:week|month|quarter|year)|yesterday|tomorrow|so far this|to date)\b",
    re.I,
)
_DEED = re.compile(
    r"\b(?:was|were|been|has|have|is|are|i|we|already|now)\s+(?:\w+ly\s+|already\s+|now\s+|not\s+)?(approved|authori[sz]ed|opened|closed|sent|"
    r"filed|notified|assigned|executed|escalated|submitted|created|reminded|signed off|carried out|cleared)\b",
    re.I,
)
_OPENING_WORDS = """
    a about above across after against all almost alone although among an and any as at because before behind below
    beside between both but by case check compared concentration consider country data delivery despite during each even
    every few first for from further given here how however if in instead it its largest late less look lower many more
    most nearly next no none note of on once only or order other otherwise our out over overall part per please proposed
    review risk same score second several share since some spend still such supplier suppliers taken than that the their
    then there these they this those though through to together total under until up we what when where whether which
    while who why with within without worth yet
"""
_OPENERS = frozenset(_OPENING_WORDS.split())
_CAPITAL = re.compile(r"[^\W\d_][\w'’&.-]*")


class Bound(NamedTuple):
    """A slot as it stands in the text. `naming`: it shows a name or a date, no quantity."""

    name: str
    start: int
    end: int
    figure: Figure
    place: Place
    naming: bool


def wrong_with(claim: Claim, ground: Ground) -> list[str]:
    """What is wrong with one claim; empty if it may be said."""
    text = claim.text
    named, given = SLOT.findall(text), [slot.name for slot in claim.slots]
    wrong = [f"it types {', '.join(n)}: write {{slot}} and bind it to a reference"] if (n := typed(text, ground)) else []
    if set("{}") & set(SLOT.sub("", text)):
        wrong.append("a brace in it is no {slot}")
    wrong += [f"it has no binding for {{{name}}}" for name in sorted(set(named) - set(given))]
    wrong += [f"slot {name!r} is bound, but not in the text" for name in sorted(set(given) - set(named))]
    wrong += [f"slot {name!r} is bound more than once" for name in sorted({n for n in given if given.count(n) > 1})]
    bound: dict[str, tuple[Figure, Place]] = {}
    for slot in claim.slots:
        try:
            bound[slot.name] = ground.figure(slot.ref), ground.place(slot.ref)
        except UnknownPath as error:
            wrong.append(f"slot {slot.name!r}: {error.args[0]}")
    if not wrong:
        found = [Bound(m[1], m.start(), m.end(), *bound[m[1]], _naming(*bound[m[1]], ground)) for m in SLOT.finditer(text)]
        if claim.kind == "figure" and not found:
            wrong.append("it is called a figure and has none")
        for rule in (_spelling, _rows, _populations):
            wrong += rule(text, found, ground)
        wrong += _names(text, ground)
        wrong += _present_and_deeds(text, found, ground)
    return [f"{text!r}: {one}" for one in wrong]


def _naming(figure: Figure, place: Place, ground: Ground) -> bool:
    """Only a declared column says that a row's field is a name: any other may be a number under the unit of last resort."""
    shown = {column["field"] for column in ground.products[place.source]["columns"]}
    return figure.unit in NAMING and (place.row is None or place.field in shown)


def typed(text: str, ground: Ground) -> list[str]:
    """The numbers of a text, slots apart, that neither code nor the user wrote."""
    return numbers(SLOT.sub(" \ufffc ", text), ground.answered)


def _spelling(text: str, found: list[Bound], ground: Ground) -> Iterator[str]:
    """A figure is shown as code shows it: no sign, unit, magnitude or further digit beside it."""
    for one in found:
        before, after = text[: one.start], text[one.end :]
        if one.naming:
            continue
        if (unit := _UNIT_AFTER.match(after)) and not (unit[1].lower().startswith("point") and one.figure.unit in _POINTS):
            yield f"{{{one.name}}} is shown with its own unit: take away {unit[1]!r}"
        if (sign := _SIGN_BEFORE.search(before)) or (sign := _MAGNITUDE_AFTER.match(after)):
            yield f"{{{one.name}}} is shown with its own sign and size: take away {sign[0].strip()!r}"
        if _TOUCHES_BEFORE.search(before) or _TOUCHES_AFTER.match(after):
            yield f"{{{one.name}}} touches what stands beside it: leave a space"


def _rows(text: str, found: list[Bound], ground: Ground) -> Iterator[str]:
    """A row's figure stands after the name of its own row (before it, where no name comes earlier)."""
    named = [one for one in found if one.place.row is not None and one.naming]
    for one in found:
        if one.naming:
            continue
        own = [n for n in named if n.place.source == one.place.source]
        if one.place.row is not None:
            nearest = next((n for n in reversed(own) if n.start < one.start), own[0] if own else None)
            if nearest is None and any(c["unit"] in NAMING for c in ground.products[one.place.source]["columns"]):
                yield f"{{{one.name}}} is a figure of one row: name that row by a slot too"
            elif nearest and nearest.place.row != one.place.row:
                yield f"{{{one.name}}} stands with {{{nearest.name}}}, which is another row: put each figure after its own name"
        elif own and own[0].start < one.start and not _AGGREGATE.search(SLOT.sub("…", text[: one.start])):
            yield f"{{{one.name}}} is of the whole, not of {{{own[0].name}}}: say “of {{{one.name}}}” or leave it out"


def _populations(text: str, found: list[Bound], ground: Ground) -> Iterator[str]:
    """“{a} of {b}”: both of one population, and the part within the whole."""
    for part, whole in pairwise(found):
        if not _SHARE_OF.match(text[part.end : whole.start]) or part.naming or whole.naming:
            continue
        scopes = [ground.products[one.place.source]["scope"] for one in (part, whole)]
        if part.place.source != whole.place.source and scopes[0] != scopes[1]:
            yield f"{{{part.name}}} of {{{whole.name}}} are of different populations: {scopes[0]}; {scopes[1]}"
            continue
        a, b = part.figure.records, whole.figure.records
        if a and b and a.table == b.table and not set(a.expand()) <= set(b.expand()):
            yield f"{{{part.name}}} is no part of {{{whole.name}}}: they rest on different records"


def _names(text: str, ground: Ground) -> Iterator[str]:
    """Whatever exists is named by slot; a name that is nowhere in the results is not named at all."""
    seen = SLOT.sub(" \ufffc ", plain(text))
    openings = {m.end() for m in re.finditer(r"(?:\A|[.!?:;]\s+)[\"“(]*", seen)}
    for match in _CAPITAL.finditer(seen):
        word = match[0].rstrip(".'’-")
        low = re.sub(r"['’]s\Z", "", word).lower()
        if not word[0].isupper() or _known(low, ground) or len(low) < 2:
            continue
        if low in ground.brands:
            yield f"it types the name {word!r}: bind a slot to its row"
        elif match.start() not in openings or low not in _OPENERS:
            yield f"{word!r} is in no result: bind a name to a row by a slot, or begin the sentence with another word"


def _known(word: str, ground: Ground) -> bool:
    """Is it a word of the goal or of what code wrote, or a form of one?"""
    if word in ground.words:
        return True
    return len(word) > 5 and any(known[:5] == word[:5] for known in ground.words) and word not in ground.brands


def _present_and_deeds(text: str, found: list[Bound], ground: Ground) -> Iterator[str]:
    sources = list(dict.fromkeys(one.place.source for one in found))
    old = next((s for s in sources if ground.today[:4] not in ground.products[s]["as_of"]), None) if ground.today else None
    if (now := _NOW.search(text)) and (old or not sources):
        as_of = f"{old} is as of {ground.products[old]['as_of']}" if old else "it cites nothing of today"
        yield f"it speaks of the present ({now[0]!r}) and {as_of}: say that date's past"
    deed = _DEED.search(text)
    if (
        deed
        and not set(sources) & ground.deeds
        and not any(deed[0] in one for s in sources for one in templates(ground.products[s]))
    ):
        yield f"{deed[0]!r}: no effect was carried out that it cites; code says what was decided and done"
