"""The routers of `/governance`, one a resource, on the floors' own objects. Mounted by `app/main.py`."""

from app.api.governance import (
    approvals,
    audit,
    budgets,
    delegations,
    effects,
    executions,
    fleet,
    inbox,
    kill_switch,
    operations,
    policies,
)

routers = tuple(
    one.router
    for one in (executions, inbox, approvals, delegations, effects, budgets, kill_switch, fleet, operations, policies, audit)
)
