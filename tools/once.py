"""Effects: each carried out at most once, from its intent to its outcome. Called by the gateway, with actions that it has checked.

One commit spends the approval, sets down the intent and records it; then the tool runs; a second commit stores what came of it with
the record of that. A process that dies between the two leaves an intent without an outcome, which the next attempt finds.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from cancellation import finish
from database import Database
from governance.approvals import Approvals
from governance.budgets import BudgetSpent
from governance.clock import Clock
from governance.decisions import Decisions
from governance.digest import effect_key
from governance.effects import EffectRow, Effects
from governance.kill_switch import halted
from governance.proofs import unproved
from governance.suspensions import RULE as SUSPENDED
from governance.suspensions import suspended
from tools.action import UNRECORDED, Action, Refused, lost
from tools.calls import ToolOutcome, touched
from tools.performing import Performer, elapsed
from tools.reconciling import Reconciler

log = logging.getLogger(__name__)


class Once:
    """Does effects over one database. Two calls for the same effect are one: the second waits for the first."""

    def __init__(
        self, performer: Performer, approvals: Approvals, effects: Effects, decisions: Decisions, db: Database, clock: Clock
    ) -> None:
        self._performer = performer
        self._approvals = approvals
        self._effects = effects
        self._decisions = decisions
        self._db = db
        self._clock = clock
        self._reconciler = Reconciler(effects, decisions, db)
        self._live: dict[str, asyncio.Task[ToolOutcome]] = {}

    async def do(self, action: Action, started: float) -> ToolOutcome:
        """From intent to outcome as a task of its own, which no cancellation of the step tears apart. Raises `Refused`,
        and `UNRECORDED` where the intent cannot be recorded.
        """
        key = effect_key(action.facts)
        task = self._live.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._carry_out(action, key, started))
            self._live[key] = task
            task.add_done_callback(lambda _: self._live.pop(key, None))
            return await finish(task)
        joined = await finish(task)  # the same effect is being done already: wait for that one
        return replace(joined, effect="replayed") if joined.effect else joined

    async def idle(self) -> None:
        """Wait for the effects that are under way here, whatever becomes of them."""
        await asyncio.gather(*self._live.values(), return_exceptions=True)

    def spend(self, c: Connection, action: Action) -> None:
        """Use up the approval an action rests on, if any, and record that it goes ahead. Raises `Refused` if it was used already."""
        if action.approval_id and not self._approvals.consume(c, action.approval_id):
            raise Refused("approval-spent", f"the approval of {action.tool.name} was already used, withdrawn or is too old")
        self._decisions.add(c, action.record("intent", "go"), action.facts.args)

    async def _carry_out(self, action: Action, key: str, started: float) -> ToolOutcome:
        await self._reconciler.settle(action, key)
        row = await self._db.run(lambda c: self._intend(c, action))
        rests: dict[str, Any] = dict(approval_id=action.approval_id, args=action.facts.args)
        if row.state == "done" and row.result is None:  # a person said so, who cannot say what it gave back
            error = f"{action.tool.name} was done; what it gave back is not known, so nothing can rest on it"
            return ToolOutcome("error", error=error, ms=elapsed(started), effect="replayed", final=True, **rests)
        if row.state == "done":
            result = row.result or {}
            return ToolOutcome("ok", result, ms=elapsed(started), effect="replayed", records=touched(result), **rests)
        if row.state == "unknown":
            return ToolOutcome("unknown", error=str(row.error), ms=elapsed(started), **rests)
        ran = await self._performer.run(action, started, key)

        def work(c: Connection) -> None:
            self._store(c, key, ran.outcome)
            self._decisions.add(c, ran.record)

        try:
            await self._db.run(work)
        except UNRECORDED as error:
            log.error("the outcome of %s could not be recorded: %s", action.tool.name, error)
            unrecorded = lost(action, "its outcome could not be recorded")
            return ToolOutcome("unknown", error=unrecorded, ms=elapsed(started), **rests)
        return ran.outcome

    def _store(self, c: Connection, key: str, outcome: ToolOutcome) -> None:
        if outcome.result is not None:
            self._effects.finish(c, key, outcome.result)
        elif outcome.status == "unknown":
            self._effects.lose(c, key, outcome.error)
        else:
            self._effects.fail(c, key, outcome.error)

    def _intend(self, c: Connection, action: Action) -> EffectRow:
        """One commit: the approval is spent, the intent stands, the decision is recorded. Answers how the effect stands."""
        row = self._effects.intend(c, action.facts, call_id=action.call.call_id, approval_id=action.approval_id)
        if row.state == "done":
            self._decisions.add(c, action.record("outcome", "replayed"))
            return row
        if row.state == "compensated":
            raise Refused("undone", f"{action.tool.name} was done and undone since: a new goal must ask for it again")
        if action.approval and (doubt := unproved(c, action.approval)):
            raise Refused("unproved-approval", f"{action.tool.name} may not run: {doubt}")
        if row.state in ("intended", "unknown") and not action.facts.manifest.idempotent:
            error = row.error or lost(action, "an earlier attempt left no outcome")
            self._effects.lose(c, row.key, error)
            self._decisions.add(c, action.record("outcome", "unknown", error=error))
            return replace(row, state="unknown", error=error)
        facts = action.facts
        if why := halted(c, facts.caller.org):
            raise Refused("kill-switch", why)
        if why := suspended(c, facts.caller.org, facts.agent, facts.tool):
            raise Refused(SUSPENDED, why)
        if row.state == "new" or row.approval_id != action.approval_id:
            self.spend(c, action)
        else:  # the same approval's earlier try did nothing, or may be tried twice
            if row.state == "failed" and action.approval and action.approval.expires_at <= self._clock():
                raise Refused("approval-spent", f"the approval of {action.tool.name} is too old to try it again")
            self._decisions.add(c, action.record("intent", "again"), action.facts.args)
        try:
            self._effects.afford(c, action.facts)
        except BudgetSpent as spent:
            raise Refused("budget", str(spent)) from spent
        self._effects.restart(c, row.key, action.approval_id)
        return replace(row, state="intended")
