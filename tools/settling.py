"""A person says what became of an effect that nobody else can tell: it was done, or it was not. Called by the application.

The word of whoever may approve the tool's use counts. It is recorded in the ledger, and the next attempt goes by it.
"""

from sqlalchemy import Connection

from database import Database
from governance.decisions import Decisions, Record
from governance.digest import digest
from governance.effects import EffectRow, Effects
from governance.identity import Caller
from governance.manifest import UNLISTED
from tools.registry import Registry


class CannotSettle(ValueError):
    """The effect is unknown to this organisation, not open, or not for this person to settle; the message says which."""


class Settling:
    """Settles the effects of one registry's tools."""

    def __init__(self, registry: Registry, effects: Effects, decisions: Decisions, db: Database) -> None:
        self._registry = registry
        self._effects = effects
        self._decisions = decisions
        self._db = db

    async def settle(self, key: str, happened: bool, caller: Caller, reason: str) -> EffectRow:
        """Record what happened, and answer how the effect stands now. Raises `CannotSettle`, or what the database raises.

        Nobody may be carrying the effect out meanwhile: the caller sees to that.
        """
        if not reason.strip():
            raise CannotSettle("say how you know: the reason is recorded with what you settle")

        def work(c: Connection) -> EffectRow:
            row = self._effects.locked(c, key)
            if row is None or row.org != caller.org:
                raise CannotSettle(f"there is no effect {key}: `clearance effects` lists them")
            if row.state not in ("intended", "unknown"):
                raise CannotSettle(f"whether {row.tool} was done is known already: it is {row.state}")
            self._may(row, caller)
            error = None if happened else f"{caller.user} found that it was not done: {reason}"
            self._decisions.add(c, self._record(row, error, caller, reason))
            if error is None:
                self._effects.finish(c, key, None)
            else:
                self._effects.fail(c, key, error)
            after = self._effects.locked(c, key)
            assert after is not None
            return after

        return await self._db.run(work)

    def may(self, tool: str, caller: Caller) -> bool:
        """Is it for this person to say what became of a use of this tool?"""
        manifest = self._registry[tool].manifest if tool in self._registry else UNLISTED
        return bool(set(manifest.approvers) & set(caller.roles))

    def _may(self, row: EffectRow, caller: Caller) -> None:
        if not self.may(row.tool, caller):
            manifest = self._registry[row.tool].manifest if row.tool in self._registry else UNLISTED
            who = " or ".join(manifest.approvers) or "nobody: its tool names no approver"
            raise CannotSettle(f"whether {row.tool} was done is for these to say: {who}; {caller.user} is none of them")

    def _record(self, row: EffectRow, error: str | None, caller: Caller, reason: str) -> Record:
        version = self._registry[row.tool].manifest.version if row.tool in self._registry else UNLISTED.version
        return Record(
            phase="outcome",
            outcome="settled-not-done" if error else "settled-done",
            org=row.org,
            execution_id=row.execution_id,
            step_id=row.step_id,
            call_id=row.call_id,
            agent="",
            user=caller.user,
            tool=row.tool,
            version=version,
            args_digest=digest(row.args),
            reasons=(reason,),
            roles=caller.roles,
            approval_id=row.approval_id,
            error=error,
        )
