"""Old checkpoints are let go and nothing that is needed goes with them, on both savers and by real graphs."""

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.channels import DeltaChannel
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from database import Database
from graphs.saver import Careful, open_saver_of


class Turns(TypedDict, total=False):
    said: Annotated[list[str], operator.add]


def _joined(known: list[str], new: Sequence[list[str]]) -> list[str]:
    return [*known, *(word for words in new for word in words)]


class Differences(TypedDict, total=False):
    said: Annotated[list[str], DeltaChannel(_joined)]


def _one(node: Any, state: Any = Turns, saver: Any = None) -> Any:
    graph = StateGraph(state)
    graph.add_node("only", node)
    graph.add_edge(START, "only")
    return graph.compile(checkpointer=saver)


def _say(state: Turns) -> dict[str, Any]:
    return {"said": [f"turn {len(state.get('said', []))}"]}


def _ask(state: Turns) -> dict[str, Any]:
    return {"said": [interrupt("go on?")]}


async def test_the_newest_stay_and_what_waits_can_be_answered(database_url: str, tmp_path: Path) -> None:
    db = Database(database_url)
    async with open_saver_of(db, tmp_path) as saver:
        graph = StateGraph(Turns)
        graph.add_node("remembers", _one(_say, saver=True))  # its namespace lives on from turn to turn
        graph.add_node("asks", _one(_ask))  # each turn's is its own
        graph.add_edge(START, "remembers")
        graph.add_edge("remembers", "asks")
        talk, config = graph.compile(checkpointer=saver), _config("a")
        for number in range(8):
            await talk.ainvoke({"said": []} if number else {"said": ["hello"]}, config)
            assert (await talk.aget_state(config)).tasks[0].interrupts
            if number < 7:
                await talk.ainvoke(Command(resume=f"answer {number}"), config)
                before = (await talk.aget_state(config)).values
        waiting, all_there = await talk.aget_state(config, subgraphs=True), await _counts(saver, "a")
        await saver.akeep_newest("a", 4)
        left = await _counts(saver, "a")
        assert left[""] == 4 < all_there[""] and left["remembers"] >= 1
        assert len(left) < len(all_there), "the namespaces of past tasks went with them"
        assert len([one async for one in talk.aget_state_history(config)]) == 4
        assert (await talk.aget_state(config, subgraphs=True)).values == waiting.values != before
        await saver.akeep_newest("a", 1)
        assert (await talk.ainvoke(Command(resume="the last"), config))["said"][-1] == "the last"
        remembered = (await talk.aget_state({"configurable": {"thread_id": "a", "checkpoint_ns": "remembers"}})).values
        assert len(remembered["said"]) >= 8, "what lives on forgot nothing"
        await saver.akeep_newest("nobody's", 1)
    db.close()


async def test_a_state_that_is_told_by_differences_keeps_its_past(database_url: str, tmp_path: Path) -> None:
    db = Database(database_url)
    async with open_saver_of(db, tmp_path) as saver:
        talk, config = _one(lambda state: _say(state), Differences, saver), _config("d")
        for _ in range(6):
            await talk.ainvoke({"said": ["hello"]}, config)
        values, there = (await talk.aget_state(config)).values, await _counts(saver, "d")
        await saver.akeep_newest("d", 2)
        assert await _counts(saver, "d") == there
        assert (await talk.aget_state(config)).values == values and len(values["said"]) == 12
    db.close()


def _config(thread_id: str) -> Any:
    return {"configurable": {"thread_id": thread_id}}


async def _counts(saver: Careful, thread_id: str) -> dict[str, int]:
    """Checkpoints by namespace."""
    counts: dict[str, int] = {}
    async for one in saver.alist(_config(thread_id)):
        namespace = one.config["configurable"]["checkpoint_ns"]
        counts[namespace] = counts.get(namespace, 0) + 1
    return counts
