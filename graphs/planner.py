"""From a planner's draft to a checked plan, and from a failure to a revision.

The planner model drafts; code grants tools, types the draft, checks the DAG and the policy over the whole plan, and asks again
with the errors. Called by the plan node and by execute's re-planning.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from governance.budgets import Spender
from governance.identity import Caller
from governance.labels import TAINT
from governance.matching import number
from governance.policy import PlanFacts, StepFacts
from graphs import brief, drafts
from graphs.agent import StepFailure
from graphs.context import StepContext
from graphs.conversation import reusable
from graphs.events import Emit
from graphs.part_threads import part_thread
from graphs.plan import Plan, Step, StepResult, check, downstream, needs
from graphs.services import Services
from graphs.specialists.base import offers
from graphs.spending import OutOfBudget
from graphs.step import ask
from graphs.thrift import Thrift
from graphs.wire import PlanDraft, StepDraft
from graphs.workflows import filled
from models.listed import unpack

ROUNDS = 3
_EFFECTS = {"read": 0, "write": 1, "irreversible": 2}


class NoPlan(RuntimeError):
    """No draft passed the checks; the message lists what was wrong with the last one."""


def to_step(draft: StepDraft, services: Services) -> Step:
    """A typed step: granted the tools that make its products and nothing else."""
    granted = grant(draft.specialist, draft.produces, services)
    accepted = {name for tool in granted["tools"] for name in services.registry[tool].args.model_fields}
    return Step(
        id=draft.id,
        title=draft.title,
        specialist=draft.specialist,
        produces=tuple(draft.produces),
        inputs={item.name: item.ref for item in draft.inputs},
        depends_on={item.step: item.on for item in draft.depends_on},
        for_each=draft.for_each,
        settings={item.name: item.value for item in draft.settings if item.name in accepted},
        why=draft.why,
        alternatives=tuple(draft.alternatives),
        **granted,
    )


def accepted(step: Step, services: Services) -> set[str]:
    """The settings that a step's tools take."""
    return {name for tool in step.tools for name in services.registry[tool].args.model_fields}


def unapplied(plan: Plan, request: Mapping[str, Any], services: Services) -> list[str]:
    """A sentence for each filter of the goal and the wanted steps that it does not reach: neither they nor what they rest on
    take it. A filter is never dropped silently."""
    facts = services.domain.facts
    narrowing = {*facts.filters, *facts.at_least, "year_from", "year_to"} if facts else set(request.get("settings", {}))
    wanted = [s for s in plan.steps if set(s.produces) & set(request.get("products", [])) and not s.parent]
    sentences = []
    for name, value in request.get("settings", {}).items():
        if name not in narrowing or not value:
            continue
        missed = []
        for step in wanted:
            rests = [s for s in plan.steps if s.id == step.id or step.id in downstream(plan, s.id)]
            if not any(name in s.settings or "sql" in s.settings for s in rests):
                missed.append(step.title)
        if missed:
            sentences.append(f"“{name.replace('_', ' ')}: {', '.join(unpack(value))}” was not applied to {', '.join(missed)}.")
    return sentences


def grant(specialist: str, produces: Sequence[str], services: Services) -> dict[str, Any]:
    """What code alone decides of a step: its tools and what they change, its attempts, its time and its fallbacks."""
    known = {one.name: one for one in services.domain.specialists}
    own = known.get(specialist)
    tools = tuple(
        name
        for name in (own.tools if own else ())
        if name in services.registry and services.registry[name].produces in produces
    )
    effects = [services.registry[name].manifest.effect for name in tools]
    return dict(
        tools=tools,
        effect=max(effects, key=lambda e: _EFFECTS[e], default="read"),
        attempts=services.settings.step_attempts,
        timeout=services.settings.step_timeout,
        fallbacks=tuple(name for name in (own.fallbacks if own else ()) if name in known and _makes(services, name, produces)),
    )


def edited(given: Any, plan: Plan, services: Services, caller: Caller, left: int | None = None) -> tuple[Plan, list[str]]:
    """The next revision as a person edited it, its grants made anew; and what is wrong with it, in sentences."""
    try:
        wished = Plan.model_validate(given)
    except ValidationError as error:
        return plan, [f"the edited plan: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    steps = tuple(
        step.model_copy(update={**grant(step.specialist, step.produces, services), "tainted": False}) for step in wished.steps
    )
    made = wished.model_copy(update={"rev": plan.rev + 1, "parent_rev": plan.rev, "cause": "review", "steps": steps})
    return made, problems(made, services, caller, [], set(), left)


