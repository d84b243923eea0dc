"""The numbers of operations, counted in SQL from the tables and the ledger: some queries, however many runs there are.

Percentiles are of the nearest rank. Called with a connection on which a long read holds nobody up (`Database.read`).
"""

from typing import Any

from sqlalchemy import Connection, Select, Subquery, case, func, literal, or_, select, union_all

from app.ledger_sql import rank
from app.operations.behind import Reads, Runs, ref
from app.operations.items import BY_PEOPLE, Window, asked, goals, tool_calls, tries
from app.operations.shapes import (
    OUTCOMES,
    VERDICTS,
    ApprovalsShape,
    FailingToolShape,
    Filter,
    GoalsShape,
    LargeRunShape,
    OperationsShape,
    SlowStepShape,
    StepsShape,
    UsageShape,
    WaitingShape,
)
from graphs.tables import attempts, executions, role_usage
from graphs.usage import NAMES, used_by_roles, used_by_steps
from models.price import Price

MOST = 10
"""How many of the slowest, the largest and the worst are told."""
ENDS = ("success", "partial", "refused", "failed")


def operations(c: Connection, window: Window, price: Price | None, reads: Reads) -> OperationsShape:
    """All of it. `reads` says whose threads may be named."""
    stands = goals(window)
    counted, runs = _counts(c, stands.subquery()), Runs(c, stands, reads)
    ended = sum(counted.get(one, 0) for one in ENDS)
    return OperationsShape(
        since=window.since,
        until=window.until,
        goals=[GoalsShape(outcome=one, count=counted.get(one, 0), runs=runs.of(one, Filter(outcome=one))) for one in OUTCOMES],
        success_rate=counted.get("success", 0) / ended if ended else None,
        usage=_usage(c, window, price, reads),
        waiting=_waiting(c, window, reads),
        approvals=_approvals(c, window, reads),
        steps=_steps(c, window, reads),
        slowest_steps=_slowest(c, window, reads),
        failing_tools=_failing(c, window, reads),
    )


def _counts(c: Connection, items: Subquery) -> dict[str, int]:
    return {row.key: row.n for row in c.execute(select(items.c.key, func.count().label("n")).group_by(items.c.key))}


def _usage(c: Connection, window: Window, price: Price | None, reads: Reads) -> UsageShape:
    """Of steps and roles of the runs, and of intakes of the time, which belong to no run yet."""
    runs = select(executions.c.id).where(*window.runs)
    steps = used_by_steps().where(attempts.c.execution_id.in_(runs))
    roles = used_by_roles().where(role_usage.c.execution_id.in_(runs))
    ended = (role_usage.c.ended >= window.since, role_usage.c.ended < window.until)
    intakes = used_by_roles().where(role_usage.c.execution_id == "", role_usage.c.org == window.org, *ended)
    all_of = union_all(steps, roles, intakes).subquery()
    sums = c.execute(select(*(func.coalesce(func.sum(all_of.c[name]), 0).label(name) for name in NAMES))).one()
    calls, sent, given = (int(one) for one in sums)
    tokens = func.sum(all_of.c.input_tokens + all_of.c.output_tokens).label("tokens")
    each = select(all_of.c.execution_id, tokens).where(all_of.c.execution_id != "").group_by(all_of.c.execution_id).subquery()
    columns = (each.c.execution_id, each.c.tokens, executions.c.thread_id, executions.c.requester, executions.c.goal)
    most = select(*columns).join(executions, executions.c.id == each.c.execution_id).where(each.c.tokens > 0)
    rows = c.execute(most.order_by(each.c.tokens.desc(), each.c.execution_id).limit(MOST)).all()
    cost = price.cost(sent, given) if price else None
    largest = [LargeRunShape(run=ref(row, reads), goal=row.goal, tokens=int(row.tokens)) for row in rows]
    return UsageShape(model_calls=calls, input_tokens=sent, output_tokens=given, cost=cost, largest=largest)


