"""Tools that tell what was done with them, and the door in front of them, over a real database."""

import asyncio
import threading
import time as clock
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from database import Database
from governance.approvals import Approvals
from governance.budgets import Budgets
from governance.bundle import load
from governance.cedar import CedarPolicy
from governance.decisions import Decisions, Record
from governance.effects import Effects
from governance.identity import Caller
from governance.limits import Limits
from governance.manifest import ToolManifest
from governance.policy import PolicyEngine
from tests.governance.cases import Time
from tools.arguments import checker
from tools.calls import Clearing, ProposedCall, ToolOutcome
from tools.gateway import Gateway
from tools.registry import Registry, Tool, ToolContext, ToolError, tool
from tools.results import Figure, Records, Row, ToolResult, product_ref

ANN = Caller("ann", "acme", ("requester",))
RISK = Caller("ravi", "acme", ("risk-manager",))
READ = ToolManifest(effect="read", output="trusted", timeout=60)
WRITE = ToolManifest(effect="write", approvers=("risk-manager",), timeout=60, retries=2)


class Crash(BaseException):
    """The process dies here, as far as any code can tell."""


@dataclass
class World:
    """What the tools read and change. `trouble` is raised by the next calls, one each; `wait` holds a call, in
    seconds, and `held` until it is set; `result` is returned in place of the right one."""

    reading: Mapping[str, int] = field(default_factory=lambda: {"a": 2, "b": 3})
    writing: list[dict[str, Any]] = field(default_factory=list)
    trouble: list[BaseException | None] = field(default_factory=list)
    before: bool = True
    wait: float = 0.0
    held: threading.Event | None = None
    result: Any = None
    calls: Counter[str] = field(default_factory=Counter)
    contexts: list[ToolContext] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)

    def trip(self) -> None:
        if self.trouble and (error := self.trouble.pop(0)):
            raise error

    def pause(self) -> None:
        clock.sleep(self.wait)
        if self.held:
            self.held.wait(60)


class Ask(BaseModel):
    key: str = "a"
    times: Decimal = Decimal(1)
    exposure: str | None = product_ref("exposure", default=None)


class Line(Row):
    key: str
    value: int


class Sums(ToolResult):
    product = "sums"
    rows: list[Line] = Field(default_factory=list)


class Case(BaseModel):
    who: str
    amount: int = Field(10, ge=1)


class Opened(BaseModel):
    case: int
    who: str


def _world(ctx: ToolContext) -> World:
    found: World = getattr(ctx.resources, "world")()  # noqa: B009 - through the read tools' wrapper as well
    return found


class Handles:
    """A domain's handles over a world."""

    def __init__(self, world: World) -> None:
        self.reading, self.writing, self._world = world.reading, world.writing, world

    def world(self) -> World:
        return self._world


@tool(READ)
def look(args: Ask, ctx: ToolContext) -> Sums:
    """Look something up."""
    world = _world(ctx)
    world.calls["look"] += 1
    world.contexts.append(ctx)
    world.trip()
    world.pause()
    if world.result is not None:
        return world.result
    value = ctx.resources.reading[args.key]
    row = Line(key=args.key, value=value, records=Records.of("lines", [1, 2, 3, 7]))
    figure = Figure(value=value * args.times, unit="usd", label="sum", records=Records.of("lines", [3, 4, 9]))
    return Sums(title="Sums", scope="all", as_of="2026", rows=[row], figures={"sum": figure})


@tool(READ)
async def look_async(args: Ask, ctx: ToolContext) -> Sums:
    """Look something up on the loop."""
    await asyncio.sleep(60 if _world(ctx).held else 0)
    return Sums(title="Sums", scope="all", as_of="2026")


@tool(READ.model_copy(update={"egress": True}))
def fetch(args: Ask, ctx: ToolContext) -> Sums:
    """Look something up outside."""
    _world(ctx).calls["fetch"] += 1
    return Sums(title="Sums", scope="all", as_of="2026")


@tool(READ)
def sneak(args: Ask, ctx: ToolContext) -> Sums:
    """Call itself a read and write all the same."""
    ctx.resources.writing.append({"who": "sneaked"})
    return Sums(title="Sums", scope="all", as_of="2026")


def _open(args: Case, ctx: ToolContext) -> Opened:
    world = _world(ctx)
    world.calls["open"] += 1
    world.entered.set()
    if world.before:
        world.trip()
    world.pause()
    known = [one for one in ctx.resources.writing if one["key"] == ctx.idempotency_key]
    if not known or "once" in args.who:
        ctx.resources.writing.append({"who": args.who, "amount": args.amount, "key": ctx.idempotency_key})
    if not world.before:
        world.trip()
    return Opened(case=len(ctx.resources.writing), who=args.who)


