"""The routers of `/governance`, one a resource, on the floors' own objects. Mounted by `app/main.py`."""

from app.api.governance import (
    approvals,
    audit,
    budgets,
    delegations,
    effects,
    evidence,
    executions,
    feedback,
    fleet,
    inbox,
    kill_switch,
    operations,
    plans,
    policies,
    reports,
    threads,
)

of_executions = (executions, plans, evidence, reports, feedback)
routers = tuple(
    one.router
    for one in (
        *of_executions,
        threads,
        inbox,
        approvals,
        delegations,
        effects,
        budgets,
        kill_switch,
        fleet,
        operations,
        policies,
        audit,
    )
)
