"""A little domain, made in code, and the script of its model: whatever a test of the graphs needs to happen can be made to.

`Yard` is the test's hand on both. Its tools write down each call in a file, so that what was called survives the process.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict

from app.runner import Runner, open_runner
from governance.clock import now
from governance.manifest import ToolManifest
from graphs.specialists.base import Domain, Product, Reading, Specialist
from models.scripted import ScriptedModel
from settings import Settings
from tools.registry import Tool, ToolContext
from tools.results import Column, Figure, Records, Row, ToolResult, product_ref

Brief = dict[str, Any]
Say = Callable[[Brief, list[BaseMessage]], AIMessage]
READ = ToolManifest(effect="read", output="trusted", retries=0)
WRITE = ToolManifest(effect="write", approvers=("risk-manager",))
PRODUCTS = ("a", "b", "c", "d", "parts", "each", "note", "wire")


class Look(BaseModel):
    """Any of the products may be handed in, none must."""

    model_config = ConfigDict(extra="forbid")
    times: int = 1
    a: str | None = product_ref("a", default=None)
    b: str | None = product_ref("b", default=None)
    c: str | None = product_ref("c", default=None)


class EachArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoteArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = "hello"


class Part(Row):
    name: str


class Made(ToolResult):
    pass


@dataclass
class Yard:
    """What the tools do and the model says.

    `steps` is the plan; `revise` drafts a revision from the planner's brief. `says` puts words into a role's mouth. `trouble`
    maps a tool to what its next calls raise; a call of a tool (or "tool step") in `held` waits for the event; `frees` sets one.
    `manifests` says otherwise of a reading tool than `READ`. `late` is how far the clock of approvals is ahead. With the
    policies of "core" alone an effect needs no approval.
    """

    home: Path
    steps: Sequence[dict[str, Any]] = ()
    revise: Callable[[Brief], dict[str, Any]] | None = None
    says: dict[str, Say] = field(default_factory=dict)
    trouble: dict[str, list[BaseException]] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    frees: dict[str, asyncio.Event] = field(default_factory=dict)
    reading: Callable[[str], Reading] = lambda goal: Reading()
    rows: int = 3
    manifests: dict[str, ToolManifest] = field(default_factory=dict)
    entered: dict[str, asyncio.Event] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    late: timedelta = timedelta()
    policies: tuple[str, ...] = ("core", "changes")

    def __post_init__(self) -> None:
        self.home.mkdir(exist_ok=True)
        self.model = ScriptedModel(script=self.script)

    def calls(self, tool: str = "") -> list[str]:
        """Each call of a tool, as "tool step" (or of one tool the steps), over all processes."""
        path = self.home / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{tool} ")] if tool else lines

    def notes(self) -> list[str]:
        """What was written, in order: the world that effects change."""
        path = self.home / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def entering(self, tool: str) -> asyncio.Event:
        """An event that is set when the tool is next called."""
        return self.entered.setdefault(tool, asyncio.Event())

    def hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.heard.set()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait for an event after which `seen` holds."""
        while not seen():
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 60)

    def statuses(self, step: str) -> list[str]:
        return [e["status"] for e in self.events if e["event"] == "step" and e["step"] == step]

    def plans(self) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == "plan"]

    # -- the tools --------------------------------------------------------------------------------

    async def _run(self, name: str, ctx: ToolContext) -> None:
        with (self.home / "calls").open("a") as file:
            file.write(f"{name} {ctx.step_id}\n")
        names = (name, f"{name} {ctx.step_id}")
        for one in names:
            self.entering(one).set()
        if self.trouble.get(name):
            raise self.trouble[name].pop(0)
        for one in names:
            if one in self.held:
                await self.held[one].wait()

    def tools(self) -> tuple[Tool, ...]:
        def looking(name: str, product: str, args: type[BaseModel] = Look) -> Tool:
            async def look(given: Any, ctx: ToolContext) -> Made:
                await self._run(name, ctx)
                rows = [
                    Part(name=f"part {n}", records=Records.of("parts", [n]))
                    for n in range(self.rows if product == "parts" else 0)
                ]
                size = 1 + sum(int(one["figures"]["size"]["value"]) for one in ctx.inputs.values() if one["figures"])
                figures = {"size": Figure(value=size, unit="count", label="size")}
                columns = [Column(field="name", label="Name")] if rows else []
                return Made(title=f"The {product}", scope="all", as_of="2026", rows=rows, columns=columns, figures=figures)

            return Tool(name, f"Make {product}.", args, Made, self.manifests.get(name, READ), product, look)

        def writing(name: str, product: str, manifest: ToolManifest) -> Tool:
            async def write(given: NoteArgs, ctx: ToolContext) -> Made:
                await self._run(name, ctx)
                with (self.home / "notes").open("a") as file:
                    file.write(f"{given.text}\n")
                if name in self.frees:
                    self.frees[name].set()
                return Made(title=f"Wrote {name}", scope="all", as_of="2026")

            return Tool(name, "Write it down for good.", NoteArgs, Made, manifest, product, write)

        looks = tuple(looking(f"look_{p}", p) for p in ("a", "b", "c", "d", "parts"))
        spare, each = looking("spare_a", "a"), looking("look_each", "each", EachArgs)
        return (*looks, spare, each, writing("write_note", "note", WRITE), writing("send_wire", "wire", WRITE))

    def domain(self) -> Domain:
        prompt = self.home / "prompt.md"
        prompt.write_text("Do the step.")

        def made(name: str, *tools: str, **more: Any) -> Specialist:
            return Specialist(name, name.title(), f"{name} does its job.", tools, prompt, **more)

        return Domain(
            name="little",
            title="Little",
            products=tuple(Product(p, f"Product {p}") for p in PRODUCTS),
            specialists=(
                made("ann", "look_a"),
                made("sam", "spare_a"),
                made("ben", "look_b"),
                made("cat", "look_c", fallbacks=("carl",)),
                made("carl", "look_c"),
                made("dan", "look_d"),
                made("lister", "look_parts"),
                made("each", "look_each", for_each="parts"),
                made("clerk", "write_note", "look_d", "send_wire"),
            ),
            playbooks=(),
            tools=self.tools(),
            settings=("place", "times"),
            policies=self.policies,
            open=lambda settings: Handles(),
            read=lambda goal, resources: self.reading(goal),
        )

    # -- the model --------------------------------------------------------------------------------

    def script(self, messages: list[BaseMessage]) -> AIMessage:
        brief = brief_of(messages)
        role = brief.get("specialist", brief["role"])
        if role in self.says:
            return self.says[role](brief, messages)
        return getattr(self, f"_{brief['role']}")(brief, messages)

    def _intake(self, brief: Brief, messages: list[BaseMessage]) -> AIMessage:
        wanted = [p for p in PRODUCTS if p in brief["goal"].split()]
        base = dict(exclude=[], settings=[], question=None, choices=[], reason=None)
        if not wanted:
            return say("Intake", **{**base, "kind": "decline", "products": [], "reason": "It names no product."})
        return say("Intake", **base, kind="goal", products=wanted)

    def _planner(self, brief: Brief, messages: list[BaseMessage]) -> AIMessage:
        if brief["plan"]:
            nothing = {"reason": "nothing can be done", "steps": [], "drop": [], "assumptions": []}
            return say("PlanDraft", **(self.revise(brief) if self.revise else nothing))
        wanted = list(self.steps) or [draft(f"s{n}", MAKERS[p], p) for n, p in enumerate(brief["products"], 1)]
        return say("PlanDraft", reason="as asked", steps=wanted, drop=[], assumptions=[])

    def _specialist(self, brief: Brief, messages: list[BaseMessage]) -> AIMessage:
        return act_then_report(brief, messages)

    def _verifier(self, brief: Brief, messages: list[BaseMessage]) -> AIMessage:
        return say("Verdict", issues=[])

    def _reporter(self, brief: Brief, messages: list[BaseMessage]) -> AIMessage:
        sections = [{"heading": r["title"], "claims": r["claims"], "tables": [], "charts": []} for r in brief["results"]]
        return say("Report", title="The little answer", sections=sections, caveats=[])