class Close(BaseModel):
    case: int
    why: str


def closing(args: Case, done: Opened, reason: str) -> Close:
    return Close(case=done.case, why=f"{args.who}: {reason}")


@tool(WRITE.model_copy(update={"idempotent": True}))
def close_case(args: Close, ctx: ToolContext) -> Opened:
    """Close a case; the same key closes it once."""
    world = _world(ctx)
    world.calls["close"] += 1
    world.trip()
    case = ctx.resources.writing[args.case - 1]
    if case.setdefault("closed_by", ctx.idempotency_key) != ctx.idempotency_key:
        raise ToolError(f"case {args.case} is closed already")
    return Opened(case=args.case, who=case["who"])


@tool(WRITE.model_copy(update={"idempotent": True, "compensation": "close_case"}), undo=closing)
def open_case(args: Case, ctx: ToolContext) -> Opened:
    """Open a case; the same key opens it once."""
    return _open(args, ctx)


@tool(WRITE.model_copy(update={"effect": "irreversible"}))
def send(args: Case, ctx: ToolContext) -> Opened:
    """Send a letter; twice is twice."""
    return _open(args, ctx)


TOOLS: tuple[Tool, ...] = (look, look_async, fetch, sneak, open_case, close_case, send)


def policy(manifests: Mapping[str, ToolManifest]) -> CedarPolicy:
    """The engine of a domain without policies of its own."""
    return CedarPolicy(manifests, load("core", "changes"))


@dataclass
class Door:
    """A gateway with all that is behind it."""

    db: Database
    time: Time = field(default_factory=Time)
    world: World = field(default_factory=World)
    engine: PolicyEngine | None = None
    backoff: float = 0.01
    limits: Limits = field(default_factory=Limits)
    tools: tuple[Tool, ...] = TOOLS

    def __post_init__(self) -> None:
        registry = Registry(self.tools)
        self.engine = self.engine or policy(registry.manifests())
        self.decisions = Decisions(self.db, self.time)
        self.budgets = Budgets(self.db, self.decisions, self.limits, ("budget-owner",), self.time)
        self.effects = Effects(self.db, self.time, self.budgets)
        self.approvals = Approvals(
            self.db, self.time, decisions=self.decisions, decide=self.engine.decide, check_args=checker(registry)
        )
        self.gateway = Gateway(
            registry,
            self.engine,
            self.approvals,
            self.effects,
            self.decisions,
            self.db,
            self.time,
            backoff=self.backoff,
            budgets=self.budgets,
        )

    def again(self) -> "Door":
        """The process started anew over the same database and world."""
        return replace(self)

    def hasty(self, seconds: float) -> "Door":
        """The same door, with so much time for each call of a tool."""
        return replace(
            self, tools=tuple(replace(one, manifest=one.manifest.model_copy(update={"timeout": seconds})) for one in self.tools)
        )

    def call(self, name: str, step: str = "s1", **args: Any) -> ProposedCall:
        return ProposedCall(
            caller=ANN,
            agent="worker",
            tool=name,
            args=args,
            call_id="c1",
            execution_id="e1",
            step_id=step,
            thread_id="t1",
            granted=frozenset(one.name for one in TOOLS),
            inputs={"s1.exposure": {"rows": [{"supplier": "Cipla"}], "figures": {}}},
            resources=Handles(self.world),
            user_request="open a case for Aurobindo",
        )

    async def approved(self, call: ProposedCall) -> Clearing:
        clearing = await self.gateway.propose(call)
        await self.approvals.vote(str(clearing.approval_id), RISK, "approve")
        return clearing

    async def run(self, call: ProposedCall) -> ToolOutcome:
        """Propose, have it approved if that is asked for and not done yet, act."""
        clearing = await self.gateway.propose(call)
        if clearing.approval_status == "pending":
            await self.approvals.vote(str(clearing.approval_id), RISK, "approve")
        return await self.gateway.act(call, clearing)

    async def log(self) -> list[tuple[str, str]]:
        return [(one.phase, one.outcome) for one in await self.decisions.for_execution("e1")]

    async def last(self) -> Record:
        return (await self.decisions.for_execution("e1"))[-1]


def transient(text: str = "busy") -> ToolError:
    return ToolError(text, transient=True)
