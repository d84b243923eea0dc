"""The graphs that the benchmark of the service serves, by itself, by the bare application and by `langgraph dev`."""

import asyncio
import operator
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

TOKENS = 50
SENTENCE = " ".join(f"word{number}" for number in range(TOKENS // 2 + 1))  # the model streams the spaces as tokens too


class State(TypedDict, total=False):
    said: Annotated[list[str], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]


def _graph(**nodes: Any) -> Any:
    """The nodes one after the other."""
    graph = StateGraph(State)
    for before, (name, node) in zip((START, *nodes), nodes.items(), strict=False):
        graph.add_node(name, node)
        graph.add_edge(before, name)
    return graph.compile()


async def _one(state: State) -> dict[str, Any]:
    return {"said": ["one"]}


async def _speak(state: State) -> dict[str, Any]:
    model = GenericFakeChatModel(messages=iter([AIMessage(SENTENCE)]))
    return {"messages": [await model.ainvoke(state.get("messages") or "speak")]}


async def _answer(state: State) -> dict[str, Any]:
    return {"messages": [AIMessage("An answer of the length that answers have in talks that go on for a while.")]}


async def _ask(state: State) -> dict[str, Any]:
    return {"said": [str(interrupt("go on?"))]}


async def _hold(state: State) -> dict[str, Any]:
    """Say that it began, and wait until the run is stopped."""
    get_stream_writer()("holding")
    await asyncio.Event().wait()
    return {}


three = _graph(first=_one, second=_one, third=_one)
speaking, asking, talk, holding = _graph(speak=_speak), _graph(ask=_ask), _graph(answer=_answer), _graph(hold=_hold)
