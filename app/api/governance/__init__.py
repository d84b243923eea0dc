"""`/governance`: what runs did and wait for, who decides it, what stops it. One router a resource, on the floors' own objects."""

from app.api.governance import approvals, audit, budgets, delegations, effects, executions, inbox, kill_switch, policies

routers = tuple(
    one.router for one in (executions, inbox, approvals, delegations, effects, budgets, kill_switch, policies, audit)
)
