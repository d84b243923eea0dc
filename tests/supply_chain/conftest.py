"""The public files, imported once a session, with a bench to run read tools on."""

from collections.abc import Iterator

import pytest

from tests.supply_chain.bench import Bench, real_bench


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if request.param == "sqlite":
        yield from real_bench(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    else:
        yield from real_bench(request.getfixturevalue("postgres").new_url())
