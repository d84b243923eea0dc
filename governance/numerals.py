"""Numbers in text that a model wrote: digits of any script, spelled-out numbers, and what only looks like text.

A model never types a figure, so every number in its words must be one that somebody else answers for: code, or the user. Used by
the gateway (arguments that people approve) and the graphs (plans, findings, answers). Pure functions, no I/O.

What counts as a number: any character with a numeric value (٤, ½, ², Ⅻ, 四), pictures of numbers, Roman numerals, English number
words with their fractions, multiples and ranks ("two thirds", "a dozen", "twice", "third-largest"), the word percent, and words
that mix alphabets or are spaced out, since nothing honest is written so. What does not: words of amount without a number (many,
most, several, none), "one" as a pronoun (no one, one of), first and second unless they rank. Number words of other languages are
not known.
"""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

MARK = "[number left out]"

_UNITS = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fourty fifty sixty seventy eighty ninety"
_LARGE = "hundred thousand million billion trillion lakh crore dozen"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth hundredth thousandth millionth"
_OTHERS = (
    "zero nil half halves halve halved halves twice thrice double doubled doubles doubling triple tripled triples tripling "
    "quadruple quadrupled threefold twofold tenfold percent percents pct permille"
)
_WORDS = frozenset(
    [
        *f"{_UNITS} {_TEENS} {_TENS} {_LARGE} {_ORDINALS} {_OTHERS}".split(),
        *(f"{word}s" for word in f"{_LARGE} {_TENS} {_ORDINALS}".split()),
        *(f"{ten}{one}" for ten in _TENS.split() for one in _UNITS.split()),
    ]
)
_WORDS_BEFORE_PRONOUN = "no this that which any every each the some other another"
_PRONOUN_AFTER = frozenset(_WORDS_BEFORE_PRONOUN.split())
_PRONOUN_BEFORE = frozenset({"of", "another", "by"})
_RANKING = "rank ranks ranked ranking place places placed comes came is was are number"
_RANKS = frozenset(_RANKING.split())
_RANKED = re.compile(r"place|placed|rank|highest|lowest|most|least|best|worst|[a-z]+est\Z")
_ROMAN = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})\Z")
_NO_ROMAN = frozenset({"mix", "di", "li", "mi", "vi", "xi", "id", "mm", "cc", "cd", "dc", "md"})
_PICTURES = re.compile("[\U0001f51f\U0001f4af\u2680-\u2685\u2800-\u28ff\U0001f000-\U0001f0ff]")
_TOKEN = re.compile(r"[^\W_]+(?:[.,:/'’^×·*‐‑–-]?[^\W_]+)*|[^\w\s]")
_PARTS = re.compile(r"[^\W_]+")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ .·_-]){2,}[^\W\d_](?!\w)")


class Token(NamedTuple):
    text: str
    number: bool


@dataclass(frozen=True)
class Answered:
    """Words that somebody answers for. `whole` are texts that code wrote: their numbers may be repeated with the whole text.
    `user` are the user's: a number of theirs may be repeated beside a word it stood beside ("since 2013"). `names` are code's
    names for things: a number word of theirs likewise ("top five")."""

    whole: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


NOBODY = Answered()


def plain(text: str) -> str:
    """The text as a reader sees it: entities decoded, one form for each character, nothing invisible."""
    for _ in range(3):
        text = html.unescape(text)
    if text.isascii():  # most are, and have nothing to bring into one form and nothing invisible
        seen = text
    else:
        seen = "".join(
            c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in ("Cf", "Mn", "Me", "Co")
        )
    return " ".join(_SPACED.sub(lambda m: re.sub(r"[ .·_-]", "", m[0]), seen).split())


def tokens(text: str) -> list[Token]:
    """The words of a text as a reader sees it, each with whether it is a number."""
    words = _TOKEN.findall(plain(text))
    return [Token(word, _is_number(words, place)) for place, word in enumerate(words)]


