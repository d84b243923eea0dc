"""The changes of `acts.py`, made by the live service of the home: it knows what it is doing at that moment. Used by `served.py`.

What it wrote is read back where it wrote it, unless it tells it whole.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2
from pydantic import TypeAdapter

from app.acts import Acts
from app.calling import ok
from governance.budgets import Account
from governance.delegations import Delegation
from governance.effects import EffectRow
from governance.identity import Caller
from governance.limits import PARTS, Scope, Unit
from governance.suspensions import Kind
from graphs.services import Services
from graphs.workflows import Workflow
from tools.undoing import Undoing

_DELEGATION = TypeAdapter(Delegation)


class ServedActs(Acts):
    """A client of the service. Each raises `ServiceSays` with the service's own words where it refuses."""

    def __init__(self, services: Services, caller: Caller, http: httpx2.AsyncClient) -> None:
        super().__init__(services, caller)
        self._http = http

    async def raise_limit(self, run: str, scope: Scope, unit: Unit, amount: int) -> Account:
        who = await self.spender(run)
        await self._post("budgets/raise", {"run": run, "scope": scope, "unit": unit, "amount": amount / PARTS.get(unit, 1)})
        found = await self.services.budgets.accounts(who)
        return next(one for one in found if (one.scope, one.unit) == (scope, unit))

    async def flip(self, stop: bool, reason: str, *, everyone: bool) -> None:
        await self._post(f"kill-switch/{'on' if stop else 'off'}", {"reason": reason, "everyone": everyone})

    async def suspend(self, kind: Kind, name: str, reason: str) -> None:
        await self._post("fleet/suspend", {"kind": kind, "name": name, "reason": reason})

    async def put_back(self, kind: Kind, name: str, reason: str) -> None:
        asked = {"kind": kind, "name": name, "reason": reason}
        ok(await self._http.post("/governance/fleet/resume", json=asked))

    async def settle(self, key: str, happened: bool, reason: str) -> EffectRow:
        await self._post(f"effects/{key}/settle", {"outcome": "done" if happened else "not-done", "reason": reason})
        return await self._effect(key)

    async def undo(self, run: str, step: str, reason: str) -> list[Undoing]:
        told = await self._post(f"executions/{(await self.execution(run)).id}/undo", {"reason": reason, "step": step})
        names = ("standing", "tool", "args", "why", "approval_id")
        return [Undoing(await self._effect(one["effect"]["key"]), **{name: one[name] for name in names}) for one in told]

    async def delegate(self, to: str, role: str, until: datetime, tool: str | None) -> Delegation:
        return self._told(await self._post("delegations", {"to": to, "role": role, "until": until.isoformat(), "tool": tool}))

    async def revoke(self, id: str) -> Delegation:
        return self._told(ok(await self._http.delete(f"/governance/delegations/{id}")).json())

    async def save_workflow(self, name: str, run: str, parameters: Sequence[str], waits: Mapping[str, str]) -> Workflow:
        asked = {"name": name, "execution_id": run, "parameters": [*parameters], "waits": dict(waits)}
        return Workflow.model_validate(ok(await self._http.post("/workflows", json=asked)).json())

    async def remove_workflow(self, name: str) -> None:
        ok(await self._http.delete(f"/workflows/{name}"))

    def _told(self, delegation: dict[str, Any]) -> Delegation:
        return _DELEGATION.validate_python({**delegation, "org": self.caller.org})

    async def _effect(self, key: str) -> EffectRow:
        row = await self.services.effects.get(key)
        assert row is not None, "the service has just told of it"
        return row

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return ok(await self._http.post(f"/governance/{path}", json=body)).json()
