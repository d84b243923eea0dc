"""Rows as a CSV file inside the page: a link with a `data:` address, which needs neither a server nor a script.

Values stand as they are (no thousands separators, no currency signs), with the records that each row rests on.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.text import reveal
from tools.results import Column, Records

LONGEST = 80  # letters of a file's name, which systems and people can live with
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def to_csv(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows with a heading line; the last column holds the records, as `table keys; table keys`."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column.label, "text") for column in columns] + ["Records"])
    for row in rows:
        records = "; ".join(f"{one.table} {one.keys}" for one in records_of(row))
        writer.writerow([_cell(row.get(column.field), column.unit) for column in columns] + [records])
    return out.getvalue()


def data_url(text: str) -> str:
    """A CSV text as an address. It begins with a byte-order mark, by which spreadsheets know UTF-8."""
    return f"data:text/csv;charset=utf-8,{quote(chr(0xFEFF) + text, safe='')}"


def file_name(name: str, ending: str = "csv") -> str:
    """`Risk score by supplier` → `risk-score-by-supplier.csv`."""
    return f"{'-'.join(re.findall(r'[a-z0-9]+', name.lower()))[:LONGEST].strip('-') or 'data'}.{ending}"


def records_of(row: Mapping[str, Any]) -> tuple[Records, ...]:
    """The records a row rests on, a table each; none for a row without."""
    return Records.model_validate(row["records"]).every() if row.get("records") else ()


def _cell(value: Any, unit: str) -> str:
    if value is None:
        return ""
    text = reveal(str(value))
    return f"'{text}" if unit == "text" and text.startswith(FORMULA) else text
