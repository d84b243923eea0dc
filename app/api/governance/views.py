"""What one caller sees under `/governance`: whose executions, which approvals, and which of their data. Asked by its routers.

The person who asked for a run sees all of it. Auditors and admins see the runs of their organisation; whoever may decide an approval
sees that one, with the steps and the evidence behind it. Of what they see, data that the policies would not let them read is masked
(`sight.py`). Everything else does not exist for them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from app.api.errors import Refused
from app.api.governance.shapes import ApprovalDetail, ApprovalShape, AttemptShape, EffectShape, EvidenceShape, PlannedShape
from app.api.governance.sight import MASKED, Sight, masked
from app.auth.reach import Deed, Owner, may, reaches_all
from governance import asking
from governance.approval import Approval, UnknownApproval
from governance.budgets import Spender
from governance.delegations import Delegation
from governance.effects import EffectRow
from governance.identity import Caller
from governance.policy import Seen
from graphs.executions import Attempt, Execution
from graphs.plan import Plan, needs
from graphs.services import Services


class View:
    """What `caller` sees; `local`: nobody signs in, and everything of the organisation is seen."""

    def __init__(self, floors: Services, caller: Caller, *, local: bool) -> None:
        self.floors, self.caller, self.local = floors, caller, local
        self._read_whole: dict[str, bool] = {}
        self._schemas: dict[str, Mapping[str, Any]] = {}

    @property
    def audits(self) -> bool:
        """Do they read what is on record of the whole organisation?"""
        return self.local or reaches_all(self.caller, "audit")

    def check_audits(self) -> None:
        """Raises `Refused` (404) for who does not."""
        if not self.audits:
            raise Refused(404, "Not Found")

    def reaches(self, deed: Deed, requester: Caller) -> bool:
        """May they do this with what a person's runs left?"""
        if self.local:
            return requester.org == self.caller.org
        return may(self.caller, deed, Owner(requester.org, requester.user))

    def sight_of(self, requester: Caller) -> Sight:
        """Their sight of the data of a person's runs."""
        own = (requester.org, requester.user) == (self.caller.org, self.caller.user)
        whole = self.local or own or reaches_all(self.caller, "read")
        return self._whole if whole else self._masking

    @cached_property
    def _whole(self) -> Sight:
        return Sight(self.floors, self.caller, whole=True)

    @cached_property
    def _masking(self) -> Sight:
        return Sight(self.floors, self.caller, whole=False)

    async def plan_shapes(self, execution: Execution) -> list[dict[str, Any]]:
        """Every revision of a plan, each step with all that it waits for (`after`); what steps say of single rows only if they may
        read what those were read with."""
        shown = await self.reads_all(execution)
        found = []
        for plan in await self.floors.executions.plans(execution.id):
            steps = [{**step.model_dump(mode="json"), "after": sorted(needs(step))} for step in plan.steps]
            found.append({**plan.model_dump(mode="json", exclude={"steps"}), "steps": steps})
        for step in (step for plan in found for step in plan["steps"] if step["item"] is not None and not shown):
            step.update(item=masked(step["item"]), title=MASKED)
        return found

    async def execution(self, id: str, deed: Deed = "audit") -> Execution:
        """Raises `Refused` (404) for one that is not there, and the same for one that is not theirs to do this with."""
        found = await self.floors.executions.get(id)
        if found is None or not self.reaches(deed, found.requester):
            raise Refused(404, f"there is no execution {id}")
        return found

    async def executions(self, run: str) -> list[Execution]:
        """An execution by its id, or those of a thread. Raises `Refused` (404), also for what they do not see."""
        one = await self.floors.executions.get(run)
        found = [one] if one else await self.floors.executions.of_thread(run)
        seen = [execution for execution in found if self.reaches("audit", execution.requester)]
        if not seen:
            raise Refused(404, "there is no such execution or thread")
        return seen

    def check_takes(self, requester: Caller) -> None:
        """Raises `Refused` (404) for who may not take away all that is on record of a person's run, unmasked."""
        if not self.sight_of(requester).whole:
            raise Refused(404, "Not Found")

    async def spender(self, run: str | None) -> Spender:
        """Whose budgets a run draws on; without one their own. Raises `Refused` (404)."""
        if run is None:
            return Spender(self.caller.org, self.caller.user, "", "")
        found = (await self.executions(run))[-1]
        return Spender(found.requester.org, found.requester.user, found.id, "")

    async def approval(self, id: str) -> Approval:
        """Raises `UnknownApproval` for one that is not there, and the same for one that they do not see."""
        found = (await self.floors.approvals.get([id]))[0]
        if not await self.seen([found]):
            raise UnknownApproval(f"there is no approval {id}")
        return found

    async def seen(self, rows: Sequence[Approval]) -> list[Approval]:
        """Those that they see: of runs that they see, and those that are theirs to decide."""
        lent = await self._lent() if any(not self.reaches("audit", row.requester) for row in rows) else []
        return [row for row in rows if self.reaches("audit", row.requester) or self._decides(row, lent)]

    async def asked(self, rows: Sequence[Approval]) -> list[Approval]:
        """Those of these open approvals that wait for their word: theirs to decide, and not voted on by them yet."""
        lent = await self._lent() if rows else []
        mine = [row for row in rows if self._decides(row, lent) and self.caller.user not in {vote.user for vote in row.votes}]
        own = self.caller.user
        return [row for row in mine if row.requester.user != own or any(not panel.others for panel in row.panels)]

    async def _lent(self) -> list[Delegation]:
        return [
            one for one in await self.floors.approvals.delegations.current(self.caller.org) if one.taker == self.caller.user
        ]

    def _decides(self, row: Approval, lent: Sequence[Delegation]) -> bool:
        roles = {*self.caller.roles, *(one.role for one in lent if one.tool in (None, row.tool))}
        return self.caller.person and row.org == self.caller.org and bool(roles & set(row.approvers))

    def approval_shape(self, row: Approval) -> ApprovalShape:
        """An approval as they see it. Whoever is asked to decide sees just what would run, but for secrets."""
        shape, sight = ApprovalShape.of(row), self.sight_of(row.requester)
        shape.args_schema = self._schema(row.tool)
        if not self.reaches("read", row.requester):
            shape.thread_id = None
        asked = bool(set(self.caller.roles) & set(row.approvers)) or not self.reaches("audit", row.requester)
        secret = "secret" in row.labels and not sight.data_class("secret")
        if secret or not (asked or (sight.tool(row.tool) and sight.labelled({*row.labels, *row.context_labels}))):
            shape.args, shape.provenance, shape.masked = masked(row.args), masked(row.provenance), True
        return shape

    def _schema(self, tool: str) -> Mapping[str, Any] | None:
        if tool == asking.TOOL:
            return asking.SCHEMA
        if tool in self.floors.registry and tool not in self._schemas:
            self._schemas[tool] = self.floors.registry[tool].args.model_json_schema()
        return self._schemas.get(tool)

    async def approval_detail(self, row: Approval) -> ApprovalDetail:
        """An approval with the part of the plan that leads to it, and what it was judged by."""
        sight, shape = self.sight_of(row.requester), self.approval_shape(row)
        plans = await self.floors.executions.plans(row.execution_id)
        seen = await self.floors.approvals.seen(row)
        labels = {*row.labels, *row.context_labels}
        return ApprovalDetail(
            **dict(shape),
            plan=self._leading_to(row.step_id, plans[-1], sight.labelled(labels)) if plans else [],
            evidence=None if seen is None else [self._evidence(one, labels, sight) for one in seen],
        )

    def _leading_to(self, step_id: str, plan: Plan, rows_shown: bool) -> list[PlannedShape]:
        steps = {step.id: step for step in plan.steps}
        wanted, found = [step_id], set[str]()
        while wanted:
            one = wanted.pop()
            if one in steps and one not in found:
                found.add(one)
                wanted += needs(steps[one])
        return [
            PlannedShape(
                id=step.id,
                title=step.title if rows_shown or step.item is None else MASKED,
                specialist=step.specialist,
                tools=step.tools,
                effect=step.effect,
                after=sorted(needs(step)),
            )
            for step in plan.steps
            if step.id in found
        ]

    def _evidence(self, one: Seen, labels: set[str], sight: Sight) -> EvidenceShape:
        """A result may have been made of any that came before it, so it is of the highest class that was read."""
        shown = sight.tool(one.tool) and sight.labelled(labels)
        return EvidenceShape(
            tool=one.tool,
            args=one.args if shown else masked(one.args),
            result=one.result if shown else MASKED,
            masked=not shown,
        )

    async def reads_all(self, execution: Execution) -> bool:
        """May they read all that a run read?"""
        sight = self.sight_of(execution.requester)
        return sight.whole or await self._reads_all_of(execution.id, sight)

    async def _reads_all_of(self, execution_id: str, sight: Sight) -> bool:
        if execution_id not in self._read_whole:
            tries = await self.floors.executions.attempts(execution_id)
            self._read_whole[execution_id] = all(sight.labelled(one.result.labels) for one in tries if one.result)
        return self._read_whole[execution_id]

    def attempt_shape(self, one: Attempt, sight: Sight) -> AttemptShape:
        """A try at a step, its result only if they may read what it rests on."""
        result = one.result.model_dump(mode="json") if one.result else None
        shown = one.result is None or sight.labelled(one.result.labels)
        head = dict(step_id=one.step_id, attempt=one.attempt, specialist=one.specialist, status=one.status)
        return AttemptShape(**head, result=result if shown else MASKED, masked=not shown)

    async def effect_shape(self, row: EffectRow, execution: Execution) -> EffectShape:
        """An effect as they see it: what it says may hold whatever its execution had read."""
        shape, sight = EffectShape.model_validate(row), self.sight_of(execution.requester)
        if not sight.whole and not (sight.tool(row.tool) and await self._reads_all_of(execution.id, sight)):
            shape.args, shape.masked = masked(row.args), True
        return shape
