"""Twenty figures of the flagship's report, drawn by a fixed seed, each recomputed from the records it cites: with pandas, from the
database's own rows, to the last digit, and with none of the product's code.

What is relative to all orders (a share, a shrunk rate) takes those from the records that the report's total cites.
"""

import random
import re
import sqlite3
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from graphs.answer import Answer, Citation
from models.offline import OfflineModel
from tests.graphs.liar import FLAGSHIP, product
from tests.supply_chain.bench import real_bench

LINES = """
    SELECT o.id, o.supplier_id, o.value_cents, o.scheduled, o.delivered, s.iso3
    FROM order_lines o LEFT JOIN sites s ON s.id = o.site_id WHERE o.id IN ({keys})
"""
PLACES, POINT_PLACES = Decimal("0.0001"), Decimal("0.000001")


def rounded(value: Decimal, places: Decimal = PLACES) -> Decimal:
    return value.quantize(places, rounding=ROUND_HALF_UP)


class Truth:
    """The database's rows, and each figure computed from a frame of cited order lines and the frame of all of them."""

    def __init__(self, file: Path, answer: Answer) -> None:
        self.db = sqlite3.connect(file)
        indicators = pd.read_sql("SELECT iso3, year, estimate FROM indicators WHERE estimate IS NOT NULL", self.db)
        self.governance = indicators.groupby(["iso3", "year"])["estimate"].mean()
        self.whole = self.lines(next(c for c in answer.citations if c.ref.endswith("exposure.figures.total_spend")))

    def lines(self, citation: Citation) -> pd.DataFrame:
        assert citation.records
        keys: list[int] = []
        for part in citation.records.keys.split(","):
            first, _, last = part.partition("-")
            keys += range(int(first), int(last or first) + 1)
        found = pd.read_sql(LINES.format(keys=",".join(map(str, keys))), self.db)
        assert len(found) == len(keys) == citation.records.count, "every cited record exists"
        found["days"] = (pd.to_datetime(found["delivered"]) - pd.to_datetime(found["scheduled"])).dt.days
        return found

    def cents(self, lines: pd.DataFrame) -> Decimal:
        return Decimal(int(lines["value_cents"].sum()))

    def late(self, lines: pd.DataFrame) -> Decimal:
        return Decimal(int((lines["days"] > 0).sum()))

    def share(self, own: pd.DataFrame) -> Decimal:
        return rounded(100 * self.cents(own) / self.cents(self.whole))

    def top5(self, own: pd.DataFrame) -> Decimal:
        largest = own.groupby("supplier_id")["value_cents"].sum().nlargest(5).sum()
        return rounded(100 * Decimal(int(largest)) / self.cents(own))

    def concentration(self, own: pd.DataFrame) -> Decimal:
        squares = (own.groupby("supplier_id")["value_cents"].sum().astype(object) ** 2).sum()
        return rounded(Decimal(int(squares)) / self.cents(own) ** 2)

    def risk_index(self, own: pd.DataFrame) -> Decimal:
        total, weight = Decimal(0), Decimal(0)
        for iso3, day, cents in zip(own["iso3"], own["scheduled"], own["value_cents"], strict=True):
            if not isinstance(iso3, str) or iso3 not in self.governance:
                continue
            years = self.governance[iso3]
            known = years[years.index <= int(day[:4])]
            if len(known):
                index = rounded(100 * (Decimal("2.5") - Decimal(str(known.iloc[-1]))) / 5)
                total, weight = total + index * int(cents), weight + int(cents)
        return rounded(total / weight)

    def points(self, own: pd.DataFrame) -> dict[str, Decimal]:
        prior = self.late(self.whole) / len(self.whole)
        rate = rounded(100 * (self.late(own) + 10 * prior) / (len(own) + 10))
        exposure = rounded(100 * min(Decimal(1), self.share(own) / 20))
        delivery = rounded(100 * min(Decimal(1), rate / 15))
        parts = {"exposure": (35, exposure), "delivery": (30, delivery), "country": (25, self.risk_index(own))}
        added = {f"{name}_points": weight * part / 100 for name, (weight, part) in parts.items()}
        return {
            name: rounded(value, POINT_PLACES) for name, value in {**added, "score": sum(added.values(), Decimal(0))}.items()
        }

    def again(self, field: str, own: pd.DataFrame) -> Decimal:
        if field == "score" or field.endswith("_points"):
            return self.points(own)[field]
        if field in ("spend", "total_spend", "over_spend"):
            return self.cents(own) / 100
        if field in ("supplier_count", "over_count"):
            return Decimal(own["supplier_id"].nunique())
        if field in ("share", "unknown_share"):
            return self.share(own)
        by_name = {
            "lines": lambda: Decimal(len(own)),
            "late_lines": lambda: self.late(own),
            "late_rate": lambda: rounded(100 * self.late(own) / len(own)),
            "average_days_late": lambda: rounded(Decimal(int(own["days"][own["days"] > 0].sum())) / self.late(own)),
            "top_share": lambda: self.top5(own),
            "top_count": lambda: Decimal(own["supplier_id"].nunique()),
            "top_spend": lambda: self.cents(own) / 100,
            "hhi": lambda: self.concentration(own),
            "network_index": lambda: self.risk_index(own),
            "risk_index": lambda: self.risk_index(own),
            "country_part": lambda: self.risk_index(own),
        }
        return by_name[field]()


async def flagship(home: Path, **settings: Any) -> Answer:
    """The flagship's report, every case approved."""
    async with product(home, OfflineModel(), **settings) as runner:
        waits = await runner.run(FLAGSHIP)
        done = await runner.resume(waits.thread_id, decisions=[{"type": "approve"} for _ in waits.approvals])
    assert done.answer and done.answer.status == "complete"
    return done.answer


def hold(file: Path, answer: Answer, seed: int) -> None:
    """Draw twenty figures and recompute each."""
    truth, drawn = Truth(file, answer), []
    for citation in answer.citations:
        field = re.split(r"\W", citation.ref)[-1]
        if citation.unit not in ("text", "date") and citation.records and citation.records.table == "order_lines":
            drawn.append((citation, field))
    assert len(drawn) >= 20
    wrong = {}
    for citation, field in random.Random(seed).sample(drawn, 20):
        again = truth.again(field, truth.lines(citation))
        if Decimal(str(citation.value)) != again:
            wrong[citation.ref] = (citation.value, again)
    assert not wrong


async def test_twenty_figures_of_the_generated_company(tmp_path: Path) -> None:
    hold(tmp_path / "supply_chain.db", await flagship(tmp_path), seed=2026)


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Path]:
    for _ in real_bench(f"sqlite:///{tmp_path / 'records.db'}"):
        yield tmp_path / "records.db"


async def test_twenty_figures_of_the_public_records(tmp_path: Path, real: Path) -> None:
    answer = await flagship(tmp_path, records_url=f"sqlite:///{real}")
    hold(real, answer, seed=2026)
