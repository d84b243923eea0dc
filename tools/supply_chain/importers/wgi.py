"""The Worldwide Governance Indicators: one value a country, year and indicator, and the countries' names."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from database import Database
from tools.supply_chain.importers.cells import BadCell, text, whole
from tools.supply_chain.importers.countries import WORLD_BANK
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.source_file import Numbered, Row
from tools.supply_chain.importers.writing import batches, run_import, upsert
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.tables import countries, indicators

KINDS = ("cc", "ge", "pv", "rl", "rq", "va")
MISSING = ("..", "")


def import_wgi(db: Database, path: Path, progress: Progress = quiet) -> ImportReport:
    """Import the indicators; a value the publisher does not have is kept as null. Raises `ImportProblem`."""
    return run_import(db, path, SOURCES["wgi"], load_indicators, progress)


def load_indicators(connection: Connection, rows: Iterable[Numbered], tally: Tally) -> None:
    seen: set[tuple[str, int, str]] = set()
    for batch in batches(rows):
        found: list[dict[str, Any]] = []
        for number, row in batch:
            try:
                value = _parse(row)
                key = (value["iso3"], value["year"], value["indicator"])
                if key in seen:
                    raise BadCell("the value is there twice", " ".join(map(str, key)))
            except BadCell as bad:
                tally.reject(number, bad.reason, bad.value)
                continue
            seen.add(key)
            found.append(value)
        names = {value["iso3"]: value["country"] for value in found}
        upsert(connection, countries, [{"iso3": iso3, "name": name} for iso3, name in names.items()], ["iso3"])
        upsert(connection, indicators, found, ["iso3", "year", "indicator"])
        tally.kept += len(found)


def _parse(row: Row) -> dict[str, Any]:
    if row["indicator"] not in KINDS:
        raise BadCell(f"indicator is not one of {', '.join(KINDS)}", row["indicator"])
    code = text(row["code"], "country code", 3)
    return {
        "iso3": WORLD_BANK.get(code, code),
        "country": text(row["countryname"], "country name", 100),
        "year": whole(row["year"], "year"),
        "indicator": row["indicator"],
        "estimate": _number(row["estimate"], "estimate", -10, 10),
        "percentile": _number(row["pctrank"], "pctrank", 0, 100),
    }


def _number(cell: str, what: str, low: float, high: float) -> float | None:
    if cell in MISSING:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise BadCell(f"{what} is not a number", cell) from None
    if not math.isfinite(value) or not low <= value <= high:
        raise BadCell(f"{what} is outside {low:g} to {high:g}", cell)
    return value
