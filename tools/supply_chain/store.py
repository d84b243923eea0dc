"""Opening the system of record, and saying what is in it.

`open_records` is the domain's `open`: the graphs hand what it returns to every tool as `ctx.resources`. `loaded` and `require`
are for `clearance data status` and for whoever must know that there is something to answer from.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, inspect, select

from database import Database, Rehearsal
from settings import Settings
from tools.supply_chain.tables import imports, indicators, items, mappings, metadata, order_lines, sanctions, sites

MEASURED = ("suppliers", "items", "sites", "shipments", "order_lines", "countries", "indicators", "sanctions", "cases")


class NoRecords(RuntimeError):
    """The system of record is empty, or lacks the part that was asked for; the message says what to run."""


def version_of(db: Database) -> str:
    """What changes whenever records are loaded; empty where none are. An import's number comes again after all were deleted."""
    newest = select(imports.c.id, imports.c.at).order_by(imports.c.id.desc()).limit(1)
    row = db.run_sync(lambda c: c.execute(newest).one_or_none())
    return f"{row.id}, {row.at.isoformat()}" if row else ""


class OlderRecords(RuntimeError):
    """The system of record was made by an older version of these tables; the message says what to do."""


class SystemOfRecord:
    """The domain's handles: read tools get `reading`, which cannot write; effects get `writing`."""

    def __init__(self, reading: Database, writing: Database) -> None:
        self.reading = reading
        self.writing = writing

    def rehearsing(self) -> "Rehearsing":
        """The handles of a dry run: its effects are taken back."""
        return Rehearsing(self.reading, Rehearsal(self.writing))

    def close(self) -> None:
        self.reading.close()
        self.writing.close()


@dataclass(frozen=True)
class Rehearsing:
    """The domain's handles as an effect of a dry run gets them."""

    reading: Database
    writing: Rehearsal


@dataclass(frozen=True)
class SourceLoaded:
    """The latest import of one source. `at` is when (UTC, without a zone)."""

    source: str
    path: str
    sha256: str
    kept: int
    rejected: int
    at: datetime


@dataclass(frozen=True)
class Loaded:
    """What a system of record holds. Dates and years are None when there is nothing of that kind."""

    counts: dict[str, int]
    sources: tuple[SourceLoaded, ...]
    first_day: date | None
    last_day: date | None
    first_indicator_year: int | None
    last_indicator_year: int | None
    sanctions_date: date | None

    @property
    def demo(self) -> bool:
        """Is this the generated company?"""
        return any(source.source == "demo" for source in self.sources)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that no answer can use because nothing of them is loaded."""
        parts = {"order lines": "order_lines", "governance indicators": "indicators", "sanctions list": "sanctions"}
        return tuple(part for part, table in parts.items() if not self.counts[table])


def open_records(settings: Settings) -> SystemOfRecord:
    """Open the system of record, with its tables made. Raises `database.DatabaseUnavailable`.

    The writing handle goes first: a read-only handle cannot create the SQLite file it opens.
    """
    writing = Database(settings.sor_url())
    try:
        writing.create(metadata)
        _refuse_older(writing)
        return SystemOfRecord(Database(settings.sor_url(), readonly=True), writing)
    except BaseException:  # a handle owns threads: give them back before the error goes on
        writing.close()
        raise


def _refuse_older(db: Database) -> None:
    """Raise `OlderRecords` for a file whose order lines lack a column: records can be loaded again, so none is converted."""
    there = {column["name"] for column in inspect(db.engine).get_columns(order_lines.name)}
    if absent := sorted(set(order_lines.c.keys()) - there):
        where = db.url.render_as_string(hide_password=True)
        raise OlderRecords(
            f"the system of record {where} was made by an older version (its order lines lack {', '.join(absent)}): move it away "
            "and load your records again, or point CLEARANCE_RECORDS_URL elsewhere"
        )


def loaded(db: Database) -> Loaded:
    """What is loaded: rows by table, the latest import of each source, and the periods they cover."""
    return db.run_sync(_loaded)


def columns_on_record(db: Database) -> frozenset[str]:
    """The columns (of `columns.ORDER_COLUMNS`) that at least one order line has."""
    line = order_lines.c
    held: dict[str, Any] = {
        "supplier": line.supplier_id,
        "line": line.key,
        "order": line.order_reference,
        "ordered": line.ordered,
        "scheduled": line.scheduled,
        "delivered": line.delivered,
        "value": line.value_cents,
        "quantity": line.quantity,
        "item": line.item_id,
        "product_group": func.nullif(items.c.product_group, ""),
        "site": line.site_id,
        "site_country": sites.c.iso3,
        "destination": line.destination,
        "mode": line.mode,
        "shipment": line.shipment_id,
        "weight": line.weight_grams,
        "freight": line.freight_cents,
        "insurance": line.insurance_cents,
    }
    lines = order_lines.outerjoin(items, items.c.id == line.item_id).outerjoin(sites, sites.c.id == line.site_id)
    query = select(*(func.count(column).label(name) for name, column in held.items())).select_from(lines)
    return frozenset(name for name, count in db.run_sync(lambda c: c.execute(query).mappings().one()).items() if count)


def require(db: Database) -> Loaded:
    """What is loaded. Raises `NoRecords` if there is no order line."""
    found = loaded(db)
    if not found.counts["order_lines"]:
        raise NoRecords(
            "nothing is loaded: run `clearance data demo` for the generated company, or `clearance data import` with your files"
        )
    return found


def clear(db: Database) -> None:
    """Delete every record, cases included: what `--replace` does before another company is loaded."""
    db.run_sync(delete_everything)


def delete_everything(connection: Connection) -> None:
    """Delete every record, cases included. Confirmed column mappings stay: they are about files, not records."""
    for table in reversed(metadata.sorted_tables):
        if table is not mappings:
            connection.execute(table.delete())


def _loaded(connection: Connection) -> Loaded:
    counts = {
        name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one() for name in MEASURED
    }
    newest = {row.source: row for row in connection.execute(select(imports).order_by(imports.c.id))}
    first, last = connection.execute(select(func.min(order_lines.c.day), func.max(order_lines.c.day))).one()
    early, late = connection.execute(select(func.min(indicators.c.year), func.max(indicators.c.year))).one()
    return Loaded(
        counts=counts,
        sources=tuple(
            SourceLoaded(row.source, row.path, row.sha256, row.kept, row.rejected, row.at) for row in newest.values()
        ),
        first_day=first,
        last_day=last,
        first_indicator_year=early,
        last_indicator_year=late,
        sanctions_date=connection.execute(select(func.max(sanctions.c.list_date))).scalar(),
    )
