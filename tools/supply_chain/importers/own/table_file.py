"""Anybody's table as a stream of rows: text with any usual separator and encoding, or a workbook. Knows no column's meaning.

The file is read once as bytes (hash, encoding, is it text at all), then as rows, never whole in memory. Every way in which a
file can be no table is an `ImportProblem` that says what to do.
"""

import codecs
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from tools.supply_chain.importers.own.values import Cell, day_formats, number_formats
from tools.supply_chain.importers.source_file import CHUNK, ImportProblem

LONGEST_LINE = 1 << 20  # bytes
MOST_COLUMNS = 300
LOOKED_AT = 60  # rows, to find separator and header
SEPARATORS = (",", ";", "\t", "|")
WORKBOOK, OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SEP_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
RawRow = tuple[int, Sequence[Cell]]  # row number in the file, from 1; cells


class Rows(Protocol):
    """Something with rows; each call reads from the start."""

    def __call__(self) -> Iterator[RawRow]: ...


@dataclass(frozen=True)
class TableFile:
    """A file that has been found to be a table. `size` is its bytes, `form` how it was read, in words; `sheet` is a workbook's."""

    path: Path
    sha256: str
    form: str
    sheet: str | None
    header: tuple[str, ...]
    header_row: int
    _rows: Rows

    @property
    def fingerprint(self) -> str:
        """Names the header: files with the same headings in the same order have the same one."""
        return hashlib.sha256("\x1f".join(name.casefold() for name in self.header).encode()).hexdigest()[:16]

    def rows(self) -> Iterator[RawRow]:
        """The rows under the header that hold anything, as long as the header unless they are of another length."""
        width = len(self.header)
        for number, cells in self._rows():
            if number <= self.header_row or not any(cell != "" for cell in cells):
                continue
            extra = cells[width:]
            if len(cells) != width and not any(cell != "" for cell in extra):
                short = self.sheet is not None and len(cells) < width  # a workbook leaves out empty cells at the end
                cells = [*cells, *([""] * (width - len(cells)))] if short else cells[:width]
            yield number, cells


def open_table(path: Path, sheet: str | None = None) -> TableFile:
    """Find out how `path` is to be read. Raises `ImportProblem`."""
    try:
        with path.open("rb") as stream:
            start = stream.read(CHUNK)
            if start.startswith(WORKBOOK):
                digest = hashlib.sha256(start)
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
        if start.startswith(WORKBOOK):
            from tools.supply_chain.importers.own.workbook import Workbook  # its library takes long to import

            book = Workbook.open(path, sheet)
            return _table(path, digest.hexdigest(), f"workbook, sheet {book.sheet!r}", book.sheet, book.rows)
        if sheet is not None:
            raise ImportProblem(f"{path}: this is no .xlsx workbook, so it has no sheet {sheet!r}: leave --sheet out")
        sha256, encoding = _scan(path, start)
    except OSError as error:
        raise ImportProblem(f"{path}: the file cannot be read ({error.strerror}): check the path") from error
    separator, skipped = _separator(path, encoding)
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    form = f"{encoding.upper().replace('-SIG', '')} text, {names.get(separator, separator)}"

    def rows() -> Iterator[RawRow]:
        return _text_rows(path, encoding, separator, skipped)

    return _table(path, sha256, form, None, rows)


def _table(path: Path, sha256: str, form: str, sheet: str | None, rows: Rows) -> TableFile:
    number, header = _header(path, list(islice(rows(), LOOKED_AT)))
    table = TableFile(path, sha256, form, sheet, header, number, rows)
    if next(table.rows(), None) is None:
        raise ImportProblem(f"{path}: there is only a header ({', '.join(header[:8])}) and no row under it")
    return table


def _scan(path: Path, start: bytes) -> tuple[str, str]:
    """sha256 and encoding of a text file. Raises `ImportProblem` for what is no text."""
    if not start.strip():
        raise ImportProblem(f"{path}: the file is empty")
    if start.startswith(OLD_WORKBOOK):
        raise ImportProblem(
            f"{path}: this is an old .xls workbook (or a protected one): save it as .xlsx or CSV without a password"
        )
    encoding = _wide(start)
    decoder = codecs.getincrementaldecoder("utf-8")()
    digest, run, line, utf8 = hashlib.sha256(), 0, 1, True
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            if not encoding and b"\0" in chunk:
                raise ImportProblem(f"{path}: this is a binary file, whatever its name says: export the table as CSV or .xlsx")
            pieces = chunk.replace(b"\r", b"\n").split(b"\n")
            longest = max((len(piece) for piece in pieces[1:]), default=0)
            if max(run + len(pieces[0]), longest) > LONGEST_LINE:
                raise ImportProblem(
                    f"{path}: near line {line:,} a line is longer than 1 MB: this is no table, or its line ends are lost"
                )
            run = len(pieces[-1]) + (run if len(pieces) == 1 else 0)
            line += chunk.count(b"\n")
            if utf8 and not encoding:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
    if not encoding and utf8:
        try:
            decoder.decode(b"", final=True)
            encoding = "utf-8-sig"
        except UnicodeDecodeError:
            utf8 = False
    return digest.hexdigest(), encoding or "cp1252"


