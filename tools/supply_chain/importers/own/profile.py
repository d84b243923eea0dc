"""What a file's columns hold, from one pass over all rows: how full, which number style, which date format, which currencies.

Formats are decided by the whole column: one 31.12. tells that the day comes first, one "1.234,56" that the comma is decimal.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tools.supply_chain.importers.own.table_file import TableFile
from tools.supply_chain.importers.own.values import (
    Cell,
    DayFormat,
    NumberFormat,
    country,
    currency,
    currency_in,
    day_formats,
    empty,
    mode,
    money,
    number_formats,
    plain,
)

DISTINCT = 300  # different values that are remembered of a column
SAMPLES = 3
_DIGIT = re.compile(r"\d")
CLEAR = 0.8  # share of the filled cells from which a column counts as of a kind


@dataclass
class ColumnProfile:
    """One column's cells, counted. Shares are of the filled cells."""

    name: str
    filled: int = 0
    days: int = 0
    numbers: int = 0
    percentages: int = 0
    native: int = 0
    day_formats: Counter[DayFormat] = field(default_factory=Counter)
    day_sign: Counter[str] = field(default_factory=Counter)
    only: Counter[NumberFormat] = field(default_factory=Counter)
    unclear_numbers: int = 0
    currencies: Counter[str] = field(default_factory=Counter)
    values: dict[str, None] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)

    def add(self, cell: Cell) -> None:
        """Count one cell."""
        if empty(cell):
            return
        self.filled += 1
        said = plain(cell)
        if len(self.samples) < SAMPLES and said not in self.samples:
            self.samples.append(said)
        if len(self.values) < DISTINCT:
            self.values[said] = None
        if isinstance(cell, date):
            self.days += 1
            self.native += 1
        elif isinstance(cell, Decimal):
            self.numbers += 1
            self.native += 1
        elif _DIGIT.search(cell):
            self._add_text(cell)

    def _add_text(self, cell: str) -> None:
        if days := day_formats(cell):
            self.days += 1
            self.day_formats.update(days)
            if set(days) & {"dmy", "mdy"}:
                self.day_sign["." if "." in cell else "other"] += 1
        if styles := number_formats(cell):
            self.numbers += 1
            match = money(cell)
            self.percentages += bool(match and match["percent"])
            if len(styles) == 1:
                self.only[styles[0]] += 1
            elif match and set(match["body"]) & set(".,"):
                self.unclear_numbers += 1
            if code := currency_in(cell):
                self.currencies[code] += 1

    @property
    def is_day(self) -> bool:
        return self.filled > 0 and self.days >= CLEAR * self.filled

    @property
    def is_number(self) -> bool:
        """Mostly numbers that are no percentages."""
        return self.filled > 0 and self.numbers >= CLEAR * self.filled and self.percentages < 0.5 * self.numbers

    def day_format(self) -> DayFormat | None:
        """The format that most cells are in; None when day and month cannot be told apart. "iso" where cells are days already."""
        if not self.day_formats:
            return "iso"
        best, count = self.day_formats.most_common(1)[0]
        if best in ("dmy", "mdy") and self.day_formats["dmy"] == self.day_formats["mdy"]:
            return "dmy" if self.day_sign["."] == count else None  # with dots the day comes first everywhere
        return best

    def number_format(self) -> NumberFormat | None:
        """The style that most telling cells are in; None when "1.234" may be either and nothing tells."""
        if self.only["point"] or self.only["comma"]:
            return "comma" if self.only["comma"] > self.only["point"] else "point"
        return None if self.unclear_numbers else "point"

    def share(self, kind: str) -> float:
        """Share of the different values that are countries, modes or currencies."""
        readers: dict[str, Callable[[str], str | None]] = {"country": country, "mode": mode, "currency": currency}
        known = readers[kind]
        return sum(known(value) is not None for value in self.values) / len(self.values) if self.values else 0.0


@dataclass(frozen=True)
class Profile:
    """All columns of a file, in its order."""

    rows: int
    columns: dict[str, ColumnProfile]

    def number_format(self, name: str) -> NumberFormat | None:
        """A column's number style; a column that does not tell takes the one all telling columns of the file agree on."""
        own = self.columns[name].number_format()
        if own is not None:
            return own
        styles = {style for column in self.columns.values() if column.is_number for style in column.only}
        return styles.pop() if len(styles) == 1 else None

    def day_format(self, name: str) -> DayFormat | None:
        """A column's date format; a column that does not tell takes the one the other columns with days agree on."""
        own = self.columns[name].day_format()
        if own is not None:
            return own
        short = [column.day_format() for column in self.columns.values() if column.is_day and column.day_formats]
        told: set[DayFormat] = {form for form in short if form in ("dmy", "mdy")}
        return told.pop() if len(told) == 1 else None


def profile(table: TableFile) -> Profile:
    """Read the whole file once."""
    columns = {name: ColumnProfile(name) for name in table.header}
    count = 0
    for cells in _full_rows(table):
        count += 1
        for column, cell in zip(columns.values(), cells, strict=True):
            column.add(cell)
    return Profile(count, columns)


def _full_rows(table: TableFile) -> Iterator[list[Cell]]:
    for _, cells in table.rows():
        if len(cells) == len(table.header):
            yield list(cells)
