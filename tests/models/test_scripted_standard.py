"""LangChain's unit suite for chat models, run over the scripted model; and what a script may do."""

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.unit_tests import ChatModelUnitTests

from models.scripted import ScriptedModel, ScriptEnded


class TestScriptedUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedModel

    @property
    def chat_model_params(self) -> dict:
        return {}


def ping() -> str:
    """Ping."""
    return "pong"


def test_a_list_is_said_in_order_and_what_was_asked_is_kept():
    model = ScriptedModel(script=[AIMessage("one"), AIMessage("two")])
    assert [model.invoke("a").text, model.invoke("b").text] == ["one", "two"]
    assert [call[0].text for call in model.calls] == ["a", "b"]
    with pytest.raises(ScriptEnded, match="call 3 of a script of 2"):
        model.invoke("c")


def test_a_function_answers_and_tools_are_recorded():
    model = ScriptedModel(script=lambda messages: AIMessage(messages[-1].text.upper()))
    assert model.bind_tools([ping]).invoke("loud").text == "LOUD"
    assert model.bound[0][0]["function"]["name"] == "ping"


def test_a_loop_never_ends_and_a_ghost_tool_strikes_once():
    looping = ScriptedModel(fault="loop").bind_tools([ping])
    assert {looping.invoke("go").tool_calls[0]["name"] for _ in range(3)} == {"ping"}
    ghost = ScriptedModel(script=[AIMessage("fine")], fault="ghost_tool")
    assert ghost.invoke("go").tool_calls[0]["name"] == "ghost_tool"
    assert ghost.invoke("go").text == "fine"
