"""Finding out what became of an effect that left no outcome, by asking the tool about its key. Called by the gateway, before it
goes on with such an effect.
"""

import asyncio
import logging
from typing import Any

from sqlalchemy import Connection

from database import Database
from governance.decisions import Decisions, Record
from governance.effects import Effects
from tools.action import Action
from tools.registry import Reconcile, ToolContext, ToolError
from tools.running import ReadOnly, dump

log = logging.getLogger(__name__)
OPEN = ("intended", "unknown")


class Reconciler:
    """Asks tools that declare `reconcile`, and records what they say."""

    def __init__(self, effects: Effects, decisions: Decisions, db: Database) -> None:
        self._effects = effects
        self._decisions = decisions
        self._db = db

    async def settle(self, action: Action, key: str) -> None:
        """Record what the tool knows of an effect without outcome: done with its result, or not done.

        Nothing changes where the tool cannot tell, and where it sees nothing but could not refuse a second one: a first call may be
        on its way still. Raises what the database raises.
        """
        ask = action.tool.reconcile
        row = await self._effects.get(key) if ask else None
        if ask is None or row is None or row.state not in OPEN:
            return
        try:
            found = await self._ask(action, ask, key)
        except (ToolError, TimeoutError) as error:
            log.warning("%s cannot tell whether it was done: %s", action.tool.name, error)
            return
        except Exception:  # a tool may raise anything; then nothing is known, as before
            log.exception("%s failed to tell whether it was done", action.tool.name)
            return
        if found is None and not action.facts.manifest.idempotent:
            return

        def work(c: Connection) -> None:
            if found is None:
                error = f"{action.tool.name} has no trace of it"
                self._effects.fail(c, key, error)
                self._decisions.add(c, self._record(action, "not-done", error=error))
            else:
                self._effects.finish(c, key, found[0])
                self._decisions.add(c, self._record(action, "reconciled", result_digest=found[1]))

        await self._db.run(work)

    def _record(self, action: Action, outcome: str, **more: Any) -> Record:
        return action.record("outcome", outcome, reasons=("an earlier attempt left no outcome, so the tool was asked",), **more)

    async def _ask(self, action: Action, ask: Reconcile, key: str) -> tuple[dict[str, Any], str] | None:
        call, tool = action.call, action.tool
        context = ToolContext(
            caller=call.caller,
            resources=ReadOnly(call.resources),
            inputs=call.inputs,
            execution_id=call.execution_id,
            step_id=call.step_id,
            call_id=call.call_id,
            idempotency_key=key,
            today=call.today,
        )
        args = tool.args.model_validate(dict(action.facts.args))

        def work() -> tuple[dict[str, Any], str] | None:
            found = ask(args, context)
            return None if found is None else dump(tool, found)

        async with asyncio.timeout(tool.manifest.timeout):
            return await asyncio.to_thread(work)