MAKERS = {"a": "ann", "b": "ben", "c": "cat", "d": "dan", "parts": "lister", "each": "each", "note": "clerk", "wire": "clerk"}


class Handles:
    """The handles of a domain that has no records of its own."""

    reading = None
    writing = None

    def close(self) -> None:
        """There is nothing to close."""


def draft(
    id: str, specialist: str, *produces: str, after: dict[str, str] | None = None, each: str | None = None, **inputs: str
) -> dict[str, Any]:
    """A planner's step; `inputs` maps product to reference, `after` a step to success, done or any."""
    return dict(
        id=id,
        title=f"Step {id}",
        specialist=specialist,
        produces=list(produces),
        inputs=[{"name": name, "ref": ref} for name, ref in inputs.items()],
        depends_on=[{"step": step, "on": on} for step, on in (after or {}).items()],
        for_each=each,
        settings=[],
        why="it can",
        alternatives=[],
    )


def brief_of(messages: Sequence[BaseMessage]) -> Brief:
    text = next(m.text for m in messages if m.type == "human")
    found: Brief = json.loads(text.partition("```json\n")[2].partition("\n```")[0])
    return found


def say(form: str, /, **fields: Any) -> AIMessage:
    """An answer in the role's form."""
    return AIMessage("", tool_calls=[{"name": form, "args": fields, "id": f"say_{form}"}])


