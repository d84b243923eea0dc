"""The whole flagship through the client of a live model and a real socket: it tells what the run in one process tells."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from app.runner import open_runner
from app.supply_chain.trial import fill
from models.capabilities import Capabilities, save
from models.consent import host
from models.lacking import Lack, LackingModel, lacking_app
from models.offline import OfflineModel
from models.server import offline_app
from models.serving import served
from settings import Settings
from tests.app.flagship import Told, flagship


@pytest.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return await flagship(Settings(home=tmp_path_factory.mktemp("here")))


def same(one: Told, other: Told) -> None:
    for name in (field.name for field in dataclasses.fields(Told)):
        assert getattr(one, name) == getattr(other, name), name


async def test_over_http_it_tells_the_same(here: Told, tmp_path: Path) -> None:
    with served(offline_app(OfflineModel())) as url:
        settings = Settings(home=tmp_path, model="served", model_base_url=url, model_api_key="k")
        there = await flagship(settings)
    assert len(here.cases) == 3 and here.calls > 15 and len(here.citations) > 10
    same(here, there)


RESPONSES = ("Intake", "PlanDraft", "Finding", "Verdict", "Report")


@pytest.mark.parametrize(
    ("lacks", "knows"),
    [
        (("strict_tools", "parallel_switch", "stream_usage"), {}),  # never probed: nothing special is asked for
        (("forced_tools", "strict_tools", "parallel_switch"), {"forced_tools": False}),
        (("parallel_tools",), {"parallel_tools": False, "parallel_switch": True}),
    ],
    ids=["plain", "unforced", "one call at a time"],
)
async def test_an_endpoint_that_lacks_something_is_asked_for_less(
    here: Told, tmp_path: Path, lacks: tuple[Lack, ...], knows: dict[str, bool]
) -> None:
    app = lacking_app(lacks, OfflineModel())
    with served(app) as url:
        settings = Settings(home=tmp_path, model="served", model_base_url=url, model_api_key="k")
        save(tmp_path, Capabilities(model="served", host=host(settings), **knows))
        there = await flagship(settings)
    assert app.state.seen["requests"] > 20
    assert app.state.seen["strict_tools"] == 0
    assert (app.state.seen["parallel_switch"] > 0) == bool(knows.get("parallel_switch"))
    assert there.plan == here.plan and there.cases == here.cases
    if "parallel_tools" not in lacks:  # else the reporter has one chart where it had several, and call ids differ
        same(here, there)


@pytest.mark.parametrize("strict", [True, False])
async def test_strict_schemas_save_the_repair_and_plain_tools_need_one(here: Told, tmp_path: Path, strict: bool) -> None:
    """The model leaves a field out unless it is held to the schema. It is shown the error once, and the run tells the same."""
    app = lacking_app(["schemas"], OfflineModel(), RESPONSES)
    with served(app) as url:
        settings = Settings(home=tmp_path, model="served", model_base_url=url, model_api_key="k")
        save(tmp_path, Capabilities(model="served", host=host(settings), strict_tools=strict))
        there = await flagship(settings)
    assert there.plan == here.plan and there.cases == here.cases
    assert there.sentences == here.sentences
    answers = 1 + 1 + 10 + 1 + 1  # intake, planner, ten steps, verifier, reporter
    assert app.state.seen["requests"] == 26 + (0 if strict else answers)


async def test_a_model_that_never_fits_the_schema_ends_with_a_plain_cause(tmp_path: Path) -> None:
    class Stubborn(LackingModel):
        def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            first = [m for m in messages if not isinstance(m, ToolMessage) and not getattr(m, "tool_calls", None)]
            return super()._generate(first, *args, **kwargs)

    model = Stubborn(inner=OfflineModel(), lacks=frozenset(["schemas"]), responses=frozenset(RESPONSES))
    with served(offline_app(model)) as url:
        settings = Settings(home=tmp_path, model="served", model_base_url=url, model_api_key="k")
        fill(settings)
        async with open_runner(settings) as runner:
            outcome = await runner.run("Where are we single-sourced?")
    assert outcome.status == "declined" and "could not be read" in outcome.message
