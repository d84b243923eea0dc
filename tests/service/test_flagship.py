"""The flagship through the service: it plans, pauses for approval, is killed while it waits, is resumed, and answers."""

import sqlite3
from pathlib import Path

from langgraph_sdk import get_client

from settings import Settings
from tests.service.serving import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"


async def test_the_flagship_is_approved_and_resumed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    with clearance(home) as server:
        client = get_client(url=server.url)
        assert len(await client.assistants.search(limit=50)) == 14
        thread = (await client.threads.create())["thread_id"]
        said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
        events = [part async for part in client.runs.stream(thread, "orchestrator", input=said, stream_mode=["custom"])]
        assert {part.data["event"] for part in events if part.event == "custom"} >= {"plan", "step", "tool"}
        assert (await client.threads.get(thread))["status"] == "interrupted"
        state = await client.threads.get_state(thread)
        assert state["next"] == ["ask"]
        asked = state["tasks"][0]["interrupts"][0]
        assert len(asked["value"]["action_requests"]) == 3
        server.kill()
    with clearance(home) as server:
        client = get_client(url=server.url)
        decisions = [{"type": "approve"}, {"type": "reject", "message": "not now"}, {"type": "approve"}]
        command = {"resume": {asked["id"]: {"decisions": decisions}}}
        values = await client.runs.wait(thread, "orchestrator", command=command)  # type: ignore[call-overload]  # a dict
        assert values["status"] == "reported"
        lines = values["answer"]["decisions"]
        assert sum("carried out by local" in line for line in lines) == 2
        assert any("rejected by local: not now" in line for line in lines)
        thread_now = await client.threads.get(thread)
        assert thread_now["status"] == "idle" and thread_now["interrupts"] == {}
        paused = next(item for item in await client.threads.get_history(thread, limit=100) if item["next"] == ["ask"])
        copied = await client.runs.wait(thread, "orchestrator", input=None, checkpoint=paused["checkpoint"])
        assert copied["__interrupt__"], "an old checkpoint is a fork: it asks again"  # type: ignore[call-overload]  # a dict
        steps = [one["attempts"][0]["thread_id"] for one in values["steps"].values()]
        await client.threads.delete(thread)
    with sqlite3.connect(home / "checkpoints.db") as kept:
        marks = ",".join("?" * len(steps))
        left = kept.execute(f"SELECT count(*) FROM checkpoints WHERE thread_id IN ({marks})", steps).fetchone()[0]
    assert left == 0, "a deleted thread leaves nothing of its steps"
