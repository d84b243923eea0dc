"""Does a text say a value? Whole words, whole numbers, whole identifiers; used by the labels, knows nothing of trust.

"evil.com" is not said by "not-evil.com", nor "1" by "2015", nor "site.org" by "site.org/page".
"""

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

CODE = 10  # characters from which letters and digits make an identifier: an account, a key
SHORT = 4  # a bare number with fewer digits names a thing only when the text says that it does ("id 5")
_NAMED = re.compile(r"(?:\bid|\bno\.?|\bnumber|#)[\s:'\"]*$")
_ADDRESS = re.compile(r"https?://|www\.|[^/]+\.[a-z]+/", re.IGNORECASE)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,:/-])(?:[$€£]\s?)?(\d+(?:,\d{3})*(?:\.\d+)?)(?![\w%]|[.,:/-]?\d)")
_PERCENT = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?%")
_LINK = re.compile(
    r"https?://[^\s<>\"')\]]+"
    r"|(?<![\w@.-])www\.[^\s<>\"')\]]+"
    r"|(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|io|ly|app|dev|me|co|ai|xyz|site|online|[a-z]{2})(?:/[^\s<>\"')\]]*)?(?![\w@-])",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """One form for comparing: no scheme, single spaces."""
    return " ".join(_SCHEME.sub("", text).split())


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return plain(text).casefold()


def number(value: Any) -> Decimal | None:
    """The value as a number, if it is one or is written as one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value).strip().replace(",", "")) if isinstance(value, int | float | str | Decimal) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


@lru_cache(maxsize=1024)
def numbers(text: str) -> frozenset[Decimal]:
    """The amounts a text says: 1,200 and 4.50, but no percentages, no parts of dates or identifiers."""
    return frozenset(Decimal(one.replace(",", "")) for one in _NUMBER.findall(text))


@lru_cache(maxsize=1024)
def percentages(text: str) -> frozenset[Decimal]:
    return frozenset(Decimal(one) / 100 for one in _PERCENT.findall(text))


def links(text: str) -> tuple[str, ...]:
    """Web addresses in a text, without scheme and closing punctuation."""
    return tuple(plain(one.group()).rstrip(".,;:!?") for one in _LINK.finditer(text))


def says(text: str, value: Any) -> bool:
    """Does the text say this value, whole? Case does not matter; short bare numbers must be named as an id or a number."""
    wanted = _folded(str(value))
    if not wanted or isinstance(value, bool):
        return False
    within, cased = _folded(text), plain(text)
    must_be_named = wanted.isdecimal() and len(wanted) < SHORT
    at = within.find(wanted)
    while at >= 0:
        after = at + len(wanted)
        # Folding changes the length of a few letters; then the case of what follows is not known, and counts as small.
        follows = cased[after : after + 2] if len(cased) == len(within) else within[after : after + 2]
        if _ends_before(within[:at][-2:]) and _begins_after(follows) and (not must_be_named or _NAMED.search(within, 0, at)):
            return True
        at = within.find(wanted, at + 1)
    return False


def _ends_before(lead: str) -> bool:
    """Is a new word begun after these characters? Not within a word, an address or a path."""
    if not lead:
        return True
    return not (_inner(lead[-1]) or (lead[-1] == "." and len(lead) == 2 and (lead[0].isalnum() or lead[0] == "_")))


def _begins_after(rest: str) -> bool:
    """Is the word over before these? A full stop and a small letter or digit go on with it; a new sentence begins large."""
    if not rest:
        return True
    return not (_inner(rest[0]) or (rest[0] == "." and rest[1:] and (rest[1].islower() or rest[1].isdigit())))


def _inner(one: str) -> bool:
    return one.isalnum() or one in "_@/-"


def shape(value: Any) -> str:
    """What an identifier looks like: "mail", "link", "code" (ten or more letters and digits); "" for words and numbers."""
    text = plain(str(value))
    if " " in text:
        return ""
    if "@" in text:
        return "mail"
    if links(text) == (text,):
        return "link"
    digits = sum(map(str.isdigit, text))
    return "code" if len(text) >= CODE and text.isalnum() and digits and digits < len(text) else ""


def is_identifier(value: Any) -> bool:
    """Is it an account, a mail or a web address, by its looks? "notes.md" is a file as well as a host, and does not count."""
    found = shape(value)
    return found in ("mail", "code") or (found == "link" and _ADDRESS.match(str(value)) is not None)


@lru_cache(maxsize=1024)
def shapes(text: str) -> frozenset[str]:
    """The shapes of the identifiers in a text."""
    words = (word.strip(".,;:!?()[]<>'\"") for word in plain(text).split())
    return frozenset(found for word in words if (found := shape(word)))


def same(one: Any, other: Any) -> bool:
    """Are two values the same as text (case and spaces aside) or as numbers?"""
    if _folded(str(one)) == _folded(str(other)):
        return True
    left = number(one)
    return left is not None and left == number(other)
