"""How a figure is written for people: one rule for each unit, the same in every report, table and approval."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tools.results import Unit

_PLACES: dict[str, str] = {
    "usd": "0.01",
    "percent": "0.01",
    "days": "0.01",
    "score": "0.1",
    "index": "0.0001",
    "ratio": "0.0001",
}
_AFTER: dict[str, str] = {"percent": " %", "days": " days", "kg": " kg"}


def show(value: Any, unit: Unit = "text") -> str:
    """`542212022.34`, usd → `$542,212,022.34`; a missing value is `–`."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit in ("text", "date"):
        return str(value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if unit in _PLACES:
        number = number.quantize(_place(number, unit), rounding=ROUND_HALF_UP)
    text = f"{number:,}" if unit != "count" else f"{int(number):,}"
    sign, text = ("−", text[1:]) if text.startswith("-") else ("", text)
    return f"{sign}${text}" if unit == "usd" else f"{sign}{text}{_AFTER.get(unit, '')}"


def _place(number: Decimal, unit: Unit) -> Decimal:
    """The last place shown. A rate below one percent keeps three digits: 0.722 %, not 0.72 %."""
    small = unit == "percent" and Decimal("0.001") <= abs(number) < 1
    return Decimal("0.001") if small else Decimal(_PLACES[unit])