def call(*calls: tuple[str, dict[str, Any]], turn: int = 0) -> AIMessage:
    return AIMessage(
        "", tool_calls=[{"name": name, "args": args, "id": f"c{turn}_{n}"} for n, (name, args) in enumerate(calls)]
    )


def turns(messages: Sequence[BaseMessage]) -> int:
    """How often the model has spoken in this thread."""
    return sum(isinstance(m, AIMessage) for m in messages)


def act_then_report(brief: Brief, messages: Sequence[BaseMessage]) -> AIMessage:
    """What a specialist says unless a test says otherwise: every granted tool once, then the finding."""
    if turns(messages):
        return finding(brief, messages)
    taken = {one["product"]: one["ref"] for one in brief["inputs"] if one["product"] in Look.model_fields}
    return call(*((tool["name"], taken if tool["name"].startswith("look") else {}) for tool in brief["tools"]))


def finding(brief: Brief, messages: Sequence[BaseMessage]) -> AIMessage:
    """A finding of what the calls really made."""
    good = [m for m in messages if isinstance(m, ToolMessage) and (m.artifact or {}).get("kind") == "ok"]
    made = {m.artifact["product"]: m.tool_call_id for m in good}
    lacking = [p for p in brief["step"]["produces"] if p not in made]
    sized = [m.artifact["product"] for m in good if m.artifact["result"]["figures"]]
    claims = [
        {"text": "The size is {size}.", "slots": [{"name": "size", "ref": f"{p}.figures.size"}], "kind": "figure"}
        for p in sized
    ]
    return say(
        "Finding",
        status="partial" if lacking else "complete",
        headline="It is done.",
        products=[{"product": product, "call_id": id} for product, id in made.items()],
        claims=claims,
        caveats=[],
        gaps=[f"no {p}" for p in lacking],
    )


@asynccontextmanager
async def at_work(yard: Yard, **settings: Any) -> AsyncIterator[Runner]:
    """A runner over the yard's own home; opened again, it is the next process over the same state."""
    given = Settings(home=yard.home, **{"step_timeout": 240.0, **settings})
    async with open_runner(given, model=yard.model, domain=yard.domain(), clock=lambda: now() + yard.late) as runner:
        runner.services.today = lambda: date(2026, 1, 2)
        yield runner
