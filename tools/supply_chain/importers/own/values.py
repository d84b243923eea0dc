"""Anybody's cells as values: numbers in two styles, days in five, countries, transport modes, currencies.

A cell is text, or from a workbook a number or a day. How the text of a column is to be read is decided once for the whole
column (see `profile`), never cell by cell: "1.234" and "03/04/2014" mean different things in different files.
"""

import gettext
import re
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal

import pycountry

from tools.supply_chain.importers.cells import BadCell
from tools.supply_chain.importers.countries import DESTINATIONS

Cell = str | Decimal | date
NumberFormat = Literal["point", "comma"]
DayFormat = Literal["iso", "dmy", "mdy", "named", "compact"]
DAY_FORMATS: tuple[DayFormat, ...] = ("iso", "dmy", "mdy", "named", "compact")
EMPTY = frozenset({"", "-", "–", "—", "n/a", "#n/a", "na", "null", "none", "nan", "k.a.", "tbd"})
YEARS = range(1950, 2101)

_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_MONEY = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[-+−])?\s*(?P<before>US\$|[$€£¥₹]|[A-Z]{3}(?![A-Za-z]))?\s*(?P<inner>[-+−])?"
    r"(?P<body>[\d.,'’\s]*\d[.,]?)\s*(?P<percent>%)?\s*(?P<after>US\$|[$€£¥₹]|[A-Z]{3})?\s*(?P<trail>[-−])?(?P<close>\))?"
)
_SPACE = r"['’\s]"
_BODIES: dict[NumberFormat, re.Pattern[str]] = {
    "point": re.compile(rf"(\d*|[1-9]\d{{0,2}}(?:(?:,|{_SPACE})\d{{2,3}})*(?:,|{_SPACE})\d{{3}})(?:\.(\d*))?"),
    "comma": re.compile(rf"(\d*|[1-9]\d{{0,2}}(?:(?:\.|{_SPACE})\d{{3}})+)(?:,(\d*))?"),
}
_TIME = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")
_SHORT = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}")
_COMPACT = re.compile(r"(19\d\d|20\d\d)(\d\d)(\d\d)")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[-. ]+([^\W\d]{{3,10}})\.?[-, ]+(\d{{4}}|\d{{2}}){_TIME}")
_MONTH_FIRST = re.compile(rf"([^\W\d]{{3,10}})\.?[- ]+(\d{{1,2}})(?:st|nd|rd|th)?[-, ]+(\d{{4}}|\d{{2}}){_TIME}")
_MONTHS = (
    "jan janv", "feb fév fev", "mar mär mrz", "apr avr", "may mai", "jun juin", "jul juil", "aug aoû aou", "sep", "oct okt",
    "nov", "dec dez déc",
)  # fmt: skip
_MODES = {
    "Air": "air airfreight plane aeroplane luft luftfracht flug",
    "Ocean": "ocean sea seafreight vessel ship see seefracht schiff",
    "Truck": "truck road lkw strasse straße lorry",
    "Rail": "rail train bahn zug",
    "Courier": "courier express parcel kurier paket",
    "Air Charter": "charter",
}
_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl")


def empty(cell: Cell) -> bool:
    """Does the cell say nothing?"""
    return isinstance(cell, str) and cell.casefold() in EMPTY


def plain(cell: Cell) -> str:
    """The cell as text on one line."""
    return " ".join(cell.split()) if isinstance(cell, str) else str(cell)


@lru_cache(maxsize=1 << 16)
def money(cell: str) -> re.Match[str] | None:
    """The parts of a cell that is a number with whatever stands around it; None for anything else."""
    return _MONEY.fullmatch(cell)


@lru_cache(maxsize=1 << 16)
def number_formats(cell: str) -> tuple[NumberFormat, ...]:
    """The styles in which the cell is a number: none, one, or both ("1.234")."""
    match = money(cell)
    return () if match is None else tuple(style for style, body in _BODIES.items() if body.fullmatch(match["body"].strip()))


def number(cell: Cell, style: NumberFormat) -> Decimal:
    """The number in a cell; brackets and a minus at either end are negative. Raises `BadCell`."""
    if isinstance(cell, Decimal):
        return cell
    match = money(cell) if isinstance(cell, str) else None
    body = _BODIES[style].fullmatch(match["body"].strip()) if match else None
    if match is None or body is None:
        raise BadCell(f"not a number with a decimal {style}", plain(cell))
    if match["percent"]:
        raise BadCell("a percentage, not an amount", plain(cell))
    if bool(match["open"]) != bool(match["close"]):
        raise BadCell("a bracket is not closed", plain(cell))
    minus = [match[place] for place in ("sign", "inner", "trail") if match[place]]
    if len(minus) + bool(match["open"]) > 1:
        raise BadCell("more than one sign", plain(cell))
    whole = re.sub(r"[^\d]", "", body[1])
    value = Decimal(f"{whole or 0}.{body[2]}" if body[2] else whole)
    return -value if match["open"] or minus not in ([], ["+"]) else value


