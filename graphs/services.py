"""What the graphs need, made once from settings: databases, governance, gateway, domain, models, savers.

`open_services(settings)` is the only composition of the lower floors; the application, the command line, the evals, the
benchmark and `langgraph.json` all call it. Agents are built at first use and kept.
"""

import asyncio
import importlib
import importlib.util
import logging
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig

from database import Database
from governance import asking, policy_texts
from governance import tables as governance_tables
from governance.approvals import Approvals
from governance.asking import Asking
from governance.budgets import Budgets
from governance.bundle import Bundle
from governance.clock import Clock, now
from governance.decisions import Decisions
from governance.effects import Effects
from governance.heads import keep_head
from governance.identity import RolesOf
from governance.kill_switch import KillSwitch
from governance.limits import Limits
from governance.live_policy import LivePolicy
from governance.loading import Loads
from governance.signing import signer_for
from governance.suspensions import Suspensions
from graphs import tables as graph_tables
from graphs.agent import build_agent
from graphs.answers import Answers
from graphs.caller import local_directory
from graphs.context import StepContext
from graphs.executions import ExecutionOutcome, Executions
from graphs.feedback import Feedback
from graphs.plan import Step
from graphs.plan_edits import PlanEdits
from graphs.ready import Ready, ready
from graphs.role_usage import RoleUsage
from graphs.saver import Careful, Guard, nobody_else, open_saver_of
from graphs.specialists.base import Added, Domain, Resources, Specialist
from graphs.specialists.core import core_roles
from graphs.spending import Left, Spending, left_of, price_of, spender, unpriced
from graphs.waits import Waits
from graphs.workflows import Workflows
from models.factory import chat_model
from settings import Settings
from tools.arguments import checker
from tools.charts import make_chart
from tools.gateway import Gateway
from tools.registry import Registry

RECURSION_LIMIT = 100


class UnknownDomain(RuntimeError):
    """The domain that the settings name has no folder."""


def load_domain(name: str) -> Domain:
    """The domain's declaration, with the specialists in the folder `added` beside it. Raises `UnknownDomain` with what to add."""
    module = f"graphs.specialists.{name}.domain"
    try:
        found: Domain = importlib.import_module(module).domain()
    except ModuleNotFoundError as error:
        if not module.startswith(str(error.name)):
            raise
        raise UnknownDomain(
            f"there is no domain {name!r}: add graphs/specialists/{name}/domain.py with a function domain() that returns a "
            "Domain (graphs/specialists/base.py), or set CLEARANCE_DOMAIN"
        ) from error
    folder = f"graphs.specialists.{name}.added"
    if importlib.util.find_spec(folder):
        for file in sorted(pkgutil.iter_modules(importlib.import_module(folder).__path__), key=lambda file: file.name):
            one: Added = importlib.import_module(f"{folder}.{file.name}").added()
            found = one.to(found)
    return found


def registry_of(domain: Domain) -> Registry:
    """A domain's tools and the core's own."""
    return Registry([*domain.tools, make_chart])


