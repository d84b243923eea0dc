"""Asking for more: where a budget that asks does not leave what a call or a plan needs, its owners are asked to raise it.

That is an approval like any other, of the pretended tool `raise_budget`: who asks, which budget, by how much and why; its votes, its
expiry, its delegations and its proofs are those of every approval, and an edit of the amount is a new one. Agreed to, the limit is
raised in the commit that uses the approval up. Called by the graphs, where something could not be paid for.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, select

from database import Database
from governance.approval import Approval, seal
from governance.approvals import Approvals
from governance.budgets import NAMES, Account, Budgets, Spender
from governance.clock import Clock, now
from governance.decisions import Decisions, Record
from governance.identity import Caller
from governance.limits import LARGEST, Scope, Unit, parts, people, spoken
from governance.manifest import ToolManifest
from governance.policy import CallFacts, Decision, Panel
from governance.proofs import unproved
from governance.tables import approvals

TOOL = "raise_budget"
RULE = "budget-spent"
# It changes a limit, and nothing outside: to effects, their rows and the kill switch it is no more than a read.
MANIFEST = ToolManifest(effect="read", output="trusted", targets=("budget", "of"))
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "budget": {"enum": list(get_args(Scope))},
        "of": {"type": "string"},
        "unit": {"enum": list(get_args(Unit))},
        "limit": {"type": "number"},
        "more": {"type": "number", "exclusiveMinimum": 0},
    },
    "required": ["budget", "of", "unit", "limit", "more"],
    "additionalProperties": False,
}
"""JSON Schema of a raise's arguments, as `check` takes them."""
SHARE = 4  # at least a quarter of the limit is asked for, so that people are not asked again for every call
REFUSED: Mapping[str, str] = {
    "rejected": "more was refused",
    "answered": "more was not given",
    "expired": "nobody gave more in time",
    "void": "what was asked for was withdrawn",
    "approved": "what was agreed to is too old",
}


@dataclass(frozen=True)
class Lack:
    """What could not be paid for: `amount` of a unit, in its parts; `reason` says it for people."""

    unit: Unit
    amount: int
    reason: str


@dataclass(frozen=True)
class Answer:
    """go: there is room now, try again. wait: for the approvals `ids`. no: nobody is asked, or `why` there is no more."""

    verdict: Literal["go", "wait", "no"]
    ids: tuple[str, ...] = ()
    why: str = ""


