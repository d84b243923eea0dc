"""Runs a plan with no wave barrier: a step starts the moment what it needs is there.

One asyncio loop over live attempts, no polling. It knows no model, tool or database: `attempt` carries a step out, `record`
persists, `replan` revises. Identity never depends on order: an attempt is named by step and number. A step that waits for people
frees its slot; a verdict sets `wake`. Called by the orchestrator's execute node, the benchmark and the tests.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from graphs.events import Emit, child_context, now, silent
from graphs.expanding import expand
from graphs.plan import TERMINAL, Plan, Status, Step, StepError, StepResult, diff_of, downstream, needs, readiness

RETRIABLE = frozenset({"raised", "timeout", "junk", "loop", "model", "tool"})


def next_attempt(step: Step, result: StepResult) -> int | None:
    """The attempt to make after a failed one; None when there is none.

    Who is unable is not asked the same again: the step's fallbacks are.
    """
    kind = result.error.kind if result.status == "failed" and result.error else ""
    following = max(result.attempt, step.attempts) + 1 if kind == "unable" else result.attempt + 1
    retriable = kind == "unable" or kind in RETRIABLE
    return following if retriable and following <= step.attempts + len(step.fallbacks) else None


@dataclass(frozen=True)
class Waiting:
    """An attempt that waits for people: ids of its approvals."""

    approvals: tuple[str, ...]


@dataclass(frozen=True)
class HeldBack:
    """An attempt that may not start yet: what it waits for, in words."""

    waits: str


Outcome = StepResult | Waiting | HeldBack


class Work(Protocol):
    """What the scheduler asks of the outside."""

    async def attempt(self, step: Step, attempt: int, specialist: str, done: Mapping[str, StepResult]) -> Outcome:
        """Carry out, adopt or resume one attempt. Never raises for a failing step."""

    async def undecided(self, approvals: Iterable[str]) -> list[str]:
        """Those of the approvals that are still open."""

    async def may_start(self, step: Step) -> bool:
        """Has what a step that was held back waits for come, or come too late?"""

    async def revise(self, plan: Plan, done: Mapping[str, StepResult], failed: StepResult) -> Plan | None:
        """A new revision after a failure, committed; None when there is nothing to try."""

    async def steer(self, plan: Plan, done: Mapping[str, StepResult]) -> Plan | None:
        """A new revision, committed, for what the user has said since; None when nothing was said or nothing changes."""

    async def economise(self, plan: Plan, done: Mapping[str, StepResult], idle: frozenset[str]) -> Plan | None:
        """A new revision, committed, that makes the `idle` steps, which have not begun, fit what is left to spend; None: they do."""

    async def expanded(self, plan: Plan) -> list[str]:
        """Hold a revision that the scheduler made by expanding a repeated step against the rules of plans, and commit it.

        Answers what is wrong with it, in sentences; then it is not committed.
        """


@dataclass
class Scheduler:
    """One run over a plan. `results` holds what is finished before (and grows); `open` maps a waiting step to its attempt.

    `thrifty`: after each step that ends it is asked whether the rest can be paid for, and nothing begins before the answer.
    """

    plan: Plan
    work: Work
    results: dict[str, StepResult] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: Callable[[], bool] = lambda: False
    concurrency: int = 8
    rows_limit: int = 20
    emit: Emit = silent
    thrifty: bool = False

    def __post_init__(self) -> None:
        self.status: dict[str, Status] = {step.id: "pending" for step in self.plan.steps}
        self.status.update({id: result.status for id, result in self.results.items()})
        self.waiting: dict[str, tuple[str, ...]] = {}
        self.held: dict[str, str] = {}
        self._live: dict[asyncio.Task[Any], str] = {}
        self._started: dict[str, float] = {}
        self._dropped: list[asyncio.Task[Any]] = []
        self._revising: asyncio.Task[Plan | None] | None = None
        self._tried: set[str] = set()
        self._told = True  # something may have been said before
        self._spent, self._saving = bool(self.results), False

    async def run(self) -> None:
        """Until nothing more can be done: every step has ended, or only waiting ones are left.

        Cancels and awaits its children on every way out.
        """
        woken = asyncio.create_task(self.wake.wait())
        try:
            while True:
                if self.cancelled():
                    await self._stop()
                    break
                self._steer_next()
                self._economise_next()
                await self._start_ready()
                busy: set[asyncio.Task[Any]] = set(self._live)
                if self._revising:
                    busy.add(self._revising)
                if not busy:
                    if await self._resume_decided():
                        continue
                    if self._revise_next() or self._close_blocked():
                        continue
                    break
                finished, _ = await asyncio.wait(busy | {woken}, return_when=asyncio.FIRST_COMPLETED)
                decided = woken in finished
                if decided:
                    self._told = True
                    self.wake.clear()
                    woken = asyncio.create_task(self.wake.wait())
                known = {*self.waiting, *self.held}
                for task in finished:
                    if task is self._revising:
                        self._adopt(cast(Plan | None, task.result()))
                    elif task in self._live:
                        self._finish(self._live.pop(task), cast(Outcome, task.result()))
                if decided or {*self.waiting, *self.held} - known:  # a verdict may have come before the step was known to wait
                    await self._resume_decided()
                self._revise_next()
        finally:
            woken.cancel()
            await self._stop()

    # -- starting ---------------------------------------------------------------------------------

    async def _start_ready(self) -> None:
        changed = not self._saving
        while changed:
            changed = False
            for step in self.plan.steps:
                if self.status[step.id] != "pending" or readiness(step, self.status) != "ready":
                    continue
                if step.for_each and self._revising:
                    continue  # both would be the next revision
                if step.for_each:
                    await self._expand(step)
                    self._spent = True  # its rows may be more than can be paid for
                    self._economise_next()
                    changed = not self._saving
                    break
                if len(self._live) >= self.concurrency:
                    return
                self._start(step, self.open.pop(step.id, 1))

    def _start(self, step: Step, attempt: int) -> None:
        if attempt == 1 or step.id not in self._started:
            self._started[step.id] = time.monotonic()
        self._set(step.id, "running", attempt=attempt, specialist=self._specialist(step, attempt))
        done = {id: result for id, result in self.results.items() if result.status == "succeeded"}
        carried = self.work.attempt(step, attempt, self._specialist(step, attempt), done)
        self._live[asyncio.create_task(carried, context=child_context())] = step.id
        self.open[step.id] = attempt

    def _specialist(self, step: Step, attempt: int) -> str:
        """The step's own specialist for its attempts, then its fallbacks in order."""
        over = attempt - step.attempts
        return step.specialist if over <= 0 else step.fallbacks[over - 1]

    async def _expand(self, step: Step) -> None:
        source, _, product = str(step.for_each).partition(".")
        data = self.results[source].data.get(product, {})
        rows = list(data.get("rows", []))[: self.rows_limit]
        dropped = len(data.get("rows", [])) - len(rows)
        if not rows:
            nothing = StepResult(
                step_id=step.id,
                status="succeeded",
                specialist=step.specialist,
                produces=step.produces,
                headline="There was nothing to do.",
            )
            self.results[step.id] = nothing
            self._set(step.id, "succeeded", attempt=0, specialist=step.specialist)
            return
        names = [c["field"] for c in data.get("columns", []) if c.get("unit", "text") == "text"]
        field_name = names[0] if names else next(iter(rows[0]), "")
        plan = expand(self.plan, step, rows, lambda row: str(row.get(field_name, "")))
        note = f"{step.title}: {dropped} more rows were left out (limit {self.rows_limit})"
        if dropped:
            plan = plan.model_copy(update={"assumptions": (*plan.assumptions, note)})
        if wrong := await self.work.expanded(plan):
            error = StepError(kind="denied", message=f"its rows may not be carried out: {'; '.join(wrong)}"[:500])
            self.results[step.id] = StepResult(
                step_id=step.id, status="failed", specialist=step.specialist, produces=step.produces, attempt=0, error=error
            )
            self._set(step.id, "failed", attempt=0, specialist=step.specialist, error=error.message)
            return
        self._merge(plan)

    # -- finishing --------------------------------------------------------------------------------

    def _finish(self, id: str, outcome: Outcome) -> None:
        attempt = self.open.get(id, 1)
        if id not in self.plan.ids():  # dropped by a revision while it ran
            return
        step = self.plan.step(id)
        if isinstance(outcome, Waiting):
            self.waiting[id] = outcome.approvals
            who = self._specialist(step, attempt)
            self._set(id, "waiting_approval", attempt=attempt, specialist=who, waiting_for=list(outcome.approvals))
            return
        if isinstance(outcome, HeldBack):
            self.held[id] = outcome.waits
            self._set(id, "waiting_external", attempt=attempt, waiting_for=[outcome.waits])
            return
        self.open.pop(id, None)
        error = outcome.error.message if outcome.error else None
        if following := next_attempt(step, outcome):
            self._set(id, "failed", attempt=attempt, specialist=outcome.specialist, error=error, retry=True)
            self._start(step, following)
            return
        self.results[id], self._spent = outcome, True
        self._set(id, outcome.status, attempt=attempt, specialist=outcome.specialist, error=error, seconds=outcome.seconds)

    def _revise_next(self) -> bool:
        """Start re-planning for a failed step that something waits for or that was asked for; one at a time."""
        if self._revising:
            return False
        for step in self.plan.steps:
            result = self.results.get(step.id)
            if result and result.status == "failed" and step.id not in self._tried:
                self._tried.add(step.id)
                revise = self.work.revise(self.plan, dict(self.results), result)
                self._revising = asyncio.create_task(revise, context=child_context())
                return True
        return False

    def _steer_next(self) -> None:
        """Start re-planning for what the user has said; one at a time."""
        if self._told and not self._revising:
            self._told = False
            self._revising = asyncio.create_task(self.work.steer(self.plan, dict(self.results)), context=child_context())

    def _economise_next(self) -> None:
        """Start asking whether the rest can be paid for, once for all that ended since."""
        if not self.thrifty or not self._spent or self._revising:
            return
        self._spent = False
        idle = frozenset(id for id in self.plan.ids() if self.status[id] == "pending" and id not in self.open)
        if idle:
            self._saving = True
            economise = self.work.economise(self.plan, dict(self.results), idle)
            self._revising = asyncio.create_task(economise, context=child_context())

    def _adopt(self, plan: Plan | None) -> None:
        self._revising, self._saving = None, False
        if plan:
            self._merge(plan)

    def _merge(self, plan: Plan) -> None:
        """Take over a revision: fresh steps are pending, dropped ones superseded (a dropped one that runs is cancelled)."""
        before, after = set(self.plan.ids()), set(plan.ids())
        for id in before - after:  # what a steer took the ground from is no evidence any more
            if self.status[id] == "succeeded":
                self.results.pop(id, None)
                self._set(id, "superseded")
        kept_failed = {id for id in before - after if self.status[id] in TERMINAL}
        for id in before - after - kept_failed:
            for task in [task for task, live in self._live.items() if live == id]:
                task.cancel()
                del self._live[task]
                self._dropped.append(task)
            self.waiting.pop(id, None)
            self.held.pop(id, None)
            self.open.pop(id, None)
            self._set(id, "superseded")
        for step in plan.steps:
            self.status.setdefault(step.id, "pending")
        parent, self.plan = self.plan, plan
        self.emit(plan_event(plan, parent.rev, diff_of(parent, plan)))

    # -- waiting and stopping ---------------------------------------------------------------------

    async def _resume_decided(self) -> bool:
        """Steps all of whose approvals are decided, or whose wait is over, become pending again, with the attempt they wait in."""
        resumed = False
        for id in list(self.held):
            if await self.work.may_start(self.plan.step(id)):
                del self.held[id]
                self.status[id] = "pending"
                resumed = True
        for id, approvals in list(self.waiting.items()):
            if not await self.work.undecided(approvals):
                del self.waiting[id]
                self.status[id] = "pending"
                resumed = True
        return resumed

    def _close_blocked(self) -> bool:
        """What can never start ends as skipped, and says which product it lacks. Was there any?

        A step that only waits for others to end, however they end, may be free to start then.
        """
        blocked = [s for s in self.plan.steps if self.status[s.id] == "pending" and readiness(s, self.status) == "blocked"]
        for step in blocked:
            error = StepError(kind="upstream", message=f"it needs {', '.join(self._lacking(step))}")
            self.results[step.id] = StepResult(
                step_id=step.id, status="skipped", specialist=step.specialist, produces=step.produces, error=error
            )
            self._set(step.id, "skipped", specialist=step.specialist, error=error.message)
        return bool(blocked)

    def _lacking(self, step: Step) -> list[str]:
        """What a blocked step waits for in vain: products by name, else steps."""
        lost = {id: self.status.get(id, "missing") for id, on in needs(step).items() if on == "success"}
        lost = {id: status for id, status in lost.items() if status in TERMINAL and status != "succeeded"}
        refs = [ref.partition(".") for ref in (*step.inputs.values(), *filter(None, [step.for_each]))]
        products = [f"{product} of {id} ({lost[id]})" for id, _, product in refs if id in lost]
        return products + [f"{id} ({status})" for id, status in lost.items() if id not in {ref[0] for ref in refs}]

    async def _stop(self) -> None:
        """Cancel and await every child. Idempotent."""
        children = [*self._live, *self._dropped, *([self._revising] if self._revising else [])]
        for task in children:
            task.cancel()
        await asyncio.gather(*children, return_exceptions=True)
        for id in self._live.values():
            if self.status.get(id) == "running":
                self.status[id] = "cancelled" if self.cancelled() else "pending"
        self._live, self._revising, self._saving = {}, None, False

    def _set(self, id: str, status: Status, **more: Any) -> None:
        self.status[id] = status
        told = {key: value for key, value in more.items() if value is not None}
        self.emit({"event": "step", "rev": self.plan.rev, "step": id, "status": status, "at": now(), **told})


def plan_event(plan: Plan, parent_rev: int | None, diff: dict[str, list[str]]) -> dict[str, Any]:
    """The `plan` event of a revision."""
    fields = {"id", "title", "specialist", "why", "tools", "effect", "parent", "produces"}
    from_step = [{**step.model_dump(mode="json", include=fields), "after": sorted(needs(step))} for step in plan.steps]
    head = {"event": "plan", "rev": plan.rev, "parent_rev": parent_rev, "reason": plan.reason}
    return {**head, "steps": from_step, "diff": diff}


def lost_with(plan: Plan, id: str) -> list[str]:
    """Titles of the steps whose conclusions fall when a step has no result."""
    return [plan.step(other).title for other in downstream(plan, id)]
