"""Intake on a thread that has a goal: does a message ask about the answer, change the goal, or bring a new one?

Plain patterns over the message; entities were found by code before. Used by `reading.py` only.
"""

import re

from models.listed import pack, unpack
from models.offline.catalogue import Catalogue
from models.offline.request import Json
from models.offline.words import fold

_ASKS_BACK = re.compile(
    r"^(?:(?:and|but|so|ok|okay|please|can you|could you)[ ,]+)*(?:"
    r"how (?:did|do|have|has|was|were|is|are|come|can) (?:you|this|that|it|these|those|the \w+|we)\b"
    r"(?! (?:late|often|much|many|exposed|expensive|big|large|dependent|concentrated))"
    r"|how (?:was|were|is|are) .{0,60}\b(?:calculated|computed|derived|determined|worked out|scored|measured|arrived at|made)\b"
    r"|where (?:does|do|did|is|are) (?:this|that|it|these|those|the)\b.{0,60}\b(?:from|come)\b"
    r"|why\b|explain\b|what makes\b|what is (?:this|that|it) based on|on what (?:basis|evidence|records)|based on what"
    r"|show (?:me )?(?:your|the) (?:working|workings|work|evidence|records|sources|calculation)"
    r"|which (?:records|rows|data|sources|evidence)\b.{0,40}\b(?:use|used|behind|rest|based|count|counted)\b"
    r"|(?:what|which) (?:is|are) (?:your|the) (?:source|sources|evidence)\b|source\?*$|sources\?*$"
    r"|are you sure|is (?:this|that|it) (?:right|correct|true)"
    r")"
)
_CHANGES = re.compile(
    r"^(?:(?:ok|okay|please|now|then|so|no|sorry|actually|can you|could you|and)[ ,]+)*(?:"
    r"and\b|also\b|only\b|just\b|but\b|what about\b|how about\b|same\b|the same\b|again\b|redo\b|rerun\b|re-run\b|repeat\b"
    r"|do (?:it|that|this) (?:again|over)\b|without\b|instead\b|with\b|for\b|excluding\b|exclude\b|except\b|add\b|drop\b"
    r"|leave\b|skip\b|in \d|from \d|since\b|until\b|before \d|after \d|now\b|restrict\b|limit\b|narrow\b|include\b|remove\b|make it\b"
    r"|all (?:modes|countries|suppliers|years)\b|not\b|dont\b|do not\b)"
)
_JOINS = re.compile(r"\b(?:also|add|plus|as well|too|include|including|additionally|besides)\b")
_WHOLE = re.compile(
    r"\ball (?:the )?(?P<what>modes|countries|suppliers|years)\b|\bwithout (?:the |any )?filters?\b|\bno filters?\b"
)
_FIELDS = {
    "modes": ("modes",),
    "countries": ("countries",),
    "suppliers": ("suppliers", "supplier"),
    "years": ("year_from", "year_to"),
}


def asks_back(goal: str) -> bool:
    """Does a message ask how the answer before it came about?"""
    return bool(_ASKS_BACK.search(fold(goal).strip()))


def changes(goal: str, words: list[str], settings: list[Json], exclude: list[str]) -> bool:
    """Does a message change the goal before it? It opens like one, or it is nothing but names, years and exclusions."""
    bare = not words and bool(settings or exclude)
    return bare or bool(_CHANGES.search(fold(goal).strip())) or bool(_WHOLE.search(fold(goal)))


def change(goal: str, before: Json, settings: list[Json]) -> list[Json]:
    """The settings that a message sets: joined to the earlier ones ("also Kenya"), taken away ("all modes"), or as they are."""
    text = fold(goal)
    earlier = {item["name"]: str(item["value"]) for item in before.get("settings") or ()}
    made = {item["name"]: str(item["value"]) for item in settings}
    if _JOINS.search(text):
        for name, value in made.items():
            if name in ("suppliers", "countries", "modes"):
                made[name] = pack([*unpack(earlier.get(name, "")), *unpack(value)])
                if not earlier.get(name):  # nothing was filtered: say so by a longer list than was found
                    made[name] = pack([*unpack(value), "*"])
    for match in _WHOLE.finditer(text):
        fields = _FIELDS.get(match["what"] or "", tuple(name for names in _FIELDS.values() for name in names))
        made |= {name: "" for name in fields if name in earlier}
    if "year_from" in made or "year_to" in made:  # "2014 only" after "since 2012"
        made = {"year_from": "", "year_to": "", **made}
        made = {name: value for name, value in made.items() if value or name in earlier}
    return [{"name": name, "value": value} for name, value in made.items()]


def about(words: list[str], catalogue: Catalogue, before: Json) -> list[str]:
    """The products of the goal before that a question names; empty for all of them."""
    return [p for match in catalogue.match(words)[:3] for p in match.candidate.products if p in (before.get("products") or ())]
