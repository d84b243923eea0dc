"""A mapping: which column of somebody's file is which column of an order line, and how its cells are to be read.

Confirmed mappings are remembered by the header's fingerprint, so that the next file with the same headings needs no question.
"""

from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Connection, select

from database import Database
from tools.supply_chain.columns import ORDER_COLUMNS, answered
from tools.supply_chain.importers.own.values import DayFormat, NumberFormat
from tools.supply_chain.importers.own.values import currency as known_currency
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.importers.writing import upsert
from tools.supply_chain.tables import mappings

UNCLEAR: Literal["unclear"] = "unclear"
Format = DayFormat | NumberFormat | Literal["unclear", ""]
FORMATS: dict[str, tuple[Format, ...]] = {
    "day": ("iso", "dmy", "mdy", "named", "compact", UNCLEAR),
    "number": ("point", "comma", UNCLEAR),
}


class MappedColumn(BaseModel):
    """A column of the file, and for days and numbers the format of its cells; "unclear" has to be answered before an import."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    format: Format = ""


class Mapping(BaseModel):
    """`columns` maps order columns to the file's. `currency` is that of amounts which carry none; `rates` are US dollars for one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str = Field(description="of the header that this is for")
    sheet: str | None = None
    columns: dict[str, MappedColumn]
    currency: str = "USD"
    rates: dict[str, Decimal] = Field(default_factory=dict)

    @model_validator(mode="after")
    def check(self) -> Self:
        if unknown := sorted(set(self.columns) - set(ORDER_COLUMNS)):
            raise ValueError(f"{', '.join(unknown)} is no order column; there are: {', '.join(ORDER_COLUMNS)}")
        for name, mapped in self.columns.items():
            takes = FORMATS.get(ORDER_COLUMNS[name].kind, ("",))
            if mapped.format not in takes:
                raise ValueError(f"{name}: the format {mapped.format!r} is not one of {', '.join(takes) or 'none'}")
        sources = [mapped.column for mapped in self.columns.values()]
        if twice := sorted({name for name in sources if sources.count(name) > 1}):
            raise ValueError(f"the column {twice[0]!r} is mapped twice")
        if bad := [code for code in (self.currency, *self.rates) if known_currency(code) != code]:
            raise ValueError(f"{bad[0]!r} is no currency code such as EUR")
        if any(rate <= 0 or not rate.is_finite() for rate in self.rates.values()):
            raise ValueError("a rate must be over 0")
        return self

    @property
    def unclear(self) -> tuple[str, ...]:
        """Order columns whose format is still to be said."""
        return tuple(name for name, mapped in self.columns.items() if mapped.format == UNCLEAR)

    @property
    def answers(self) -> frozenset[str]:
        """The order columns that lines will have."""
        return answered(frozenset(self.columns))

    def with_column(self, name: str, column: MappedColumn | None) -> "Mapping":
        """A copy with `name` mapped anew, or left out. What `column` was mapped to before is freed. Raises `ValidationError`."""
        freed = {own: at for own, at in self.columns.items() if own != name and (not column or at.column != column.column)}
        return self.model_validate(self.model_dump() | {"columns": freed | ({name: column} if column else {})})

    def with_rates(self, rates: Map[str, Decimal]) -> "Mapping":
        """A copy with more rates. Raises `ValidationError`."""
        return self.model_validate(self.model_dump() | {"rates": {**self.rates, **rates}})


def read_mapping(path: Path) -> Mapping:
    """The mapping in a JSON file. Raises `ImportProblem`."""
    try:
        return mapping_in(path.read_bytes(), str(path))
    except OSError as error:
        raise ImportProblem(f"{path}: the mapping cannot be read ({error.strerror}): check the path") from error


def mapping_in(text: str | bytes, where: str) -> Mapping:
    """The mapping that a JSON text is; `where` it stands is for people. Raises `ImportProblem`."""
    try:
        return Mapping.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        part = ".".join(map(str, first["loc"]))
        raise ImportProblem(f"{where}: this is no mapping: {part + ': ' if part else ''}{first['msg']}") from error


@dataclass(frozen=True)
class Remembered:
    """A confirmed mapping, the file it was confirmed for, and when (UTC)."""

    mapping: Mapping
    path: str
    at: datetime


def remember(db: Database, mapping: Mapping, path: Path) -> None:
    """Keep a confirmed mapping for files with the same header."""
    row = {
        "fingerprint": mapping.fingerprint,
        "path": str(path),
        "mapping": mapping.model_dump_json(),
        "at": datetime.now(UTC).replace(tzinfo=None),
    }
    db.run_sync(lambda connection: upsert(connection, mappings, [row], ["fingerprint"]))


def remembered(db: Database) -> list[Remembered]:
    """Every mapping on record, newest first."""

    def work(connection: Connection) -> list[Remembered]:
        rows = connection.execute(select(mappings).order_by(mappings.c.at.desc()))
        return [Remembered(Mapping.model_validate_json(row.mapping), row.path, row.at) for row in rows]

    return db.run_sync(work)


def recall(db: Database, fingerprint: str) -> Mapping | None:
    """The mapping remembered for a header, if any."""
    return db.run_sync(lambda connection: remembered_in(connection, fingerprint))


def remembered_in(connection: Connection, fingerprint: str) -> Mapping | None:
    """The same, inside a transaction."""
    text = connection.scalar(select(mappings.c.mapping).where(mappings.c.fingerprint == fingerprint))
    return Mapping.model_validate_json(text) if text else None


def forget(db: Database, fingerprint: str) -> bool:
    """Forget a mapping; was there one?"""
    statement = mappings.delete().where(mappings.c.fingerprint == fingerprint)
    return db.run_sync(lambda connection: connection.execute(statement).rowcount) > 0
