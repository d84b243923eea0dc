"""One script over RemoteGraph, LangGraph's own way to use a graph that is served elsewhere, told as a transcript."""

import uuid
from typing import Any

from langgraph.pregel.remote import RemoteException, RemoteGraph
from langgraph.types import Command

from tests.service.script import Transcript, same


async def play(url: str) -> list[tuple[str, Any]]:
    told = Transcript()

    def tell(label: str, what: Any) -> None:
        told.lines.append((label, same(what)))

    chain, asking, nested, failing = (RemoteGraph(name, url=url) for name in ("chain", "asking", "nested", "failing"))
    tell("without a thread", await chain.ainvoke({"said": ["r"]}))
    tell("by the synchronous client", RemoteGraph("chain", url=url).invoke({"said": ["r"]}))
    config: Any = {"configurable": {"thread_id": str(uuid.uuid4())}}
    await asking.client.threads.create(thread_id=config["configurable"]["thread_id"])  # type: ignore[union-attr]  # it has one
    tell("asks", [one async for one in asking.astream({"said": []}, config, stream_mode=["values", "updates"])])
    state = await asking.aget_state(config)
    tell("waits", [state.values, state.next, [(task.name, len(task.interrupts)) for task in state.tasks]])
    tell("answered", await asking.ainvoke(Command(resume="yes"), config))
    await asking.aupdate_state(config, {"said": ["more"]}, as_node="only")
    history = [one async for one in asking.aget_state_history(config)]
    tell("history", [[one.values, one.next, one.metadata and one.metadata.get("source")] for one in history])
    earlier = await asking.aget_state(history[-2].config)
    tell("earlier", [earlier.values, earlier.next])
    again = [one async for one in asking.astream(None, history[-2].config, stream_mode="updates")]
    tell("forked", again)
    tell("nested", [one async for one in nested.astream({"said": ["n"]}, stream_mode=["updates"], subgraphs=True)])
    for xray in (False, True):
        drawn = await nested.aget_graph(xray=xray)
        tell(f"drawn, opened {xray}", [sorted(drawn.nodes), sorted((edge.source, edge.target) for edge in drawn.edges)])
    try:
        await failing.ainvoke({"said": ["f"]})
    except RemoteException as error:
        tell("fails", str(error))
    return told.lines
