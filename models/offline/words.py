"""Words for matching: folding, splitting, stems and the words that carry no topic. Used by the offline model only."""

import re
import unicodedata
from typing import Any

_WORD = re.compile(r"[a-z0-9]+")

_NO_TOPIC = """
a about across after again against all also am an analyse analyze and any are as assess at be been before between both
but by can check compare compute could did do does done during each evaluate every examine explain find for from get
give had has have he hello help her here hi him his how i if in into is it its just know let like list look make many
may me more most much must my need now of off on one only or our out over overall own per please report review run
same see she should show since so some study such summarise summarize take tell than that the their them then there
these they this those through to today too under until up us use versus very vs want was we were what when where which
while who whole whom whose why will with within work would write yes you your
"""
_UNITS = frozenset(("lines", "line", "orders"))  # said with an amount, and still what is counted
STOP = frozenset(_NO_TOPIC.split())


def fold(text: str) -> str:
    """Lower case without accents, apostrophes joined ("don't" is "dont")."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("'", "").replace("’", "")


def split(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """A crude English stem, good enough to bring "suppliers", "sourced" and "delivery" together with their relatives."""
    if len(word) <= 3 or word.isdigit():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith(("e", "y", "i")) else word


_ENDINGS = (
    ("isations", ""),
    ("izations", ""),
    ("isation", ""),
    ("ization", ""),
    ("ations", ""),
    ("ation", ""),
    ("ments", ""),
    ("ment", ""),
    ("ances", ""),
    ("ance", ""),
    ("iness", "y"),
    ("ness", ""),
    ("ingly", ""),
    ("ings", ""),
    ("ing", ""),
    ("ability", "abl"),
    ("ality", "al"),
    ("ures", ""),
    ("ure", ""),
    ("ities", "it"),
    ("ity", "it"),
    ("ies", "y"),
    ("edly", ""),
    ("ied", "y"),
    ("ed", ""),
    ("ers", ""),
    ("er", ""),
    ("sses", "ss"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("xes", "x"),
    ("ly", ""),
    ("ss", "ss"),
    ("us", "us"),
    ("is", "is"),
    ("s", ""),
)


def stems(text: str) -> list[str]:
    """The stems of the words that carry a topic, in order, with repetitions."""
    return [stem(word) for word in split(text) if word not in STOP]


def without(text: str, mentions: list[dict[str, Any]]) -> str:
    """The folded text less the names and amounts that code has read from it, each word of them once where it stands alone."""
    plain = fold(text)
    for mention in mentions:
        written = fold(str(mention.get("text") or ""))
        if written and written in plain:
            plain = plain.replace(written, " ")
        for word in _WORD.findall(written):
            plain = re.sub(rf"\b{word}\b", " ", plain) if len(word) > 2 and word not in _UNITS else plain
    return plain


def holds(sequence: list[str], phrase: list[str], *, gap: int = 1) -> bool:
    """Does `sequence` have the words of `phrase` in order, with at most `gap` words between two of them?"""
    for start, word in enumerate(sequence):
        if word != phrase[0]:
            continue
        at = start
        for wanted in phrase[1:]:
            window = sequence[at + 1 : at + 2 + gap]
            if wanted not in window:
                break
            at += 1 + window.index(wanted)
        else:
            return True
    return False


def without_figures(text: str) -> str:
    """The text with no digit in it: words that hold one are left out. For titles, where code forbids figures."""
    kept = " ".join(word for word in text.split() if not any(c.isdigit() for c in word))
    return re.sub(r"\s+([,.;:)])", r"\1", kept).strip(" ,;:-–(")


def listed(names: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
