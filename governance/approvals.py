"""The approvals: the table that is the authority on what people agreed to. A graph's checkpoint never is.

Opened and consumed by the tool gateway, decided through the application, waited for and voided by the graphs. A row moves
pending → approved → consumed, or ends as rejected, answered, expired, void or superseded; no other way, and never back.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, select, update

from database import Database
from governance.approval import Approval, ApprovalExpired, Status, UnknownApproval, Verdict, VoteRefused, from_row
from governance.clock import Clock, now, stamp
from governance.decisions import Decisions, Phase, Record
from governance.delegations import Delegations
from governance.digest import action_digest
from governance.escalation import Escalation
from governance.identity import Caller, RolesOf, nobody_known
from governance.kill_switch import halted, whose_switch
from governance.policy import CallFacts, Decision, Seen
from governance.refusals import record_refusal
from governance.tables import approvals, insert_new, votes
from governance.traces import Erased, keep, recall
from governance.voting import CheckArgs, Decide, Voting, refuse_edits
from governance.wakes import Wakes


class _TakenBack(Exception):
    """Ends the transaction of a vote that was only tried."""


class Approvals:
    """The approvals of one application database.

    `decide` judges edited actions (the policy engine's); without one, edits are denied. `check_args(tool, args)` returns a
    tool's arguments in their normal form or raises `ValueError`; without one, edited arguments are first checked at the effect.
    `remind_after` and `escalate_after` are the shares of its time after which the people of an open approval are reminded, and
    after which further roles may decide it. `roles_of` is what is known of who holds which roles now.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock = now,
        *,
        decisions: Decisions | None = None,
        decide: Decide = refuse_edits,
        check_args: CheckArgs | None = None,
        remind_after: float = 0.5,
        escalate_after: float = 0.75,
        roles_of: RolesOf = nobody_known,
    ) -> None:
        self._db = db
        self._clock = clock
        self._decisions = decisions or Decisions(db, clock)
        self.delegations = Delegations(db, clock, self._decisions, roles_of)
        self.escalation = Escalation(self, clock, escalate_after)
        self._voting = Voting(self, self.delegations, clock, decide, check_args)
        self._remind_after = remind_after
        self._wakes = Wakes()

    async def request(self, facts: CallFacts, decision: Decision, **details: Any) -> Approval:
        """`open` in a transaction of its own."""
        return await self._db.run(lambda c: self.open(c, facts, decision, **details))

    def open(
        self,
        connection: Connection,
        facts: CallFacts,
        decision: Decision,
        *,
        call_id: str,
        thread_id: str,
        provenance: Mapping[str, str],
        expires_at: datetime,
    ) -> Approval:
        """The approval of this action: a new pending row, or the one that is there, in whatever state it is."""
        action = action_digest(facts)
        same = select(approvals.c.id).where(approvals.c.digest == action)
        if connection.execute(same).first() is None:
            about = dict(call_id=call_id, thread_id=thread_id, provenance=dict(provenance), expires_at=stamp(expires_at))
            insert_new(connection, approvals, {**self._row(connection, action, facts, decision), **about})
        return self.load(connection, connection.execute(same).scalar_one(), lock=True)

    def _row(self, connection: Connection, action: str, facts: CallFacts, decision: Decision) -> dict[str, Any]:
        """A new row, but for where the call was made; stores what it was judged by."""
        return dict(
            id=str(uuid.uuid4()),
            digest=action,
            status="pending",
            org=facts.caller.org,
            execution_id=facts.execution_id,
            step_id=facts.step_id,
            requester=facts.caller.as_dict(),
            agent=facts.agent,
            tool=facts.tool,
            manifest=facts.manifest.model_dump(mode="json"),
            args=dict(facts.args),
            granted=sorted(facts.granted),
            planned=None if facts.planned is None else sorted(facts.planned),
            context_labels=sorted(facts.context_labels),
            trace=keep(connection, facts.trace),
            budget_left=facts.budget_left,
            labels=decision.labels,
            rules=decision.rules,
            reasons=decision.reasons,
            panels=[asdict(panel) for panel in decision.asks],
            policy_version=decision.policy_version,
            user_request=facts.request,
            created_at=stamp(self._clock()),
            decided_by=[],
            message="",
        )

    async def get(self, ids: Sequence[str]) -> list[Approval]:
        """The approvals of these ids, in their order. Raises `UnknownApproval`."""
        return await self._db.run(lambda c: [self.load(c, id) for id in ids])

    async def seen(self, row: Approval) -> tuple[Seen, ...] | None:
        """What the agent had before it when it asked; None where that was erased."""

        def work(c: Connection) -> tuple[Seen, ...] | None:
            try:
                return recall(c, row.trace)
            except Erased:
                return None

        return await self._db.run(work)

    async def resolve(self, id: str) -> Approval:
        """The row that counts: the approval itself, or what edits made of it. Raises `UnknownApproval`."""
        return await self._db.run(lambda c: self.live(c, id))

    def live(self, connection: Connection, id: str) -> Approval:
        """`resolve` inside the caller's transaction."""
        found = self.load(connection, id)
        seen = {id}
        while found.superseded_by and found.superseded_by not in seen:
            seen.add(found.superseded_by)
            found = self.load(connection, found.superseded_by)
        return found

    async def pending(self, execution_id: str | None = None, org: str | None = None) -> list[Approval]:
        """Open approvals, oldest first, of one execution or one organisation."""
        query = select(approvals).where(approvals.c.status == "pending").order_by(approvals.c.created_at, approvals.c.id)
        if execution_id is not None:
            query = query.where(approvals.c.execution_id == execution_id)
        if org is not None:
            query = query.where(approvals.c.org == org)
        return await self._whole(query)

    async def open_of_threads(self, thread_ids: Collection[str], org: str) -> list[Approval]:
        """Open approvals of an organisation that were asked on these threads, oldest first, in two statements."""
        own = [*self._open(None, org), approvals.c.thread_id.in_(thread_ids)]
        query = select(approvals).where(*own).order_by(approvals.c.created_at, approvals.c.id)
        return await self._whole(query)

    async def decided(self, org: str, limit: int) -> list[Approval]:
        """An organisation's approvals that wait no more, however they ended, those that ended last first."""
        ended = [approvals.c.org == org, approvals.c.status != "pending"]
        query = select(approvals).where(*ended).order_by(approvals.c.decided_at.desc(), approvals.c.id).limit(limit)
        return await self._whole(query)

    async def _whole(self, query: Select[Any]) -> list[Approval]:
        """The rows that a query of the table finds, each with its votes, in two statements."""

        def work(c: Connection) -> list[Approval]:
            rows = c.execute(query).mappings().all()
            cast: dict[str, list[Any]] = {row["id"]: [] for row in rows}
            said = select(votes).where(votes.c.approval_id.in_(cast)).order_by(votes.c.at, votes.c.user)
            for vote in c.execute(said).mappings():
                cast[vote["approval_id"]].append(vote)
            return [from_row(row, cast[row["id"]]) for row in rows]

        return await self._db.run(work, durable=False)

    async def of_execution(self, execution_id: str, *, superseded: bool = False) -> list[Approval]:
        """Every approval of an execution, oldest first; those that an edit superseded only if asked for."""
        own = approvals.c.execution_id == execution_id
        if not superseded:
            own &= approvals.c.status != "superseded"
        return await self._whole(select(approvals).where(own).order_by(approvals.c.created_at, approvals.c.id))

    async def undecided(self, ids: Iterable[str]) -> list[str]:
        """Those of the approvals (or of what edits made of them) that still wait: for people, or for the kill switch to be off.

        An id may be that of a switch (`until_off`) instead. Expires what is over first.
        """
        await self.expire()
        return await self._db.run(lambda c: [id for id in ids if self._waits(c, id)])

    def _waits(self, c: Connection, id: str) -> bool:
        if org := whose_switch(id):
            return bool(halted(c, org))
        one = self.live(c, id)
        return one.status == "pending" or bool(self.held(c, one))

    def held(self, c: Connection, one: Approval) -> str:
        """Why an effect that was approved cannot happen now though its approval is good: the kill switch is on. Empty if not."""
        good = one.status == "approved" and one.effect != "read" and self._clock() < one.expires_at
        return halted(c, one.org) if good else ""

    async def stopped(self, rows: Sequence[Approval], waiting: Iterable[str] = ()) -> str:
        """Why what was approved of these, or what is `waiting` for a switch (`until_off`), does not happen now; empty if nothing
        of it is held."""
        orgs = [org for org in map(whose_switch, waiting) if org]
        return await self._db.run(
            lambda c: next(filter(None, (*(self.held(c, one) for one in rows), *(halted(c, org) for org in orgs))), "")
        )

    def asked_before(self, c: Connection, facts: CallFacts) -> bool:
        """Was an approval asked for this very action, that is open, given or used?"""
        id = c.execute(select(approvals.c.id).where(approvals.c.digest == action_digest(facts))).scalar_one_or_none()
        return id is not None and self.live(c, id).status in ("pending", "approved", "consumed")

    @property
    def wakes(self) -> Wakes:
        """How this process wakes who waits for a verdict, for the application to join to other processes."""
        return self._wakes

    def wake(self, execution_id: str) -> None:
        """Wake whoever is subscribed to an execution in this process, though no approval of it was decided."""
        self._wakes.wake(execution_id)

    async def vote(
        self,
        approval_id: str,
        voter: Caller,
        verdict: Verdict,
        *,
        message: str = "",
        args: Mapping[str, Any] | None = None,
    ) -> Approval:
        """Record a person's verdict and return the approval that results: for an edit the new one.

        approve counts towards the quorum; reject, respond (an answer in the action's stead) and edit (`args` are the new
        arguments, judged afresh) end the request. Raises `UnknownApproval`, `NotAPerson`, `WrongRole`, `DelegationOver`,
        `OwnRequest`, `ApprovalExpired`, `AlreadyDecided`, `EditDenied`, `EffectsStopped`, each written to the ledger first.
        """
        try:
            found = await self._db.run(lambda c: self._voting.vote(c, approval_id, voter, verdict, message, args))
            self._wakes.wake(found.execution_id)
            if found.status == "expired":  # committed first: the expiry stays, whatever the voter makes of the error
                raise ApprovalExpired(f"the time to decide {found.tool} ended at {stamp(found.expires_at)}: it is denied")
        except VoteRefused as refused:
            await self._refused(approval_id, voter, verdict, refused)
            raise
        return found

    async def check(self, approval_id: str, voter: Caller, verdict: Verdict, *, args: Mapping[str, Any] | None = None) -> None:
        """Try a vote and take it back. Raises what `vote` raises, and that is written to the ledger as there."""

        def work(c: Connection) -> None:
            self._voting.vote(c, approval_id, voter, verdict, "", args)
            raise _TakenBack

        try:
            await self._db.run(work)
        except _TakenBack:
            return
        except VoteRefused as refused:
            await self._refused(approval_id, voter, verdict, refused)
            raise

    async def _refused(self, id: str, voter: Caller, verdict: Verdict, refused: VoteRefused) -> None:
        """What the vote began is rolled back: the refusal is a transaction of its own."""
        said: dict[str, Any] = dict(store=self, decisions=self._decisions, id=id, voter=voter, verdict=verdict, refused=refused)
        await self._db.run(partial(record_refusal, **said))

    async def void(self, execution_id: str, step_ids: Iterable[str] | None, reason: str) -> list[Approval]:
        """End what is open or not yet acted on: of some steps (dropped by a re-plan), or of the whole execution (None)."""
        unused = approvals.c.status.in_(("pending", "approved")) & (approvals.c.execution_id == execution_id)
        if step_ids is not None:
            unused &= approvals.c.step_id.in_(list(step_ids))
        return await self._end_all(unused, "void", reason)

    def withdraw(self, c: Connection, execution_id: str, call_id: str, reason: str) -> None:
        """Void, in the caller's transaction, what is open or not yet acted on of one call: another is made in its place."""
        own = (approvals.c.execution_id == execution_id) & (approvals.c.call_id == call_id)
        unused = own & approvals.c.status.in_(("pending", "approved"))
        for id in c.scalars(select(approvals.c.id).where(unused).with_for_update()).all():
            self.end(c, self.load(c, id), "void", reason)

    async def expire(self, at: datetime | None = None) -> list[Approval]:
        """End the open approvals whose time is over. An expired approval denies its action."""
        over = (approvals.c.status == "pending") & (approvals.c.expires_at <= stamp(at or self._clock()))
        return await self._end_all(over, "expired", "nobody decided in time")

    async def remind(self, execution_id: str | None = None, org: str | None = None) -> list[Approval]:
        """Record, and return, a reminder for each open approval that is due one: of one execution, one organisation, or all.

        An approval is due one reminder, past `remind_after` of its time; after its time it is `expire`'s.
        """
        when = self._clock()
        query = (
            select(approvals.c.id).where(*self._open(execution_id, org), approvals.c.reminded_at.is_(None)).with_for_update()
        )

        def work(c: Connection) -> list[Approval]:
            due = [one for one in (self.load(c, id) for id in c.scalars(query).all()) if self._due(one) <= when]
            for one in due:
                c.execute(update(approvals).where(approvals.c.id == one.id).values(reminded_at=stamp(when)))
                self.record(c, one, "reminded", one.status, approvers=one.approvers)
            return [replace(one, reminded_at=when) for one in due]

        return await self._db.run(work)

    async def escalate(self, execution_id: str | None = None, org: str | None = None) -> list[Approval]:
        """Escalate, and return, each open approval that is due it: of one execution, one organisation, or all."""
        late = (
            select(approvals.c.id).where(*self._open(execution_id, org), approvals.c.escalated_at.is_(None)).with_for_update()
        )

        def work(c: Connection) -> list[Approval]:
            both = [(one, self.escalation.if_due(c, one)) for one in (self.load(c, id) for id in c.scalars(late).all())]
            return [now for before, now in both if now is not before]

        return await self._db.run(work)

    async def due_in(self, execution_id: str) -> timedelta | None:
        """How long until an open approval of an execution is next due a reminder or an escalation, at least nothing; None if
        nothing will be."""
        query = select(approvals.c.id).where(*self._open(execution_id, None))
        rows = await self._db.run(lambda c: [self.load(c, id) for id in c.scalars(query).all()])
        due = [self._due(one) for one in rows if not one.reminded_at]
        due += [at for one in rows if (at := self.escalation.due_at(one)) and at < one.expires_at]
        return max(min(due) - self._clock(), timedelta()) if due else None

    def _due(self, one: Approval) -> datetime:
        return one.created_at + (one.expires_at - one.created_at) * self._remind_after

    def _open(self, execution_id: str | None, org: str | None) -> list[Any]:
        open = [approvals.c.status == "pending", approvals.c.expires_at > stamp(self._clock())]
        open += [approvals.c.execution_id == execution_id] if execution_id is not None else []
        return open + ([approvals.c.org == org] if org is not None else [])

    def consume(self, connection: Connection, id: str) -> bool:
        """Spend an approval inside the transaction of what it was given for. False: it is not approved, spent or too old."""
        fresh = (approvals.c.status == "approved") & (approvals.c.expires_at > stamp(self._clock()))
        change = update(approvals).where(approvals.c.id == id, fresh).values(status="consumed")
        return connection.execute(change).rowcount == 1

    def subscribe(self, execution_id: str) -> AbstractContextManager[Any]:
        """`with approvals.subscribe(id) as event:` an `asyncio.Event`, set whenever one of its approvals was decided."""
        return self._wakes.subscribe(execution_id)

    async def _end_all(self, which: Any, status: Status, reason: str) -> list[Approval]:
        query = select(approvals.c.id).where(which).with_for_update()
        ended = await self._db.run(lambda c: [self.end(c, self.load(c, id), status, reason) for id in c.scalars(query).all()])
        for execution_id in {one.execution_id for one in ended}:
            self._wakes.wake(execution_id)
        return ended

    def end(self, c: Connection, found: Approval, status: Status, reason: str) -> Approval:
        self.record(c, found, "void", status, reasons=(reason,))
        return self.close(c, found, status, [], reason)

    def close(
        self, c: Connection, found: Approval, status: Status, people: Sequence[str], message: str, **more: Any
    ) -> Approval:
        values = dict(status=status, decided_at=stamp(self._clock()), decided_by=list(people), message=message, **more)
        c.execute(update(approvals).where(approvals.c.id == found.id).values(**values))
        return self.load(c, found.id)

    def record(self, c: Connection, found: Approval, phase: Phase, outcome: str, **more: Any) -> None:
        known: dict[str, Any] = dict(approval_id=found.id, rules=found.rules, policy_version=found.policy_version)
        known["labels"] = found.labels
        self._decisions.add(c, Record.of(found.facts(), phase, outcome, found.call_id, **{**known, **more}), found.args)

    def load(self, c: Connection, id: str, *, lock: bool = False) -> Approval:
        query = select(approvals).where(approvals.c.id == id)
        row = c.execute(query.with_for_update() if lock else query).mappings().one_or_none()
        if row is None:
            raise UnknownApproval(f"there is no approval {id}")
        cast = select(votes).where(votes.c.approval_id == id).order_by(votes.c.at, votes.c.user)
        return from_row(row, c.execute(cast).mappings().all())
