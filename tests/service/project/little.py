"""Small graphs that the service is tried on: each shows one thing a client can see. Also served by `langgraph dev`."""

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.store.base import BaseStore
from langgraph.types import interrupt


class Words(TypedDict, total=False):
    said: Annotated[list[str], operator.add]
    gate: str
    messages: Annotated[list[AnyMessage], add_messages]


def _add(word: str) -> Any:
    def node(state: Words) -> dict[str, Any]:
        return {"said": [word]}

    return node


def _chain(*names: str) -> StateGraph[Words]:
    graph = StateGraph(Words)
    for before, name in zip((START, *names), names, strict=False):
        graph.add_node(name, _add(name))
        graph.add_edge(before, name)
    graph.add_edge(names[-1], END)
    return graph


def _one(node: Any) -> Any:
    graph = StateGraph(Words)
    graph.add_node("only", node)
    graph.add_edge(START, "only")
    return graph.compile()


def _ask(state: Words) -> dict[str, Any]:
    return {"said": [f"answer {interrupt({'question': 'go on?'})}"]}


def _fail(state: Words) -> dict[str, Any]:
    raise ValueError("it went wrong on purpose")


def _tell(state: Words) -> dict[str, Any]:
    get_stream_writer()({"step": 1})
    get_stream_writer()({"step": 2})
    return {"said": ["told"]}


async def _hold(state: Words) -> dict[str, Any]:
    """Wait until the file that `gate` names is there; without one, for ever. What a test decides by an event."""
    get_stream_writer()({"holding": True})
    while not (state.get("gate") and await asyncio.to_thread(Path(state["gate"]).exists)):  # noqa: ASYNC110  # the file is another process's to make
        await asyncio.sleep(0.02)
    return {"said": ["held"]}


async def _remember(state: Words, *, store: BaseStore) -> dict[str, Any]:
    await store.aput(("said",), "last", {"said": state["said"]})
    return {}


async def _talk(state: Words) -> dict[str, Any]:
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three", id="said-1")]))
    return {"messages": [await model.ainvoke(state.get("messages") or "hello")]}


def _held() -> Any:
    graph = StateGraph(Words)
    graph.add_node("first", _add("first"))
    graph.add_node("hold", _hold)
    graph.add_node("last", _add("last"))
    graph.add_edge(START, "first")
    graph.add_edge("first", "hold")
    graph.add_edge("hold", "last")
    return graph.compile()


def _nested() -> Any:
    graph = StateGraph(Words)
    graph.add_node("outer", _add("outer"))
    graph.add_node("inner", _chain("x", "y").compile())
    graph.add_edge(START, "outer")
    graph.add_edge("outer", "inner")
    return graph.compile()


def _asking_within() -> Any:
    graph = StateGraph(Words)
    graph.add_node("inner", _one(_ask))
    graph.add_edge(START, "inner")
    return graph.compile()


def make_chain() -> Any:
    """A factory without arguments, where the others are compiled graphs."""
    return _chain("a", "b", "c").compile()


asking, failing, telling, talking = _one(_ask), _one(_fail), _one(_tell), _one(_talk)
holding, nested, asking_within, remembering = _held(), _nested(), _asking_within(), _one(_remember)
