"""The smallest domain that the real engine can run: one worker, one tool, one product. Made in code, for the benchmark."""

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from governance.manifest import ToolManifest
from graphs.specialists.base import Domain, Product, Reading, Specialist
from settings import Settings
from tools.registry import ToolContext, tool
from tools.results import Figure, ToolResult

PROMPT = Path(__file__).parent / "prompts" / "worker.md"
MODULUS = 1_000_003


class WorkArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(ToolResult):
    product = "part"


def part(handed: list[int]) -> Part:
    """One more than all that was handed in: a wrong order or a lost input gives another number."""
    value = (1 + sum(handed)) % MODULUS
    figures = {"size": Figure(value=value, unit="count", label="size")}
    return Part(title="Part", scope="this run", as_of=date.min.isoformat(), figures=figures)


@tool(ToolManifest(effect="read", output="trusted"))
def work(args: WorkArgs, ctx: ToolContext) -> Part:
    """Make this step's part from the parts it was handed."""
    return part([size_of(one) for one in ctx.inputs.values()])


def size_of(dumped: Any) -> int:
    """The number in a dumped part."""
    return int(dumped["figures"]["size"]["value"])


class Nothing:
    """The handles of a domain that has no records."""

    reading = None
    writing = None

    def close(self) -> None:
        """There is nothing to close."""


def bench_domain() -> Domain:
    return Domain(
        name="bench",
        title="Benchmark",
        products=(Product("part", "Part"),),
        specialists=(Specialist("worker", "Worker", "Makes parts.", ("work",), PROMPT),),
        playbooks=(),
        tools=(work,),
        settings=(),
        open=_open,
        read=_read,
    )


def _open(settings: Settings) -> Nothing:
    return Nothing()


def _read(goal: str, resources: Any) -> Reading:
    return Reading()