def _percentiles(c: Connection, items: Select[Any]) -> dict[str, Any]:
    """By `key`: how many have `seconds`, and their half and 95th percentile."""
    found = items.subquery()
    place = func.row_number().over(partition_by=found.c.key, order_by=found.c.seconds).label("place")
    total = func.count().over(partition_by=found.c.key).label("total")
    placed = select(found.c.key, found.c.seconds, place, total).where(found.c.seconds.is_not(None)).subquery()
    at = {share: case((placed.c.place == rank(share, placed.c.total), placed.c.seconds)) for share in (50, 95)}
    columns = (
        placed.c.key,
        func.max(placed.c.total).label("count"),
        func.max(at[50]).label("p50"),
        func.max(at[95]).label("p95"),
    )
    return {row.key: row for row in c.execute(select(*columns).group_by(placed.c.key))}


def _waiting(c: Connection, window: Window, reads: Reads) -> WaitingShape:
    found = asked(c, window).subquery()
    decided = (found.c.key.in_(BY_PEOPLE), found.c.seconds.is_not(None))
    items = select(found.c.execution_id, literal("people").label("key"), found.c.seconds).where(*decided)
    timed = _percentiles(c, items).get("people")
    runs = Runs(c, items, reads).of("people", Filter(waited=True))
    if timed is None:
        return WaitingShape(decided=0, p50_seconds=None, p95_seconds=None, runs=runs)
    return WaitingShape(decided=timed.count, p50_seconds=round(timed.p50, 3), p95_seconds=round(timed.p95, 3), runs=runs)


def _approvals(c: Connection, window: Window, reads: Reads) -> list[ApprovalsShape]:
    items = asked(c, window)
    counted, runs = _counts(c, items.subquery()), Runs(c, items, reads)
    return [ApprovalsShape(verdict=one, count=counted.get(one, 0), runs=runs.of(one, Filter(approval=one))) for one in VERDICTS]


def _steps(c: Connection, window: Window, reads: Reads) -> list[StepsShape]:
    items = tries(window)
    timed, runs = _percentiles(c, items), Runs(c, items, reads)
    found = [
        StepsShape(
            specialist=name,
            count=row.count,
            p50_seconds=row.p50,
            p95_seconds=row.p95,
            runs=runs.of(name, Filter(specialist=name)),
        )
        for name, row in timed.items()
    ]
    return sorted(found, key=lambda one: (-one.p95_seconds, one.specialist))


def _slowest(c: Connection, window: Window, reads: Reads) -> list[SlowStepShape]:
    found = tries(window).add_columns(executions.c.thread_id, executions.c.requester)
    longest = found.order_by(attempts.c.seconds.desc(), attempts.c.id).limit(MOST)
    return [
        SlowStepShape(
            run=ref(row, reads),
            step_id=row.step_id,
            attempt=row.attempt,
            specialist=row.key,
            status=row.status,
            seconds=row.seconds,
        )
        for row in c.execute(longest)
    ]


def _failing(c: Connection, window: Window, reads: Reads) -> list[FailingToolShape]:
    """The tools with most failures; denials count where nothing failed."""
    found = tool_calls(c, window).subquery()
    sums = {name: func.sum(found.c[name]) for name in ("ran", "failed", "denied")}
    bad = select(found.c.key, *(one.label(name) for name, one in sums.items())).group_by(found.c.key)
    bad = bad.having(or_(sums["failed"] > 0, sums["denied"] > 0))
    rows = c.execute(bad.order_by(sums["failed"].desc(), sums["denied"].desc(), found.c.key).limit(MOST)).all()
    wrong = select(found.c.execution_id, found.c.key).where(or_(found.c.failed == 1, found.c.denied == 1))
    runs = Runs(c, wrong, reads) if rows else None
    return [
        FailingToolShape(
            tool=row.key, calls=row.ran, failed=row.failed, denied=row.denied, runs=runs.of(row.key, Filter(tool=row.key))
        )
        for row in rows
        if runs is not None
    ]
