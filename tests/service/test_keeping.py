"""A thread of many turns: each costs what the one before did, and what is kept is enough to go on, to replay and to answer."""

import sqlite3
import time
from pathlib import Path

from langgraph_sdk import get_client

from tests.service.serving import PROJECT, clearance

KEPT, WHOLE = 10, 5
LIGHT = "SELECT count(*) FROM thread_events WHERE event = 'values'"


async def test_a_long_thread_costs_no_more_a_turn(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with clearance(home, "--config", str(PROJECT / "langgraph.json"), env={"CLEARANCE_CHECKPOINTS": str(KEPT)}) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        runs = []
        for number in range(20):
            async for part in client.runs.stream(
                thread, "chain", input={"said": [str(number)]}, stream_mode=["values", "updates"], stream_resumable=True
            ):
                runs += [part.data["run_id"]] if part.event == "metadata" else []
        await client.runs.wait(thread, "asking", input={"said": []})  # and now a person is waited for
        _until(home / "clearance.db", LIGHT, (WHOLE - 1) * 4 + 2)  # a chain tells four values, what asks two
        _until(home / "checkpoints.db", "SELECT count(*) FROM checkpoints", KEPT)
        assert len(await client.threads.get_history(thread, limit=100)) == KEPT
        old, new = [[p async for p in client.runs.join_stream(thread, run, last_event_id="-1")] for run in (runs[0], runs[-1])]
        assert [part.event for part in old] == ["metadata", "updates", "updates", "updates"]
        assert [part.event for part in new if part.event == "values"] == ["values"] * 4
        assert len(new[-1].data["said"]) == 80
        values = await client.runs.wait(thread, "asking", command={"resume": "yes"})
        assert values["said"][-1] == "answer yes" and len(values["said"]) == 81  # type: ignore[call-overload]  # a dict


def _until(file: Path, query: str, wanted: int) -> None:
    """What is tidied behind the answers comes to this."""
    deadline = time.monotonic() + 120
    while True:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            found = database.execute(query).fetchone()[0]
        if found == wanted:
            return
        assert time.monotonic() < deadline, f"{query}: {found}, not {wanted}"
        time.sleep(0.1)
