"""The country of each manufacturing site. May come before or after the order lines."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from database import Database
from tools.supply_chain.importers.cells import BadCell, text
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.source_file import Numbered
from tools.supply_chain.importers.writing import batches, run_import, upsert
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.tables import sites


def import_sites(db: Database, path: Path, progress: Progress = quiet) -> ImportReport:
    """Import site countries; an empty code says that the country is unknown. Raises `ImportProblem`."""
    return run_import(db, path, SOURCES["sites"], load_sites, progress)


def load_sites(connection: Connection, rows: Iterable[Numbered], tally: Tally) -> None:
    seen: set[str] = set()
    for batch in batches(rows):
        found: list[dict[str, str | None]] = []
        for number, row in batch:
            try:
                name, iso3 = text(row["manufacturing_site"], "site name", 200), _code(row["iso3"])
                if name in seen:
                    raise BadCell("the site is there twice", name)
            except BadCell as bad:
                tally.reject(number, bad.reason, bad.value)
                continue
            seen.add(name)
            found.append({"name": name, "iso3": iso3})
        upsert(connection, sites, sorted(found, key=lambda site: str(site["name"])), ["name"])
        tally.kept += len(found)


def _code(cell: str) -> str | None:
    if not cell:
        return None
    if len(cell) != 3 or not (cell.isascii() and cell.isalpha() and cell.isupper()):
        raise BadCell("iso3 is not three capital letters", cell)
    return cell