class Asking:
    """Asks for more in one database. `owners` are the roles that may agree, `further` those it is escalated to, `wait` how long
    they have."""

    def __init__(
        self,
        db: Database,
        budgets: Budgets,
        store: Approvals,
        decisions: Decisions,
        owners: tuple[str, ...],
        clock: Clock = now,
        *,
        wait: timedelta = timedelta(hours=8),
        further: tuple[str, ...] = (),
    ) -> None:
        self._db, self._budgets, self._store, self._decisions, self._clock, self._wait = (
            db,
            budgets,
            store,
            decisions,
            clock,
            wait,
        )
        self._panel = Panel(owners, others=True, further=tuple(role for role in further if role not in owners))
        self._one = asyncio.Lock()  # two steps that lack the same ask once

    def asks(self, unit: Unit) -> bool:
        """Does any limit of this unit ask for more?"""
        return any((scope, unit) in self._budgets.limits.of for scope in self._budgets.limits.asks)

    async def more(self, caller: Caller, who: Spender, lack: Lack, *, agent: str, thread_id: str, request: str) -> Answer:
        """What becomes of a call or a plan that could not be paid for. Raises what was agreed to first, in `who`'s execution."""
        if not who.execution_id or not self.asks(lack.unit) or people(lack.unit, lack.amount) >= LARGEST:
            return Answer("no")
        facts = CallFacts(
            caller,
            agent,
            TOOL,
            MANIFEST,
            {},
            who.execution_id,
            who.step_id,
            frozenset((TOOL,)),
            request=request,
            now=self._clock(),
        )
        await self._store.expire()
        async with self._one:
            return await self._db.run(lambda c: self._more(c, facts, who, lack, thread_id))

    async def raise_limit(self, caller: Caller, who: Spender, scope: Scope, unit: Unit, amount: int) -> Account:
        """`Budgets.raise_limit`; what was asked of that budget is withdrawn, so that who waits for it tries again."""
        found = await self._budgets.raise_limit(caller, who, scope, unit, amount)
        about = dict(budget=scope, of=found.owner, unit=unit)

        def work(c: Connection) -> list[Approval]:
            query = select(approvals.c.id).where(approvals.c.tool == TOOL, approvals.c.status == "pending")
            rows = [self._store.load(c, id) for id in c.scalars(query.where(approvals.c.org == caller.org)).all()]
            open = [row for row in rows if about.items() <= row.args.items()]
            return [self._store.end(c, row, "void", f"{caller.user} raised the limit meanwhile") for row in open]

        for row in await self._db.run(work):
            self._store.wake(row.execution_id)
        return found

    def judge(self, facts: CallFacts) -> Decision:
        """The decision on a raise that an approver edited: the same people must agree, for a budget that the run draws on."""
        scope, owner = str(facts.args["budget"]), str(facts.args["of"])
        own = {
            "run": owner == facts.execution_id,
            "step": owner.startswith(f"{facts.execution_id}/"),
            "user": owner.startswith(f"{facts.caller.org}/{facts.caller.user}/"),
            "org": owner.startswith(f"{facts.caller.org}/") and owner.count("/") == 1,
        }
        if not own.get(scope) or (scope, facts.args["unit"]) not in self._budgets.limits.of:
            return Decision("deny", (RULE,), (f"{owner} is no {scope} budget of this run: only the amount can be another",))
        return self._decision(f"{spoken(facts.args['unit'], parts(facts.args['unit'], facts.args['more']))} more, as edited")

    # -- in a transaction -------------------------------------------------------------------------

    def _more(self, c: Connection, facts: CallFacts, who: Spender, lack: Lack, thread_id: str) -> Answer:
        mine = (approvals.c.tool == TOOL, approvals.c.execution_id == who.execution_id, approvals.c.status != "superseded")
        rows = [self._store.load(c, id) for id in c.scalars(select(approvals.c.id).where(*mine)).all()]
        if any([self._carry_out(c, who, row) for row in rows if row.status == "approved"]):  # all of them, not the first only
            return Answer("go")
        lacking = [one for one in self._budgets.standing(c, who, lack.unit) if one.left < lack.amount]
        if any(one.scope not in self._budgets.limits.asks for one in lacking):
            return Answer("no")
        ids = []
        for one in lacking:
            asked = next((row for row in rows if _about(one).items() <= row.args.items()), None)
            if asked and asked.status != "pending":
                why = f" ({asked.message})" if asked.message else ""
                return Answer("no", why=f"{REFUSED.get(asked.status, asked.status)}{asked.by_whom}{why}")
            ids.append(asked.id if asked else self._ask(c, facts, one, lack, thread_id).id)
        return Answer("wait", tuple(ids)) if ids else Answer("go")

    def _ask(self, c: Connection, facts: CallFacts, account: Account, lack: Lack, thread_id: str) -> Approval:
        """One approval for all steps that lack the same, so it belongs to no step unless the budget does."""
        base = account.limit - account.raised
        amount = max(lack.amount - account.left, math.ceil(base / SHARE), 1)
        args = {**_about(account), "more": people(account.unit, amount)}
        step = facts.step_id if account.scope == "step" else ""
        facts = CallFacts(
            facts.caller, facts.agent, TOOL, MANIFEST, args, facts.execution_id, step, facts.granted, request=facts.request
        )
        decision = self._decision(
            f"{lack.reason}. Asked for: {spoken(account.unit, amount)} more for this {NAMES[account.scope]}."
        )
        told = {
            "budget": "the limit that does not leave enough",
            "of": "whose it is",
            "limit": "as it stands, with what was raised before",
            "more": "what is lacking, and at least a quarter of the limit",
        }
        row = self._store.open(
            c, facts, decision, call_id="", thread_id=thread_id, provenance=told, expires_at=self._clock() + self._wait
        )
        record = Record.of(
            facts,
            "decided",
            "approve",
            "",
            rules=decision.rules,
            reasons=decision.reasons,
            roles=facts.caller.roles,
            approvers=decision.approvers,
            approval_id=row.id,
            result_digest=seal(row),
            provenance=tuple(f"{name}: {words}" for name, words in told.items()),
        )
        self._decisions.add(c, record, facts.args)
        return row

    def _carry_out(self, c: Connection, who: Spender, row: Approval) -> bool:
        """Raise what was agreed to, once, if the ledger bears the agreement out."""
        if unproved(c, row) or not row.carried_by(row.panels) or not self._store.consume(c, row.id):
            return False
        agreed = sorted((vote for vote in row.votes if vote.verdict == "approve"), key=lambda vote: vote.user)
        names = tuple(vote.user for vote in agreed)
        self._store.record(c, row, "intent", "go", approvers=names)
        by = Caller(names[0], row.org, agreed[0].roles)
        scope, unit = row.args["budget"], row.args["unit"]
        told: dict[str, Any] = dict(approval_id=row.id, approvers=names)
        self._budgets.add(c, by, who, scope, unit, parts(unit, row.args["more"]), str(row.args["of"]), **told)
        return True

    def _decision(self, reason: str) -> Decision:
        panel = self._panel
        return Decision("approve", (RULE,), (reason,), panel.roles, panels=(panel,))


def check(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a raise, as an approver edited them. Raises `ValueError`."""
    if set(args) != set(SCHEMA["properties"]):
        raise ValueError(f"{TOOL} takes budget, of, unit, limit and more")
    if args["budget"] not in get_args(Scope) or args["unit"] not in get_args(Unit):
        raise ValueError(f"there is no budget of {args['unit']} for a {args['budget']}")
    return {**args, "more": people(args["unit"], parts(args["unit"], args["more"]))}


def _about(one: Account) -> dict[str, Any]:
    """Which limit, as it stands: once it was raised, another request is another approval."""
    return {"budget": one.scope, "of": one.owner, "unit": one.unit, "limit": people(one.unit, one.limit)}
