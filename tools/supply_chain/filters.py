"""The filters most read tools share: which order lines a question is about. Values are checked against the records."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import process
from sqlalchemy import ColumnElement, Connection, extract, or_, select

from tools.registry import ToolError
from tools.supply_chain.tables import items, order_lines, sites, suppliers

Order = Literal["highest", "lowest"]


class Filters(BaseModel):
    """Base of tool arguments. Everything is optional; what is empty does not narrow.

    What is narrowed here is what shares and rates are measured against, with one exception: where suppliers are compared
    (`read_suppliers`), `suppliers` picks rows and every share stays one of all suppliers in scope.
    """

    model_config = ConfigDict(extra="forbid")

    countries: list[str] = Field(
        default_factory=list, description="countries goods were delivered to (destinations), ISO-3166 alpha-3, e.g. NGA"
    )
    made_in: list[str] = Field(
        default_factory=list, description="countries goods were manufactured in (the site's), ISO-3166 alpha-3, e.g. IND"
    )
    suppliers: list[str] = Field(default_factory=list, description="canonical supplier names")
    modes: list[str] = Field(default_factory=list, description="shipment modes, e.g. Air, Ocean, Truck, Air Charter")
    year_from: int | None = Field(None, ge=1990, le=2100, description="first year, by scheduled delivery or else order date")
    year_to: int | None = Field(None, ge=1990, le=2100, description="last year, by scheduled delivery or else order date")
    product_groups: list[str] = Field(
        default_factory=list, description="product groups or sub-classifications, e.g. ARV, HRDT, HIV test, Pediatric"
    )

    def conditions(self, connection: Connection) -> list[ColumnElement[bool]]:
        """WHERE conditions over order_lines joined with suppliers, items and sites. Raises `ToolError` for values not on record."""
        if self.year_from and self.year_to and self.year_from > self.year_to:
            raise ToolError(f"year_from {self.year_from} is after year_to {self.year_to}: swap them")
        found: list[ColumnElement[bool]] = []
        for given, column, noun in (
            (self.countries, order_lines.c.destination_iso3, "destination country (ISO-3166 alpha-3)"),
            (self.made_in, sites.c.iso3, "country of manufacture (ISO-3166 alpha-3)"),
            (self.suppliers, suppliers.c.name, "supplier"),
            (self.modes, order_lines.c.mode, "shipment mode"),
        ):
            if given:
                found.append(column.in_(on_record(connection, given, column, noun)))
        if self.product_groups:
            columns = (items.c.product_group, items.c.sub_classification)
            groups = on_record(connection, self.product_groups, columns, "product group or sub-classification")
            found.append(or_(*(column.in_(groups) for column in columns)))
        year = extract("year", order_lines.c.day)
        if self.year_from:
            found.append(year >= self.year_from)
        if self.year_to:
            found.append(year <= self.year_to)
        return found

    def parts(self) -> list[str]:
        """The filters in words, one each."""
        said = [
            f"{label} {' or '.join(given)}"
            for label, given in (
                ("delivered to", self.countries),
                ("made in", self.made_in),
                ("supplier", self.suppliers),
                ("mode", self.modes),
                ("product group", self.product_groups),
            )
            if given
        ]
        if self.year_from or self.year_to:
            said.append(
                f"{years(self.year_from, self.year_to)} (year of the scheduled delivery, of the order where there is none)"
            )
        return said


class Ranked(BaseModel):
    """Arguments of a tool whose rows are ranked. All rows stay in the result; these say which come first and are named."""

    top: int = Field(5, ge=1, le=20, description="how many of the first rows to name, and to add up where that makes sense")
    order: Order = Field("highest", description="highest first, or lowest first for the best, the smallest, the least")


def years(first: int | None, last: int | None) -> str:
    """A span of years in words."""
    if first == last:
        return f"in {first}"
    return f"from {first} to {last}" if first and last else f"from {first} on" if first else f"up to {last}"


def on_record(connection: Connection, given: Sequence[str], columns: Any, noun: str) -> list[str]:
    """`given` as the records spell it (in one column or one of several), whatever its case.

    Raises `ToolError` with the nearest values for an unknown one.
    """
    wanted = columns if isinstance(columns, tuple) else (columns,)
    values = [value for column in wanted for value in connection.scalars(select(column).distinct()) if value]
    known = {str(value).casefold(): str(value) for value in values}
    if not known and given:
        raise ToolError(f"no {noun} is on record: load data that has one")
    for value in given:
        if value.casefold() not in known:
            near = [known[match[0]] for match in process.extract(value.casefold(), list(known), limit=5)]
            raise ToolError(f"no {noun} is called {value!r} in the records; the nearest are: {'; '.join(near)}")
    return [known[value.casefold()] for value in given]
