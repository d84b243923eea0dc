"""One row of a mapped file as an order line, without the ids of what it names. A row that cannot be one raises `BadRow`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from tools.supply_chain.columns import DAYS
from tools.supply_chain.importers.cells import BadCell
from tools.supply_chain.importers.own import mapping as maps
from tools.supply_chain.importers.own.values import (
    DAY_FORMATS,
    Cell,
    NumberFormat,
    country,
    currency,
    currency_in,
    day,
    empty,
    mode,
    money,
    number,
    plain,
)
from tools.supply_chain.importers.report import Tally

Given = Mapping[str, Cell]  # the filled cells by order column
LONGEST = {"order": 50, "shipment": 50, "line": 90, "item": 1000, "supplier": 200, "site": 200, "product_group": 50, "mode": 30}
MOST = 10**15  # cents or grams: more is a slip, and sums must stay exact
_TOTAL = re.compile(
    r"(grand |sub)?-? ?total\b.*|sub-?total\b.*|sum(me)?\b.*|gesamt(summe|betrag)?\b.*|zwischensumme\b.*|total général.*",
    re.IGNORECASE,
)


class BadRow(ValueError):
    """A row that is left out: the column of the file that it is about ("" for the whole row), the value, the reason."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(frozen=True)
class OwnLine:
    """An order line as read. Money in US cents, weight in grams."""

    key: str
    supplier: str
    order: str | None
    item: str | None
    product_group: str
    site: str | None
    site_iso3: str | None
    shipment: str | None
    destination: str | None
    destination_iso3: str | None
    mode: str | None
    ordered: date | None
    scheduled: date | None
    delivered: date | None
    quantity: int | None
    value_cents: int | None
    weight_grams: int | None
    weight_note: str | None
    freight_cents: int | None
    freight_note: str | None
    insurance_cents: int | None

    @property
    def day(self) -> date:
        """What years go by; a line has at least one of the three."""
        found = self.scheduled or self.ordered or self.delivered
        assert found is not None
        return found


