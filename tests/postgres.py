"""A real PostgreSQL for the tests (`evals/chaos/postgres.py`)."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evals.chaos.postgres import NoPostgres, OwnPostgres, own_postgres


class Postgres:
    """A server. Each `new_url` is a schema of its own, which costs a hundredth of a database."""

    def __init__(self, server: OwnPostgres) -> None:
        self.server = server
        self._numbers = itertools.count(1)

    def new_url(self) -> str:
        """The URL of an empty schema."""
        name = f"own_{next(self._numbers)}"
        self.server.do(f"CREATE SCHEMA {name}")
        url = self.server.url.update_query_dict({"options": f"-csearch_path={name}"})
        return url.render_as_string(hide_password=False)


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, stop it and delete its files. Skips the tests where it cannot run."""
    try:
        with own_postgres() as server:
            yield Postgres(server)
    except NoPostgres as error:
        pytest.skip(str(error))
