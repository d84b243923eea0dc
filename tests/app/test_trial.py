"""A model on trial: over a real socket, within its limit, written down, and replayed without any socket."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.runner import open_runner
from app.supply_chain.trial import TRIAL, fill
from app.trial import Goal, NoTrial, Result, Trial, load_trial, try_model
from graphs.markdown import to_markdown
from models.budget import Budget, CostLimit
from models.capabilities import Capabilities, CapabilitiesUnreadable, load
from models.factory import chat_model, live_model
from models.lacking import Lack, lacking_app
from models.live import LiveModel
from models.metered import Meter
from models.offline import OfflineModel
from models.price import Price
from models.probe import EndpointFailed, LookUp, NoTools, Probe
from models.recording import Head, Recording
from models.replay import ReplayModel
from models.server import ApiError, offline_app
from models.serving import served
from settings import Settings
from tests.app.command import clearance

SHORT = Trial(TRIAL.goals[1:4], fill, TRIAL.tokens)


def settings_for(home: Path, url: str, **more: Any) -> Settings:
    return Settings(home=home, model="served", model_base_url=url, model_api_key="k-secret", **{"model_price": "1/2", **more})


@pytest.fixture(scope="module")
async def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A whole trial of the served offline model. The server is gone afterwards."""
    home = tmp_path_factory.mktemp("trial")
    with served(offline_app(OfflineModel())) as url:
        return await try_model(settings_for(home, url), "example.org", 5.0, TRIAL), home


def test_every_goal_passes_and_is_counted(tried: tuple[Result, Path]) -> None:
    result, _ = tried
    assert [row.why for row in result.rows] == [""] * 12 and result.passed
    asked = [row for row in result.rows if row.calls]
    assert len(asked) == 11, "the poem is declined by code alone"
    assert all(row.sent > row.given > 0 and row.seconds >= row.call_seconds > 0 for row in asked)
    assert 0 < sum(row.cost for row in result.rows) < result.spent < result.limit
    assert {one.name for one in result.tried if not one.ok} == {"parallel tool calls", "context length"}


def test_what_it_found_is_what_the_factory_asks_for(tried: tuple[Result, Path]) -> None:
    _, home = tried
    known = load(home, "served", "example.org")
    assert known.strict_tools and known.forced_tools and known.stream_usage and not known.parallel_tools
    model = chat_model(Settings(home=home, model="served", model_base_url="https://example.org/v1", model_api_key="k"))
    assert isinstance(model, LiveModel) and model.capabilities == known
    bound = model.bind_tools([LookUp], tool_choice="any")
    assert bound.kwargs["parallel_tool_calls"] is False and bound.kwargs["tool_choice"] == "required"  # type: ignore[attr-defined]  # a binding
    other = chat_model(Settings(home=home, model="served", model_base_url="https://example.com/v1", model_api_key="k"))
    assert isinstance(other, LiveModel) and not other.capabilities.probed_at, "another host was not probed"


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m_h.json").write_text("{")
    with pytest.raises(CapabilitiesUnreadable, match="delete it"):
        load(tmp_path, "m", "h")


async def answers(home: Path, made_on: str, model: Any) -> list[str]:
    """What each goal of the trial is answered, on the day of the recording."""
    settings, told = Settings(home=home), []
    fill(settings)
    async with open_runner(settings, model=model) as runner:
        runner.services.today = lambda: date.fromisoformat(made_on)
        for goal in TRIAL.goals:
            outcome = await runner.run(goal.text)
            text = to_markdown(outcome.answer.model_copy(update={"model": "", "offline": False})) if outcome.answer else ""
            told.append(f"{outcome.status}\n{outcome.message}\n{text}")
    return told


async def test_the_recording_answers_every_goal_again_without_a_socket(tried: tuple[Result, Path], tmp_path: Path) -> None:
    recording = Recording.read(tried[0].recording)
    assert "k-secret" not in tried[0].recording.read_text()
    assert len(recording.exchanges) > 100
    replayed = await answers(tmp_path / "a", recording.head.made_on, ReplayModel(recording=recording))
    assert replayed == await answers(tmp_path / "b", recording.head.made_on, OfflineModel())
    assert sum("[1]" in text for text in replayed) == 9


async def test_it_stops_before_the_limit(tried: tuple[Result, Path], tmp_path: Path) -> None:
    whole = tried[0]
    probes = whole.spent - sum(row.cost for row in whole.rows)
    limit = probes + whole.rows[1].sent / 1e6 + whole.rows[2].sent / 2e6  # the second goal may not be finished
    with served(offline_app(OfflineModel())) as url:
        settings = settings_for(tmp_path, url, model_price="1/0", model_output=100)
        result = await try_model(settings, "example.org", limit, SHORT)
    assert [row.result for row in result.rows] == ["pass", "stopped", "stopped"]
    assert result.rows[0].cost + result.rows[1].cost <= result.spent <= limit
    assert not result.passed and result.rows[-1].calls == 0
    assert Recording.read(result.recording).exchanges


async def test_a_limit_that_allows_nothing_calls_nothing(tmp_path: Path) -> None:
    app = lacking_app([], OfflineModel())
    with served(app) as url, pytest.raises(CostLimit):
        await try_model(settings_for(tmp_path, url), "example.org", 0.0, SHORT)
    assert app.state.seen["requests"] == 0


async def test_without_a_price_no_limit_can_be_kept(tmp_path: Path) -> None:
    with pytest.raises(NoTrial, match="CLEARANCE_MODEL_PRICE"):
        await try_model(settings_for(tmp_path, "http://127.0.0.1:9/v1", model_price=""), "h", 1.0, SHORT)
    with pytest.raises(NoTrial, match=r"app/nothing/trial\.py"):
        load_trial("nothing")


async def test_a_goal_that_does_not_pass_says_why(tmp_path: Path) -> None:
    goals = (
        Goal("Where are we single-sourced?", "declined"),
        Goal("Where are we single-sourced?", products=("sanctions",)),
        Goal("Where are we single-sourced?", products=("single_source",), without=("single_source",)),
        Goal("Where are we single-sourced?", products=("single_source",), settings={"modes": "Air"}),
        Goal("Where are we single-sourced?"),
    )
    with served(offline_app(OfflineModel())) as url:
        result = await try_model(settings_for(tmp_path, url), "h", 1.0, Trial(goals, fill, (0, 0)))
    said = ["ended as success, not as declined", "no sanctions", "not wanted", "modes = Air", "no figure of its products"]
    for row, why in zip(result.rows, said, strict=True):
        assert row.result == "fail" and why in row.why


async def probe(home: Path, app: Any) -> dict[str, bool]:
    meter = Meter(Budget(Price(0, 0), 0), Recording(Head("served", "h", "")))
    with served(app) as url:
        model = live_model(settings_for(home, url), Capabilities(model="served", host="h"))
        found = await Probe(model, meter, "h").run()
    return found.capabilities.model_dump()


@pytest.mark.parametrize("lack", ["strict_tools", "forced_tools", "parallel_switch", "stream_usage"])
async def test_what_an_endpoint_refuses_is_found(tmp_path: Path, lack: Lack) -> None:
    whole, less = (
        await probe(tmp_path, lacking_app([], OfflineModel())),
        await probe(tmp_path, lacking_app([lack], OfflineModel())),
    )
    differ = {key for key in whole if key != "probed_at" and whole[key] != less[key]}
    assert whole[lack] and differ == {lack}


async def test_an_accepted_schema_that_is_not_kept_does_not_count(tmp_path: Path) -> None:
    class Loose(OfflineModel):
        def _answer(self, messages: Any, stop: Any, options: Any) -> Any:
            answer = super()._answer(messages, stop, options)
            calls = [{**c, "args": {"text": 1}} if c["name"] == "FileNote" else c for c in answer.tool_calls]
            return answer.model_copy(update={"tool_calls": calls})

    assert not (await probe(tmp_path, offline_app(Loose())))["strict_tools"]


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "CLEARANCE_MODEL_API_KEY"), (404, "check CLEARANCE_MODEL "), (429, "no credit"), (500, "HTTP 500")],
)
async def test_an_endpoint_that_cannot_be_used_says_why(tmp_path: Path, status: int, said: str) -> None:
    app = offline_app(OfflineModel())

    @app.middleware("http")
    async def refuse(request: Any, go_on: Any) -> Any:
        return ApiError(status, "no").response()

    with pytest.raises(EndpointFailed, match=said):
        await probe(tmp_path, app)


