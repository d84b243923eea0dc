"""Writing imported rows: upserts by key, ids for names, the import's own record. SQLite and PostgreSQL alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from database import Database
from tools.supply_chain.importers.report import ImportReport, Progress, Tally
from tools.supply_chain.importers.source_file import ImportProblem, Numbered, inspect
from tools.supply_chain.sources import Source
from tools.supply_chain.tables import imports

T = TypeVar("T")
BATCH = 2_000
Load = Callable[[Connection, Iterable[Numbered], Tally], None]


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str], *, keep: bool = False
) -> None:
    """Insert `rows`; where `key` is already there, overwrite the other columns given, or with `keep` leave the row as it is."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    change = {column: insert.excluded[column] for column in rows[0] if column not in key}
    if keep or not change:
        statement = insert.on_conflict_do_nothing(index_elements=list(key))
    else:
        statement = insert.on_conflict_do_update(index_elements=list(key), set_=change)
    connection.execute(statement, [dict(row) for row in rows])


class Ids:
    """The ids of a table of named things (suppliers, items, ...), which are inserted when first met.

    New names are inserted in alphabetical order within a batch, so that the same file always gives the same ids.
    """

    def __init__(self, table: Table, key: str, *, keep: bool = False) -> None:
        self._table = table
        self._key = key
        self._keep = keep
        self._ids: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self._ids[name]

    def learn(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Make sure that each row has an id; returns the names that this import had not met before."""
        new = {str(row[self._key]): row for row in rows if row[self._key] not in self._ids}
        names = sorted(new)
        upsert(connection, self._table, [new[name] for name in names], [self._key], keep=self._keep)
        column = self._table.c[self._key]
        query = select(column, self._table.c.id).where(column.in_(names))
        self._ids.update({name: id for name, id in connection.execute(query)})
        return names


def batches(rows: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def run_import(db: Database, path: Path, source: Source, load: Load, progress: Progress) -> ImportReport:
    """Import one file in one transaction. Raises `ImportProblem`; then nothing has changed."""
    file = inspect(path, source)
    tally = Tally()

    def work(connection: Connection) -> ImportReport:
        refuse_mixing(connection, source.name)
        load(connection, _watched(file.rows(tally), file.lines, progress), tally)
        if not tally.kept:
            said = "; ".join(f"{one.reason} ({one.example})" for one in tally.rejections()[:3])
            raise ImportProblem(f"{path}: no row could be kept: {said or 'there is only a header'}. Is this {source.title}?")
        report = tally.report(source.name, str(path), file.sha256)
        record(connection, report)
        return report

    report = db.run_sync(work)
    progress(file.lines, file.lines)
    return report


def record(connection: Connection, report: ImportReport, *, anew: bool = False) -> None:
    """Write down that a file was imported; the same file again leaves the record as it is, unless it was read `anew`, otherwise."""
    same = select(imports.c.id).where(imports.c.source == report.source, imports.c.sha256 == report.sha256)
    latest = select(imports.c.sha256).where(imports.c.source == report.source).order_by(imports.c.id.desc()).limit(1)
    if connection.execute(latest).scalar() == report.sha256 and not anew:
        return
    connection.execute(imports.delete().where(imports.c.id.in_(same)))
    row = {"source": report.source, "path": report.path, "sha256": report.sha256}
    counts = {"read": report.read, "kept": report.kept, "rejected": report.rejected}
    connection.execute(imports.insert(), {**row, **counts, "at": datetime.now(UTC).replace(tzinfo=None)})


def refuse_mixing(connection: Connection, source: str) -> None:
    """Raise `ImportProblem` when the generated company and real records would end up in one database."""
    there = set(connection.execute(select(imports.c.source)).scalars())
    if {source} | there >= {"scms", "orders"}:
        raise ImportProblem(
            "the database holds order lines of another kind (published records and your own do not mix): add --replace to delete "
            "what is there (cases too), or set CLEARANCE_HOME to another folder"
        )
    if there and (source == "demo") != ("demo" in there):
        holds = "the generated company" if "demo" in there else "real records"
        raise ImportProblem(
            f"the database holds {holds}; real and generated records must not mix: add --replace to delete what is there "
            "(cases too), or set CLEARANCE_HOME to another folder"
        )


def _watched(rows: Iterable[Numbered], total: int, progress: Progress) -> Iterator[Numbered]:
    for line, row in rows:
        if line % 500 == 0:
            progress(line, total)
        yield line, row
