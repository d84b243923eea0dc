"""`/governance`: what runs did and wait for, who decides it, what stops it. One router a resource, on the floors' own objects."""

from app.api.governance import approvals, delegations, effects, executions, kill_switch

routers = (executions.router, approvals.router, delegations.router, effects.router, kill_switch.router)
