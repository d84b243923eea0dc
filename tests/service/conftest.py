"""Servers over the small graphs of `project/` and over the product's own, shared by the tests of this folder; each test works on
threads of its own."""

from collections.abc import Iterator

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from app.supply_chain.trial import fill
from settings import Settings
from tests.postgres import Postgres
from tests.service.serving import PROJECT, Server, clearance


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with clearance(tmp_path_factory.mktemp("served"), "--config", str(PROJECT / "langgraph.json")) as running:
        yield running


@pytest.fixture(scope="session")
def server(sqlite_server: Server) -> Server:
    return sqlite_server


@pytest.fixture(scope="session")
def postgres_server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home, env = tmp_path_factory.mktemp("served"), {"CLEARANCE_DATABASE_URL": postgres.new_url()}
    with clearance(home, "--config", str(PROJECT / "langgraph.json"), env=env) as running:
        yield running


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product's own graphs on the generated company, with the demo people rita, who asks, and marc, who decides."""
    home = tmp_path_factory.mktemp("company")
    fill(Settings(home=home))
    people = '{"rita": ["requester"], "marc": ["risk-manager"]}'
    with clearance(home, env={"CLEARANCE_PEOPLE": people}) as running:
        yield running


@pytest.fixture
def client(server: Server) -> LangGraphClient:
    return get_client(url=server.url)
