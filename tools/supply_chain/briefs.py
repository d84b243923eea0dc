"""What an approver needs to know of each supplier over the threshold, with the arguments its case would be opened with."""

from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.case_book import open_on, owner_for, subject
from tools.supply_chain.lines import upstream
from tools.supply_chain.score import RiskScores, ScoreRow
from tools.supply_chain.tables import cases

READ = ToolManifest(effect="read", output="trusted", data_class="confidential", judges=("open_case",))
ADVISED = ("supplier", "score", "severity", "owner", "due", "recommendation", "recommendation_reason")
DUE_DAYS = {"critical": 7, "high": 14, "medium": 30}


class BriefArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    risk_scores_ref: str = product_ref("risk_scores")
    threshold: float | None = Field(
        None,
        ge=0,
        le=100,
        description="smallest risk score; null: the scores' own threshold, or none if another limit is given",
    )
    min_spend: float | None = Field(None, ge=0, description="smallest spend in US dollars, e.g. 10000000")
    min_late_rate: float | None = Field(None, ge=0, le=100, description="smallest late rate in percent, e.g. 10")

    def limits(self) -> str:
        """Who is proposed, in words."""
        said = [
            f"risk score from {self.threshold:g}" if self.threshold is not None else "",
            f"spend from ${self.min_spend:,.0f}" if self.min_spend else "",
            f"late rate from {self.min_late_rate:g} %" if self.min_late_rate else "",
        ]
        return " and ".join(filter(None, said)) or "over the risk threshold"


class BriefRow(Row):
    """One proposed case. `supplier_id` to `due` are `open_case`'s arguments by name."""

    supplier_id: int
    supplier: str
    title: str
    reason: str
    severity: str
    owner: str
    due: date
    score: Decimal
    recommendation: Literal["approve", "look closer", "reject"]
    recommendation_reason: str
    open_cases: str


class ApprovalBriefs(ToolResult):
    product: ClassVar[str] = "approval_briefs"
    rows: list[BriefRow] = Field(default_factory=list)


@tool(READ)
def approval_briefs(args: BriefArgs, ctx: ToolContext) -> ApprovalBriefs:
    """Prepare an escalation for each supplier over the risk threshold: title, reason, severity, owner, due date, advice.

    Limits on spend or late rate ("more than $10 million and more than 10 % late") take the place of the risk threshold; set
    `threshold` too where the score is to count as well.
    Due dates are 7 days from today for critical, 14 for high, 30 for medium. No second case is proposed where one on the same
    subject is open: the caveats name that one. A supplier with another open case is marked so.
    """
    scores = upstream(ctx, args.risk_scores_ref, RiskScores)
    chosen = [row for row in scores.rows if _meets(row, args)]
    already, subjects = _open_cases(ctx), ctx.resources.reading.run_sync(open_on)
    rows, known = [], []
    for row in chosen:
        title = f"Supplier risk: {row.supplier}"[:200]
        if (case := subjects.get((row.supplier_id, subject(title)))) is not None:
            known.append(f"{row.supplier} would be escalated and has open case {case} for it: no second one is proposed.")
            continue
        severity = "medium" if row.severity == "none" else row.severity  # below the score's threshold, within the call's limits
        on_score = not _own(args) or args.threshold is not None
        recommendation, why = recommend(row, already.get(row.supplier_id, []), on_score=on_score)
        rows.append(
            BriefRow(
                records=row.records,
                supplier_id=row.supplier_id,
                supplier=row.supplier,
                title=title,
                reason=f"Chosen by {args.limits()}. {row.reason}" if _own(args) else row.reason,
                severity=severity,
                owner=owner_for(ctx.resources.reading, row.supplier_id),
                due=ctx.today + timedelta(days=DUE_DAYS[severity]),
                score=row.score,
                recommendation=recommendation,
                recommendation_reason=why,
                open_cases=", ".join(map(str, already.get(row.supplier_id, []))) or "none",
            )
        )
    highlights = [Highlight(text="{count} escalations are proposed.", slots={"count": "figures.proposed"})]
    highlights += [
        Highlight(
            text="Proposed for {supplier} (score {score}, {severity}): owner {owner}, due {due}. "
            "Advice: {recommendation}, because {recommendation_reason}.",
            slots={name: f"rows[{index}].{name}" for name in ADVISED},
            kind="recommendation",
        )
        for index in range(min(len(rows), 4))
    ]
    return ApprovalBriefs(
        title="Proposed escalations",
        scope=f"{scores.scope}; suppliers with {args.limits()}" if _own(args) else f"{scores.scope}; suppliers {args.limits()}",
        as_of=scores.as_of,
        rows=rows,
        columns=[
            Column(field="supplier", label="Supplier"),
            Column(field="score", label="Risk score", unit="score"),
            Column(field="severity", label="Severity"),
            Column(field="owner", label="Owner"),
            Column(field="due", label="Due", unit="date"),
            Column(field="recommendation", label="Recommendation"),
            Column(field="open_cases", label="Open cases"),
        ],
        figures={
            "proposed": Figure(
                value=len(rows),
                unit="count",
                label="proposed escalations",
                records=Records.of("suppliers", (row.supplier_id for row in rows)),
            )
        },
        highlights=highlights,
        caveats=[*known, "A proposal opens nothing: each case needs its own approval."],
        query=f"rows of {args.risk_scores_ref} by {args.limits()}; due = today + {DUE_DAYS} days by severity",
    )


def recommend(
    row: ScoreRow, open_cases: list[int], *, on_score: bool
) -> tuple[Literal["approve", "look closer", "reject"], str]:
    """What an approver is advised, and why. It is advice: people vote. `on_score`: the score is why the case is proposed."""
    if open_cases:
        return "look closer", f"open on another subject: case {', '.join(map(str, open_cases))}"
    if row.small_sample:
        return "look closer", "fewer than ten order lines: the late rate says little"
    if row.missing_parts and on_score:
        return "look closer", f"parts of the score are missing: {row.missing_parts}"
    if row.sanctions_part:
        return "look closer", "the name resembles one on the sanctions list: check it first, it is no verdict"
    known = "all parts of the score are known" if on_score else "it is within the limits that were asked for"
    return "approve", f"{known} and no case is open"


def _own(args: BriefArgs) -> bool:
    """Are limits of the call's own given, which take the place of the scores' threshold?"""
    return args.threshold is not None or bool(args.min_spend or args.min_late_rate)


def _meets(row: ScoreRow, args: BriefArgs) -> bool:
    """Is the row over the risk threshold, or within the limits that take its place?"""
    if not _own(args):
        return row.over_threshold
    if args.min_late_rate and row.late_rate is None:
        raise ToolError("a smallest late rate was asked for, and the deliveries were not measured: leave it out")
    least = (args.threshold or 0, args.min_spend or 0, args.min_late_rate or 0)
    return all(
        value >= Decimal(str(limit)) for value, limit in zip((row.score, row.spend, row.late_rate or 0), least, strict=True)
    )


def _open_cases(ctx: ToolContext) -> dict[int, list[int]]:
    """Ids of open cases by supplier."""

    def work(connection: Connection) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for key, supplier_id in connection.execute(
            select(cases.c.id, cases.c.supplier_id).where(cases.c.status == "open").order_by(cases.c.id)
        ):
            found.setdefault(supplier_id, []).append(key)
        return found

    result: dict[int, list[int]] = ctx.resources.reading.run_sync(work)
    return result
