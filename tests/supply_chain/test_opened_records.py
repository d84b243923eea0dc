"""Opening the records that results cite: each cited table has a view, what is gone is left out, and who may not read sees nothing."""

from pathlib import Path

import pytest

from app.api.governance.evidence import may_open
from app.api.governance.sight import Sight
from app.runner import open_runner
from app.supply_chain.trial import fill
from governance.identity import Caller
from settings import Settings
from tests.supply_chain.bench import Bench
from tools.opening import PAGE, cited, open_rows
from tools.results import UnknownPath
from tools.supply_chain.views import OPENED


async def test_every_table_that_the_flagship_cites_can_be_opened(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    fill(settings)
    async with open_runner(settings) as runner:
        outcome = await runner.run("Analyze supplier risk across our logistics network")
        floors = runner.services
        views = {one.table: one for one in floors.domain.views}
        tries = await floors.executions.attempts(outcome.execution_id)
        results = [one.result for one in tries if one.result]
        seen = set()
        for name, product in ((name, data) for result in results for name, data in result.data.items()):
            for table, keys in cited(product).items():
                found = open_rows(floors.resources.reading, views[table], keys)
                assert [row[views[table].key] for row in found] == keys[:500], (name, table)
                seen.add(table)
        assert {"order_lines", "indicators", "sanctions"} <= seen
        assert open_rows(floors.resources.reading, views["order_lines"], [1, 10**9]) == open_rows(
            floors.resources.reading, views["order_lines"], [1]
        )
        product = next(iter(results[0].data.values()))
        assert cited(product, row=0) == {one: keys for one, keys in cited({"rows": product["rows"][:1], "figures": {}}).items()}
        for wrong in ({"row": len(product["rows"])}, {"figure": "nosuch"}):
            with pytest.raises(UnknownPath):
                cited(product, **wrong)

        def may(role: str, step: str, table: str, *, whole: bool = False) -> bool:
            result = next(one for one in results if one.step_id == step)
            sight = Sight(floors, Caller("x", settings.org, (role,) if role else ()), whole=whole)
            return may_open(sight, result, next(iter(result.data)), views[table])

        step_of = {one.specialist: one.step_id for one in results}
        assert may("risk-manager", step_of["risk"], "order_lines") and may("clerk", step_of["risk"], "order_lines", whole=True)
        assert not may("clerk", step_of["risk"], "order_lines"), "neither the product nor the lines"
        assert not may("", step_of["procurement"], "order_lines") and may("clerk", step_of["procurement"], "order_lines")


def test_each_view_opens_on_both_databases(bench: Bench) -> None:
    for view in OPENED:
        found = open_rows(bench.records.reading, view, range(1, 4000))
        assert len(found) <= PAGE and all(set(row) == set(view.columns) for row in found)
        assert bool(found) is (view.table != "cases"), view.name
