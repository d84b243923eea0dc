"""The sanctions list. A list is a snapshot: importing one replaces the entries of the one before."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete

from database import Database
from tools.supply_chain.importers.cells import BadCell, text, whole
from tools.supply_chain.importers.report import ImportReport, Progress, Tally, quiet
from tools.supply_chain.importers.source_file import ImportProblem, Numbered, Row
from tools.supply_chain.importers.writing import batches, run_import, upsert
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.tables import sanctions

EMPTY = "-0-"
_DATE_IN_NAME = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")


def import_sdn(db: Database, path: Path, progress: Progress = quiet, list_date: date | None = None) -> ImportReport:
    """Import the list of one day. `list_date` defaults to a date in the file's name. Raises `ImportProblem`."""
    day = list_date or date_in_name(path)

    def load(connection: Connection, rows: Iterable[Numbered], tally: Tally) -> None:
        load_list(connection, rows, tally, day)

    return run_import(db, path, SOURCES["sdn"], load, progress)


def date_in_name(path: Path) -> date:
    """The date of a list named like ofac_sdn_2024-05-03.csv. Raises `ImportProblem` when there is none."""
    try:
        return date.fromisoformat(_DATE_IN_NAME.findall(path.name)[-1])
    except (IndexError, ValueError):
        raise ImportProblem(f"{path}: the list does not say of which day it is: add --sdn-date YYYY-MM-DD") from None


def load_list(connection: Connection, rows: Iterable[Numbered], tally: Tally, day: date) -> None:
    connection.execute(delete(sanctions))
    seen: set[int] = set()
    for batch in batches(rows):
        found = []
        for number, row in batch:
            try:
                entry = _parse(row, day)
                if entry["id"] in seen:
                    raise BadCell("the entry is there twice", row["id"])
            except BadCell as bad:
                tally.reject(number, bad.reason, bad.value)
                continue
            seen.add(entry["id"])
            found.append(entry)
        upsert(connection, sanctions, found, ["id"])
        tally.kept += len(found)


def _parse(row: Row, day: date) -> dict[str, Any]:
    return {
        "id": whole(row["id"], "entry number"),
        "name": text(row["name"], "name", 400),
        "kind": _optional(row["type"]),
        "programme": text(row["programme"], "programme", 200),
        "remarks": _optional(row["remarks"]),
        "list_date": day,
    }


def _optional(cell: str) -> str | None:
    return None if cell in (EMPTY, "") else cell
