"""Country governance as the indicators record it, read once for a set of countries. The country tools share it.

Six indicators a country and year; the estimate runs from about -2.5 (weak) to +2.5 (strong), the percentile from 0 to 100.
The risk index turns either into 0 (strong) to 100 (weak), over the mean of those of the six that are recorded.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sqlalchemy import Connection, select

from tools.registry import ToolContext
from tools.supply_chain.numbers import rounded
from tools.supply_chain.tables import indicators

Measure = Literal["estimate", "percentile"]
SCALE = 2.5  # estimates lie within ±2.5


@dataclass(frozen=True)
class Reading:
    """A country's risk index (0 to 100, higher is worse), the year it was measured for, and the indicator rows behind it."""

    index: Decimal
    year: int
    ids: tuple[int, ...]


class Governance:
    """The recorded indicators of some countries, by one measure."""

    def __init__(self, ctx: ToolContext, countries: Iterable[str], measure: Measure = "estimate") -> None:
        self._values: dict[str, dict[int, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
        self._measure = measure
        self._found: dict[tuple[str, int], Reading | None] = {}
        column = indicators.c[measure]
        wanted = select(indicators.c.id, indicators.c.iso3, indicators.c.year, column).where(
            indicators.c.iso3.in_(sorted(set(countries))), column.is_not(None)
        )

        def work(connection: Connection) -> None:
            for key, iso3, year, value in connection.execute(wanted.order_by(indicators.c.indicator)):
                self._values[iso3][year].append((key, value))

        ctx.resources.reading.run_sync(work)

    def at(self, iso3: str, year: int) -> Reading | None:
        """The index for `year`, or for the nearest earlier year on record; None when there is none."""
        if (iso3, year) not in self._found:
            self._found[iso3, year] = self._read(iso3, year)
        return self._found[iso3, year]

    def _read(self, iso3: str, year: int) -> Reading | None:
        years = [known for known in self._values.get(iso3, {}) if known <= year]
        if not years:
            return None
        values = self._values[iso3][max(years)]
        mean = sum(value for _, value in values) / len(values)
        raw = 100 - mean if self._measure == "percentile" else 100 * (SCALE - mean) / (2 * SCALE)
        return Reading(rounded(min(100.0, max(0.0, raw))), max(years), tuple(key for key, _ in values))
