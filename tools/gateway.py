"""The gateway: the one door to every tool. Propose (validate, decide, ask), then act (check again, commit, run, record).

Called by the specialists' middleware in the graphs. It fails closed: a policy that raises, a record that cannot be written, an
approval that does not fit to the byte, and the tool does not run.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cancellation import finish
from database import Database, DatabaseUnavailable
from governance.approval import Approval, UnknownApproval, seal
from governance.approvals import Approvals
from governance.budgets import Budgets, BudgetSpent, Spender
from governance.clock import Clock, now
from governance.decisions import Decisions, Phase, Record
from governance.digest import action_digest, digest, effect_key
from governance.effects import EffectRow, Effects
from governance.kill_switch import halted
from governance.ledger import LedgerBroken
from governance.manifest import UNLISTED
from governance.policy import CallFacts, Decision, PolicyEngine, asked
from governance.proofs import unproved
from governance.provenance import provenance
from tools.action import Action, Ran, Refused
from tools.arguments import InvalidArguments, check, check_refs, check_row
from tools.calls import Clearing, ProposedCall, ToolOutcome, touched
from tools.reconciling import Reconciler
from tools.registry import Clearance, Registry, Seal, Tool, ToolContext, ToolError
from tools.running import ReadOnly, Runner

T = TypeVar("T")
log = logging.getLogger(__name__)
UNRECORDED = (SQLAlchemyError, DatabaseUnavailable, LedgerBroken)
NOT_APPROVED = {
    "pending": "nobody has approved it yet",
    "rejected": "it was rejected",
    "answered": "it was answered instead of approved",
    "expired": "nobody approved it in time",
    "void": "its approval was withdrawn",
}


class Gateway:
    """One door over one registry. `approval_hours` is how long people have; `backoff` seconds precede the first retry."""

    def __init__(
        self,
        registry: Registry,
        engine: PolicyEngine,
        approvals: Approvals,
        effects: Effects,
        decisions: Decisions,
        db: Database,
        clock: Clock = now,
        *,
        approval_hours: float = 8.0,
        backoff: float = 0.2,
        budgets: Budgets | None = None,
    ) -> None:
        self._registry = registry
        self._engine = engine
        self._approvals = approvals
        self._effects = effects
        self._decisions = decisions
        self._db = db
        self._budgets = budgets if budgets and budgets.limits else None
        self._clock = clock
        self._wait = timedelta(hours=approval_hours)
        self._runner = Runner(backoff)
        self._reconciler = Reconciler(effects, decisions, db)
        self._seal = Seal()
        self._live: dict[str, asyncio.Task[ToolOutcome]] = {}

    @property
    def db(self) -> Database:
        """The database that its records are in."""
        return self._db

    def close(self) -> None:
        """Let running tools end."""
        self._runner.close()

    async def propose(self, call: ProposedCall) -> Clearing:
        """Validate, decide and record; open the approval if one is needed. Never raises for a bad call, never runs a tool."""
        facts = self._facts(call, call.args)
        outcome: Literal["allow", "approve", "deny", "invalid"]
        phase: Phase
        try:
            _, facts = self._admit(call)
            decision = self._decide(facts)
        except InvalidArguments as error:
            decision, outcome, phase = self._no("arguments", str(error)), "invalid", "decided"
        except Refused as error:
            decision, outcome, phase = self._no(error.rule, str(error)), "deny", error.phase
        else:
            outcome, phase = decision.outcome, "decided"

        def work(c: Connection) -> tuple[str, str] | None:
            """The id of the approval that was asked for, and the status of what counts of it."""
            if outcome in ("allow", "approve"):
                self._afford(c, call, facts)
            row = self._ask(c, call, facts, decision) if outcome == "approve" and not call.dry_run else None
            record = Record.of(
                facts,
                phase,
                outcome,
                call.call_id,
                rules=decision.rules,
                reasons=decision.reasons,
                policy_version=decision.policy_version,
                labels=decision.labels,
                roles=facts.caller.roles,
                known=decision.known,
                approvers=decision.approvers,
                approval_id=row.id if row else None,
                result_digest=seal(row) if row else None,
                provenance=tuple(f"{name}: {words}" for name, words in row.provenance.items()) if row else (),
            )
            self._decisions.add(c, record, facts.args)
            return (row.id, self._approvals.live(c, row.id).status) if row else None

        try:
            try:
                opened = await self._db.run(work, durable=outcome != "allow" or facts.manifest.effect != "read")
            except Refused as stopped:
                decision, outcome = self._no(stopped.rule, str(stopped)), "deny"
                opened = await self._db.run(work)
        except UNRECORDED as error:
            log.error("a decision on %s could not be recorded: %s", call.tool, error)
            return Clearing("deny", facts.args, ("no-record",), ("the decision could not be recorded, so it may not run",))
        needs = asked(decision.asks) if outcome == "approve" else ""
        id, status = opened or (None, None)
        return Clearing(outcome, facts.args, decision.rules, decision.reasons, id, status, needs)

    async def act(self, call: ProposedCall, clearing: Clearing) -> ToolOutcome:
        """Check everything again and run the tool: an effect at most once, and with the arguments that were approved.

        A cancellation that arrives during an effect is raised once its outcome is recorded. Never raises for a tool's failure.
        """
        started = time.perf_counter()
        try:
            action = await self._recheck(call, clearing)
            if action.facts.manifest.effect == "read":
                return await self._read(action, started)
            if call.dry_run:
                return await self._simulate(action, started)
            return await self._effect(action, started)
        except Refused as refused:
            return await self._refuse(call, clearing, refused)
        except UNRECORDED as error:
            log.error("%s did not run: its intent could not be recorded: %s", call.tool, error)
            return ToolOutcome("denied", error=f"{call.tool} did not run: its intent could not be recorded")

    # -- before ---------------------------------------------------------------------------------------------------------

    def _facts(self, call: ProposedCall, args: Mapping[str, Any]) -> CallFacts:
        manifest = self._registry[call.tool].manifest if call.tool in self._registry else UNLISTED
        try:
            digest(args)
        except ValueError:
            args = {"unreadable": repr(args)}  # only ever recorded: such arguments do not pass `check`
        return CallFacts(
            call.caller,
            call.agent,
            call.tool,
            manifest,
            args,
            call.execution_id,
            call.step_id,
            call.granted,
            call.context_labels,
            call.user_request,
            call.planned,
            call.trace,
            call.budget_left,
            self._clock(),
        )

    def _admit(self, call: ProposedCall, args: Mapping[str, Any] | None = None) -> tuple[Tool, CallFacts]:
        """The tool and the facts of a call of a listed, granted tool with fitting arguments. Raises otherwise."""
        if call.tool not in self._registry:
            raise Refused("unlisted-tool", f"there is no tool {call.tool}", "violation")
        if call.tool not in call.granted:
            raise Refused("not-granted", f"step {call.step_id} was not granted {call.tool}", "violation")
        tool = self._registry[call.tool]
        normal = check(tool, call.args if args is None else args)
        check_refs(tool, normal, call.inputs)
        if args is None:  # an approver may choose another target, the model may not
            check_row(tool, normal, call.item)
        return tool, self._facts(call, normal)

    def _decide(self, facts: CallFacts) -> Decision:
        try:
            return self._engine.decide(facts)
        except Exception:  # whatever a policy engine trips over, the answer is no
            log.exception("the policy engine failed on %s", facts.tool)
            return self._no("policy-error", "the policy could not be evaluated")

    def _afford(self, c: Connection, call: ProposedCall, facts: CallFacts) -> None:
        """Spend one tool call, in the transaction of the decision. Raises `Refused` if none is left, or if effects are stopped."""
        changes = facts.manifest.effect != "read" and not call.dry_run
        if changes and (why := halted(c, facts.caller.org)) and not self._approvals.asked_before(c, facts):
            raise Refused("kill-switch", why)  # what was asked before goes on waiting: `act` asks again
        try:
            if self._budgets and self._budgets.counts("tool_calls"):
                who = Spender(facts.caller.org, facts.caller.user, call.execution_id, call.step_id)
                id = digest([call.execution_id, call.step_id, call.attempt, call.call_id])  # a resumed step proposes again
                self._budgets.take(c, who, id, {"tool_calls": 1})
        except BudgetSpent as spent:
            raise Refused("budget", str(spent)) from spent

    def _no(self, rule: str, reason: str) -> Decision:
        return Decision("deny", (rule,), (reason,), policy_version=self._engine.version)

    def _ask(self, c: Connection, call: ProposedCall, facts: CallFacts, decision: Decision) -> Approval:
        return self._approvals.open(
            c,
            facts,
            decision,
            call_id=call.call_id,
            thread_id=call.thread_id,
            provenance=provenance(facts.args, call.args, call.user_request, call.inputs, call.item),
            expires_at=self._clock() + self._wait,
        )

    async def _recheck(self, call: ProposedCall, clearing: Clearing) -> Action:
        """The action that may run now, by the tables and the policy of now; the clearing is only a hint. Raises `Refused`."""
        if clearing.outcome not in ("allow", "approve"):
            raise Refused("no-clearance", clearing.text or f"{call.tool} was not cleared")
        try:
            tool, facts = self._admit(call)
            approval = await self._approved(clearing.approval_id, call, facts) if clearing.approval_id else None
            if approval:
                tool, facts = self._admit(call, approval.args)
        except InvalidArguments as error:
            raise Refused("arguments", str(error)) from error
        if approval and action_digest(facts) != approval.digest:
            raise Refused("digest", f"the approval of {call.tool} was given for something else")
        decision = self._decide(facts)
        if decision.outcome == "deny":
            raise Refused(next(iter(decision.rules), "denied"), "; ".join(decision.reasons) or "the policy denies it")
        carried = approval and approval.carried_by(decision.asks)
        if decision.outcome == "approve" and not carried and not (call.dry_run and facts.manifest.effect != "read"):
            raise Refused("no-approval", f"{call.tool} lacks the approval that the policy asks for")
        return Action(call, tool, facts, decision, approval)

    async def _approved(self, id: str, call: ProposedCall, facts: CallFacts) -> Approval:
        """The approval that counts: the one asked for this very call, or what an approver's edits made of it."""
        try:
            asked, live = (await self._approvals.get([id]))[0], await self._approvals.resolve(id)
        except UnknownApproval as error:
            raise Refused("no-approval", str(error)) from error
        if asked.digest != action_digest(facts):
            raise Refused("digest", f"the approval {id} was asked for another call")
        if live.status not in ("approved", "consumed"):
            raise Refused("no-approval", f"{call.tool} may not run: {NOT_APPROVED.get(live.status, live.status)}")
        return live

    # -- running --------------------------------------------------------------------------------------------------------

    async def _read(self, action: Action, started: float) -> ToolOutcome:
        if action.approval and action.approval.status == "approved":
            await self._db.run(lambda c: self._spend(c, action))
        ran = await self._run(action, started, key="")
        try:
            await self._decisions.append(ran.record, durable=False)
        except UNRECORDED as error:
            log.error("what %s read could not be recorded: %s", action.tool.name, error)
            return ToolOutcome("error", error=f"{action.tool.name} ran, but that could not be recorded: its result is withheld")
        return ran.outcome

    async def _simulate(self, action: Action, started: float) -> ToolOutcome:
        """What an effect would do, by handles that keep nothing. No intent is recorded, for nothing is intended."""
        rehearsing = getattr(action.call.resources, "rehearsing", None)
        if rehearsing is None:
            raise Refused(
                "dry-run", f"this is a dry run, and what {action.tool.name} would do cannot be shown without doing it"
            )
        ran = await self._run(action, started, effect_key(action.facts), rehearsing())
        done = ran.outcome.status == "ok"
        record = action.record("outcome", "simulated" if done else "error", ms=ran.outcome.ms, error=ran.outcome.error or None)
        await self._decisions.append(record, action.facts.args)
        return replace(ran.outcome, effect="simulated") if done else ran.outcome

    async def _effect(self, action: Action, started: float) -> ToolOutcome:
        """From intent to outcome as a task of its own, which no cancellation of the step tears apart."""
        key = effect_key(action.facts)
        task = self._live.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._carry_out(action, key, started))
            self._live[key] = task
            task.add_done_callback(lambda _: self._live.pop(key, None))
            return await finish(task)
        joined = await finish(task)  # the same effect is being done already: wait for that one
        return replace(joined, effect="replayed") if joined.effect else joined

    async def _carry_out(self, action: Action, key: str, started: float) -> ToolOutcome:
        await self._reconciler.settle(action, key)
        row = await self._db.run(lambda c: self._intend(c, action))
        rests: dict[str, Any] = dict(approval_id=action.approval_id, args=action.facts.args)
        if row.state == "done" and row.result is None:  # a person said so, who cannot say what it gave back
            error = f"{action.tool.name} was done; what it gave back is not known, so nothing can rest on it"
            return ToolOutcome("error", error=error, ms=_ms(started), effect="replayed", final=True, **rests)
        if row.state == "done":
            result = row.result or {}
            return ToolOutcome("ok", result, ms=_ms(started), effect="replayed", records=touched(result), **rests)
        if row.state == "unknown":
            return ToolOutcome("unknown", error=str(row.error), ms=_ms(started), **rests)
        ran = await self._run(action, started, key)

        def work(c: Connection) -> None:
            ran.store(c)
            self._decisions.add(c, ran.record)

        try:
            await self._db.run(work)
        except UNRECORDED as error:
            log.error("the outcome of %s could not be recorded: %s", action.tool.name, error)
            return ToolOutcome("unknown", error=_lost(action, "its outcome could not be recorded"), ms=_ms(started), **rests)
        return ran.outcome

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
            error = row.error or _lost(action, "an earlier attempt left no outcome")
            self._effects.lose(c, row.key, error)
            self._decisions.add(c, action.record("outcome", "unknown", error=error))
            return replace(row, state="unknown", error=error)
        if why := halted(c, action.facts.caller.org):
            raise Refused("kill-switch", why)
        if row.state == "new" or row.approval_id != action.approval_id:
            self._spend(c, action)
        else:  # the same approval's earlier try did nothing, or may be tried twice
            if row.state == "failed" and action.approval and action.approval.expires_at <= self._clock():
                raise Refused("approval-spent", f"the approval of {action.tool.name} is too old to try it again")
            self._decisions.add(c, action.record("intent", "again"), action.facts.args)
        self._effects.restart(c, row.key, action.approval_id)
        return replace(row, state="intended")

    def _spend(self, c: Connection, action: Action) -> None:
        if action.approval_id and not self._approvals.consume(c, action.approval_id):
            raise Refused("approval-spent", f"the approval of {action.tool.name} was already used, withdrawn or is too old")
        self._decisions.add(c, action.record("intent", "go"), action.facts.args)

    async def _run(self, action: Action, started: float, key: str, rehearsal: Any = None) -> Ran:
        """Run the tool; with the handles of a `rehearsal` nothing it does stays. Records nothing yet."""
        call, tool = action.call, action.tool
        effect = action.facts.manifest.effect != "read" and rehearsal is None
        context = ToolContext(
            caller=call.caller,
            resources=rehearsal or (call.resources if effect else ReadOnly(call.resources)),
            inputs=call.inputs,
            execution_id=call.execution_id,
            step_id=call.step_id,
            call_id=call.call_id,
            idempotency_key=key,
            today=call.today,
        )
        function = tool.open(Clearance(tool.name, call.call_id, self._seal), self._seal)
        rests: dict[str, Any] = dict(approval_id=action.approval_id, args=action.facts.args)
        try:
            args = tool.args.model_validate(dict(action.facts.args))
            result, found = await self._runner.run(tool, function, args, context)
        except ToolError as error:
            text, certain = str(error), not error.transient
        except TimeoutError:
            text, certain = f"{tool.name} took longer than {tool.manifest.timeout:g} s", False
        except Exception as error:  # a tool may raise anything; the model gets a sentence, the log the traceback
            log.exception("%s failed", tool.name)
            text, certain = f"{tool.name} failed: {type(error).__name__}: {error}", False
        else:
            rests |= dict(records=touched(result), effect="done" if effect else None)
            done = ToolOutcome("ok", result, ms=_ms(started), **rests)
            return Ran(done, action.ended(done, found), lambda c: self._effects.finish(c, key, result))
        if effect and not certain:  # it broke off, and may or may not have been done
            text = _lost(action, text)
            lost = ToolOutcome("unknown", error=text, ms=_ms(started), **rests)
            return Ran(lost, action.ended(lost), lambda c: self._effects.lose(c, key, text))
        failed = ToolOutcome("error", error=text, ms=_ms(started), final=certain, **rests)
        return Ran(failed, action.ended(failed), lambda c: self._effects.fail(c, key, text))

    # -- after ----------------------------------------------------------------------------------------------------------

    async def _refuse(self, call: ProposedCall, clearing: Clearing, refused: Refused) -> ToolOutcome:
        why: dict[str, Any] = dict(rules=(refused.rule,), reasons=(str(refused),), approval_id=clearing.approval_id)
        record = Record.of(self._facts(call, call.args), refused.phase, "denied", call.call_id, **why)
        try:
            await self._decisions.append(record, self._facts(call, call.args).args)
        except UNRECORDED as error:  # it is denied either way
            log.error("a refusal of %s could not be recorded: %s", call.tool, error)
        return ToolOutcome("denied", error=str(refused), approval_id=clearing.approval_id)


def _lost(action: Action, why: str) -> str:
    again = "asking again is safe" if action.facts.manifest.idempotent else "a person must look before it is tried again"
    return f"whether {action.tool.name} was done is unknown ({why}): {again}"


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
