"""Files as people have them: tables in many dialects, written by the tests."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl

HEADER = ["Supplier", "Due date", "Delivered on", "Amount"]
ROWS = [
    ["Acme Ltd", "2014-01-31", "2014-02-02", "1234.50"],
    ["Beta GmbH", "2014-02-28", "2014-02-28", "99.95"],
]


def text_file(
    path: Path, header: Sequence[str] = HEADER, rows: Sequence[Sequence[str]] = ROWS, *, sep: str = ",", encoding: str = "utf-8"
) -> Path:
    stream = StringIO(newline="")
    writer = csv.writer(stream, delimiter=sep)
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path
