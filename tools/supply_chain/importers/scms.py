"""Order lines of the Supply Chain Management System, with the suppliers, items, sites and shipments that they name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from database import Database
from tools.supply_chain.importers.cells import BadCell, day, optional, scaled, scaled_or_note, text, whole
from tools.supply_chain.importers.countries import DESTINATIONS
from tools.supply_chain.importers.names import names_of
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.source_file import ImportProblem, Numbered, Row
from tools.supply_chain.importers.writing import Ids, batches, run_import, upsert
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.tables import countries, items, order_lines, shipments, sites, supplier_names, suppliers

FULFILMENTS = ("Direct Drop", "From RDC")
MISREAD = ("Ã", "â€", "\ufffd")  # what UTF-8 looks like after it was read as Windows-1252


@dataclass(frozen=True)
class Company:
    """What must be known beside the file: which vendors are own warehouses, and the codes of the destinations."""

    internal: frozenset[str] = frozenset({"SCMS from RDC"})
    destinations: Mapping[str, str] = field(default_factory=lambda: DESTINATIONS)


def import_scms(db: Database, path: Path, progress: Progress = quiet) -> ImportReport:
    """Import the delivery history. Lines are updated by id; lines that a later file lacks stay. Raises `ImportProblem`."""

    def load(connection: Connection, rows: Iterable[Numbered], tally: Tally) -> None:
        load_lines(connection, rows, tally, path.name)

    return run_import(db, path, SOURCES["scms"], load, progress)


def load_lines(
    connection: Connection, rows: Iterable[Numbered], tally: Tally, origin: str, company: Company | None = None
) -> None:
    """Write order lines and what they name. `origin` is where they came from, kept with each line."""
    company = company or Company()
    loader = _Loader(connection, company)
    seen: set[int] = set()
    for batch in batches(rows):
        parsed = []
        for number, row in batch:
            try:
                line = _parse(row, company, tally, origin)
                if line["id"] in seen:
                    raise BadCell("the id is there twice", row["id"])
            except BadCell as bad:
                tally.reject(number, bad.reason, bad.value)
                continue
            seen.add(line["id"])
            parsed.append((row, line))
        loader.write(parsed)
        tally.kept += len(parsed)


class _Loader:
    """Writes batches of parsed lines; knows the ids of what they name."""

    def __init__(self, connection: Connection, company: Company) -> None:
        self._connection = connection
        self._company = company
        self._suppliers = Ids(suppliers, "name")
        self._items = Ids(items, "description")
        self._sites = Ids(sites, "name", keep=True)  # their country comes from another file
        self._shipments = Ids(shipments, "reference")

    def write(self, parsed: list[tuple[Row, dict[str, Any]]]) -> None:
        connection = self._connection
        named = {line["destination"]: line["destination_iso3"] for _, line in parsed if line["destination_iso3"]}
        rows = [{"iso3": iso3, "name": name} for name, iso3 in named.items()]
        upsert(connection, countries, rows, ["iso3"], keep=True)  # the indicators' own names are preferred
        self._learn_suppliers({line["vendor_name"] for _, line in parsed})
        self._items.learn(connection, [_item(row) for row, _ in parsed])
        self._sites.learn(connection, [{"name": name} for row, _ in parsed if (name := row["manufacturing site"])])
        self._shipments.learn(connection, [_shipment(row, line) for row, line in parsed])
        upsert(connection, order_lines, [self._line(row, line) for row, line in parsed], ["id"])

    def _learn_suppliers(self, vendors: set[str]) -> None:
        rows = [{"name": name, "internal": name in self._company.internal} for name in vendors]
        for vendor in self._suppliers.learn(self._connection, rows):
            id = self._suppliers[vendor]
            names = [{"supplier_id": id, "name": name, "kind": kind} for name, kind in names_of(vendor)]
            upsert(self._connection, supplier_names, names, ["supplier_id", "name"])

    def _line(self, row: Row, line: dict[str, Any]) -> dict[str, Any]:
        site = row["manufacturing site"]
        ids = {
            "supplier_id": self._suppliers[line["vendor_name"]],
            "item_id": self._items[row["item description"]],
            "site_id": self._sites[site] if site else None,
            "shipment_id": self._shipments[row["asn/dn #"]],
        }
        return {**line, **ids}


def _parse(row: Row, company: Company, tally: Tally, origin: str) -> dict[str, Any]:
    """A line without the ids of what it names. Raises `BadCell`."""
    if row["fulfill via"] not in FULFILMENTS:
        raise BadCell(f"fulfill via is not {' or '.join(FULFILMENTS)}", row["fulfill via"])
    text(row["item description"], "item description", 1000)
    text(row["asn/dn #"], "ASN/DN number", 50)
    weight, weight_note = scaled_or_note(row["weight (kilograms)"], "weight", 1000)
    freight, freight_note = scaled_or_note(row["freight cost (usd)"], "freight cost", 100)
    insurance = optional(row["line item insurance (usd)"])
    scheduled = day(row["scheduled delivery date"], "scheduled delivery date")
    return {
        "id": whole(row["id"], "id"),
        "order_reference": text(row["po / so #"], "PO/SO number", 50),
        "vendor_name": text(row["vendor"], "vendor", 200),
        "destination": text(row["country"], "country", 100),
        "destination_iso3": _destination(row["country"], company, tally),
        "fulfil_via": row["fulfill via"],
        "mode": optional(row["shipment mode"]),
        "day": scheduled,
        "scheduled": scheduled,
        "delivered": day(row["delivered to client date"], "delivered to client date"),
        "quantity": whole(row["line item quantity"], "line item quantity"),
        "value_cents": scaled(row["line item value"], "line item value", 100),
        "weight_grams": weight,
        "weight_note": weight_note,
        "freight_cents": freight,
        "freight_note": freight_note,
        "insurance_cents": None if insurance is None else scaled(insurance, "line item insurance", 100),
        "source": origin,
    }


def _destination(name: str, company: Company, tally: Tally) -> str | None:
    code = company.destinations.get(name)
    if code is None:
        if any(sign in name for sign in MISREAD):
            raise ImportProblem(
                f"the country {name!r} was damaged when the file was saved: the text is UTF-8 that was read as Windows-1252. "
                "Take the file as downloaded, or export it again as 'CSV UTF-8'"
            )
        tally.note(f"the destination {name!r} has no known code: its lines join no indicator")
    return code


def _item(row: Row) -> dict[str, Any]:
    return {
        "description": row["item description"],
        "product_group": row["product group"],
        "sub_classification": row["sub classification"],
        "molecule": row["molecule/test type"],
    }


def _shipment(row: Row, line: dict[str, Any]) -> dict[str, Any]:
    return {"reference": row["asn/dn #"], "mode": line["mode"], "iso3": line["destination_iso3"]}