async def test_no_server_and_no_tools(tmp_path: Path) -> None:
    meter = Meter(Budget(Price(0, 0), 0), Recording(Head("served", "h", "")))
    model = live_model(settings_for(tmp_path, "http://127.0.0.1:9/v1"), Capabilities(model="served", host="h"))
    with pytest.raises(EndpointFailed, match="could not be reached"):
        await Probe(model, meter, "h").run()
    with pytest.raises(NoTools, match="calls no tool: refused"):
        await probe(tmp_path, lacking_app(["tools"], OfflineModel()))


def test_the_command_without_a_model_says_how_to_configure_one(tmp_path: Path) -> None:
    done = clearance(tmp_path, "model", "try")
    assert done.returncode == 1 and "CLEARANCE_MODEL_BASE_URL" in done.stderr and "--offline" in done.stderr


def test_the_command_sends_nothing_before_somebody_confirmed(tmp_path: Path) -> None:
    app = lacking_app([], OfflineModel())
    with served(app) as url:
        live = {"CLEARANCE_MODEL": "served", "CLEARANCE_MODEL_BASE_URL": url}
        done = clearance(tmp_path, "model", "try", **live, CLEARANCE_MODEL_PRICE="2.50/10")
        assert done.returncode == 1 and "--yes" in done.stderr and "results of tools" in done.stderr
        about = Price(2.5, 10).cost(*TRIAL.tokens)
        assert f"12 goals on a generated company, about ${about:.2f}" in done.stdout
        assert app.state.seen["requests"] == 0
        unpriced = clearance(tmp_path, "model", "try", "--yes", **live)
        assert unpriced.returncode == 1 and "CLEARANCE_MODEL_PRICE" in unpriced.stderr
        assert app.state.seen["requests"] == 0


def test_the_command_with_the_offline_model(tmp_path: Path) -> None:
    done = clearance(tmp_path, "model", "try", "--offline", "--json")
    body = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == "" and body["passed"]
    assert Path(body["recording"]).parent == Path(body["capabilities"]).parent == tmp_path / "models"
    assert len(body["rows"]) == 12 and body["spent"] == 0
    stopped = clearance(tmp_path, "model", "try", "--offline", "--max-cost", "0.2", CLEARANCE_MODEL_PRICE="2.50/10")
    assert stopped.returncode == 1 and "■ stopped" in stopped.stdout and "the limit was $0.20" in stopped.stdout
