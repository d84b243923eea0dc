"""What stands between an agent and a bad endpoint: `RetryModel` over a real client, a real socket and a faulty server."""

import time

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI

from models.factory import chat_model
from models.faults import Fault, faulty_app
from models.offline import OfflineModel
from models.retry import ModelUnavailable, Retried, RetryModel, retry_after
from models.scripted import HttpFault, ScriptedModel
from settings import Settings
from tests.models.serving import served


def lookup(word: str) -> str:
    """Look a word up."""
    return f"{word} was found"


async def run(fault: Fault, retry: RetryModel, *, streaming: bool = False, patience: float = 60.0):
    """One agent over the faulty server; the messages and how many requests the server got."""
    app = faulty_app(fault, OfflineModel())
    with served(app) as url:
        model = ChatOpenAI(
            model="m", base_url=url, api_key="none", max_retries=0, timeout=patience, stream_usage=True, streaming=streaming
        )
        agent = create_agent(model, [lookup], middleware=[retry])
        state = await agent.ainvoke({"messages": [("user", "look up the word 'lead'")]})
    return state["messages"], app.state.requests


@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "truncated", "empty"])
@pytest.mark.parametrize("streaming", [False, True])
async def test_recovers(kind, streaming):
    retry = RetryModel(backoff=0.01)
    messages, requests = await run(Fault(kind), retry, streaming=streaming)
    assert messages[-1].text == "The tool answered: lead was found"
    assert requests == 3  # the bad one, the call, the answer
    assert (retry.counts.retries, retry.counts.repairs, retry.counts.calls) == (1, 0, 2)


async def test_repairs_broken_arguments_once_and_keeps_them_out_of_the_conversation():
    retry = RetryModel(backoff=0.01)
    messages, requests = await run(Fault("bad_arguments"), retry)
    assert messages[-1].text.endswith("was found")
    assert requests == 3
    assert (retry.counts.retries, retry.counts.repairs) == (0, 1)
    assert [m.type for m in messages] == ["human", "ai", "tool", "ai"]


async def test_broken_arguments_are_seen_while_the_agent_is_streamed():
    """A streamed message's broken arguments are completed by the parser, unseen; the factory's client does not stream calls."""
    retry = RetryModel(backoff=0.01)
    with served(faulty_app(Fault("bad_arguments"), OfflineModel())) as url:
        model = chat_model(Settings(model="m", model_base_url=url))
        agent = create_agent(model, [lookup], middleware=[retry])
        seen = [m async for m, _ in agent.astream({"messages": [("user", "look up 'lead'")]}, stream_mode="messages")]
    assert retry.counts.repairs == 1
    assert seen[-1].text.endswith("was found")


async def test_slow_answers_time_out_and_are_retried():
    retry = RetryModel(backoff=0.01)
    messages, _ = await run(Fault("slow", delay=5), retry, patience=1.5)
    assert messages[-1].text == "The tool answered: lead was found"
    assert set(retry.counts.reasons) == {"it did not answer in time"}, "on a slow machine more than once"


async def test_retry_after_is_honoured():
    told: list[Retried] = []
    started = time.monotonic()
    await run(Fault("rate_limit", retry_after="0.4"), RetryModel(backoff=0.001, on_retry=told.append))
    assert time.monotonic() - started > 0.4
    assert told == [Retried(2, "it is rate-limited (HTTP 429)", 0.4)]


async def test_a_server_that_asks_for_too_much_is_not_waited_for():
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"rate-limited.*It asks to wait 600 s more"):
        await run(Fault("rate_limit", retry_after="600"), RetryModel(longest=5))
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("kind", ["rate_limit", "server_error", "truncated", "empty", "bad_arguments"])
async def test_gives_up_with_a_message_for_people(kind):
    with pytest.raises(ModelUnavailable, match=r"no usable answer in 3 attempts: .*CLEARANCE_MODEL"):
        await run(Fault(kind, times=99), RetryModel(attempts=3, backoff=0.001))


async def test_a_dead_endpoint():
    model = ChatOpenAI(model="m", base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0)
    agent = create_agent(model, [lookup], middleware=[RetryModel(attempts=2, backoff=0.001)])
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        await agent.ainvoke({"messages": [("user", "hello")]})


async def test_ghost_tool_goes_back_to_the_model_as_an_error():
    messages, _ = await run(Fault("ghost_tool"), RetryModel())
    assert "ghost_tool is not a valid tool" in messages[2].text


async def test_what_cannot_pass_is_not_retried():
    model = ScriptedModel(script=[])
    retry = RetryModel(backoff=0.001)

    def refuse(messages):
        raise HttpFault(401)

    agent = create_agent(model.model_copy(update={"script": refuse}), [], middleware=[retry])
    with pytest.raises(HttpFault):
        await agent.ainvoke({"messages": [("user", "hello")]})
    assert retry.counts.retries == 0


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "timeout", "truncated", "empty", "junk", "slow"])
async def test_scripted_faults_behave_like_the_real_ones(fault):
    model = ScriptedModel(script=lambda messages: AIMessage("All is well now."), fault=fault)
    agent = create_agent(model, [lookup], middleware=[RetryModel(backoff=0.001)])
    state = await agent.ainvoke({"messages": [("user", "hello")]})
    assert state["messages"][-1].text == "All is well now."


def test_retry_after_as_a_date():
    assert retry_after(HttpFault(429, "Wed, 21 Oct 2015 07:28:00 GMT")) == 0.0
    assert retry_after(HttpFault(429, "soon")) is None
    assert retry_after(ValueError()) is None
