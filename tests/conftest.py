"""What every test shares: no key from the environment is ever used, the real records are found, and in CI a skip is a failure.

`database_url` gives a test an empty database of its own, once on SQLite and once on PostgreSQL.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import Postgres, running

KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION", "OPENAI_PROJECT_ID")
TRACING = ("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2")
OWN = ("CLEARANCE_CI", "CLEARANCE_DATA")


def pytest_configure(config: pytest.Config) -> None:
    for name in [*KEYS, *TRACING, *(n for n in os.environ if n.startswith("CLEARANCE_") and n not in OWN)]:
        os.environ.pop(name, None)
    settings.register_profile("shared", deadline=None)  # on a shared machine a slow example proves nothing
    settings.load_profile("shared")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.skipped and os.environ.get("CLEARANCE_CI") and not hasattr(report, "wasxfail"):
        allowed = item.get_closest_marker("standard_skip")
        if not allowed and "langchain_tests" not in str(item.function.__module__):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where everything is to be there: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the real public records (docs/data.md): CLEARANCE_DATA, or ../shared/data."""
    found = Path(os.environ.get("CLEARANCE_DATA") or Path(__file__).parent.parent.parent / "shared" / "data")
    if not (found / "scms_delivery_history.csv").exists():
        if os.environ.get("CLEARANCE_CI"):
            pytest.fail(f"the real records are not at {found}: set CLEARANCE_DATA")
        pytest.skip(f"the real records are not at {found}: set CLEARANCE_DATA to run these tests")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the session, started when first asked for."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database that is this test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'own.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_url()
