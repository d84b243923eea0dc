"""The little domain for each test; after it, everything that its runs left must agree with their ledger."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.audit import open_audit
from settings import Settings
from tests.graphs.little import Yard


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    made = Yard(tmp_path / "home")
    yield made
    if (made.home / "clearance.db").exists():
        async with open_audit(Settings(home=made.home)) as audit:
            assert (await audit.verify()).faults == ()
