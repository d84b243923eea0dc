"""A publisher's CSV file: is it readable text, does it have the columns, and its rows as a stream. Knows no table.

Read twice: once as bytes, for the hash, the line count and the encoding, so that a wrong encoding is told before anything is
written; then as rows, never whole in memory.
"""

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.supply_chain.importers.report import Tally
from tools.supply_chain.sources import Source

CHUNK = 1 << 20
Row = dict[str, str]
Numbered = tuple[int, Row]


class ImportProblem(ValueError):
    """A file cannot be imported. The message names the file, what was found, and what to do."""


@dataclass(frozen=True)
class SourceFile:
    """A file that has been found to be UTF-8 text. `lines` counts physical lines, for progress."""

    path: Path
    source: Source
    sha256: str
    lines: int

    def rows(self, tally: Tally) -> Iterator[Numbered]:
        """Each row as (line number, {required column: stripped text}); rows of the wrong width go to `tally`.

        Raises `ImportProblem` for missing columns, or a file that is no CSV.
        """
        with self.path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            try:
                names, width = self._header(reader)
                for values in reader:
                    if not values:
                        continue
                    tally.read += 1
                    if len(values) != width:
                        tally.reject(reader.line_num, f"not {width} fields", ",".join(values)[:60])
                        continue
                    yield reader.line_num, {name: values[index].strip() for name, index in names.items()}
            except csv.Error as error:
                raise ImportProblem(
                    f"{self.path}, line {reader.line_num}: this is no CSV ({error}): export it again"
                ) from error

    def _header(self, reader: Iterator[list[str]]) -> tuple[dict[str, int], int]:
        """Where each required column stands, and how many fields a row has."""
        if not self.source.header:
            return {name: FIELDS[self.source.name][name] for name in self.source.columns}, self.source.width
        header = next(reader, [])
        found = {" ".join(name.lower().split()): index for index, name in enumerate(header)}
        if missing := [name for name in self.source.columns if name not in found]:
            raise ImportProblem(
                f"{self.path}: {_missing(missing, self.source)}. Expected: {', '.join(self.source.columns)} (in any order). "
                f"Found: {', '.join(found) or 'none'}.{_separator(header)} Is this {self.source.title}?"
            )
        return {name: found[name] for name in self.source.columns}, len(header)


def check_columns(path: Path, source: Source) -> None:
    """Raise `ImportProblem` if `path` is not a readable file with the source's columns."""
    next(inspect(path, source).rows(Tally()), None)


# Where the columns of a file without a header stand.
FIELDS = {"sdn": {"id": 0, "name": 1, "type": 2, "programme": 3, "remarks": 11}}


def inspect(path: Path, source: Source) -> SourceFile:
    """Check that `path` is a file of UTF-8 text with something in it. Raises `ImportProblem`."""
    digest, lines, last = hashlib.sha256(), 0, b""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                if not last:
                    _reject_other_kinds(path, chunk)
                _decode(path, decoder, chunk, lines)
                digest.update(chunk)
                lines += chunk.count(b"\n")
                last = chunk
    except OSError as error:
        raise ImportProblem(f"{path}: the file cannot be read ({error.strerror}): check the path") from error
    if not last:
        raise ImportProblem(f"{path}: the file is empty: download {source.title} again ({source.where})")
    _decode(path, decoder, b"", lines, final=True)
    return SourceFile(path, source, digest.hexdigest(), lines + (not last.endswith(b"\n")))


def _reject_other_kinds(path: Path, start: bytes) -> None:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImportProblem(f"{path}: the text is UTF-16: save it again as 'CSV UTF-8'")
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ImportProblem(f"{path}: this is a workbook or an archive, not CSV: unpack it, or save the sheet as 'CSV UTF-8'")
    if b"\0" in start:
        raise ImportProblem(f"{path}: this is a binary file, not CSV: export it as 'CSV UTF-8'")


def _decode(path: Path, decoder: codecs.IncrementalDecoder, chunk: bytes, lines: int, *, final: bool = False) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        # error.object is the chunk with what the decoder still held from the last one, which holds no line end.
        line = lines + bytes(error.object[: error.start]).count(b"\n") + 1
        raise ImportProblem(
            f"{path}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8; the file is probably Windows-1252. "
            f"Save it as 'CSV UTF-8', or run: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8.csv"
        ) from error


def _missing(names: list[str], source: Source) -> str:
    if len(names) == len(source.columns):
        return "none of the expected columns is there"
    return (
        f"the column {names[0]!r} is missing" if len(names) == 1 else f"the columns {', '.join(map(repr, names))} are missing"
    )


def _separator(header: list[str]) -> str:
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and header[0].count(sign) > 1:
            return f" The fields are separated by {name}: save the file with commas."
    return ""
