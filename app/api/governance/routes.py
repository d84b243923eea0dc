"""The routers of `/governance`, one a resource, on the floors' own objects. Mounted by `app/main.py`."""

from app.api.governance import approvals, delegations, effects, executions, kill_switch

routers = (executions.router, approvals.router, delegations.router, effects.router, kill_switch.router)
