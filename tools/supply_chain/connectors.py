"""What the sample's tools draw on, one connector for each kind of record; declared in the domain."""

from functools import partial
from typing import Any

from sqlalchemy import Column, func, select

from tools.connectors import Connector, Standing
from tools.supply_chain.origins import origins_of
from tools.supply_chain.tables import cases, indicators, order_lines, sanctions


def _look(newest: Column[Any], resources: Any) -> Standing:
    """How the table stands whose newest row this column tells."""
    count = select(func.count(), func.max(newest)).select_from(newest.table)
    rows, last = resources.reading.run_sync(lambda c: c.execute(count).one())
    return Standing(rows, "" if last is None else str(last)[:10], origins_of(resources.reading).get(str(newest.table), ""))


CONNECTORS = (
    Connector("orders", "System of record: order lines", partial(_look, order_lines.c.day)),
    Connector("sanctions", "Sanctions list", partial(_look, sanctions.c.list_date)),
    Connector("indicators", "Country indicators", partial(_look, indicators.c.year)),
    Connector("cases", "Escalation cases", partial(_look, cases.c.opened_at)),
)