async def from_workflow(services: Services, caller: Caller, execution_id: str, request: Mapping[str, Any]) -> Plan:
    """The plan of a workflow with this run's values, its grants made anew, held against today's tools, policies and budgets.

    Raises `NoPlan`.
    """
    chosen = request["workflow"]
    saved = await services.workflows.get(caller.org, chosen["name"], chosen["version"])
    _, plan = filled(saved, chosen["parameters"], {step.id: sorted(accepted(step, services)) for step in saved.plan.steps})
    known = {one.name for one in services.domain.specialists}
    steps = tuple(
        step.model_copy(update=grant(step.specialist, step.produces, services)) if step.specialist in known else step
        for step in plan.steps
    )
    made = plan.model_copy(update={"steps": steps})
    left = await left_to_spend(services, caller, execution_id)
    if wrong := problems(made, services, caller, list(request.get("products", [])), set(), left):
        raise NoPlan(f"the workflow {saved.name} (version {saved.version}) cannot run any more: {'; '.join(wrong)}")
    return made


def _makes(services: Services, specialist: str, products: Sequence[str]) -> bool:
    made = {
        offer.product for offer in offers(services.domain.specialists, services.registry) if offer.specialist.name == specialist
    }
    return set(products) <= made


def merge(
    plan: Plan | None,
    draft: PlanDraft,
    done: Mapping[str, StepResult],
    services: Services,
    stale: frozenset[str] = frozenset(),
) -> Plan:
    """The next revision: what is kept, plus the draft's steps, minus what it drops. Finished steps go only if they are stale."""
    tainted = any(TAINT in result.labels for result in done.values())  # the planner is told of them
    fresh = tuple(to_step(step, services).model_copy(update={"tainted": tainted}) for step in draft.steps)
    if plan is None:
        return Plan(reason=draft.reason, steps=fresh, assumptions=tuple(draft.assumptions))
    drop = {id for id in draft.drop if id in stale or id not in done or done[id].status != "succeeded"}
    kept = tuple(step for step in plan.steps if step.id not in drop)
    assumptions = tuple(dict.fromkeys((*plan.assumptions, *draft.assumptions)))
    head: dict[str, Any] = dict(rev=plan.rev + 1, parent_rev=plan.rev, cause="failure", reason=draft.reason)
    return Plan(**head, steps=kept + fresh, assumptions=assumptions)


def problems(
    plan: Plan, services: Services, caller: Caller, wanted: list[str], used: set[str], left: int | None = None
) -> list[str]:
    """Everything that keeps a plan from running, in sentences: DAG, inputs, size, policy, wanted products.

    `left` is what the budgets leave to spend, as `left_to_spend` tells it.
    """
    every = offers(services.domain.specialists, services.registry)
    wrong = _structure(plan, services, used)
    for step in plan.steps:
        own = [o for o in every if o.specialist.name == step.specialist and o.product in step.produces]
        taken = {ref.partition(".")[2] for ref in step.inputs.values()}
        lacking = {p for o in own for p in o.consumes if p not in taken and p != o.specialist.for_each}
        wrong += [f"step {step.id}: {step.specialist} needs {product} as an input" for product in sorted(lacking)]
        if not step.produces:
            wrong.append(f"step {step.id} produces nothing")
        repeated = next((o.specialist.for_each for o in own if o.specialist.for_each), None)
        if repeated and not step.for_each and not step.parent:
            wrong.append(f"step {step.id}: {step.specialist} is repeated for each row of {repeated}: set for_each")
    if len(plan.steps) > services.settings.plan_steps:
        wrong.append(f"{len(plan.steps)} steps are more than {services.settings.plan_steps}: combine or leave out some")
    made = {product for step in plan.steps for product in step.produces}
    wrong += [f"nothing produces {product}, which the goal asks for" for product in wanted if product not in made]
    return wrong or _policy(plan, services, caller, left)


async def left_to_spend(services: Services, caller: Caller, execution_id: str) -> int | None:
    """What the budgets leave an execution to spend by all its steps, finished ones too, in hundredths; None without a limit."""
    return await services.budgets.left(Spender(caller.org, caller.user, execution_id, ""), "spend")


def runnable(plan: Plan, services: Services, caller: Caller, used: set[str], left: int | None = None) -> list[str]:
    """What keeps the expansion of a plan that was accepted from running, in sentences: DAG and policy. Rows may be many, and what
    the goal asks for is the plan's business."""
    return _structure(plan, services, used) or _policy(plan, services, caller, left)


def _structure(plan: Plan, services: Services, used: set[str]) -> list[str]:
    known: dict[str, set[str]] = {}
    for offer in offers(services.domain.specialists, services.registry):
        known.setdefault(offer.specialist.name, set()).add(offer.product)
    return check(plan, known, used=used)


def _policy(plan: Plan, services: Services, caller: Caller, left: int | None) -> list[str]:
    facts = tuple(
        StepFacts(s.id, s.specialist, s.tools, _upstream(s), _spend(s, services), _fallbacks(s, services)) for s in plan.steps
    )
    return [
        f"step {v.step_id}: policy {v.rule}: {v.reason}" for v in services.engine.check_plan(PlanFacts(caller, facts, left))
    ]


def _fallbacks(step: Step, services: Services) -> dict[str, tuple[str, ...]]:
    return {name: services.granted(name, step) for name in step.fallbacks}


def _upstream(step: Step) -> tuple[str, ...]:
    """Where a step's data comes from, and what it waits for."""
    return tuple({**needs(step), **({step.item_of.partition(".")[0]: "success"} if step.item_of else {})})


