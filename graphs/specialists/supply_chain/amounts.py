"""Limits that a goal names: "at least 100 lines", "more than $10M", "over 10 % late", "top 3". Called by `entities.read`.

Numbers may be written out and magnitudes abbreviated. What was read is handed back as written, so that it is no topic.
"""

import re
from collections.abc import Iterator

from graphs.specialists.base import Mention

_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_WORDS = {word: value for value, word in enumerate(_UNITS)} | {
    "a": 1, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_TIMES = {
    "hundred": 100, "thousand": 1_000, "k": 1_000, "million": 1_000_000, "mio": 1_000_000, "mn": 1_000_000, "m": 1_000_000,
    "billion": 1_000_000_000, "bn": 1_000_000_000, "b": 1_000_000_000,
}  # fmt: skip
_NUMBER = (
    rf"(?P<number>\d[\d,]*(?:\.\d+)?|\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b)"
    rf"(?:\s*(?P<times>{'|'.join(sorted(_TIMES, key=len, reverse=True))})\b)?"
)
_LINES = re.compile(
    rf"{_NUMBER}\s*(?:\+|or more)?\s*(?:order |delivery |shipment |purchase )?(?:lines|orders|line)\b", re.IGNORECASE
)
_BOUND = re.compile(
    r"(?:at least|at the least|min(?:imum)?\.?(?: of)?|>=?|≥|(?:no|not) (?:fewer|less) than|more than|over|above|from|under|below|<"
    r"|fewer than|less than|provided there are|with|smaller than)\s*$",
    re.IGNORECASE,
)
_MONEY = re.compile(
    rf"(?:>=?|≥|more than|over|above|exceed\w*|at least|beyond|min(?:imum)?\.?(?: of)?|greater than)\s*"
    rf"(?:(?P<sign>\$|usd|us\$)\s*)?{_NUMBER}\s*(?P<after>\$|usd|us dollars|dollars|bucks)?",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"(?:>=?|≥|more than|over|above|exceed\w*|at least|beyond|greater than)\s*(?P<number>\d+(?:\.\d+)?)\s*(?:%|per ?cent\b)",
    re.IGNORECASE,
)
_LATE = re.compile(r"\b(?:late|delay\w*|behind)\b", re.IGNORECASE)
_TOP = re.compile(
    r"\b(?:(?:top|first|worst|best|biggest|largest|leading)\s+(?P<after>\d{1,2}|[a-z]+)"
    r"|(?P<before>\d{1,2}|[a-z]+)\s+(?:worst|best|biggest|bigest|largest|leading|top|latest)\b"
    r"|(?P<plain>two|three|four|five|six|seven|eight|nine|ten)\s+(?:\w+\s+)?(?:suppliers|vendors|countries))",
    re.IGNORECASE,
)


def value_of(number: str, times: str | None = None) -> float:
    """ "ten", "million" → 10000000.0; raises ValueError for what is no number."""
    plain = number.casefold().replace(",", "")
    return float(_WORDS.get(plain, plain)) * _TIMES.get((times or "").casefold(), 1)


def limits(goal: str) -> Iterator[Mention]:
    """The limits of a goal as settings: min_lines, min_spend, min_late_rate, top."""
    for found in _LINES.finditer(goal):
        if _BOUND.search(goal[: found.start()]):
            yield Mention("min_lines", f"{value_of(found['number'], found['times']):g}", found[0])
            break
    for found in _MONEY.finditer(goal):
        big = bool(found["times"]) and found["times"].casefold() != "hundred"
        if (found["sign"] or found["after"] or big) and not _LINES.match(goal, found.start("number")):
            yield Mention("min_spend", f"{value_of(found['number'], found['times']):.0f}", found[0])
            break
    if (rate := _RATE.search(goal)) and _LATE.search(goal):
        yield Mention("min_late_rate", f"{float(rate['number']):g}", rate[0])
    for found in _TOP.finditer(goal):
        word = (found["after"] or found["before"] or found["plain"]).casefold()
        if word.isdigit() or (word in _WORDS and word != "a"):
            count = int(value_of(word))
            if 1 <= count <= 20:
                yield Mention("top", str(count), "")
                return
