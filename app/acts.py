"""What a person changes of what is on record: limits, the kill switch, suspensions, effects, delegations, workflows. Used by the
commands.

`Acts` does it on the home's own database. Where a service is live on the home, `ServedActs` (`served_acts.py`) has the service do it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.fleet.parts import check_part
from app.workflows import save_workflow
from governance.budgets import Account, Spender
from governance.delegations import Delegation
from governance.effects import EffectRow
from governance.identity import Caller
from governance.limits import Scope, Unit
from governance.suspensions import Kind
from graphs.executions import AlreadyRunning, Execution
from graphs.services import Services
from graphs.waits import wait_of
from graphs.workflows import Workflow
from tools.settling import Settling
from tools.undoing import Undoer, Undoing


class UnknownExecution(LookupError):
    """The home holds no such execution."""


class Acts:
    """As one caller, on one home's records."""

    def __init__(self, services: Services, caller: Caller) -> None:
        self.services, self.caller = services, caller

    async def execution(self, run: str) -> Execution:
        """By the id of an execution or of its thread. Raises `UnknownExecution`, also for another organisation's."""
        executions = self.services.executions
        found = await executions.get(run) or next(reversed(await executions.of_thread(run)), None)
        if found is None or found.requester.org != self.caller.org:
            raise UnknownExecution(f"there is no execution or thread {run} in {self.services.settings.home}")
        return found

    async def spender(self, run: str) -> Spender:
        """Whose budgets a run draws on. Raises `UnknownExecution`."""
        found = await self.execution(run)
        return Spender(found.requester.org, found.requester.user, found.id, "")

    async def raise_limit(self, run: str, scope: Scope, unit: Unit, amount: int) -> Account:
        """Add to a limit, in parts of its unit. Raises `RaiseRefused`, `UnknownExecution`."""
        return await self.services.asking.raise_limit(self.caller, await self.spender(run), scope, unit, amount)

    async def flip(self, stop: bool, reason: str, *, everyone: bool) -> None:
        """Flip the kill switch. Raises `SwitchRefused`, `ValueError` without a reason."""
        await self.services.switch.flip(self.caller, stop, reason, everyone=everyone)

    async def suspend(self, kind: Kind, name: str, reason: str) -> None:
        """Take a specialist or tool out of service. Raises `UnknownPart`, `SuspensionRefused`, `ValueError` without a reason."""
        check_part(self.services, kind, name)
        await self.services.suspensions.suspend(self.caller, kind, name, reason)

    async def put_back(self, kind: Kind, name: str, reason: str) -> None:
        """Put it back into service. Raises as `suspend`, and `NotSuspended`."""
        check_part(self.services, kind, name)
        await self.services.suspensions.resume(self.caller, kind, name, reason)

    async def settle(self, key: str, happened: bool, reason: str) -> EffectRow:
        """Record what became of an effect. Raises `CannotSettle`, `AlreadyRunning`."""
        services = self.services
        row = await services.effects.get(key)
        if row and await services.executions.held_elsewhere(row.execution_id):
            raise AlreadyRunning(
                f"execution {row.execution_id} is running and may be doing {row.tool} now: wait for it, or stop it"
            )
        settling = Settling(services.registry, services.effects, services.decisions, services.gateway.db)
        return await settling.settle(key, happened, self.caller, reason)

    async def look(self, run: str, step: str, reason: str) -> list[Undoing]:
        """What would be undone, last things first. Raises `UnknownExecution`."""
        return await self._undoer().look((await self.execution(run)).id, step, reason)

    async def undo(self, run: str, step: str, reason: str) -> list[Undoing]:
        """Undo what can be undone. Raises `UnknownExecution`, `AlreadyRunning`, `CannotUndo`."""
        found = await self.execution(run)
        if await self.services.executions.held_elsewhere(found.id):
            raise AlreadyRunning(f"execution {found.id} is running: wait for it, or stop it, before you undo what it did")
        return await self._undoer().undo(found.id, self.caller, reason, step)

    async def delegate(self, to: str, role: str, until: datetime, tool: str | None) -> Delegation:
        """Hand a role of the caller's to another person. Raises `DelegationRefused`."""
        return await self.services.approvals.delegations.give(self.caller, to, role, until, tool)

    async def revoke(self, id: str) -> Delegation:
        """End a delegation of the caller's. Raises `DelegationRefused`."""
        return await self.services.approvals.delegations.revoke(self.caller, id)

    async def save_workflow(self, name: str, run: str, parameters: Sequence[str], waits: Mapping[str, str]) -> Workflow:
        """Keep a run's plan; `waits` as `graphs.waits.wait_of` reads them. Raises `UnknownRun`, `BadWorkflow`."""
        wished = {step: wait_of(text) for step, text in waits.items()}
        return await save_workflow(self.services, self.caller, name, run, parameters, wished)

    async def remove_workflow(self, name: str) -> None:
        """Forget a workflow. Raises `NoWorkflow`."""
        await self.services.workflows.remove(self.caller.org, name)

    def _undoer(self) -> Undoer:
        own = self.services
        return Undoer(own.gateway, own.registry, own.effects, own.gateway.db, own.resources, own.today())
