"""A home is backed up while it is written to, and restored: what waited goes on, and nothing is done twice or forgotten."""

import re
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from tests.app.command import clearance

GOAL = "Analyze supplier risk across our logistics network"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flagship's, waiting for three approvals."""
    folder = tmp_path_factory.mktemp("whole")
    assert clearance(folder, "data", "demo").returncode == 0
    assert clearance(folder, "run", GOAL).returncode == 3
    return folder


def test_a_restored_home_goes_on_and_proves_itself(home: Path, tmp_path: Path) -> None:
    taken, held = tmp_path / "kept" / "b.tar.gz", tmp_path / "held.heads"
    assert clearance(home, "audit", "head", "--out", str(held)).returncode == 0
    said = clearance(home, "backup", str(taken))
    assert said.returncode == 0 and "✓" in said.stdout, said.stderr
    assert taken.stat().st_mode & 0o077 == 0, "others may read the key"
    again = tmp_path / "again"
    assert clearance(again, "restore", str(taken)).returncode == 0
    waiting = re.findall(r"clearance resume (\S+)", clearance(home, "approvals").stdout)
    assert clearance(again, "audit", "verify", "--head", str(held)).returncode == 0
    went_on = clearance(again, "resume", waiting[0], "--approve", "all")
    assert went_on.returncode == 0, went_on.stderr
    assert clearance(again, "audit", "verify", "--head", str(held)).returncode == 0
    with sqlite3.connect(again / "supply_chain.db") as records, sqlite3.connect(home / "supply_chain.db") as before:
        count = "SELECT count(*) FROM cases"
        assert (records.execute(count).fetchone()[0], before.execute(count).fetchone()[0]) == (3, 0)


def test_it_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """A writer adds to the second database only what the first already has: in no backup may the second be ahead."""
    home = tmp_path / "home"
    home.mkdir()
    first, second = home / "a.db", home / "b.db"
    for path in (first, second):
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE t (n INTEGER)")
    done, begun = threading.Event(), threading.Event()

    def write() -> None:
        files = [sqlite3.connect(path, timeout=60, isolation_level=None) for path in (first, second)]
        n = 0
        while not done.is_set():
            n += 1
            for file in files:
                file.execute("INSERT INTO t VALUES (?)", (n,))
            begun.set()
        for file in files:
            file.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        for round in range(8):
            copy = tmp_path / f"copy{round}"
            assert clearance(home, "backup", str(tmp_path / "b.tar.gz")).returncode == 0
            assert clearance(copy, "restore", str(tmp_path / "b.tar.gz")).returncode == 0
            counts = [sqlite3.connect(copy / name).execute("SELECT count(*) FROM t").fetchone()[0] for name in ("a.db", "b.db")]
            assert counts[0] - counts[1] in (0, 1), counts
    finally:
        done.set()
        writer.join()


def test_what_was_changed_or_is_no_backup_is_refused(home: Path, tmp_path: Path) -> None:
    taken, to = tmp_path / "b.tar.gz", tmp_path / "to"
    assert clearance(home, "backup", str(taken)).returncode == 0
    opened = tmp_path / "opened"
    with tarfile.open(taken) as archive:
        archive.extractall(opened, filter="data")
    (opened / "ledger.heads").write_text("{}")
    changed = tmp_path / "changed.tar.gz"
    with tarfile.open(changed, "w:gz") as archive:
        archive.add(opened, arcname=".")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(taken.read_bytes()[:5000])
    text = tmp_path / "text"
    text.write_text("no archive")
    for file, why in (
        (changed, "was changed after it was taken (ledger.heads)"),
        (cut, "or it was cut"),
        (text, "is not a backup"),
        (tmp_path / "none", "there is no file"),
    ):
        said = clearance(to, "restore", str(file))
        assert said.returncode == 1 and why in said.stderr, (said.stdout, said.stderr)
        assert not to.exists()
    full = clearance(home, "restore", str(taken))
    assert full.returncode == 1 and "is not empty" in full.stderr
    nothing = clearance(tmp_path / "nowhere", "backup", str(taken))
    assert nothing.returncode == 1 and "there is nothing in" in nothing.stderr
