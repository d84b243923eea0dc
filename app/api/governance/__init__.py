"""`/governance`: what runs did and wait for, who decides it, what stops it. One router a resource, on the floors' own objects."""

from app.api.governance import approvals, effects, executions, kill_switch

routers = (executions.router, approvals.router, effects.router, kill_switch.router)
