"""A bench for the read tools: they run one after the other on a system of record, each on the products of those before."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from database import Database
from governance.identity import Caller
from tests.support import dump, open_tool
from tools.registry import Tool, ToolContext
from tools.results import ToolResult
from tools.supply_chain.importers import import_scms, import_sdn, import_sites, import_wgi
from tools.supply_chain.store import SystemOfRecord
from tools.supply_chain.tables import metadata

TODAY = date(2026, 3, 2)


def data_folder() -> Path:
    """Where the public files lie."""
    return Path(os.environ.get("CLEARANCE_DATA", Path(__file__).parents[3] / "shared" / "data"))


class Bench:
    """Runs tools; `products` holds each result as the gateway hands it on, under "s.<product>"."""

    def __init__(self, records: SystemOfRecord) -> None:
        self.records = records
        self.products: dict[str, dict[str, Any]] = {}

    def context(self) -> ToolContext:
        return ToolContext(Caller("tester"), self.records, inputs=self.products, today=TODAY)

    def run(self, tool: Tool, **args: Any) -> Any:
        result: ToolResult = open_tool(tool, args, self.context())
        self.products[f"s.{tool.produces}"] = dump(result)
        return result


def real_bench(url: str) -> Iterator[Bench]:
    """A bench on the real files, imported into the database of `url`; skips the test when they are not there."""
    data = data_folder()
    if not (data / "scms_delivery_history.csv").exists():
        pytest.skip(f"the public files are not in {data}: set CLEARANCE_DATA")
    writing = Database(url)
    writing.create(metadata)
    import_scms(writing, data / "scms_delivery_history.csv")
    import_sites(writing, data / "scms_manufacturing_sites.csv")
    import_wgi(writing, data / "wgi_1996_2023.csv")
    import_sdn(writing, data / "ofac_sdn_2024-05-03.csv")
    records = SystemOfRecord(Database(url, readonly=True), writing)
    yield Bench(records)
    records.close()
