"""The gateway: the one door to every tool. Propose (validate, decide, ask), then act (check again, commit, run, record).

Called by the specialists' middleware in the graphs. It fails closed: a policy that raises, a record that cannot be written, an
approval that does not fit to the byte, and the tool does not run; a read within the house may have run, and hands over nothing.
How effects are carried out is in `once.py`, how a tool is run in `performing.py`, what was decided in `held.py`.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from database import Database
from governance.approval import Approval, UnknownApproval
from governance.approvals import Approvals
from governance.budgets import Budgets, BudgetSpent, Spender
from governance.clock import Clock, now
from governance.decisions import Decisions, Record
from governance.digest import action_digest, digest, effect_key
from governance.effects import Effects
from governance.kill_switch import halted
from governance.manifest import UNLISTED
from governance.policy import CallFacts, Decision, PolicyEngine
from governance.provenance import provenance
from governance.suspensions import RULE as SUSPENDED
from governance.suspensions import Suspensions, suspended
from tools.action import UNRECORDED, Action, Ran, Refused
from tools.arguments import InvalidArguments, check, check_refs, check_row
from tools.calls import Clearing, ProposedCall, ToolOutcome
from tools.held import Held, Judged
from tools.once import Once
from tools.performing import Performer
from tools.registry import Registry, Tool

log = logging.getLogger(__name__)
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
        suspensions: Suspensions | None = None,
    ) -> None:
        self._registry = registry
        self._engine = engine
        self._approvals = approvals
        self._effects = effects
        self._decisions = decisions
        self._db = db
        self._budgets = budgets if budgets and budgets.counts("tool_calls") else None
        self._suspensions = suspensions or Suspensions(db, decisions)
        self._clock = clock
        self._wait = timedelta(hours=approval_hours)
        self._performer = Performer(backoff)
        self._once = Once(self._performer, approvals, effects, decisions, db, clock)
        self._held = Held()

    @property
    def db(self) -> Database:
        """The database that its records are in."""
        return self._db

    @property
    def approvals(self) -> Approvals:
        """The approvals that it asks for."""
        return self._approvals

    @property
    def decisions(self) -> Decisions:
        """Where it records what it decides and does."""
        return self._decisions

    def close(self) -> None:
        """Let running tools end."""
        self._performer.close()

    async def idle(self) -> None:
        """Wait for the effects that are under way, whatever becomes of them: a cancelled step leaves its own to itself."""
        await self._once.idle()

    async def propose(self, call: ProposedCall) -> Clearing:
        """Validate, decide and record; open the approval if one is needed. Never raises for a bad call, never runs a tool.

        What is to be recorded late (`_is_late`) is kept in mind instead.
        """
        call = await self._told_what_is_left(call)
        judged = self._judge(call)
        if judged.outcome == "allow" and self._is_late(judged.facts):
            self._held.keep(call, judged)
            return judged.clearing()
        try:
            try:
                opened = await self._db.run(lambda c: self._record(c, call, judged), durable=self._is_durable(judged))
            except Refused as stopped:
                judged = replace(judged, decision=self._no(stopped.rule, str(stopped)), outcome="deny")
                opened = await self._db.run(lambda c: self._record(c, call, judged))
        except UNRECORDED as error:
            log.error("a decision on %s could not be recorded: %s", call.tool, error)
            why = self._no("no-record", "the decision could not be recorded, so it may not run")
            return replace(judged, decision=why, outcome="deny").clearing()
        return judged.clearing(*(opened or ()))

    async def act(self, call: ProposedCall, clearing: Clearing) -> ToolOutcome:
        """Check everything again and run the tool: an effect at most once, and with the arguments that were approved.

        A cancellation that arrives during an effect is raised once its outcome is recorded. Never raises for a tool's failure.
        """
        started = time.perf_counter()
        held = self._held.take(call)
        call = await self._told_what_is_left(call)
        try:
            action = await self._recheck(call, clearing, held)
            if action.facts.manifest.effect == "read" or call.dry_run:  # an effect asks with its intent
                await self._refuse_suspended(call)
            if action.facts.manifest.effect == "read":
                return await self._read(action, started, held)
            if call.dry_run:
                return await self._simulate(action, started)
            return await self._once.do(action, started)
        except Refused as refused:
            return await self._refuse(call, clearing, refused, held)
        except UNRECORDED as error:
            log.error("%s did not run: its intent could not be recorded: %s", call.tool, error)
            if clearing.approval_status == "consumed":  # by an earlier attempt, of which nothing can be read now
                why = "was not tried again, for its intent could not be recorded; whether an earlier attempt did it is not known now"
                return ToolOutcome("unknown", error=f"{call.tool} {why}")
            return ToolOutcome("denied", error=f"{call.tool} did not run: its intent could not be recorded")

    # -- before ---------------------------------------------------------------------------------------------------------

    async def _told_what_is_left(self, call: ProposedCall) -> ProposedCall:
        """The call with what the budgets leave to spend, where its tool has amounts and something limits them."""
        if call.tool not in self._registry or not self._registry[call.tool].manifest.amounts:
            return call
        try:
            return replace(call, budget_left=await self._effects.left_to_spend(self._admit(call)[1], call.call_id))
        except (InvalidArguments, Refused):
            return call  # it is refused for that, with the reason
        except UNRECORDED as error:
            log.error("what the budgets leave could not be read: %s", error)
            return replace(call, budget_left=0)  # nothing is known to be left

    def _judge(self, call: ProposedCall) -> Judged:
        try:
            _, facts = self._admit(call)
        except InvalidArguments as error:
            return Judged(self._facts(call, _readable(call.args)), self._no("arguments", str(error)), "invalid")
        except Refused as error:
            return Judged(self._facts(call, _readable(call.args)), self._no(error.rule, str(error)), "deny", error.phase)
        decision = self._decide(facts)
        return Judged(facts, decision, decision.outcome)

    def _is_late(self, facts: CallFacts) -> bool:
        """Is the decision that allows this call recorded with its outcome, in one commit, instead of before it runs?

        A read within the house changes nothing before that commit, and its result is withheld where the commit fails. A read that
        goes out tells somebody something, and a call that is counted is counted before it runs: those are recorded first.
        """
        return facts.manifest.effect == "read" and not facts.manifest.egress and not self._budgets

    def _is_durable(self, judged: Judged) -> bool:
        return judged.outcome != "allow" or judged.facts.manifest.effect != "read"

    def _record(self, c: Connection, call: ProposedCall, judged: Judged) -> tuple[str, str] | None:
        """The id of the approval that was asked for, and the status of what counts of it. Raises `Refused` as `_afford`."""
        if judged.outcome in ("allow", "approve"):
            self._afford(c, call, judged.facts)
        asks = judged.outcome == "approve" and not call.dry_run
        row = self._ask(c, call, judged.facts, judged.decision) if asks else None
        self._decisions.add(c, judged.record(call.call_id, row), judged.facts.args)
        return (row.id, self._approvals.live(c, row.id).status) if row else None

    def _facts(self, call: ProposedCall, args: Mapping[str, Any]) -> CallFacts:
        manifest = self._registry[call.tool].manifest if call.tool in self._registry else UNLISTED
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
        if changes and (stop := self._stopped(c, facts)) and not self._approvals.asked_before(c, facts):
            raise stop  # what was asked before goes on waiting: `act` asks again
        try:
            if self._budgets:
                who = Spender(facts.caller.org, facts.caller.user, call.execution_id, call.step_id)
                id = digest([call.execution_id, call.step_id, call.attempt, call.call_id])  # a resumed step proposes again
                self._budgets.take(c, who, id, {"tool_calls": 1})
        except BudgetSpent as spent:
            raise Refused("budget", str(spent)) from spent

    def _stopped(self, c: Connection, facts: CallFacts) -> Refused | None:
        if why := halted(c, facts.caller.org):
            return Refused("kill-switch", why)
        why = suspended(c, facts.caller.org, facts.agent, facts.tool)
        return Refused(SUSPENDED, why) if why else None

    async def _refuse_suspended(self, call: ProposedCall) -> None:
        if why := await self._suspensions.why(call.caller.org, call.agent, call.tool):
            raise Refused(SUSPENDED, why)

    def _no(self, rule: str, reason: str) -> Decision:
        return Decision("deny", (rule,), (reason,), policy_version=self._engine.version)

    def _ask(self, c: Connection, call: ProposedCall, facts: CallFacts, decision: Decision) -> Approval:
        return self._approvals.open(
            c,
            facts,
            decision,
            call_id=call.call_id,
            thread_id=call.thread_id,
            provenance=provenance(facts.args, call.args, call.user_request, call.inputs, call.item, call.item_of),
            expires_at=self._clock() + self._wait,
        )

    async def _recheck(self, call: ProposedCall, clearing: Clearing, held: Judged | None) -> Action:
        """The action that may run now, by the tables and the policy of now; the clearing is only a hint. Raises `Refused`."""
        if clearing.outcome not in ("allow", "approve"):
            raise Refused("no-clearance", clearing.text or f"{call.tool} was not cleared")
        if held and clearing.approval_id is None and held.stands(self._engine.version, self._clock()):
            return Action(call, self._registry[call.tool], held.facts, held.decision, None)
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

    async def _read(self, action: Action, started: float, held: Judged | None) -> ToolOutcome:
        if action.approval and action.approval.status == "approved":
            await self._db.run(lambda c: self._once.spend(c, action))
        late = self._is_late(action.facts) and not action.approval
        judged = held or Judged(action.facts, action.decision, "allow")

        def work(c: Connection, ran: Ran) -> None:
            if late:
                self._decisions.add_all(c, [judged.record(action.call.call_id), ran.record], judged.facts.args)
            else:
                self._decisions.add(c, ran.record)

        def keep(ran: Ran) -> Ran:
            try:
                self._db.run_sync(partial(work, ran=ran), durable=False)
            except UNRECORDED:  # tried again below, and then told
                return ran
            return replace(ran, kept=True)

        # in the tool's thread, where the database is a file: changing threads takes longer than the commit
        ran = await self._performer.run(action, started, keep=keep if self._db.sqlite else None)
        try:
            if not ran.kept:
                await self._db.run(partial(work, ran=ran), durable=False)
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
        ran = await self._performer.run(action, started, effect_key(action.facts), rehearsing())
        done = ran.outcome.status == "ok"
        record = action.record("outcome", "simulated" if done else "error", ms=ran.outcome.ms, error=ran.outcome.error or None)
        await self._decisions.append(record, action.facts.args)
        return replace(ran.outcome, effect="simulated") if done else ran.outcome

    # -- after ----------------------------------------------------------------------------------------------------------

    async def _refuse(self, call: ProposedCall, clearing: Clearing, refused: Refused, held: Judged | None) -> ToolOutcome:
        """A refusal, on record, after what was decided before and is not on record yet."""
        facts = self._facts(call, _readable(call.args))
        why: dict[str, Any] = dict(rules=(refused.rule,), reasons=(str(refused),), approval_id=clearing.approval_id)
        record = Record.of(facts, refused.phase, "denied", call.call_id, **why)

        def work(c: Connection) -> None:
            if held:
                self._decisions.add(c, held.record(call.call_id), held.facts.args)
            self._decisions.add(c, record, facts.args)

        try:
            await self._db.run(work)
        except UNRECORDED as error:  # it is denied either way
            log.error("a refusal of %s could not be recorded: %s", call.tool, error)
        return ToolOutcome("denied", error=str(refused), approval_id=clearing.approval_id, rule=refused.rule)


def _readable(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments as they can be recorded, whatever a model wrote."""
    try:
        digest(args)
    except ValueError:
        return {"unreadable": repr(args)}
    return args
