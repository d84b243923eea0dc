"""Who may see and do what under `/governance` beyond what is theirs: asked by its routers, in this one place.

Whoever asked for a run sees what is on record of it. An auditor and an admin see the runs of their organisation, an admin may take
the whole record away. In local mode everything of the organisation is seen. What a caller does not see does not exist for them.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from app.api.answers import Serving
from app.api.caller import Calling, Floors
from app.api.errors import Refused
from governance.budgets import Spender
from governance.identity import Caller
from graphs.executions import Execution
from graphs.services import Services

AUDITS, ADMINS = ("auditor", "admin"), ("admin",)


@dataclass(frozen=True)
class Rights:
    """Those of one caller."""

    floors: Services
    caller: Caller
    local: bool

    def audit(self) -> None:
        """Raises `Refused` (404) for who may not read what is on record of the whole organisation."""
        if not (self.local or set(AUDITS) & set(self.caller.roles)):
            raise Refused(404, "Not Found")

    def takes(self, requester: Caller) -> None:
        """Raises `Refused` (404) for who may not take away all that is on record of a person's run, unmasked."""
        mine = (requester.org, requester.user) == (self.caller.org, self.caller.user)
        if not (mine or self.local or set(ADMINS) & set(self.caller.roles)):
            raise Refused(404, "Not Found")

    async def executions(self, run: str) -> list[Execution]:
        """An execution by its id, or those of a thread. Raises `Refused` (404), also for what the caller does not see."""
        one = await self.floors.executions.get(run)
        found = [one] if one else await self.floors.executions.of_thread(run)
        seen = [execution for execution in found if self._sees(execution.requester)]
        if not seen:
            raise Refused(404, f"there is no execution or thread {run}")
        return seen

    async def spender(self, run: str | None) -> Spender:
        """Whose budgets a run draws on; without one the caller's own. Raises `Refused` (404)."""
        if run is None:
            return Spender(self.caller.org, self.caller.user, "", "")
        found = (await self.executions(run))[-1]
        return Spender(found.requester.org, found.requester.user, found.id, "")

    def _sees(self, requester: Caller) -> bool:
        if requester.org != self.caller.org:
            return False
        return self.local or requester.user == self.caller.user or bool(set(AUDITS) & set(self.caller.roles))


def rights_of(service: Serving, floors: Floors, caller: Calling) -> Rights:
    return Rights(floors, caller, service.mode == "local")


Having = Annotated[Rights, Depends(rights_of)]