def currency_in(cell: Cell) -> str | None:
    """The currency that stands beside the number, as its three letters."""
    match = money(cell) if isinstance(cell, str) else None
    said = (match["before"] or match["after"]) if match else None
    return currency(said) if said else None


@lru_cache(maxsize=1 << 10)
def currency(text: str) -> str | None:
    """USD for "$", "US$" or "usd"; None for what is no currency."""
    code = _SIGNS.get(text.strip(), text.strip().upper())
    return code if pycountry.currencies.get(alpha_3=code) else None


def currency_named(header: str) -> str | None:
    """The currency that a column's name says its amounts are in: "Nettobetrag (EUR)", "Value in GBP", "Cost €".

    In a name of capitals a word may look like a code ("ALL" is the Albanian lek), so there it counts in brackets or after "IN".
    """
    found = re.findall(r"US\$|[$€£¥₹]", header)
    found += re.findall(r"(?:[(\[]\s*|\b[Ii][Nn]\s+)([A-Z]{3})\b", header)
    if header != header.upper():
        found += re.findall(r"\b[A-Z]{3}\b", header)
    codes = {code for word in found if (code := currency(word))}
    return codes.pop() if len(codes) == 1 else None


@lru_cache(maxsize=1 << 16)
def day_formats(cell: str) -> tuple[DayFormat, ...]:
    """The formats in which the cell is a day."""
    return tuple(form for form in DAY_FORMATS if _day(cell, form) is not None)


def day(cell: Cell, form: DayFormat) -> date:
    """The day in a cell. Raises `BadCell`."""
    if isinstance(cell, date):
        return cell
    found = _day(cell, form) if isinstance(cell, str) else None
    if found is None:
        wanted = {"iso": "2014-12-31", "dmy": "31.12.2014", "mdy": "12/31/2014", "named": "31 Dec 2014", "compact": "20141231"}
        raise BadCell(f"not a date like {wanted[form]}", plain(cell))
    return found


@lru_cache(maxsize=1 << 16)
def _day(cell: str, form: DayFormat) -> date | None:
    parts: tuple[str, str, str] | None = None  # year, month, day
    if (form == "iso" and (match := _ISO.fullmatch(cell))) or (form == "compact" and (match := _COMPACT.fullmatch(cell))):
        parts = match[1], match[2], match[3]
    elif form == "dmy" and (match := _SHORT.fullmatch(cell)):
        parts = match[4], match[3], match[1]
    elif form == "mdy" and (match := _SHORT.fullmatch(cell)):
        parts = match[4], match[1], match[3]
    elif form == "named" and (match := _DAY_FIRST.fullmatch(cell)):
        parts = match[3], _month(match[2]), match[1]
    elif form == "named" and (match := _MONTH_FIRST.fullmatch(cell)):
        parts = match[3], _month(match[1]), match[2]
    if parts is None:
        return None
    year = int(parts[0]) + (0 if len(parts[0]) == 4 else 2000 if int(parts[0]) < 70 else 1900)
    try:
        return date(year, int(parts[1]), int(parts[2])) if year in YEARS else None
    except ValueError:
        return None


def _month(name: str) -> str:
    """The month's number; 0 for what is no month."""
    for index, starts in enumerate(_MONTHS, 1):
        if name.casefold().startswith(tuple(starts.split())):
            return str(index)
    return "0"


@cache
def _countries() -> dict[str, str]:
    """Names in lower case, in several languages, and codes → ISO-3166 alpha-3."""
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        translation = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            found.setdefault(translation.gettext(country.name).casefold(), country.alpha_3)
    for country in pycountry.countries:
        names = [
            country.name,
            country.alpha_2,
            country.alpha_3,
            getattr(country, "common_name", ""),
            getattr(country, "official_name", ""),
        ]
        found |= {name.casefold(): country.alpha_3 for name in names if name}
    return found | {name.casefold(): code for name, code in DESTINATIONS.items()} | {"uk": "GBR", "great britain": "GBR"}


def country(text: str) -> str | None:
    """ISO-3166 alpha-3 of a country's name or code; None when it is not known."""
    return _countries().get(text.casefold())


def country_name(iso3: str) -> str:
    """The country's usual English name."""
    known = pycountry.countries.get(alpha_3=iso3)
    return str(getattr(known, "common_name", known.name)) if known else iso3


def mode(text: str) -> str | None:
    """The transport mode as the records spell it; None for words that name none."""
    words = set(re.findall(r"[^\W\d_]+", text.casefold()))
    if "charter" in words:
        return "Air Charter"
    return next((mode for mode, known in _MODES.items() if words & set(known.split())), None)
