"""One service a home on SQLite: a lock on a file in it. Whoever holds it knows that every lease of another process is dead.

On PostgreSQL any number of processes share a database, and leases say who lives.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HomeInUse(RuntimeError):
    """Another process serves this home."""


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Hold the home until the end; the system lets it go if the process dies. Raises `HomeInUse`."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeInUse(
                f"another process serves {home}: use it, stop it, or set CLEARANCE_HOME (several processes serve one "
                "installation on PostgreSQL: CLEARANCE_DATABASE_URL)"
            ) from error
        yield