def numbers(text: str, answered: Answered = NOBODY) -> list[str]:
    """The numbers of a text that nobody answers for, as written."""
    seen = plain(text)
    if not any(token.number for token in tokens(seen)):
        return []
    for known in sorted({plain(one) for one in answered.whole if any(t.number for t in tokens(one))}, key=len, reverse=True):
        seen = re.sub(rf"(?<!\w){re.escape(known)}(?!\w)", " \ufffc ", seen)
    found = tokens(seen)
    user, names = _pairs(answered.user), _pairs(answered.names)
    return [
        token.text
        for place, token in enumerate(found)
        if token.number and not _beside(found, place) & (user if _valued(token.text) else user | names)
    ]


def strike(text: str, answered: Answered = NOBODY) -> str:
    """The text without the numbers that nobody answers for; `MARK` stands where one was."""
    wrong = numbers(text, answered)
    if not wrong:
        return text
    seen = plain(text)
    for one in sorted(set(wrong), key=len, reverse=True):
        seen = re.sub(rf"(?<![^\W_]){re.escape(one)}(?![^\W_])", MARK, seen)
    return seen


def _is_number(words: list[str], place: int) -> bool:
    word = words[place]
    if _valued(word) or (not word.isascii() and (_PICTURES.search(word) or _mixed(word))):
        return True
    before = words[place - 1].lower() if place else ""
    after = words[place + 1].lower() if place + 1 < len(words) else ""
    for part in _PARTS.findall(word):
        low = part.lower()
        if low == "one" and word.lower() == "one":
            if before not in _PRONOUN_AFTER and after not in _PRONOUN_BEFORE:
                return True
        elif low == "third" and re.match(r"third-?part(y|ies)\Z", word.lower() if "-" in word else f"third{after}"):
            continue
        elif low in _WORDS or _roman(part):
            return True
        elif low in ("first", "second"):
            rest = word.lower().partition("-")[2] or after
            if before in _RANKS or (rest and _RANKED.match(rest)):
                return True
        elif (low in ("quarter", "quarters", "couple") and (after == "of" or before in _WORDS)) or (low, before) == (
            "cent",
            "per",
        ):
            return True
    return False


def _valued(word: str) -> bool:
    """Has a character a numeric value?"""
    if word.isascii():
        return any(map(str.isdigit, word))
    return any(unicodedata.numeric(c, None) is not None for c in word)


def _roman(part: str) -> bool:
    if len(part) < 2 or part.lower() in _NO_ROMAN or (part.islower() and len(part) < 3):
        return False
    return (part.isupper() or part.islower()) and _ROMAN.match(part.upper()) is not None


def _mixed(word: str) -> bool:
    """Does a word of three letters or more mix alphabets?"""
    letters = [c for c in word if c.isalpha()]
    return len(letters) > 2 and len({unicodedata.name(c, "?").partition(" ")[0] for c in letters}) > 1


def _beside(found: list[Token], place: int) -> set[tuple[str, str]]:
    """The word with those beside it. Alone it stands beside nothing, which counts where a text is nothing but it."""
    word = found[place].text.lower()
    pairs = {(found[place - 1].text.lower(), word)} if place else set()
    if place + 1 < len(found):
        pairs.add((word, found[place + 1].text.lower()))
    return {pair for pair in pairs if all(_PARTS.search(one) for one in pair)} or {("", word)} & _alone(found)


def _alone(found: list[Token]) -> set[tuple[str, str]]:
    return {("", found[0].text.lower())} if len(found) == 1 else set()


def _pairs(texts: Iterable[str]) -> set[tuple[str, str]]:
    pairs: set[tuple[str, str]] = set()
    for text in texts:
        found = tokens(text)
        for place, token in enumerate(found):
            if token.number:
                pairs |= _beside(found, place) | {("", token.text.lower())}
    return pairs