class RowReader:
    """Reads rows by a mapping. `tally` takes notes on what a reader of the data should know."""

    def __init__(self, mapping: maps.Mapping, header: Sequence[str], file_key: str, tally: Tally) -> None:
        self._mapping, self._file_key, self._tally = mapping, file_key, tally
        self._at = {name: header.index(at.column) for name, at in mapping.columns.items()}
        self._width = len(header)

    def read(self, row: int, cells: Sequence[Cell]) -> OwnLine:
        """The line in a row. Raises `BadRow`."""
        if len(cells) != self._width:
            raise BadRow("", " | ".join(map(plain, cells))[:60], f"not {self._width} fields")
        given = {name: cells[index] for name, index in self._at.items() if not empty(cells[index])}
        if "supplier" not in given or not given.keys() & set(DAYS):
            self._refuse_incomplete(given, cells)
        quantity = self._number("quantity", given)
        priced = "value" if "value" in given else "unit_price"
        value = self._dollars(priced, given)
        if priced == "unit_price":
            value = value * quantity if value is not None and quantity is not None else None
        if value is None and quantity is None:
            raise BadRow("", "", "neither an order value nor a quantity")
        supplier = self._text("supplier", given) or ""
        site, site_iso3 = self._text("site", given), self._country("site_country", given)
        weight, weight_note = self._or_note("weight", given, self._number)
        freight, freight_note = self._or_note("freight", given, self._dollars)
        return OwnLine(
            key=self._key(row, given),
            supplier=supplier,
            order=self._text("order", given),
            item=self._text("item", given),
            product_group=self._text("product_group", given) or "",
            site=f"{supplier[:190]}, {site_iso3}" if site is None and site_iso3 else site,
            site_iso3=site_iso3,
            shipment=self._text("shipment", given),
            destination=self._text("destination", given),
            destination_iso3=self._country("destination", given),
            mode=(mode(said) or said) if (said := self._text("mode", given)) else None,
            ordered=self._day("ordered", given),
            scheduled=self._day("scheduled", given),
            delivered=self._day("delivered", given),
            quantity=self._whole(quantity),
            value_cents=self._scaled(priced, value, 100),
            weight_grams=self._scaled("weight", weight, 1000),
            weight_note=weight_note,
            freight_cents=self._scaled("freight", freight, 100),
            freight_note=freight_note,
            insurance_cents=self._scaled("insurance", self._dollars("insurance", given), 100),
        )

    def _refuse_incomplete(self, given: Given, cells: Sequence[Cell]) -> None:
        """Raise `BadRow` for a row without supplier or date: it is a totals row, or says too little."""
        for cell in cells:
            if isinstance(cell, str) and _TOTAL.fullmatch(cell):
                raise BadRow("", cell, "a totals row")
        if "supplier" in given:
            raise BadRow("", "", "no date")
        raise BadRow(self._column("supplier"), "", "no supplier")

    def _key(self, row: int, given: Given) -> str:
        """The line's own number, with its order's where there is one; else file and row."""
        line, order = self._text("line", given), self._text("order", given)
        if line is None:
            return f"{self._file_key}:{row}"
        return f"{order}/{line}" if order else line

    def _text(self, name: str, given: Given) -> str | None:
        if name not in given:
            return None
        said = plain(given[name])
        if len(said) > LONGEST.get(name, 100):
            raise BadRow(self._column(name), said[:60], f"longer than {LONGEST.get(name, 100)} characters")
        return said

    def _day(self, name: str, given: Given) -> date | None:
        form = self._mapping.columns[name].format if name in given else ""
        with self._of(name):
            return day(given[name], form) if form in DAY_FORMATS else None

    def _number(self, name: str, given: Given) -> Decimal | None:
        """A number that is not below zero."""
        if name not in given:
            return None
        style: NumberFormat = "comma" if self._mapping.columns[name].format == "comma" else "point"
        with self._of(name):
            value = number(given[name], style)
            if value < 0:
                raise BadCell("below zero: a return or a credit note is no order line", plain(given[name]))
            return value

    def _dollars(self, name: str, given: Given) -> Decimal | None:
        """An amount in US dollars, by the currency in the cell, else the row's, else the mapping's."""
        value = self._number(name, given)
        if value is None:
            return None
        code = currency_in(given[name]) or self._currency(given)
        if code == "USD":
            return value
        if code not in self._mapping.rates:
            raise BadRow(self._column(name), plain(given[name]), f"in {code}, for which no rate was given")
        self._tally.note(f"amounts in {code} were taken at {self._mapping.rates[code]} US dollars for 1 {code}")
        return value * self._mapping.rates[code]

    def _currency(self, given: Given) -> str:
        if "currency" not in given:
            if "currency" not in self._mapping.columns:
                self._tally.note(f"amounts without a currency are taken as {self._mapping.currency}")
            return self._mapping.currency
        said = plain(given["currency"])
        if code := currency(said):
            return code
        raise BadRow(self._column("currency"), said, "no known currency")

    def _country(self, name: str, given: Given) -> str | None:
        """The country's code; one that is not known is noted, and the line keeps the name."""
        said = self._text(name, given)
        code = country(said) if said else None
        if said and not code:
            self._tally.note(f"{said!r} in {self._column(name)} is no known country: its lines join no indicator")
        return code

    def _or_note(
        self, name: str, given: Given, read: Callable[[str, Given], Decimal | None]
    ) -> tuple[Decimal | None, str | None]:
        """The number, or the remark in words that stands in its place."""
        if name in given and money(said := plain(given[name])) is None and any(map(str.isalpha, said)):
            return None, said[:100]
        return read(name, given), None

    def _whole(self, quantity: Decimal | None) -> int | None:
        if quantity is None or quantity == quantity.to_integral_value():
            return None if quantity is None else int(quantity)
        self._tally.note(f"quantities that are no whole numbers are left out of {self._column('quantity')}; their values count")
        return None

    def _scaled(self, name: str, value: Decimal | None, scale: int) -> int | None:
        """Whole cents or grams, rounded half to even. Raises `BadRow` for an amount that cannot be one."""
        if value is None:
            return None
        exact = value * scale
        if exact > MOST:
            raise BadRow(self._column(name), str(value), "too large to be true")
        found = int(exact.to_integral_value(ROUND_HALF_EVEN))
        if found != exact:
            self._tally.note(f"amounts with more than {2 if scale == 100 else 3} decimals were rounded")
        return found

    def _column(self, name: str) -> str:
        at = self._mapping.columns.get(name)
        return at.column if at else ""

    @contextmanager
    def _of(self, name: str) -> Iterator[None]:
        """Whatever cell is read here belongs to this column."""
        try:
            yield
        except BadCell as bad:
            raise BadRow(self._column(name), bad.value[:60], bad.reason) from None
