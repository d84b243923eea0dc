"""The filters most read tools share: which order lines a question is about. Values are checked against the records."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import process
from sqlalchemy import ColumnElement, Connection, extract, select

from tools.registry import ToolError
from tools.supply_chain.tables import items, order_lines, suppliers


class Filters(BaseModel):
    """Base of tool arguments. Everything is optional; what is empty does not narrow."""

    model_config = ConfigDict(extra="forbid")

    countries: list[str] = Field(default_factory=list, description="destination countries, ISO-3166 alpha-3, e.g. NGA")
    suppliers: list[str] = Field(default_factory=list, description="canonical supplier names")
    modes: list[str] = Field(default_factory=list, description="shipment modes, e.g. Air, Ocean, Truck, Air Charter")
    year_from: int | None = Field(None, ge=1990, le=2100, description="first year, by scheduled delivery or else order date")
    year_to: int | None = Field(None, ge=1990, le=2100, description="last year, by scheduled delivery or else order date")
    product_groups: list[str] = Field(default_factory=list, description="product groups, e.g. ARV")

    def conditions(self, connection: Connection) -> list[ColumnElement[bool]]:
        """WHERE conditions over order_lines joined with suppliers and items. Raises `ToolError` for values not on record."""
        if self.year_from and self.year_to and self.year_from > self.year_to:
            raise ToolError(f"year_from {self.year_from} is after year_to {self.year_to}: swap them")
        found: list[ColumnElement[bool]] = []
        for given, column, noun in (
            (self.countries, order_lines.c.destination_iso3, "destination country (ISO-3166 alpha-3)"),
            (self.suppliers, suppliers.c.name, "supplier"),
            (self.modes, order_lines.c.mode, "shipment mode"),
            (self.product_groups, items.c.product_group, "product group"),
        ):
            if given:
                found.append(column.in_(on_record(connection, given, column, noun)))
        year = extract("year", order_lines.c.day)
        if self.year_from:
            found.append(year >= self.year_from)
        if self.year_to:
            found.append(year <= self.year_to)
        return found

    def describe(self) -> str:
        """The filters in words; empty when there are none."""
        said: list[str] = []
        for label, given in (
            ("to", self.countries),
            ("supplier", self.suppliers),
            ("mode", self.modes),
            ("product group", self.product_groups),
        ):
            if given:
                said.append(f"{label} {' or '.join(given)}")
        if self.year_from or self.year_to:
            said.append(f"dated {self.year_from or 'from the start'} to {self.year_to or 'the end'}")
        return ", ".join(said)


def on_record(connection: Connection, given: Sequence[str], column: Any, noun: str) -> list[str]:
    """`given` as the records spell it, whatever its case. Raises `ToolError` with the nearest values for an unknown one."""
    known = {str(value).casefold(): str(value) for value in connection.scalars(select(column).distinct()) if value is not None}
    if not known:
        raise ToolError("there are no order lines: load data first")
    for value in given:
        if value.casefold() not in known:
            near = [known[match[0]] for match in process.extract(value.casefold(), list(known), limit=5)]
            raise ToolError(f"no {noun} is called {value!r} in the records; the nearest are: {'; '.join(near)}")
    return [known[value.casefold()] for value in given]
