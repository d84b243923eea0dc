"""Old checkpoints go, on both databases, and what a thread stands on stays: also of its subgraphs."""

import operator
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from sqlalchemy import make_url

from app.pruning import crowded, keep_newest
from app.store import OwnStore, open_store
from governance.identity import Caller
from graphs.saver import open_saver
from settings import Settings


class State(TypedDict):
    said: Annotated[list[str], operator.add]


@pytest.fixture
async def saver(database_url: str, tmp_path: Path) -> AsyncIterator[BaseCheckpointSaver[str]]:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        async with open_saver(tmp_path / "checkpoints.db") as own:
            yield own
        return
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with AsyncPostgresSaver.from_conn_string(plain) as pooled:
        await pooled.setup()
        yield pooled


def graph(saver: Any) -> Any:
    """Asks in a subgraph that one task runs; another subgraph lives on from turn to turn."""

    def ask(state: State) -> dict[str, Any]:
        return {"said": [f"heard {interrupt('go on?')}"]}

    def count(state: State) -> dict[str, Any]:
        return {"said": ["counted"]}

    asking = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
    living = StateGraph(State).add_node("count", count).add_edge(START, "count").compile(checkpointer=True)
    whole = StateGraph(State).add_node("asking", asking).add_node("living", living)
    return whole.add_edge(START, "living").add_edge("living", "asking").compile(checkpointer=saver)


async def test_what_waits_goes_on_after_the_past_is_gone(saver: BaseCheckpointSaver[str]) -> None:
    own, config = graph(saver), {"configurable": {"thread_id": "t"}}
    other = {"configurable": {"thread_id": "u"}}
    for turn in range(4):
        await own.ainvoke({"said": [f"turn {turn}"]}, config, durability="sync")
        if turn < 3:
            await own.ainvoke(Command(resume=f"yes {turn}"), config, durability="sync")
    await own.ainvoke({"said": ["x"]}, other, durability="sync")
    before = (await own.aget_state(config, subgraphs=True)).values
    count = len([one async for one in saver.alist(config)])
    assert await crowded(saver, 3) == ["t"] and await crowded(saver, 3, "t") == []
    went = await keep_newest(saver, "t", 1)
    left = [one async for one in saver.alist(config)]
    assert len(left) == count - went and len(left) <= 4, "the root's newest, the one that lives on, and what the task waits in"
    assert len([one async for one in saver.alist(other)]) > 1, "another thread's are its own"
    state = await own.aget_state(config, subgraphs=True)
    assert state.values == before and state.interrupts
    ended = await own.ainvoke(Command(resume="at last"), config)
    assert ended["said"][-1] == "heard at last" and ended["said"][: len(before["said"])] == before["said"]
    assert await keep_newest(saver, "nobody", 1) == 0


async def test_the_store_keeps_owners_apart(database_url: str, tmp_path: Path) -> None:
    url = "" if database_url.startswith("sqlite") else database_url
    async with open_store(Settings(home=tmp_path, database_url=url)) as store:
        ada, ad = (OwnStore(store, lambda who=who: Caller(who, "acme")) for who in ("ada", "ad"))  # type: ignore[misc]  # its default binds it
        await ada.aput(("notes", "x"), "k", {"n": 1})
        await ada.aput(("notes", "y", "z"), "k", {"n": 2})
        assert [item.namespace for item in await ada.asearch(("notes",), filter={"n": 2})] == [("notes", "y", "z")]
        assert sorted(await ada.alist_namespaces(prefix=("notes",), max_depth=2)) == [("notes", "x"), ("notes", "y")]
        assert await ada.alist_namespaces(suffix=("z",)) == [("notes", "y", "z")]
        assert await ad.asearch(()) == [] and await ad.alist_namespaces() == [] and await ad.aget(("notes", "x"), "k") is None
        await ad.adelete(("notes", "x"), "k")
        assert (await ada.aget(("notes", "x"), "k")) is not None
