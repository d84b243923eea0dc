"""Filters over JSON columns that mean the same on SQLite and PostgreSQL. Used by the searches of `app/db`."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement


class BadFilter(ValueError):
    """A filter that cannot be asked of the database."""


def contains(column: Column[Any], wanted: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[ColumnElement[bool]]:
    """Conditions that a JSON object has these members, at any depth. Raises `BadFilter` for a list."""
    for name, value in wanted.items():
        if '"' in name:
            raise BadFilter(f"a filter by a name with a quotation mark ({name[:100]}) is not supported")
        place = column[(*path, name)]
        if isinstance(value, Mapping):
            yield from contains(column, value, (*path, name))
        elif isinstance(value, bool):
            yield place.as_boolean() == value
        elif isinstance(value, int):
            yield place.as_integer() == value
        elif isinstance(value, float):
            yield place.as_float() == value
        elif isinstance(value, str):
            yield place.as_string() == value
        elif value is None:
            yield place.as_string().is_(None)
        else:
            raise BadFilter(f"a filter by a list ({'.'.join((*path, name))}) is not supported: filter by single values")
