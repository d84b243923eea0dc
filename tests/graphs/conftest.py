"""A yard for each test: the little domain over a home of its own."""

from pathlib import Path

import pytest

from tests.graphs.little import Yard


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path / "home")
