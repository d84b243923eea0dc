"""The offline brain over HTTP: a real client, a real socket, the same answers as in process."""

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from models.offline import OfflineModel
from models.scripted import ScriptedModel
from models.server import offline_app
from tests.models.asking import answered, ask
from tests.models.catalogue import intake, planner
from tests.models.serving import served


@pytest.fixture(scope="module")
def url():
    with served(offline_app(OfflineModel())) as base:
        yield base


def client(url: str, **more) -> ChatOpenAI:
    return ChatOpenAI(model="offline-deterministic", base_url=url, api_key="none", max_retries=0, stream_usage=True, **more)


GOALS = [
    "Analyze supplier risk across our logistics network",
    "risk?",
    "Write a poem",
    "Who is the worst on delivery since 2013?",
]


@pytest.mark.parametrize("goal", GOALS)
def test_same_intake_as_in_process(url, goal):
    here, there = (ask(model, intake(goal), "Intake") for model in (OfflineModel(), client(url)))
    assert there.tool_calls == here.tool_calls


def test_same_plan_as_in_process_and_streamed(url):
    brief = planner(["risk_scores", "case"])
    here, there, streamed = (
        ask(model, brief, "PlanDraft") for model in (OfflineModel(), client(url), client(url, streaming=True))
    )
    assert here.tool_calls == there.tool_calls == streamed.tool_calls
    assert len(answered(there, "PlanDraft").steps) == 8
    assert len({m.usage_metadata["total_tokens"] for m in (here, there, streamed)}) == 1


def test_failed_tool_looks_alike_on_both_sides(url):
    """Over HTTP a tool message loses its status; the answer must not depend on it."""
    brief = {
        "role": "specialist",
        "specialist": "x",
        "step": {"id": "s1", "title": "t", "produces": ["exposure"], "settings": [], "item": None},
        "goal": "g",
        "inputs": [],
        "tools": [{"name": "spend", "produces": "exposure"}],
    }

    def spend() -> str:
        """Spend."""
        return ""

    after = (
        AIMessage("", tool_calls=[{"name": "spend", "args": {}, "id": "c1"}]),
        ToolMessage("the database is locked", tool_call_id="c1", name="spend", status="error"),
    )
    here, there = (ask(model, brief, "Finding", (spend,), *after) for model in (OfflineModel(), client(url)))
    assert here.tool_calls == there.tool_calls
    assert answered(there, "Finding").gaps == ["spend: the database is locked"]


async def test_streams_words_and_usage(url):
    chunks = [chunk async for chunk in client(url).astream("Hello there")]
    assert sum(bool(chunk.text) for chunk in chunks) > 3
    full = chunks[0]
    for chunk in chunks[1:]:
        full += chunk
    assert full.usage_metadata["total_tokens"] == OfflineModel().invoke("Hello there").usage_metadata["total_tokens"]
    assert full.response_metadata["finish_reason"] == "stop"


def test_structured_output_over_http(url):
    class Note(BaseModel):
        """A note."""

        text: str
        number: int

    for method in ("json_schema", "function_calling"):
        note = client(url).with_structured_output(Note, method=method).invoke("Write down 'buy milk' 7 times")
        assert note == Note(text="buy milk", number=7)


def test_models_are_listed_and_errors_have_the_usual_shape(url):
    assert httpx.get(f"{url}/models").json()["data"][0]["id"] == "offline-deterministic"
    for body in ({}, {"model": "m", "messages": []}, {"model": "m", "messages": [{"role": "judge", "content": "x"}]}):
        answer = httpx.post(f"{url}/chat/completions", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert answer.json()["error"]["message"]


def test_any_chat_model_can_be_served():
    with served(offline_app(ScriptedModel(script=[AIMessage("as written")]))) as base:
        assert client(base).invoke([HumanMessage("go")]).text == "as written"
