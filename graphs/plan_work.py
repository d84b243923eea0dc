"""What the scheduler asks of the outside, for one execution: attempts carried out, revisions made of failures, of what the user said
or edited, and of a budget that is nearly used. Made by the execute node (`execute.py`), one each time it is entered. A revision
counts once it is committed: what is proposed and found wrong leaves nothing behind.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from governance.budgets import Spender
from graphs.conversation import same, stale
from graphs.editing import edited_step_by_step, without_dropped
from graphs.events import Emit, now
from graphs.executions import Execution, Steer
from graphs.intake import amendment
from graphs.plan import Plan, Step, StepError, StepResult
from graphs.plan_edits import PlanEdit, reason_of
from graphs.planner import NoPlan, accepted, left_to_spend, make_plan, problems, runnable
from graphs.scheduler import HeldBack, Outcome
from graphs.services import Services
from graphs.step import StepRunner
from graphs.thrift import saved, shortage
from graphs.trace import Products
from graphs.waits import Held, TooLate
from graphs.working_time import WorkingTime
from models.retry import ModelUnavailable


@dataclass
class PlanWork:
    """`scheduler.Work` over the services. `begun` are steps that an attempt was made at, `edited` those that an edit took away; an
    edit is made with the `door` shut, through which every step begins."""

    services: Services
    execution: Execution
    emit: Emit
    used: set[str]
    wake: asyncio.Event
    products: Products
    made: int = 0
    said: list[AnyMessage] = field(default_factory=list)
    time: WorkingTime = field(default_factory=WorkingTime)
    gave_up: set[tuple[str, int]] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    door: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def attempt(self, step: Step, attempt: int, specialist: str, done: Mapping[str, StepResult]) -> Outcome:
        late = ""
        if step.wait:
            stands = await self.services.waits.may_start(self.execution.id, step)
            if isinstance(stands, Held):
                return HeldBack(stands.waits)
            await self.services.waits.take(self.execution.id, step.id)
            late = stands.said if isinstance(stands, TooLate) else ""
        await self._begin(step)
        if late:
            return await self._never_started(step, attempt, specialist, late)
        return await StepRunner(self.services, self.execution, self.emit, self.products, self.time).attempt(
            step, attempt, specialist, done
        )

    async def _begin(self, step: Step) -> None:
        """A step begins; not while an edit is made, and never once it was edited away: the scheduler is about to drop it."""
        async with self.door:
            self.begun |= {step.id} - self.edited
        if step.id in self.edited:
            await asyncio.Event().wait()

    async def _never_started(self, step: Step, attempt: int, specialist: str, why: str) -> StepResult:
        executions, id = self.services.executions, self.execution.id
        await executions.start(id, self.execution.thread_id, step.id, attempt, specialist)
        error = StepError(kind="expired", message=why)
        head = {"step_id": step.id, "specialist": specialist, "produces": step.produces, "attempt": attempt}
        result = StepResult(**head, status="failed", error=error)
        await executions.mark(id, step.id, attempt, result.status, result)
        return result

    async def may_start(self, step: Step) -> bool:
        return not isinstance(await self.services.waits.may_start(self.execution.id, step), Held)

    async def undecided(self, approvals: Iterable[str]) -> list[str]:
        return await self.services.approvals.undecided(tuple(approvals))

    async def revise(self, plan: Plan, done: Mapping[str, StepResult], failed: StepResult) -> Plan | None:
        if failed.error and failed.error.kind == "budget":  # nobody else could pay for it either
            return None
        if self.made >= self.services.settings.revisions:
            self.emit({"event": "note", "at": now(), "text": f"{self.made} revisions were made; no further one is tried"})
            return None
        own, requester = self.execution, self.execution.requester
        lost = frozenset(product for step in plan.steps if step.id == failed.step_id for product in step.produces)
        try:
            revised = await make_plan(
                self.services,
                requester,
                own.id,
                own.thread_id,
                own.request,
                self.emit,
                plan=plan,
                done=done,
                failed=failed,
                used=frozenset(self.used - set(plan.ids())),
            )
        except (NoPlan, ModelUnavailable) as error:
            self.emit({"event": "note", "at": now(), "text": f"no revision could be made after {failed.step_id}: {error}"})
            return None
        if not set(revised.ids()) - set(plan.ids()):
            self.emit({"event": "note", "at": now(), "text": f"nobody else can make {', '.join(sorted(lost))}"})
            return None
        self.made += 1
        dropped = sorted(set(plan.ids()) - set(revised.ids()))
        await self._commit(revised)  # first: a crash between the two must not leave a step of this plan without its approval
        await self.services.approvals.void(own.id, dropped, f"plan revision {revised.rev} dropped the step")
        return revised

    async def steer(self, plan: Plan, done: Mapping[str, StepResult]) -> Plan | None:
        for edit in await self.services.plan_edits.open(self.execution.id):
            revised, answer = await self._edited(edit, plan)
            await self.services.plan_edits.settle(edit, answer)
            self.emit({"event": "note", "at": now(), "text": answer})
            if revised:
                self.wake.set()
                return revised
        for said in await self.services.executions.said(self.execution.id):
            revised, answer = await self._steered(said, plan, done)
            await self.services.executions.take_up(said, answer)
            self.said += [HumanMessage(said.text), AIMessage(answer)]
            self.emit({"event": "note", "at": now(), "text": answer})
            if revised:
                self.wake.set()  # there may be more to take up, against the new plan
                return revised
        return None

    async def economise(self, plan: Plan, done: Mapping[str, StepResult], idle: frozenset[str]) -> Plan | None:
        own, at = self.execution, self.services.budgets.limits.replan_at
        who = Spender(own.requester.org, own.requester.user, own.id, "")
        ended = [result for result in done.values() if result.attempt and not result.reused]
        short = shortage(await self.services.budgets.accounts(who), at or 1, plan, ended, idle)
        if short is None:
            return None
        kept = plan
        if len(idle) > short.room and short.key not in self.gave_up:
            try:
                kept = await make_plan(
                    self.services,
                    own.requester,
                    own.id,
                    own.thread_id,
                    own.request,
                    self.emit,
                    plan=plan,
                    done=done,
                    feedback=(short.task(plan),),
                    used=frozenset(self.used - set(plan.ids())),
                    thrift=short,
                )
            except (NoPlan, ModelUnavailable) as error:  # what cannot be paid for will end as such
                self.gave_up.add(short.key)
                self.emit({"event": "note", "at": now(), "text": f"the plan was not made to fit the budget: {error}"})
        titles = {product.name: product.title for product in self.services.domain.products}
        revised = saved(kept, plan, short, own.request.get("products", []), titles)
        if revised:
            await self._commit(revised)
        return revised

    async def _edited(self, edit: PlanEdit, plan: Plan) -> tuple[Plan | None, str]:
        """The revision that a person's edit of single steps makes, and what to answer."""
        services, own, reason = self.services, self.execution, reason_of(edit.caller, edit.reason)
        async with self.door:
            plans = await services.executions.plans(own.id)
            if plan.rev != edit.base:
                settled = [
                    one.base for one in await services.plan_edits.of(own.id) if one.answer == reason_of(one.caller, one.reason)
                ]
                if edit.base not in settled and (edit.base, reason) in [(one.parent_rev, one.reason) for one in plans]:
                    return None, reason  # it was made before a crash
                return None, f"The plan is at revision {plan.rev} by now, so an edit of revision {edit.base} was not made."
            if late := sorted({change.step for change in edit.changes} & self.begun):
                return None, f"The plan stays as it is: {', '.join(late)} had begun."
            used = self.used.union(*(one.ids() for one in plans))
            revised, wrong = edited_step_by_step(plan, edit.changes, reason, used, services)
            left = await left_to_spend(services, own.requester, own.id)
            wrong = wrong or problems(revised, services, own.requester, [], used - set(plan.ids()), left)
            if wrong:
                return None, f"The plan stays as it is: {'; '.join(wrong)}"
            await self._commit(revised)
            self.edited |= (dropped := set(plan.ids()) - set(revised.ids()))
        for id in dropped:
            await services.waits.take(own.id, id)  # nobody need be woken for what is not waited for any more
        request = without_dropped(own.request, plan, revised)
        await services.executions.amend(own.id, own.goal, request)
        self.execution = replace(own, request=request)
        return revised, reason

    async def _steered(self, said: Steer, plan: Plan, done: Mapping[str, StepResult]) -> tuple[Plan | None, str]:
        """The revision for one thing that was said, and what to answer."""
        services, own = self.services, self.execution
        request = await amendment(services, own.request, said.text, own.requester, own.thread_id, self.emit)
        if isinstance(request, str):
            return None, request
        if same(own.request, request):
            return None, " ".join(["Nothing in the plan changes.", *request["notes"]])
        accepts = {step.id: accepted(step, services) for step in plan.steps}
        fallen = stale(plan, request, accepts, done)
        wanted = [
            p
            for p in request["products"]
            if not any(p in s.produces and s.id in done for s in plan.steps if s.effect != "read")
        ]
        try:
            revised = await make_plan(
                services,
                own.requester,
                own.id,
                own.thread_id,
                {**request, "products": wanted},
                self.emit,
                plan=plan,
                done={id: result for id, result in done.items() if id not in fallen},
                stale=fallen,
                feedback=(f"the user said meanwhile: {said.text}",),
                used=frozenset(self.used - set(plan.ids())),
            )
        except (NoPlan, ModelUnavailable) as error:
            return None, f"The plan stays as it is, for no other could be made: {error}"
        dropped = sorted(set(plan.ids()) - set(revised.ids()))
        await services.executions.amend(own.id, request["goal"], request)
        self.execution = replace(own, goal=request["goal"], request=request)
        await self._commit(revised)
        await services.approvals.void(own.id, dropped, f"plan revision {revised.rev} dropped the step: {said.text}")
        added = len(set(revised.ids()) - set(plan.ids()))
        counted = f"{added} step{'' if added == 1 else 's'} added, {len(dropped)} dropped, {len(revised.steps) - added} kept"
        return revised, " ".join([f"The plan is changed ({counted}): {said.text}", *request["notes"]])

    async def expanded(self, plan: Plan) -> list[str]:
        asks = self.execution.requester
        left = await left_to_spend(self.services, asks, self.execution.id)
        wrong = runnable(plan, self.services, asks, set(), left)
        if not wrong:
            await self._commit(plan)
        return wrong

    async def _commit(self, plan: Plan) -> None:
        self.used.update(plan.ids())
        await self.services.executions.add_revision(self.execution.id, plan, self.services.engine.version)
