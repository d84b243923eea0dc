"""A specialist added as a file changes the plans that need it, and no other file."""

import sys
from pathlib import Path

import pytest

import graphs.specialists.supply_chain.added as folder
from app.runner import open_runner
from graphs.services import load_domain
from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FILE = '''
"""Handling: a specialist that weighs how much handling the freight takes."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from governance.manifest import ToolManifest
from graphs.specialists.base import Added, Product, Specialist
from tools.registry import ToolContext, tool
from tools.results import Figure, Highlight, ToolResult, product_ref

TIMES = {"Air": 4, "Air Charter": 4, "Ocean": 6, "Truck": 2}


class HandlingArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode_comparison_ref: str = product_ref("mode_comparison")


class Handling(ToolResult):
    product = "handling"


@tool(ToolManifest(effect="read", output="trusted"))
def handling_effort(args: HandlingArgs, ctx: ToolContext) -> Handling:
    """Estimate how often goods are handled."""
    modes = ctx.inputs[args.mode_comparison_ref]
    times = sum(TIMES.get(row["mode"], 0) * row["lines"] for row in modes["rows"])
    figures = {"times": Figure(value=times, unit="count", label="times that goods are handled")}
    told = Highlight(text="Goods are handled this often: {times}.", slots={"times": "figures.times"})
    return Handling(title="Handling effort", scope=modes["scope"], as_of=modes["as_of"], figures=figures, highlights=[told])


def added() -> Added:
    handler = Specialist("handler", "Handler", "Weighs handling.", ("handling_effort",), Path(__file__).with_suffix(".md"))
    words = ("handling effort", "handling", "handlings")
    return Added(handler, (handling_effort,), (Product("handling", "Handling effort", words),))
'''


@pytest.fixture
def one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / "handler.py").write_text(FILE)
    (tmp_path / "added" / "handler.md").write_text("Use handling_effort once, then hand in what it found.")
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path / "added")])
    monkeypatch.delitem(sys.modules, f"{folder.__name__}.handler", raising=False)


async def test_a_file_adds_a_specialist_that_is_planned_where_its_product_is_wanted(one_more: None, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    records = open_records(settings)
    make_demo(records.writing)
    records.close()
    async with open_runner(settings) as runner:
        done = await runner.run("What is the handling effort of our freight?")
    assert done.status == "success" and done.plan and done.answer
    steps = {step["id"]: step for step in done.plan["steps"]}
    handler = next(step for step in steps.values() if step["specialist"] == "handler")
    source, _, product = handler["inputs"]["mode_comparison"].partition(".")
    assert product in steps[source]["produces"] and steps[source]["specialist"] == "shipments", (
        "what it consumes is planned too"
    )
    assert any(c.tool == "handling_effort" for c in done.answer.citations)


def test_without_the_file_there_is_no_such_specialist() -> None:
    assert "handler" not in {one.name for one in load_domain("supply_chain").specialists}
