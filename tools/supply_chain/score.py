"""The risk score of a supplier: four parts, each 0 (no risk) to 100, weighted. Code computes it; no model has a say in it.

For each supplier of the exposure product (its share and its rate are measured against all suppliers in that product's scope, so
a supplier scores the same alone as among all):

    exposure   100 · min(1, share of spend in % / 20)
    delivery   100 · min(1, shrunk late rate in % / 15); the rate: (late + 10·p) / (lines + 10), p the late rate of all lines
    country    the governance risk index: mean over lines with a known index, weighted by line value, of
               100 · (2.5 - mean of the recorded estimates) / 5 of the site's country in the scheduled year or nearest earlier
    sanctions  the similarity (80 to 100) of a candidate's name; 0 without a candidate

    score = Σ weight · part / Σ weight, over the parts that are known

Shares, rates, similarities, each line's index and each part are rounded to four decimals, points and score to six, half to
even. Over the threshold means at or above it. A part is unknown when its product was not given, or for a supplier without a
known country; then the other weights are scaled up. Weights and threshold are configuration (`ScoreWeights`). A candidate
adds at most the sanctions weight, 10 points as shipped: it is no verdict and cannot lift a supplier over the threshold alone.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import ChartHint, Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.country_risk import CountryRisk
from tools.supply_chain.finance import Exposure
from tools.supply_chain.lines import SMALL_SAMPLE, upstream
from tools.supply_chain.numbers import rounded
from tools.supply_chain.sanctions import CANDIDATE, Screening
from tools.supply_chain.shipments import Deliveries

READ = ToolManifest(effect="read", output="trusted", data_class="confidential")
POINT_PLACES = 6  # a part of four decimals times a weight of two is exact, so points add up to the score
Severity = Literal["none", "medium", "high", "critical"]


class ScoreWeights(BaseSettings):
    """Weights of the parts, the points where a part is full, and the default threshold; from `CLEARANCE_SCORE_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CLEARANCE_SCORE_", frozen=True, extra="ignore")

    exposure: Decimal = Field(Decimal("0.35"), ge=0)
    delivery: Decimal = Field(Decimal("0.30"), ge=0)
    country: Decimal = Field(Decimal("0.25"), ge=0)
    sanctions: Decimal = Field(Decimal("0.10"), ge=0)
    full_share: Decimal = Field(Decimal(20), gt=0, description="share of spend (%) at which the exposure part is 100")
    full_late_rate: Decimal = Field(Decimal(15), gt=0, description="shrunk late rate (%) at which the delivery part is 100")
    threshold: Decimal = Field(Decimal(50), ge=0, le=100, description="score from which a supplier is escalated")
    high_above: Decimal = Field(Decimal(5), ge=0, description="points over the threshold from which severity is high")
    critical_above: Decimal = Field(Decimal(15), ge=0, description="points over the threshold from which severity is critical")

    def weight(self, part: str) -> Decimal:
        weights = {"exposure": self.exposure, "delivery": self.delivery, "country": self.country, "sanctions": self.sanctions}
        return weights[part]

    def severity(self, score: Decimal, threshold: Decimal) -> Severity:
        """none below the threshold; then medium, high, critical."""
        if score < threshold:
            return "none"
        over = score - threshold
        return "critical" if over >= self.critical_above else "high" if over >= self.high_above else "medium"


def full_at(value: Decimal, full: Decimal) -> Decimal:
    """0 to 100: linear up to `full`, then 100."""
    return rounded(100 * min(Decimal(1), value / full))


def weighted(parts: Mapping[str, Decimal | None], weights: ScoreWeights) -> tuple[Decimal, dict[str, Decimal | None]]:
    """The score and what each part adds to it. Unknown parts add nothing and the known ones' weights are scaled up.

    Raises `ToolError` when no part with a weight is known.
    """
    known = {name: value for name, value in parts.items() if value is not None}
    total = sum((weights.weight(name) for name in known), Decimal(0))
    if not total:
        raise ToolError("no known part of the score has a weight: check CLEARANCE_SCORE_* in the configuration")
    added = {name: weights.weight(name) * value / total for name, value in known.items()}
    return rounded(sum(added.values(), Decimal(0)), POINT_PLACES), {
        name: rounded(added[name], POINT_PLACES) if name in added else None for name in parts
    }


class ScoreArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    exposure_ref: str = product_ref("exposure")
    deliveries_ref: str | None = product_ref("deliveries", default=None)
    country_risk_ref: str | None = product_ref("country_risk", default=None)
    sanctions_ref: str | None = product_ref("sanctions", default=None)
    threshold: float | None = Field(
        None, ge=0, le=100, description="score from which a supplier is escalated; null: as configured"
    )


class ScoreRow(Row):
    supplier_id: int
    supplier: str
    score: Decimal
    over_threshold: bool
    severity: Severity
    exposure_part: Decimal
    delivery_part: Decimal | None
    country_part: Decimal | None
    sanctions_part: Decimal | None
    exposure_points: Decimal
    delivery_points: Decimal | None
    country_points: Decimal | None
    sanctions_points: Decimal | None
    spend: Decimal
    share: Decimal
    lines: int
    late_lines: int | None
    late_rate: Decimal | None
    shrunk_late_rate: Decimal | None
    missing_parts: str
    small_sample: bool
    reason: str


class RiskScores(ToolResult):
    product: ClassVar[str] = "risk_scores"
    rows: list[ScoreRow] = Field(default_factory=list)


@tool(READ)
def score_suppliers(args: ScoreArgs, ctx: ToolContext) -> RiskScores:
    """Score each supplier's risk (0 to 100) out of exposure, delivery, country and sanctions; mark those over the threshold.

    Deliveries, country risk and sanctions are optional: without them the other weights are scaled up, and the result says so.
    Use it to rank or compare suppliers by risk. Not for one part of it alone.
    """
    weights = ScoreWeights()
    threshold = weights.threshold if args.threshold is None else Decimal(str(args.threshold))
    exposure = upstream(ctx, args.exposure_ref, Exposure)
    delivered = upstream(ctx, args.deliveries_ref, Deliveries) if args.deliveries_ref else None
    deliveries = {row.supplier_id: row for row in delivered.rows} if delivered else {}
    country = upstream(ctx, args.country_risk_ref, CountryRisk) if args.country_risk_ref else None
    screening = upstream(ctx, args.sanctions_ref, Screening) if args.sanctions_ref else None
    countries = {row.supplier_id: row for row in country.rows} if country else {}
    screened = {row.supplier_id: row for row in screening.rows} if screening else {}
    rows = []
    for row in exposure.rows:
        delivery, candidate = deliveries.get(row.supplier_id), screened.get(row.supplier_id)
        place = countries.get(row.supplier_id)
        parts: dict[str, Decimal | None] = {
            "exposure": full_at(row.share, weights.full_share),
            "delivery": full_at(delivery.shrunk_late_rate, weights.full_late_rate) if delivery else None,
            "country": place.risk_index if place else None,
            "sanctions": None if candidate is None else candidate.similarity if candidate.candidate else rounded(0),
        }
        score, points = weighted(parts, weights)
        listed = candidate if candidate and candidate.candidate else None
        rests = [one.records for one in (place, listed) if one]
        fields = {f"{name}_part": value for name, value in parts.items()} | {f"{n}_points": v for n, v in points.items()}
        made = ScoreRow.model_validate(
            fields
            | {
                "records": row.records.beside(*rests),
                "supplier_id": row.supplier_id,
                "supplier": row.supplier,
                "score": score,
                "over_threshold": score >= threshold,
                "severity": weights.severity(score, threshold),
                "spend": row.spend,
                "share": row.share,
                "lines": row.lines,
                "late_lines": delivery.late_lines if delivery else None,
                "late_rate": delivery.late_rate if delivery else None,
                "shrunk_late_rate": delivery.shrunk_late_rate if delivery else None,
                "missing_parts": ", ".join(name for name, value in parts.items() if value is None),
                "small_sample": row.lines < SMALL_SAMPLE,
                "reason": "",
            }
        )
        rows.append(made.model_copy(update={"reason": explain(made, threshold)}))
    rows.sort(key=lambda row: (-row.score, row.supplier))
    over = [row for row in rows if row.over_threshold]
    absent = [
        name for name, given in (("delivery", delivered), ("country", country), ("sanctions", screening)) if given is None
    ]
    return RiskScores(
        title="Risk score by supplier",
        scope=exposure.scope,
        as_of="; ".join(dict.fromkeys([f"orders {exposure.as_of}", *_dates(country, screening)])),
        rows=rows,
        columns=COLUMNS,
        figures=_figures(rows, over, threshold, weights, absent),
        highlights=_highlights(rows, over),
        caveats=_caveats(rows, absent, screening is not None)
        + [said for said in exposure.caveats if said.startswith("Shares")],
        chart=ChartHint(
            type="stacked_bar",
            title="Risk score by supplier, with what each part adds",
            x="supplier",
            y=["exposure_points", "delivery_points", "country_points", "sanctions_points"],
        ),
        query=(
            f"score = sum(weight * part) / sum(weight) over known parts; weights: exposure {weights.exposure}, delivery "
            f"{weights.delivery}, country {weights.country}, sanctions {weights.sanctions}; exposure = 100 * min(1, share / "
            f"{weights.full_share}); delivery = 100 * min(1, shrunk late rate / {weights.full_late_rate}); country = "
            f"governance risk index; sanctions = a candidate's similarity, else 0\n"
            f"-- inputs: {args.exposure_ref}, {args.deliveries_ref or 'no deliveries'}, {args.country_risk_ref or 'no country risk'}, "
            f"{args.sanctions_ref or 'no screening'}"
        ),
    )


COLUMNS = [
    Column(field="supplier", label="Supplier"),
    Column(field="score", label="Risk score", unit="score"),
    Column(field="severity", label="Severity"),
    Column(field="exposure_part", label="Exposure", unit="score"),
    Column(field="delivery_part", label="Delivery", unit="score"),
    Column(field="country_part", label="Country", unit="score"),
    Column(field="sanctions_part", label="Sanctions", unit="score"),
    Column(field="exposure_points", label="Points from exposure", unit="score"),
    Column(field="delivery_points", label="Points from delivery", unit="score"),
    Column(field="country_points", label="Points from country", unit="score"),
    Column(field="sanctions_points", label="Points from sanctions", unit="score"),
    Column(field="spend", label="Spend", unit="usd"),
    Column(field="share", label="Share of spend", unit="percent"),
    Column(field="lines", label="Order lines", unit="count"),
    Column(field="late_lines", label="Late", unit="count"),
    Column(field="late_rate", label="Late rate", unit="percent"),
    Column(field="shrunk_late_rate", label="Late rate, shrunk", unit="percent"),
    Column(field="over_threshold", label="Over threshold"),
]


def explain(row: ScoreRow, threshold: Decimal) -> str:
    """Why the row has its score, in one sentence with its figures."""
    parts = [
        f"exposure {row.exposure_part:.1f} (${row.spend:,.2f}, {row.share:.2f} % of spend)",
        f"delivery {row.delivery_part:.1f} ({row.late_lines} of {row.lines} lines late)"
        if row.delivery_part is not None
        else "delivery unknown",
        f"country {row.country_part:.1f}" if row.country_part is not None else "country unknown",
        f"sanctions {row.sanctions_part:.1f} (a candidate by name, no verdict)" if row.sanctions_part else "",
    ]
    said = "at or over" if row.over_threshold else "below"
    return f"Risk score {row.score:.1f} of 100, {said} the threshold of {threshold:g}: {'; '.join(filter(None, parts))}."


def _figures(
    rows: list[ScoreRow], over: list[ScoreRow], threshold: Decimal, weights: ScoreWeights, absent: list[str]
) -> dict[str, Figure]:
    cited = Records.of("order_lines", (key for row in over for key in row.records.expand()))
    spend = sum((row.spend for row in over), Decimal(0))
    figures = {
        "threshold": Figure(value=threshold, unit="score", label="threshold, a setting"),
        "over_count": Figure(value=len(over), unit="count", label="suppliers over the threshold", records=cited),
        "over_spend": Figure(value=spend, unit="usd", label="spend with suppliers over the threshold", records=cited),
        "scored_count": Figure(value=len(rows), unit="count", label="suppliers scored", records=_suppliers(rows)),
        "partial_count": _count(rows, "partial_count", "suppliers with an unknown part"),
        "small_count": _count(rows, "small_count", f"suppliers with fewer than {SMALL_SAMPLE} lines"),
        "missing_parts": Figure(value=", ".join(absent) or "none", unit="text", label="parts missing for all suppliers"),
    }
    for part in ("exposure", "delivery", "country", "sanctions"):
        figures[f"weight_{part}"] = Figure(value=weights.weight(part), unit="ratio", label=f"weight of {part}")
    return figures


def _count(rows: list[ScoreRow], name: str, label: str) -> Figure:
    """How many of the rows are of a kind, with their suppliers as records."""
    found = list(filter(COUNTED[name], rows))
    return Figure(value=len(found), unit="count", label=label, records=_suppliers(found))


def _suppliers(rows: list[ScoreRow]) -> Records:
    return Records.of("suppliers", (row.supplier_id for row in rows))


def _highlights(rows: list[ScoreRow], over: list[ScoreRow]) -> list[Highlight]:
    """How many are over the threshold, then the first of them; all of a few suppliers that were picked; then the limits."""
    are, hold = ("is", "it holds") if len(over) == 1 else ("are", "together they hold")
    counted = Highlight(
        text=f"{{over}} of {{scored}} suppliers {are} at or over the risk threshold of {{threshold}}; {hold} {{spend}} of spend.",
        slots={
            "over": "figures.over_count",
            "scored": "figures.scored_count",
            "threshold": "figures.threshold",
            "spend": "figures.over_spend",
        },
    )
    limits = {
        "partial_count": "For {partial_count} of {scored_count} suppliers a part of the score is unknown: the others weigh more.",
        "small_count": "{small_count} of {scored_count} suppliers have so few order lines that their own late rates say little.",
    }
    slots = {"scored_count": "figures.scored_count"}
    said = [
        Highlight(text=text, slots={name: f"figures.{name}", **slots}, kind="limit")
        for name, text in limits.items()
        if any(map(COUNTED[name], rows))
    ]
    told = rows[:4] if len(rows) <= 4 else over[:4]
    return [counted, *(_scored(index, row) for index, row in enumerate(told)), *said]


COUNTED: Mapping[str, Callable[[ScoreRow], bool]] = {
    "partial_count": lambda row: bool(row.missing_parts),
    "small_count": lambda row: row.small_sample,
}
REASONS = {
    "exposure": ("its share of spend ({share})", ("share",)),
    "delivery": ("late delivery ({late_lines} of {lines} order lines)", ("late_lines", "lines")),
    "country": ("governance where its goods are made (index {country_part})", ("country_part",)),
    "sanctions": ("a name like one on the sanctions list (similarity {sanctions_part}, no verdict)", ("sanctions_part",)),
}


def _scored(index: int, row: ScoreRow) -> Highlight:
    """One supplier's score and severity with the two parts that add most to it."""
    points = {part: getattr(row, f"{part}_points") or Decimal(0) for part in REASONS}
    parts = [part for part in sorted(points, key=lambda part: -points[part]) if points[part]][:2]
    why = " and ".join(REASONS[part][0] for part in parts)
    fields = ("supplier", "score", "severity", *(field for part in parts for field in REASONS[part][1]))
    text = "{supplier} scores {score} ({severity})" + (f", mainly for {why}." if why else ".")
    return Highlight(text=text, slots={name: f"rows[{index}].{name}" for name in fields})


def _caveats(rows: list[ScoreRow], absent: list[str], screened: bool) -> list[str]:
    said = [f"The {part} part is missing: the other weights were scaled up for every supplier." for part in absent]
    partial = sum(bool(row.missing_parts) for row in rows)
    if partial and not absent:
        said.append(f"For {partial} of {len(rows)} suppliers a part is unknown; their other weights were scaled up.")
    small = sum(row.small_sample for row in rows)
    if small:
        said.append(f"{small} suppliers have fewer than ten lines: their late rates are shrunk towards the population's.")
    if screened:
        said.append(CANDIDATE)
    return [*said, "The score ranks suppliers by the weights as configured; it is no probability."]


def _dates(country: CountryRisk | None, screening: Screening | None) -> list[str]:
    found = [country.as_of.rpartition("; ")[2]] if country else []
    return found + ([f"sanctions list {screening.as_of}"] if screening else [])
