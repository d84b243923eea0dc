"""Prepared statements: built with SQLAlchemy, compiled once a dialect, and then run by the driver itself.

For the few statements that every call of a tool runs, where building, compiling and wrapping cost several times what the
database does. Called by the ledger and the tables of this room, inside a transaction of `Database`, which makes SQLAlchemy's
errors of the driver's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import ReturnsRows


@dataclass(frozen=True)
class _Text:
    """A statement as one driver takes it. `names` are its parameters in order, None where the driver takes them by name."""

    sql: str
    fixed: Mapping[str, Any]
    names: Sequence[str] | None
    encoders: Mapping[str, Callable[[Any], Any]]
    columns: Sequence[tuple[str, Callable[[Any], Any] | None]]

    def values(self, row: Mapping[str, Any]) -> Any:
        given = {**self.fixed, **row}
        for name, encode in self.encoders.items():
            given[name] = encode(given[name])
        return given if self.names is None else [given[name] for name in self.names]

    def named(self, row: Sequence[Any]) -> dict[str, Any]:
        return {
            name: value if decode is None else decode(value) for (name, decode), value in zip(self.columns, row, strict=True)
        }


class Prepared:
    """One statement; `columns` are those that an insert gives a value, all if None."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._texts: dict[str, _Text] = {}

    def first(self, connection: Connection, row: Mapping[str, Any]) -> Any:
        """The first row of what comes back for these parameters, as a tuple; None without any. Its values are as the driver has
        them: ask for columns of text and whole numbers only. Raises the driver's errors."""
        text, cursor = self._text(connection.dialect), connection.connection.cursor()
        try:
            cursor.execute(text.sql, text.values(row))
            return cursor.fetchone()
        finally:
            cursor.close()

    def row(self, connection: Connection, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row of what comes back, by column, each value of its column's type. Raises the driver's errors."""
        found = self.first(connection, row)
        return None if found is None else self._text(connection.dialect).named(found)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of these parameters. Raises the driver's errors."""
        text, cursor = self._text(connection.dialect), connection.connection.cursor()
        try:
            if len(rows) == 1:  # for several psycopg begins a pipeline, which costs more than one row
                cursor.execute(text.sql, text.values(rows[0]))
            else:
                cursor.executemany(text.sql, [text.values(row) for row in rows])
        finally:
            cursor.close()

    def _text(self, dialect: Dialect) -> _Text:
        found = self._texts.get(dialect.name)
        if found is None:
            compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
            kinds = {name: one.type.dialect_impl(dialect).bind_processor(dialect) for name, one in compiled.binds.items()}
            encoders = {name: encode for name, encode in kinds.items() if encode}
            fixed = {name: one.value for name, one in compiled.binds.items() if not one.required}
            names = compiled.positiontup if compiled.positional else None
            answered = self._statement.exported_columns if isinstance(self._statement, ReturnsRows) else ()
            columns = [(one.name, one.type.dialect_impl(dialect).result_processor(dialect, None)) for one in answered]
            found = self._texts[dialect.name] = _Text(str(compiled), fixed, names, encoders, columns)
        return found