def _spend(step: Step, services: Services) -> int:
    """What a step's settings say that it spends, in hundredths."""
    named = {name for tool in step.tools for name in services.registry[tool].manifest.amounts}
    amounts = (number(value) for name, value in step.settings.items() if name in named)
    return int(sum((abs(one) * 100 for one in amounts if one is not None), Decimal()))


def planner_context(services: Services, caller: Caller, execution_id: str, thread_id: str, emit: Emit) -> StepContext:
    return StepContext(caller, execution_id, "plan", "planner", thread_id, emit=emit)


async def make_plan(
    services: Services,
    caller: Caller,
    execution_id: str,
    thread_id: str,
    request: Mapping[str, Any],
    emit: Emit,
    *,
    plan: Plan | None = None,
    done: Mapping[str, StepResult] | None = None,
    failed: StepResult | None = None,
    stale: frozenset[str] = frozenset(),
    lost: frozenset[str] = frozenset(),
    feedback: tuple[str, ...] = (),
    used: frozenset[str] = frozenset(),
    thrift: Thrift | None = None,
) -> Plan:
    """A first plan, or with `plan` the next revision, after a failure, because the request has changed, or for `thrift`.

    `stale` steps have lost their ground and go, even finished ones. `lost` products need not be made any more.

    Raises `NoPlan` after `ROUNDS` refused drafts, `OutOfBudget` where it cannot be paid for.
    """
    errors: list[str] = list(feedback)
    done = done or {}
    taken = {int(n) for id in {*used, *(plan.ids() if plan else ())} if (n := id[1:].partition("-")[0]).isdigit()}
    failures = [failure_of(result) for result in done.values() if result.status == "failed"] if plan else []
    wanted = [p for p in request.get("products", []) if p not in lost]
    context = planner_context(services, caller, execution_id, thread_id, emit)
    for turn in range(ROUNDS):
        task = brief.for_planner(
            {**request, "products": wanted},
            services.domain,
            plan=plan,
            done=done,
            failures=failures,
            errors=errors,
            stale=stale,
            next_id=max(taken, default=0) + 1,
            budget=thrift.brief(plan) if thrift and plan else None,
        )
        rev = plan.rev + 1 if plan else 1
        why = [failed.step_id if failed else "", *feedback]  # an occasion of its own has a thread of its own, not an old answer
        thread = part_thread(execution_id, "plan", rev, turn, json.dumps(why))
        try:
            said = await ask(services, "planner", thread, task, context)
        except StepFailure as failure:
            errors = [str(failure)]
            continue
        assert isinstance(said.value, PlanDraft)
        drafted = merge(plan, said.value, done, services, stale)
        steered = plan is not None and failed is None and thrift is None
        if steered:
            drafted = drafted.model_copy(update={"cause": "steer"})
        left = await left_to_spend(services, caller, execution_id)
        errors = problems(drafted, services, caller, wanted if plan is None or steered else [], set(used), left)
        if standing := sorted(stale & set(drafted.ids())):
            errors.append(
                f"{', '.join(standing)} rest on what the user has changed: drop them, and plan anew what is still wanted"
            )
        told = [str(failure[key]) for failure in failures for key in ("error", "step")]
        errors += drafts.wording(said.value, request, services, told)
        errors += [wrong for one in said.value.steps for wrong in drafts.filters(one, drafted.step(one.id), request, services)]
        errors += drafts.needless(drafted, wanted) if plan is None else []
        errors += thrift.wrong(said.value.drop, said.value.steps) if thrift else []
        if not errors:
            return drafted
        unpaid = ": policy plan-over-budget: "
        if turn == ROUNDS - 1 and all(unpaid in error for error in errors):
            total = sum(_spend(step, services) for step in drafted.steps)
            raise OutOfBudget("; ".join(errors), "spend", total)
    raise NoPlan("; ".join(errors))


async def reuse(services: Services, plan: Plan, request: Mapping[str, Any], execution_id: str) -> dict[str, StepResult]:
    """Results of the execution that this one builds on, by the steps whose place they take; none if the records have changed."""
    id = str(request.get("builds_on") or "")
    before = await services.executions.get(id) if id and id != execution_id else None
    if (
        not before
        or before.request.get("dry_run")
        or before.request.get("version") != request["version"]
        or before.today != services.today().isoformat()
    ):
        return {}
    plans, attempts = await services.executions.plans(id), await services.executions.attempts(id)
    done = {attempt.step_id: attempt.result for attempt in attempts if attempt.result}
    live = [p.name for p in services.domain.products if p.live]
    return reusable(plan, plans[-1], done, id, live) if plans else {}


def failure_of(result: StepResult) -> dict[str, Any]:
    """A failure as the planner is told of it: whose step an earlier revision dropped is not proposed again."""
    return {
        "step": result.step_id,
        "specialist": result.specialist,
        "products": list(result.produces),
        "error": result.error.message if result.error else "",
        "kind": result.error.kind if result.error else "",
    }
