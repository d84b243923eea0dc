"""An .xlsx workbook's sheet as rows, streamed. Formulas count as the value stored beside them; one without a value is refused.

A workbook is a zip archive from outside: what it would unpack to is checked before anything is unpacked.
"""

import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from tools.supply_chain.importers.own.values import Cell
from tools.supply_chain.importers.source_file import ImportProblem

MOST_UNPACKED = 600 << 20  # bytes of XML
MOST_STRINGS = 150 << 20  # bytes of shared strings, which are held in memory
MOST_SQUEEZED = 150  # times smaller than unpacked; real sheets come to 5 to 30
MOST_COLUMNS = 300
BROKEN = (
    zipfile.BadZipFile,
    InvalidFileException,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    ET.ParseError,
    EOFError,
    zlib.error,
)
"""What the reader raises for archives that are no workbooks, or damaged ones."""


@dataclass(frozen=True)
class Workbook:
    """One sheet of a workbook. `formulas`: does it hold any?"""

    path: Path
    sheet: str
    formulas: bool

    @classmethod
    def open(cls, path: Path, sheet: str | None) -> "Workbook":
        """Check the archive and choose the sheet: the named one, or the only one with rows. Raises `ImportProblem`."""
        _check_archive(path)
        with _opened(path, data_only=True) as book:
            names = [one.title for one in book.worksheets]
            if sheet is not None and sheet not in names:
                raise ImportProblem(f"{path}: there is no sheet {sheet!r}; there are: {', '.join(names)}")
            filled = [sheet] if sheet else [name for name in names if _has_rows(book[name])]
            if len(filled) != 1:
                what = (
                    "every sheet is empty"
                    if not filled
                    else f"the sheets {', '.join(filled)} hold rows: choose one with --sheet NAME"
                )
                raise ImportProblem(f"{path}: {what}")
        return cls(path, filled[0], _has_formulas(path))

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """(row number, cells). Raises `ImportProblem` for a formula without a stored value and for a damaged sheet."""
        with ExitStack() as open_books:
            sheet = open_books.enter_context(_opened(self.path, data_only=True))[self.sheet]
            sheet.reset_dimensions()  # what the file says of its size may be wrong
            beside: Iterator[Sequence[Any]] | None = None
            if self.formulas:
                written = open_books.enter_context(_opened(self.path, data_only=False))[self.sheet]
                written.reset_dimensions()
                beside = written.iter_rows(values_only=True)
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                if len(cells) > MOST_COLUMNS:
                    raise ImportProblem(
                        f"{self.path}, row {number}: more than {MOST_COLUMNS} columns: this is no table of orders"
                    )
                if beside is not None:
                    self._check_formulas(number, cells, next(beside, ()))
                yield number, [_cell(cell) for cell in cells]

    def _check_formulas(self, number: int, cells: Sequence[Any], formulas: Sequence[Any]) -> None:
        for index, (value, formula) in enumerate(zip(cells, formulas, strict=False), 1):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                raise ImportProblem(
                    f"{self.path}, row {number}, column {index}: the formula {formula[:40]} has no stored value: open the workbook "
                    "in a spreadsheet program, save it there, or paste the column as values"
                )


@contextmanager
def _opened(path: Path, *, data_only: bool) -> Iterator[Any]:
    """The workbook, whatever the file's name ends in. What goes wrong while it is read becomes an `ImportProblem`."""
    with path.open("rb") as stream:
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=data_only)
        except BROKEN as error:
            raise ImportProblem(f"{path}: this archive is no .xlsx workbook, or a damaged one: save the table again") from error
        try:
            yield book
        except ImportProblem:
            raise
        except BROKEN as error:
            raise ImportProblem(f"{path}: the workbook is damaged ({error}): save it again") from error
        finally:
            book.close()


def _check_archive(path: Path) -> None:
    """Raise `ImportProblem` if the archive would unpack to more than a table of orders can be."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise ImportProblem(f"{path}: this is a damaged archive: save the workbook again") from error
    unpacked = sum(part.file_size for part in parts)
    strings = max((part.file_size for part in parts if part.filename.endswith("sharedStrings.xml")), default=0)
    squeezed = any(part.file_size > 10 << 20 and part.file_size > MOST_SQUEEZED * max(part.compress_size, 1) for part in parts)
    if unpacked > MOST_UNPACKED or strings > MOST_STRINGS or squeezed:
        raise ImportProblem(
            f"{path}: the workbook would unpack to {unpacked / (1 << 20):,.0f} MB, which is more than is taken: save the sheet as CSV"
        )


def _has_rows(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return any(value is not None for row in sheet.iter_rows(values_only=True, max_row=50) for value in row)


def _has_formulas(path: Path) -> bool:
    """Is there a formula in any sheet? Looked for in the XML, so that plain sheets are read once."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as stream:
                    tail = b""
                    while chunk := stream.read(1 << 20):
                        if b"<f>" in tail + chunk or b"<f " in tail + chunk:
                            return True
                        tail = chunk[-3:]
    return False


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return Decimal(repr(value)) if value == value and abs(value) != float("inf") else str(value)
    return value if isinstance(value, date) else " ".join(str(value).split())
