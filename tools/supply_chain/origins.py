"""Where the records of each table came from, in words a person can look it up by. Read by reports through the domain.

A file is named without its folder: a report is handed on, and the reader knows the file by its name and its hash.
"""

from collections.abc import Mapping
from pathlib import PurePath

from sqlalchemy import Connection, select

from database import Database
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.tables import imports

ORDERS = ("order_lines", "suppliers", "items", "shipments")
FILLS: Mapping[str, tuple[str, ...]] = {
    "scms": (*ORDERS, "sites"),
    "orders": (*ORDERS, "sites"),
    "sites": ("sites",),
    "wgi": ("indicators", "countries"),
    "sdn": ("sanctions",),
    "demo": (*ORDERS, "sites", "indicators", "countries", "sanctions"),
}
KEYS: Mapping[tuple[str, str], str] = {
    ("scms", "order_lines"): "keys are its column id",
    ("sdn", "sanctions"): "keys are its first column",
}
OWN = "opened and kept in Clearance itself"


def origins_of(db: Database) -> dict[str, str]:
    """Table to what it was filled from. Blocking."""
    return db.run_sync(_origins)


def _origins(connection: Connection) -> dict[str, str]:
    found: dict[str, list[str]] = {"cases": [OWN]}
    newest = {(row.source, row.sha256): row for row in connection.execute(select(imports).order_by(imports.c.id))}
    for row in newest.values():
        for table in FILLS.get(row.source, ()):
            said = _said(row.source, row.path, row.sha256)
            found.setdefault(table, []).append("; ".join(filter(None, [said, KEYS.get((row.source, table), "")])))
    return {table: "; and ".join(said) for table, said in found.items()}


def _said(source: str, path: str, sha256: str) -> str:
    if source == "demo":
        return "the generated sample company"
    title = f"{SOURCES[source].publisher}: " if source in SOURCES and SOURCES[source].url else ""
    return f"{title}{PurePath(path).name} (sha256 {sha256[:12]}…)"
