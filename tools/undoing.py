"""Undoing what an execution did: its effects in the reverse order of their completion, each by the tool that its manifest names.

Each compensation is a call like any other, through the gateway, with a decision, an approval where the policy asks, and an effect of
its own. It goes on after a crash or a wait where it stopped: the call that was asked for first is the one that is made. Called by the
application.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection

from database import Database
from governance.compensations import Compensation, begin, call_id_of, find
from governance.decisions import Record
from governance.digest import digest
from governance.effects import EffectRow, Effects
from governance.identity import Caller
from governance.policy import Seen
from tools.calls import Clearing, ProposedCall
from tools.gateway import Gateway
from tools.registry import Registry

Standing = Literal["open", "compensated", "impossible", "waiting", "failed", "denied", "unknown", "not tried"]
OVER: frozenset[Standing] = frozenset({"compensated", "impossible"})


class CannotUndo(ValueError):
    """Nothing can be undone like that; the message says why."""


@dataclass(frozen=True)
class Undoing:
    """One effect and its undoing. `why` says it for people; `approval_id` is what waits."""

    effect: EffectRow
    standing: Standing
    tool: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    approval_id: str | None = None


class Undoer:
    """Undoes effects of one registry's tools. `resources` are the domain's handles, `today` the date of the undoing."""

    def __init__(
        self, gateway: Gateway, registry: Registry, effects: Effects, db: Database, resources: Any, today: date
    ) -> None:
        self._gateway = gateway
        self._registry = registry
        self._effects = effects
        self._db = db
        self._resources = resources
        self._today = today

    async def look(self, execution_id: str, step: str = "", reason: str = "") -> list[Undoing]:
        """What would be undone, in that order, and what cannot be. Changes nothing."""
        rows, undoing = await self._effects.for_execution(execution_id), await self._effects.undoing(execution_id)
        own = [row for row in rows if row.call_id not in undoing and row.state != "failed" and step in ("", row.step_id)]
        own.sort(key=lambda row: (row.ended_at or row.intended_at, row.intended_at), reverse=True)
        return [self._look(row, reason) for row in own]

    async def undo(self, execution_id: str, caller: Caller, reason: str, step: str = "") -> list[Undoing]:
        """Undo what can be undone, up to the first that is not: what came before it may rest on it. All approvals are asked first.

        `caller` is recorded as who asked, unless somebody asked before. Raises `CannotUndo`, or what the database raises.
        """
        found = await self.look(execution_id, step, reason)
        calls = [(one, await self._propose(one, caller, reason)) if one.standing == "open" else (one, None) for one in found]
        told: list[Undoing] = []
        stopped = False
        for one, proposed in calls:
            if proposed is None:
                told.append(one)
                continue
            after = await self._act(one, *proposed, tried=not stopped)
            stopped = stopped or after.standing not in OVER
            told.append(after)
        return told

    def _look(self, row: EffectRow, reason: str) -> Undoing:
        if row.state == "compensated":
            return Undoing(row, "compensated", why="it was undone already")
        if row.state != "done":
            return Undoing(row, "impossible", why="whether it was done is unknown: settle that first")
        tool = self._registry.get(row.tool)
        if tool is None or tool.undo is None or tool.manifest.compensation is None:
            return Undoing(row, "impossible", why=f"no tool undoes {row.tool}")
        if row.result is None:
            return Undoing(row, "impossible", why="what it gave back is not known, and its undoing needs that")
        done = tool.result.model_validate(row.result)
        made = tool.undo(tool.args.model_validate(dict(row.args)), done, reason)
        return Undoing(row, "open", tool.manifest.compensation, made.model_dump(mode="json"))

    async def _propose(self, one: Undoing, caller: Caller, reason: str) -> tuple[ProposedCall, Clearing]:
        row = one.effect
        known = await self._db.run(lambda c: find(c, row.key))
        if not reason.strip() and known is None:
            raise CannotUndo(f"say why {row.tool} is to be undone: the reason is recorded and kept with what it changes")
        wanted = Compensation(row.key, row.execution_id, call_id_of(row.key), one.tool, one.args, caller, reason)
        counts = known if known and not reason.strip() else await self._db.run(lambda c: self._begin(c, wanted, row, known))
        call = ProposedCall(
            caller=counts.requester,
            agent="undo",
            tool=counts.tool,
            args=counts.args,
            call_id=counts.call_id,
            execution_id=row.execution_id,
            step_id=row.step_id,
            granted=frozenset({counts.tool}),
            planned=frozenset({counts.tool}),  # a person asks for exactly this
            trace=(Seen(row.tool, row.args, row.result, confirmed=row.approval_id is not None),),
            resources=self._resources,
            today=self._today,
            user_request=f"Undo {row.tool}: {counts.reason}",
        )
        return call, await self._gateway.propose(call)

    def _begin(self, c: Connection, wanted: Compensation, row: EffectRow, known: Compensation | None) -> Compensation:
        """Keep and record what is asked for. Approvals of what was asked for before are void, unless it is the same call."""
        counts = begin(c, wanted)
        if counts is wanted:
            if known and known.args != wanted.args:
                self._gateway.approvals.withdraw(c, row.execution_id, wanted.call_id, "its undoing was asked for anew")
            self._gateway.decisions.add(c, _asked(wanted, row), wanted.args)
        return counts

    async def _act(self, one: Undoing, call: ProposedCall, clearing: Clearing, *, tried: bool) -> Undoing:
        tell = partial(Undoing, one.effect, tool=call.tool, args=clearing.args, approval_id=clearing.approval_id)
        if clearing.outcome in ("deny", "invalid"):
            return tell("denied", why=clearing.text)
        if clearing.approval_status == "pending":
            return tell("waiting", why=f"{clearing.needs} must agree: {clearing.text}")
        if not tried:
            return tell("not tried", why="what was done after it is not undone yet")
        outcome = await self._gateway.act(call, clearing)
        if outcome.status == "ok" or outcome.effect:
            return tell("compensated")
        standing: Mapping[str, Standing] = {"error": "failed", "denied": "denied", "unknown": "unknown"}
        return tell(standing[outcome.status], why=outcome.error)


def _asked(wanted: Compensation, row: EffectRow) -> Record:
    return Record(
        phase="undo",
        outcome="asked",
        org=row.org,
        execution_id=row.execution_id,
        step_id=row.step_id,
        call_id=wanted.call_id,
        agent="undo",
        user=wanted.requester.user,
        tool=wanted.tool,
        version="",
        args_digest=digest(wanted.args),
        reasons=(wanted.reason,),
        roles=wanted.requester.roles,
    )


def finished(found: Sequence[Undoing]) -> bool:
    """Is everything undone that can be?"""
    return all(one.standing in OVER for one in found)
