"""`clearance backup` and `clearance restore`: a home as one file, taken while others use it. Called by `cli.py` only.

A run's checkpoints, its ledger and the system of record must be of one moment: a run restored beside an older record of its effects
would do them again. So the write locks of all the home's SQLite databases are held together, for as long as it takes to copy the plain
files (a signed head must not be younger than the ledger) and to begin a read in each database; the databases are then copied from
those reads (WAL keeps their moment), while writers go on.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from database import BUSY_MS
from settings import Settings

MANIFEST = "backup.json"
PASSED_OVER = ("-wal", "-shm", ".lock", ".log")
"""Endings of files that mean nothing elsewhere: SQLite's own, locks, and the log of errors."""


class BadBackup(ValueError):
    """The file is no backup, or was changed or cut."""


class HomeNotEmpty(ValueError):
    """There is something where the backup would go."""


class CannotBackUp(RuntimeError):
    """The home has nothing in it, or a database of it is damaged or held by a writer."""


class Manifest(BaseModel):
    """What a backup says of itself: when it was taken (UTC, ISO 8601), and each file's SHA-256 by its path in the home."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    taken_at: str
    files: dict[str, str]


def backup(file: Path) -> int:
    """Write the home to `file` (.tar.gz), readable by its owner only: the ledger's key is in it."""
    settings = Settings()
    home = settings.home
    paths = sorted(p for p in home.rglob("*") if p.is_file() and not p.name.endswith(PASSED_OVER)) if home.is_dir() else []
    if not paths:
        raise CannotBackUp(f"there is nothing in {home}: set CLEARANCE_HOME to the home that is to be backed up")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
        manifest = _copy(home, paths, Path(folder) / "home")
        packed = Path(folder) / "backup.tar.gz"
        os.close(os.open(packed, os.O_CREAT | os.O_WRONLY, 0o600))
        with tarfile.open(packed, "w:gz", compresslevel=6) as archive:
            archive.add(Path(folder) / "home", arcname=".")
        packed.replace(file)
    print(f"✓ {len(manifest.files)} files of {home}, as they were at {manifest.taken_at}, are in {file}.")
    print("  Keep it safe: whoever has it reads everything and holds the key that signs the ledger.")
    for url, what in ((settings.database_url, "CLEARANCE_DATABASE_URL"), (settings.records_url, "CLEARANCE_RECORDS_URL")):
        if url:
            print(f"  The database of {what} is not in it: back it up at the same time by its own means (docs/operations.md).")
    return 0


def restore(file: Path) -> int:
    """Lay a backup out as the home, which must be empty; each file is held against its hash, each database checked."""
    home = Settings().home
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise HomeNotEmpty(f"{home} is not empty: move it away, or set CLEARANCE_HOME to where the backup should go")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".restore-") as folder:
        inside = Path(folder) / "home"
        manifest = _unpack(file, inside)
        if home.exists():
            home.rmdir()
        inside.replace(home)
    print(f"✓ {home} is as it was at {manifest.taken_at} ({len(manifest.files)} files).")
    print("Hold it against heads that were kept elsewhere:  clearance audit verify --head FILE")
    return 0


def _copy(home: Path, paths: list[Path], to: Path) -> Manifest:
    """Copy the files of one moment; what is in them and when that was."""
    targets = {path: to / path.relative_to(home) for path in paths}
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
    databases = [path for path in paths if _is_sqlite(path)]
    with ExitStack() as reading:
        readers = {path: reading.enter_context(closing(_connect(path))) for path in databases}
        with _no_writers(databases):
            for reader in readers.values():
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the read begins with its first statement
            for path in targets.keys() - readers.keys():
                shutil.copy2(path, targets[path])
            taken_at = datetime.now(UTC).isoformat(timespec="seconds")
        for path, reader in readers.items():
            with closing(sqlite3.connect(targets[path])) as copy:
                reader.backup(copy)
    hashes = {str(path.relative_to(home)): _sha256(target) for path, target in targets.items()}
    manifest = Manifest(taken_at=taken_at, files=hashes)
    (to / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    return manifest


@contextmanager
def _no_writers(databases: list[Path]) -> Iterator[None]:
    """Hold the write lock of each; always in this order, and nobody else holds two."""
    with ExitStack() as held:
        for path in databases:
            holder = held.enter_context(closing(_connect(path)))
            try:
                holder.execute("BEGIN IMMEDIATE")
            except sqlite3.DatabaseError as error:
                raise CannotBackUp(
                    f"{path} cannot be read ({error}): try again when nothing writes to it, or mend it"
                ) from error
        yield


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(file: Path, to: Path) -> Manifest:
    to.mkdir()
    try:
        with tarfile.open(file, "r:gz") as archive:
            archive.extractall(to, filter="data")  # which refuses paths and links that lead elsewhere
        told: Any = json.loads((to / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(told)
    except (tarfile.TarError, EOFError, OSError, ValueError, ValidationError) as error:
        if isinstance(error, FileNotFoundError) and not file.exists():
            raise BadBackup(f"there is no file {file}") from error
        raise BadBackup(f"{file} is not a backup of Clearance's, or it was cut ({error}): use another one") from error
    (to / MANIFEST).unlink()
    there = {str(path.relative_to(to)): _sha256(path) for path in to.rglob("*") if path.is_file()}
    if wrong := sorted(name for name in there.keys() | manifest.files.keys() if there.get(name) != manifest.files.get(name)):
        raise BadBackup(f"{file} was changed after it was taken ({', '.join(wrong)}): use another one")
    for path in (to / name for name in manifest.files):
        if _is_sqlite(path):
            with closing(_connect(path)) as database:
                said = database.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                raise BadBackup(f"the database {path.name} in {file} is damaged ({said}): use another backup")
    return manifest
