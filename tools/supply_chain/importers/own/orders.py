"""Importing somebody's own order lines by a confirmed mapping: one transaction, the same file twice changes nothing.

Lines are known by their own number where the file has one, else by file and row, so that a corrected file with numbers replaces
the lines it corrects. Rows that cannot be lines are written to a CSV file with their reasons.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select

from database import Database
from tools.supply_chain.columns import lacking
from tools.supply_chain.importers.names import names_of
from tools.supply_chain.importers.own.mapping import Mapping, remembered_in
from tools.supply_chain.importers.own.rejects import Rejects
from tools.supply_chain.importers.own.rows import BadRow, OwnLine, RowReader
from tools.supply_chain.importers.own.table_file import TableFile, open_table
from tools.supply_chain.importers.own.values import country_name
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.importers.writing import BATCH, Ids, batches, record, refuse_mixing, upsert
from tools.supply_chain.lines import DIRECT
from tools.supply_chain.store import delete_everything
from tools.supply_chain.tables import cases, countries, items, order_lines, shipments, sites, supplier_names, suppliers

SOURCE = "orders"


def import_orders(
    db: Database,
    path: Path,
    mapping: Mapping,
    *,
    replace: bool = False,
    rejects: Path | None = None,
    rows: int = 0,
    called: str = "",
    progress: Progress = quiet,
) -> ImportReport:
    """Import `path` by `mapping`; `rejects` is where rejected rows go. `rows`, when known, is how many there are, for progress.
    `called` is what the file is called on record, where that is not its path.

    With `replace` every record goes first, in the same transaction. Raises `ImportProblem`; then nothing has changed.
    """
    table = open_table(path, mapping.sheet)
    check(table, mapping)
    bad = Rejects()

    def work(connection: Connection) -> ImportReport:
        if replace:
            delete_everything(connection)
        refuse_mixing(connection, SOURCE)
        tally = Tally()
        loader = _Loader(connection, f"{(called or path.name)[:80]} {table.sha256[:12]}", tally)
        for batch in batches(_lines(table, mapping, tally, bad, rows, progress)):
            loader.write(batch)
            tally.kept += len(batch)
        if not tally.kept:
            said = "; ".join(f"{one.reason} ({one.example})" for one in tally.rejections()[:3])
            raise ImportProblem(f"{path}: no row could be kept: {said}. Check the mapping")
        loader.remove_stale()
        report = tally.report(SOURCE, called or str(path), table.sha256)
        before = remembered_in(connection, mapping.fingerprint)
        record(connection, report, anew=before is not None and before != mapping)
        return report

    try:
        report = db.run_sync(work)
        if rejects:
            bad.save(rejects)
    finally:
        bad.close()
    progress(rows, rows)
    return report


def check(table: TableFile, mapping: Mapping) -> None:
    """Raise `ImportProblem` if the mapping is not for this file, or leaves something open."""
    check_header(table, mapping)
    if wants := lacking(frozenset(mapping.columns)):
        raise ImportProblem(f"{table.path}: order lines need {', '.join(wants)}, and no column is mapped to that")
    if mapping.unclear:
        names = ", ".join(f"{mapping.columns[name].column!r}" for name in mapping.unclear)
        raise ImportProblem(f"{table.path}: how {names} is to be read is not clear: say its format in the mapping")


def check_header(table: TableFile, mapping: Mapping) -> None:
    """Raise `ImportProblem` if the mapping is not for this file."""
    absent = [at.column for at in mapping.columns.values() if at.column not in table.header]
    if mapping.fingerprint != table.fingerprint or absent:
        what = f"the column {absent[0]!r} is not there" if absent else "the columns are others or in another order"
        raise ImportProblem(
            f"{table.path}: the mapping is for a file with another header: {what}. Map this file anew with --map"
        )


def _lines(table: TableFile, mapping: Mapping, tally: Tally, bad: Rejects, rows: int, progress: Progress) -> Iterator[OwnLine]:
    """The lines that can be kept; the others go to `tally` and `bad`."""
    reader = RowReader(mapping, table.header, table.sha256[:12], tally)
    seen: set[str] = set()
    homes: dict[str, str] = {}  # site → country
    for number, cells in table.rows():
        tally.read += 1
        if tally.read % 500 == 0:
            progress(tally.read, max(rows, tally.read))
        try:
            line = reader.read(number, cells)
            if line.key in seen:
                raise BadRow(mapping.columns["line"].column, line.key, "the line number is there twice")
            if line.site and line.site_iso3 and homes.setdefault(line.site, line.site_iso3) != line.site_iso3:
                raise BadRow(
                    mapping.columns["site_country"].column, line.site_iso3, "the site is in another country in an earlier row"
                )
        except BadRow as wrong:
            where = f"{wrong.column}: " if wrong.column else ""
            tally.reject(number, f"{where}{wrong.reason}", wrong.value)
            bad.add(number, wrong.column, wrong.value, wrong.reason)
            continue
        seen.add(line.key)
        yield line


class _Loader:
    """Writes batches of lines; knows the ids of what they name and of the lines that are there."""

    def __init__(self, connection: Connection, source: str, tally: Tally) -> None:
        self._connection, self._source, self._tally = connection, source, tally
        self._suppliers = Ids(suppliers, "name")
        self._items = Ids(items, "description")
        self._sites = Ids(sites, "name", keep=True)
        self._shipments = Ids(shipments, "reference")
        self._spelling: dict[str, str] = {name.casefold(): name for name in connection.scalars(select(suppliers.c.name))}
        line = order_lines.c
        self._ids = {key: id for key, id in connection.execute(select(line.key, line.id).where(line.key.is_not(None)))}
        self._next = (connection.scalar(select(func.max(line.id))) or 0) + 1
        digest = source.rpartition(" ")[2]
        same = select(line.id).where(line.source.like(f"% {digest}"))
        self._stale = set(connection.scalars(same))  # lines of this very file that a new mapping may leave out

    def write(self, batch: list[OwnLine]) -> None:
        connection = self._connection
        places = {line.destination_iso3 for line in batch if line.destination_iso3}
        upsert(
            connection, countries, [{"iso3": code, "name": country_name(code)} for code in sorted(places)], ["iso3"], keep=True
        )
        named = [self._spelled(line.supplier) for line in batch]
        for name in self._suppliers.learn(connection, [{"name": name, "internal": False} for name in named]):
            id = self._suppliers[name]
            others = [{"supplier_id": id, "name": other, "kind": kind} for other, kind in names_of(name)]
            upsert(connection, supplier_names, others, ["supplier_id", "name"])
        things = [{"description": line.item, "product_group": line.product_group, **_NOTHING} for line in batch if line.item]
        self._items.learn(connection, things)
        self._sites.learn(connection, [{"name": line.site} for line in batch if line.site])
        homes = {line.site: line.site_iso3 for line in batch if line.site and line.site_iso3}
        upsert(connection, sites, [{"name": name, "iso3": code} for name, code in homes.items()], ["name"])
        sent = [
            {"reference": line.shipment, "mode": line.mode, "iso3": line.destination_iso3} for line in batch if line.shipment
        ]
        self._shipments.learn(connection, sent)
        rows = [self._row(line, supplier) for line, supplier in zip(batch, named, strict=True)]
        upsert(connection, order_lines, rows, ["id"])
        self._stale.difference_update(row["id"] for row in rows)

    def remove_stale(self) -> None:
        """Delete lines that an earlier import of this very file made and this one did not, and suppliers left without any."""
        gone = sorted(self._stale)
        for start in range(0, len(gone), BATCH):
            self._connection.execute(delete(order_lines).where(order_lines.c.id.in_(gone[start : start + BATCH])))
        idle = select(suppliers.c.id).where(
            ~exists().where(order_lines.c.supplier_id == suppliers.c.id), ~exists().where(cases.c.supplier_id == suppliers.c.id)
        )
        self._connection.execute(delete(supplier_names).where(supplier_names.c.supplier_id.in_(idle)))
        self._connection.execute(delete(suppliers).where(suppliers.c.id.in_(idle)))

    def _spelled(self, supplier: str) -> str:
        """The supplier's name as it was first written: names that differ in case alone are one supplier."""
        first = self._spelling.setdefault(supplier.casefold(), supplier)
        if first != supplier:
            self._tally.note(f"{supplier!r} is taken as {first!r}")
        return first

    def _row(self, line: OwnLine, supplier: str) -> dict[str, Any]:
        id = self._ids.get(line.key)
        if id is None:
            id = self._ids[line.key] = self._next
            self._next += 1
        taken = {name: value for name, value in asdict(line).items() if name in order_lines.c}
        return taken | {
            "id": id,
            "supplier_id": self._suppliers[supplier],
            "item_id": self._items[line.item] if line.item else None,
            "site_id": self._sites[line.site] if line.site else None,
            "shipment_id": self._shipments[line.shipment] if line.shipment else None,
            "order_reference": line.order,
            "vendor_name": line.supplier,
            "fulfil_via": DIRECT,
            "day": line.day,
            "source": self._source,
        }


_NOTHING = {"sub_classification": "", "molecule": ""}