@dataclass
class Services:
    """The lower floors, composed. `model_for` gives the model of a role (a specialist's or core role's name)."""

    settings: Settings
    db: Database
    clock: Clock
    domain: Domain
    resources: Resources
    registry: Registry
    engine: LivePolicy
    approvals: Approvals
    effects: Effects
    decisions: Decisions
    gateway: Gateway
    budgets: Budgets
    asking: Asking
    switch: KillSwitch
    loads: Loads
    executions: Executions
    answers: Answers
    feedback: Feedback
    plan_edits: PlanEdits
    suspensions: Suspensions
    role_usage: RoleUsage
    waits: Waits
    workflows: Workflows
    saver: Careful
    model_for: Callable[[str], BaseChatModel]
    prompts: Mapping[str, str]
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("clearance"))
    today: Callable[[], date] = date.today
    cancelled: set[str] = field(default_factory=set)
    _agents: dict[str, Any] = field(default_factory=dict)

    def specialist(self, name: str) -> Specialist:
        """A domain's specialist or a core role by name."""
        known = {one.name: one for one in (*self.domain.specialists, *core_roles(self.domain))}
        return known[name]

    def agent(self, name: str) -> Any:
        """The graph of a specialist, built once."""
        if name not in self._agents:
            self._agents[name] = self.build(name, self.saver)
        return self._agents[name]

    def build(self, name: str, saver: Any) -> Any:
        own = self.specialist(name)
        return build_agent(
            own.name,
            self.model_for(own.name),
            [self.registry[tool] for tool in own.tools if tool in self.registry],
            self.prompts[own.name],
            own.response,
            self.gateway,
            self.approvals,
            model_calls=self.settings.model_calls,
            tool_calls=self.settings.tool_calls,
            checkpointer=saver,
            spending=self.spending(),
        )

    def model_name(self, role: str) -> str:
        """What the model of a role is called."""
        model = self.model_for(role)
        return str(getattr(model, "model_name", "") or model._llm_type)

    async def ready(self) -> list[Ready]:
        """The paused executions that can go on."""
        return await ready(self.db, self.approvals, self.clock)

    def spending(self) -> Spending | None:
        """The meter of every role's model calls; none where nothing has a limit."""
        if not self.budgets.limits:
            return None
        refuse = self.unpriced if self.budgets.limits.without_price == "stop" else ""
        return Spending(self.budgets, price_of(self.settings), self.settings.model_output, refuse)

    @property
    def unpriced(self) -> str:
        """That a limit of money cannot be held for want of a price; empty where it can."""
        return unpriced(self.settings, self.budgets.limits)

    async def finish(self, execution_id: str, status: str, outcome: ExecutionOutcome | None = None) -> None:
        """Record that an execution came to its end, and how, and forget what only its going on needed."""
        await self.budgets.tidy(execution_id)  # first: after a crash in between, the end comes again
        await self.executions.leave(execution_id, status, outcome)

    def left(self, context: StepContext) -> Left | None:
        """How to ask what a step's budgets leave; None where nothing has a limit."""

        async def left() -> list[dict[str, Any]]:
            return left_of(await self.budgets.accounts(spender(context)), priced=not self.unpriced)

        return left if self.budgets.limits else None

    def granted(self, specialist: str, step: Step) -> tuple[str, ...]:
        """The plan's grant to whoever carries a step out: its tools, or those of a fallback's own that make the same products."""
        if specialist == step.specialist:
            return step.tools
        own = self.specialist(specialist).tools
        return tuple(name for name in own if name in self.registry and self.registry[name].produces in step.produces)

    def streams(self, name: str) -> bool:
        """Does a role's model give its answer piece by piece? Every role is bound to tools, so "tool_calling" is a no."""
        model = self.model_for(name)
        able = type(model)._astream is not BaseChatModel._astream or type(model)._stream is not BaseChatModel._stream
        return able and model.disable_streaming is False

    def config(self, thread_id: str) -> RunnableConfig:
        """The config of a step thread."""
        return {"configurable": {"thread_id": thread_id}, "recursion_limit": RECURSION_LIMIT}

    @staticmethod
    def date_of(text: str) -> date:
        return date.fromisoformat(text)


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    model: BaseChatModel | Callable[[str], BaseChatModel] | None = None,
    domain: Domain | None = None,
    clock: Clock = now,
    guard: Guard = nobody_else,
    database: Database | None = None,
    roles_of: RolesOf | None = None,
) -> AsyncIterator[Services]:
    """Compose everything; closes it in reverse order. `model` replaces the configured model (tests, benchmark), `clock` the time by
    which approvals are due; `guard` is asked before a checkpoint is written (the service's checks a lease), `database` is the
    application's where it is open already, `roles_of` the directory of who holds which roles where people sign in (else local
    mode's)."""

    own = domain if domain is not None else await asyncio.to_thread(load_domain, settings.domain)
    db = await asyncio.to_thread(_open_database, settings, database)
    resources = await asyncio.to_thread(own.open, settings)
    prompts = await asyncio.to_thread(
        lambda: {one.name: one.prompt.read_text(encoding="utf-8") for one in (*own.specialists, *core_roles(own))}
    )
    try:
        registry = registry_of(own)
        adopt: Callable[[Bundle], None] = lambda bundle: db.run_sync(lambda c: policy_texts.keep(c, bundle))  # noqa: E731
        engine = await asyncio.to_thread(
            partial(LivePolicy, heads=settings.escalate_to), registry.manifests(), own.policies, adopt
        )
        decisions = Decisions(db, signer=await asyncio.to_thread(signer_for, settings, db))
        budgets = Budgets(
            db,
            decisions,
            await asyncio.to_thread(Limits.load, settings.budgets),
            settings.budget_owners,
            keep=timedelta(seconds=2 * settings.model_timeout + 60),
        )
        effects = Effects(db, budgets=budgets)
        checked = checker(registry)
        approvals = Approvals(
            db,
            clock,
            decisions=decisions,
            decide=lambda facts: asks.judge(facts) if facts.tool == asking.TOOL else engine.decide(facts),
            check_args=lambda tool, args: asking.check(args) if tool == asking.TOOL else checked(tool, args),
            remind_after=settings.remind_after,
            escalate_after=settings.escalate_after,
            roles_of=roles_of or local_directory(settings),
        )
        asks = Asking(
            db,
            budgets,
            approvals,
            decisions,
            settings.budget_owners,
            clock,
            wait=timedelta(hours=settings.approval_hours),
            further=settings.escalate_to,
        )
        suspensions = Suspensions(db, decisions, settings.operators)
        hours = settings.approval_hours
        more: dict[str, Any] = dict(approval_hours=hours, budgets=budgets, suspensions=suspensions)
        gateway = Gateway(registry, engine, approvals, effects, decisions, db, clock, **more)
        model = model or await asyncio.to_thread(
            chat_model, settings
        )  # it reads what is known of the model, and imports a client
        one = model if isinstance(model, BaseChatModel) else None
        model_for = (lambda role: one) if one is not None else model
        async with open_saver_of(db, settings.home, guard) as opened:
            try:
                yield Services(
                    settings=settings,
                    db=db,
                    clock=clock,
                    domain=own,
                    resources=resources,
                    registry=registry,
                    engine=engine,
                    approvals=approvals,
                    effects=effects,
                    decisions=decisions,
                    gateway=gateway,
                    budgets=budgets,
                    asking=asks,
                    switch=KillSwitch(db, decisions, settings.operators, settings.platform_operators),
                    loads=Loads(decisions, settings.data_stewards, settings.org),
                    executions=Executions(db, decisions),
                    answers=Answers(db),
                    feedback=Feedback(db, decisions),
                    plan_edits=PlanEdits(db),
                    suspensions=suspensions,
                    role_usage=RoleUsage(db),
                    waits=Waits(db, decisions, clock),
                    workflows=Workflows(db),
                    saver=opened,
                    model_for=model_for,  # type: ignore[arg-type]  # a callable where it is no model
                    prompts=prompts,
                )
            finally:  # what a tool's thread still records comes before the head is signed
                await asyncio.to_thread(gateway.close)
    finally:
        await asyncio.to_thread(resources.close)
        await asyncio.to_thread(_close, settings, db, database is None)


def _close(settings: Settings, db: Database, own: bool) -> None:
    """Sign where the ledger ends, on the way out, and keep that beside the database."""
    try:
        keep_head(settings, db)
    finally:
        if own:
            db.close()


def _open_database(settings: Settings, database: Database | None) -> Database:
    db = database or Database(settings.app_url())
    db.create(governance_tables.metadata)
    db.create(graph_tables.metadata)
    return db
