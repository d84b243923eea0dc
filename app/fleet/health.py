"""How the parts of the fleet do, from the tables and the ledger, counted in SQL: three queries, whatever the number of parts."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, select, union_all

from app.fleet.shapes import CallsShape, TriesShape
from app.ledger_sql import BROKE, RAN, calls, rank
from graphs.tables import attempts, executions, role_usage

LAST = 20
"""How many tries, the newest, tell the health of a specialist or a model."""
NO_TRIES = TriesShape(of=0, done=0, failed=0, last_used=None)
NO_CALLS = CallsShape(calls=0, failed=0, denied=0, p50_ms=None, p95_ms=None, last_used=None)


@dataclass(frozen=True)
class Health:
    """By names of specialists and roles, of tools, and of models as they call themselves. `silent` are, by specialist or role, its
    tries among the newest in which no model answered."""

    specialists: dict[str, TriesShape]
    tools: dict[str, CallsShape]
    models: dict[str, TriesShape]
    silent: dict[str, int]


def health_of(c: Connection, org: str, since: str) -> Health:
    """Of the runs of an organisation that began at or after `since` (ISO, UTC)."""
    begun: tuple[ColumnElement[bool], ...] = (executions.c.org == org, executions.c.created >= since)
    error = attempts.c.result["error"]["kind"].as_string()
    own = func.coalesce(attempts.c.result["reused"].as_string(), "") == ""  # what was taken over is nobody's work
    steps = (
        select(
            attempts.c.specialist.label("who"),
            attempts.c.result["model"].as_string().label("model"),
            attempts.c.status,
            attempts.c.started.label("at"),
            case((error == "model", 1), else_=0).label("silent"),
        )
        .join(executions, executions.c.id == attempts.c.execution_id)
        .where(*begun, attempts.c.ended.is_not(None), own)
    )
    roles = select(
        role_usage.c.role.label("who"),
        role_usage.c.model,
        role_usage.c.status,
        role_usage.c.ended.label("at"),
        case(((role_usage.c.status == "failed") & (role_usage.c.model == ""), 1), else_=0).label("silent"),
    ).where(role_usage.c.org == org, role_usage.c.ended >= since)
    tries = union_all(steps, roles).subquery()
    newest = select(tries, func.row_number().over(partition_by=tries.c.who, order_by=tries.c.at.desc()).label("n")).subquery()
    by_model = func.row_number().over(partition_by=tries.c.model, order_by=tries.c.at.desc()).label("n")
    answered = select(tries, by_model).where(tries.c.model != "", tries.c.silent == 0).subquery()
    counted = {
        name: c.execute(
            select(
                key.label("key"),
                func.count().label("of"),
                func.sum(case((rows.c.status == "succeeded", 1), else_=0)).label("done"),
                func.sum(case((rows.c.status == "failed", 1), else_=0)).label("failed"),
                func.max(rows.c.at).label("last_used"),
                func.sum(rows.c.silent).label("silent"),
            )
            .where(rows.c.n <= LAST)
            .group_by(key)
        ).all()
        for name, rows, key in (("who", newest, newest.c.who), ("model", answered, answered.c.model))
    }
    return Health(
        specialists={row.key: TriesShape.model_validate(row) for row in counted["who"]},
        tools=_tools(c, begun),
        models={row.key: _answers(row.of, row.last_used) for row in counted["model"]},
        silent={row.key: row.silent for row in counted["who"] if row.silent},
    )


def _answers(of: int, last_used: str) -> TriesShape:
    """A model that answered has done what it does, whatever became of the step."""
    return TriesShape(of=of, done=of, failed=0, last_used=last_used)


def _tools(c: Connection, begun: tuple[ColumnElement[bool], ...]) -> dict[str, CallsShape]:
    found = calls(c, *begun).subquery()
    ran = case((found.c.outcome.in_(RAN), 1), else_=0)
    place = func.row_number().over(partition_by=(found.c.tool, ran), order_by=found.c.ms).label("place")
    placed = select(found, ran.label("ran"), place, func.sum(ran).over(partition_by=found.c.tool).label("all")).subquery()
    at = {share: (placed.c.ran == 1) & (placed.c.place == rank(share, placed.c.all)) for share in (50, 95)}
    rows = c.execute(
        select(
            placed.c.tool,
            func.sum(placed.c.ran).label("calls"),
            func.sum(case((placed.c.outcome.in_(BROKE), 1), else_=0)).label("failed"),
            func.sum(case((placed.c.outcome == "denied", 1), else_=0)).label("denied"),
            func.max(case((at[50], placed.c.ms))).label("p50_ms"),
            func.max(case((at[95], placed.c.ms))).label("p95_ms"),
            func.max(placed.c.at).label("last_used"),
        ).group_by(placed.c.tool)
    )
    return {row.tool: CallsShape.model_validate(row) for row in rows}
