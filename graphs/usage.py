"""What executions used of models: the tries at their steps, and the core's roles. One sum, for whoever shows it.

Called by the runner, the service's snapshot of an execution, and the operations page. A result that was taken over from an earlier run
was paid for there; intake belongs to no execution yet.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, func, select, union_all

from database import Database
from graphs.tables import attempts, role_usage

NAMES = ("model_calls", "input_tokens", "output_tokens")
OWN = func.coalesce(attempts.c.result["reused"].as_string(), "") == ""
"""An attempt whose result is its own, not one taken over from an earlier run."""


def used_by_steps() -> Select[Any]:
    """`execution_id` and `NAMES`, a row for each try."""
    return select(attempts.c.execution_id, *map(_of_result, NAMES)).where(OWN)


def used_by_roles() -> Select[Any]:
    """`execution_id` and `NAMES`, a row for each time that a role was asked; intake's have an empty id."""
    return select(role_usage.c.execution_id, *(role_usage.c[name] for name in NAMES))


async def used(db: Database, execution_id: str) -> dict[str, int]:
    """Model calls and tokens of one execution, by `NAMES`."""
    steps = used_by_steps().where(attempts.c.execution_id == execution_id)
    all_of = union_all(steps, used_by_roles().where(role_usage.c.execution_id == execution_id)).subquery()
    sums = select(*(func.coalesce(func.sum(all_of.c[name]), 0) for name in NAMES))
    return await db.run(lambda c: dict(zip(NAMES, map(int, c.execute(sums).one()), strict=True)), durable=False)


def _of_result(name: str) -> ColumnElement[int]:
    return func.coalesce(attempts.c.result["usage"][name].as_integer(), 0, type_=Integer).label(name)