def _wide(start: bytes) -> str:
    """UTF-16 with its mark, or without one when every other byte of the start is zero; else empty."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    some = start[:400]
    half = len(some) // 2
    if half and some[1::2].count(0) > 0.9 * half and some[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if half and some[::2].count(0) > 0.9 * half and some[1::2].count(0) == 0 else ""


def _text_rows(path: Path, encoding: str, separator: str, skipped: int) -> Iterator[RawRow]:
    """Rows of a text file; `skipped` lines at its start are none. Raises `ImportProblem`."""
    with path.open(encoding=encoding, newline="") as stream:
        for _ in range(skipped):
            stream.readline()
        reader = csv.reader(stream, delimiter=separator)
        wide = encoding.startswith("utf-16")  # elsewhere a NUL shows in the bytes
        try:
            for cells in reader:
                if len(cells) > MOST_COLUMNS:
                    raise ImportProblem(
                        f"{path}, line {reader.line_num}: more than {MOST_COLUMNS} columns: this is no table of orders"
                    )
                if wide and any("\0" in cell for cell in cells):
                    raise ImportProblem(
                        f"{path}, line {reader.line_num}: the text holds the character NUL: save it as 'CSV UTF-8'"
                    )
                yield reader.line_num + skipped, [" ".join(cell.split()) for cell in cells]
        except csv.Error as error:
            raise ImportProblem(
                f"{path}, line {reader.line_num}: this is no CSV ({error}): a quotation mark is probably not closed"
            ) from error
        except UnicodeError as error:
            raise ImportProblem(
                f"{path}, near line {reader.line_num}: the text is neither UTF-8, UTF-16 nor Windows-1252: save it as 'CSV UTF-8'"
            ) from error


def _separator(path: Path, encoding: str) -> tuple[str, int]:
    """The sign between fields, and how many lines at the start only announce it ("sep=;")."""
    with path.open(encoding=encoding, newline="", errors="replace") as stream:
        if match := _SEP_LINE.fullmatch(stream.readline(LONGEST_LINE)):
            return match[1], 1
    best, most = ",", 0.0
    for sign in SEPARATORS:
        try:
            widths = Counter(len(cells) for _, cells in islice(_text_rows(path, encoding, sign, 0), LOOKED_AT) if any(cells))
        except ImportProblem:  # not with this one; if with none, reading the rows says why
            continue
        width, rows = max(widths.items(), key=lambda pair: (pair[1] * (pair[0] > 1), pair[0]), default=(0, 0))
        score = rows / widths.total() * min(width, 20) if width > 1 else 0.0
        if score > most:
            best, most = sign, score
    return best, 0


def _header(path: Path, rows: list[RawRow]) -> tuple[int, tuple[str, ...]]:
    """Row number and names of the header: the first row as wide as the table. Raises `ImportProblem`."""
    filled = [(number, [cell for cell in cells]) for number, cells in rows if any(cell != "" for cell in cells)]
    if not filled:
        raise ImportProblem(f"{path}: there is no row in it")
    usual = Counter(_reach(cells) for _, cells in filled).most_common(1)[0][0]
    if max(_reach(cells) for _, cells in filled) < 2:
        raise ImportProblem(f"{path}: only one column was found: separate the fields by commas, semicolons or tabs")
    enough = max(2, (usual + 1) // 2)  # a title above the table is narrower
    number, cells = next((row for row in filled if sum(cell != "" for cell in row[1]) >= enough), filled[0])
    data = [cell for cell in cells if not isinstance(cell, str) or number_formats(cell) or day_formats(cell)]
    if data:
        raise ImportProblem(
            f"{path}, row {number}: there is no header: {str(data[0])!r} looks like a value. Put the columns' names in the first row"
        )
    names = [str(cell) for cell in cells[: max(_reach(cells), usual)]]
    names = [name or f"(column {index})" for index, name in enumerate(names, 1)]
    names += [f"(column {index})" for index in range(len(names) + 1, usual + 1)]
    twice = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    if twice:
        raise ImportProblem(f"{path}, row {number}: two columns are called {twice[0]!r}: give each a name of its own")
    return number, tuple(names)


def _reach(cells: Sequence[Cell]) -> int:
    """How many cells up to the last that holds anything."""
    return next((index for index in range(len(cells), 0, -1) if cells[index - 1] != ""), 0)
