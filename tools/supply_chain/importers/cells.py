"""The publishers' cells as values. A cell that cannot be read raises `BadCell`, and its row is rejected with that reason."""

import re
from datetime import date
from decimal import Decimal

_MONTHS = {
    name: n for n, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_SHORT_DATE = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{2}|\d{4})")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_EMPTY = {"", "n/a", "na", "null", "none"}


class BadCell(ValueError):
    """`reason` is the same for all cells of a kind, so that rejections can be counted; `value` is the cell."""

    def __init__(self, reason: str, value: str) -> None:
        super().__init__(f"{reason}: {value!r}")
        self.reason = reason
        self.value = value


def text(cell: str, what: str, longest: int) -> str:
    if not cell:
        raise BadCell(f"no {what}", cell)
    if len(cell) > longest:
        raise BadCell(f"{what} longer than {longest} characters", cell[:60])
    return cell


def optional(cell: str) -> str | None:
    """None for an empty cell, also where the publisher writes N/A."""
    return None if cell.lower() in _EMPTY else cell


def whole(cell: str, what: str) -> int:
    if not cell.isascii() or not cell.isdigit():
        raise BadCell(f"{what} is not a whole number", cell)
    return int(cell)


def day(cell: str, what: str) -> date:
    """2-Jun-06 or 2006-06-02. Months are English whatever the locale; two-digit years are of this century."""
    try:
        if match := _SHORT_DATE.fullmatch(cell):
            year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
            return date(year, _MONTHS[match[2].lower()], int(match[1]))
        return date.fromisoformat(cell)
    except (KeyError, ValueError):
        raise BadCell(f"{what} is not a date like 2-Jun-06", cell) from None


def scaled(cell: str, what: str, scale: int) -> int:
    """An amount as a whole number of its smallest unit: cents of dollars (100), grams of kilograms (1000).

    More decimals than the unit has are refused: rounding them would make sums differ from the publisher's.
    """
    if not _NUMBER.fullmatch(cell):
        raise BadCell(f"{what} is not a number", cell)
    amount = Decimal(cell) * scale
    if amount != amount.to_integral_value():
        raise BadCell(f"{what} has too many decimals", cell)
    return int(amount)


def scaled_or_note(cell: str, what: str, scale: int) -> tuple[int | None, str | None]:
    """The amount, or the remark that stands in its place ("See ASN-93 (ID#:1281)"); (None, None) when empty."""
    if optional(cell) is None:
        return None, None
    if any(letter.isalpha() for letter in cell):
        return None, text(cell, f"{what} remark", 100)
    return scaled(cell, what, scale), None
