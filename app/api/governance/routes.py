"""The routers of `/governance`, one a resource, on the floors' own objects. Mounted by `app/main.py`."""

from app.api.governance import (
    approvals,
    audit,
    budgets,
    delegations,
    effects,
    evidence,
    executions,
    inbox,
    kill_switch,
    policies,
    reports,
    threads,
)

routers = tuple(
    one.router
    for one in (
        executions,
        evidence,
        reports,
        threads,
        inbox,
        approvals,
        delegations,
        effects,
        budgets,
        kill_switch,
        policies,
        audit,
    )
)
