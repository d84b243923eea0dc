"""The public files, imported once a session, with a bench to run read tools on."""

from collections.abc import Iterator

import pytest

from tests.supply_chain.bench import Bench, real_bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield from real_bench(tmp_path_factory.mktemp("records"))
