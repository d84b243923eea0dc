"""Exact arithmetic for the tools: cents to dollars, shares, medians. Ratios keep four decimals; reports round further."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

PLACES = 4


def dollars(cents: int) -> Decimal:
    """US cents as dollars with two decimals, exactly."""
    return Decimal(cents).scaleb(-2)


def rounded(value: Decimal | float, places: int = PLACES) -> Decimal:
    """`value` to four decimals (or `places`), half to even."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """part / whole to four decimals; 0 when there is no whole."""
    return rounded(Decimal(part) / Decimal(whole)) if whole else rounded(0)


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """100 · part / whole to four decimals; 0 when there is no whole."""
    return rounded(100 * Decimal(part) / Decimal(whole)) if whole else rounded(0)


def median(values: Sequence[Decimal]) -> Decimal | None:
    """The median to four decimals; None of nothing."""
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    return rounded(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)
