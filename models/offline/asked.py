"""What a goal says beside its topic: what to leave out, years and thresholds. Plain patterns, used by intake only."""

import re

from models.listed import pack
from models.offline.catalogue import TITLED, Catalogue
from models.offline.request import Json
from models.offline.words import STOP, fold, split, stem, stems

_NEGATION = re.compile(
    r"\b(?:without|no|not|dont|never|skip|skipping|except|excluding|exclude|leave out|leaving out|omit|ignore|ignoring)\b"
    r"(?P<span>[^.,;:!?\n]*)"
)
_ENDS = re.compile(
    r"\b(?:but|only|just|then|though|because|please|for|by|in|with|over|across"
    r"|and (?=(?:analy[sz]e|assess|check|compare|find|give|list|make|rank|run|score|screen|show|summari[sz]e|tell"
    r"|open|escalate|create|raise|draft|send|use|do)\b))\b"
)
# "Sanctions are out of scope", "legal did the screening, so leave that out": what is left out comes first.
_BEFORE = re.compile(
    r"(?P<span>[^.,;:!?\n]*?)\b(?:(?:is|are) (?:out of scope|not (?:needed|wanted|required|necessary)|unnecessary)"
    r"|(?:so |please )?(?:leave|leaving|skip|drop|omit) (?:that|this|it|them)(?: out| part)?)\b"
)
_DRAFT = re.compile(
    r"\b(?:drafts?|drafted|drafting|dry run|simulat\w+|would (?:you )?escalate|you would (?:open|escalate)|without (?:opening|sending)"
    r"|(?:dont|do not|not|never|no need to) (?:yet )?(?:open|create|send|escalate|raise|file|start)\w*)\b"
)
# Who must approve is policy's to say: "skip the approval" is no product to leave out, and changes nothing.
_NOT_OURS = frozenset(stems("approval approve approver permission authorisation review"))

_YEAR = r"((?:19|20)\d\d)"
_SPANS = (
    (re.compile(rf"\b(?:from|between)?\s*{_YEAR}\s*(?:-|–|to|and|until|through)\s*{_YEAR}\b"), (0, 0)),
    (re.compile(rf"\b(?:since|from|starting in)\s+{_YEAR}\b"), (0, None)),
    (re.compile(rf"\bafter\s+{_YEAR}\b"), (1, None)),
    (re.compile(rf"\b(?:until|through|up to)\s+{_YEAR}\b"), (None, 0)),
    (re.compile(rf"\bbefore\s+{_YEAR}\b"), (None, -1)),
    (re.compile(rf"\b{_YEAR}\b"), (0, 0)),
)
_THRESHOLD = re.compile(
    r"(?:\b(?:over|above|exceeding|more than|at least|threshold(?: of| is)?)|>=?)\s*(\d+(?:\.\d+)?)"
    r"(?![\d%]|\s*(?:%|percent|days|kg))"
)


def leave_out(goal: str, catalogue: Catalogue) -> tuple[str, list[str]]:
    """(the goal without its negated parts, the products that those parts name)."""
    text = re.sub(r"\b([a-z]+) nothing\b", r"dont \1 anything", fold(goal))
    spans = [match["span"] for match in _BEFORE.finditer(text)]

    def take(match: re.Match[str]) -> str:
        span = match["span"]
        end = _ENDS.search(span)
        kept = span[end.start() :] if end else ""
        span = span[: end.start()] if end else span
        spans.append(span)
        return f" {kept}"

    rest = _NEGATION.sub(take, _BEFORE.sub(" ", text))
    excluded: list[str] = []
    for span in spans:
        for part in re.split(r"\b(?:and|or|nor)\b", span):
            said = [stem(word) for word in split(part) if word not in STOP]
            excluded += [product for product in named(said, catalogue) if product not in excluded]
    return rest, excluded


def drafts(goal: str) -> bool:
    """Does a goal want what would change something prepared, and not done?"""
    return bool(_DRAFT.search(fold(goal)))


def named(said: list[str], catalogue: Catalogue) -> list[str]:
    """The products that a few words name: those that have most of the words in their name, title or words."""
    words = {word for word in said if word not in _NOT_OURS}
    if changing := [c.products[0] for c in catalogue.candidates if c.changes and words & c.own]:
        return changing[:1]  # "no cases": of all that is said about cases, what opens one is meant
    scored = [(sum(c.bag.get(word, 0.0) >= TITLED for word in words), c) for c in catalogue.candidates if not c.playbook]
    most = max((score for score, _ in scored), default=0)
    found = [candidate.products[0] for score, candidate in scored if score == most]
    # A word that many products share ("risk", "supplier") names none of them.
    return found if most and len(found) <= max(2, len(catalogue.candidates) // 10) else []


def asked_settings(goal: str, mentions: list[Json], known: frozenset[str]) -> list[Json]:
    """Settings from the entities that code found, and from years and thresholds in the text. Only those the catalogue knows."""
    values: dict[str, list[str]] = {}
    for mention in mentions:
        values.setdefault(str(mention["setting"]), []).append(str(mention["value"]))
    found = {name: many[0] if len(many) == 1 else pack(many) for name, many in values.items() if name in known or not known}
    text = fold(goal)
    for mention in mentions:  # what code has read is not read again: "over $10M" is no threshold of a score
        text = text.replace(fold(str(mention.get("text") or "")) or "\0", " ")
    text = re.sub(r"\bfy ?(\d\d)\b", r"20\1", text)
    for name, value in {**years(text), **threshold(text)}.items():
        if name in known and name not in found:
            found[name] = value
    return [{"name": name, "value": value} for name, value in found.items()]


def years(text: str) -> dict[str, str]:
    """`year_from` and `year_to` from "2012", "2010-2012", "since 2013", "before 2012" and the like; the first that is found."""
    for pattern, shifts in _SPANS:
        if match := pattern.search(text):
            given = [int(year) for year in match.groups()] * (2 if len(match.groups()) == 1 else 1)
            first, last = (None if shift is None else year + shift for year, shift in zip(given, shifts, strict=True))
            return {name: str(year) for name, year in (("year_from", first), ("year_to", last)) if year is not None}
    return {}


def threshold(text: str) -> dict[str, str]:
    """`threshold` from "over 60" and the like; a year is none."""
    match = _THRESHOLD.search(text)
    return {"threshold": match[1]} if match and not re.fullmatch(_YEAR, match[1]) else {}
