"""The event protocol's own guarantees: one log for both protocols, stable numbers, forks by checkpoint, threads still to be made."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.service.serving import Server

ALL = ["values", "updates", "checkpoints", "messages", "tools", "custom", "lifecycle", "input", "tasks"]
WAITS_S = 60


@asynccontextmanager
async def followed(server: Server, thread: str, **asked: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    body, path = {"channels": ALL, **asked}, f"/threads/{thread}/stream/events"
    async with httpx.AsyncClient(base_url=server.url, timeout=WAITS_S) as http, http.stream("POST", path, json=body) as answer:
        assert answer.status_code == 200
        yield (json.loads(line[5:]) async for line in answer.aiter_lines() if line.startswith("data:"))


async def until_end(events: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to the end of a run of the root."""
    seen = []
    async with asyncio.timeout(WAITS_S):
        async for event in events:
            seen.append(event)
            if kind(event) in ("completed", "failed", "interrupted"):
                return seen
    raise AssertionError("the stream ended")


def kind(event: dict[str, Any]) -> str | None:
    root = event["method"] == "lifecycle" and not event["params"]["namespace"]
    return event["params"]["data"]["event"] if root else None


async def command(server: Server, thread: str, method: str, **params: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=server.url, timeout=WAITS_S) as http:
        answer = await http.post(f"/threads/{thread}/commands", json={"id": 7, "method": method, "params": params})
        reply: dict[str, Any] = answer.json()
        assert answer.status_code == 200 and reply["id"] == 7
        return reply


def lasting(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the time at which they were sent."""
    return [{**one, "params": {**one["params"], "timestamp": 0}} for one in events]


async def test_a_thread_is_followed_before_it_is_made_and_over_all_its_runs(server: Server, client: LangGraphClient) -> None:
    thread = str(uuid.uuid4())
    async with followed(server, thread) as events:
        reply = await command(server, thread, "run.start", assistant_id="nested", input={"said": ["n"]})
        first = await until_end(events)
        await client.runs.create(thread, "telling", input={"said": ["classic"]}, stream_mode=["updates", "custom"])
        second = await until_end(events)
    assert reply["meta"]["applied_through_seq"] < first[0]["seq"]
    live = first + second
    numbers = [one["seq"] for one in live]
    assert numbers == sorted(set(numbers)) and len({one["event_id"] for one in live}) == len(live)
    async with followed(server, thread) as events:
        again = await until_end(events) + await until_end(events)
    assert lasting(again) == lasting(live), "a replay is the same, numbers and ids included"
    async with followed(server, thread, since=first[3]["seq"]) as events:
        assert lasting(await until_end(events)) == lasting(first[4:])
    told = [one["params"]["data"] for one in second if one["method"] == "custom"]
    assert told == [{"payload": {"step": 1}}, {"payload": {"step": 2}}]
    [wrote] = [one["params"] for one in second if one["method"] == "updates"]
    assert (wrote["node"], wrote["data"]) == ("only", {"said": ["told"]})
    joined = [part async for part in client.runs.join_stream(thread, reply["result"]["run_id"], last_event_id="-1")]
    assert {part.event.partition("|")[0] for part in joined} == {"metadata", "values", "updates"}
    tree = await command(server, thread, "agent.getTree")
    assert tree["result"]["tree"] == {"namespace": [], "status": "completed", "graph_name": "telling", "children": []}


async def test_values_come_with_the_checkpoint_that_holds_them(server: Server, client: LangGraphClient) -> None:
    """A client takes the checkpoint before some values and forks from its parent."""
    thread = str(uuid.uuid4())
    async with followed(server, thread, channels=["checkpoints", "values", "lifecycle"]) as events:
        await command(server, thread, "run.start", assistant_id="chain", input={"said": ["x"]})
        seen = [one for one in await until_end(events) if one["method"] != "lifecycle"]
        pairs = [(before, one) for before, one in pairwise(seen) if one["method"] == "values"]
        assert len(pairs) == 4 and all(before["method"] == "checkpoints" for before, _ in pairs)
        for before, one in pairs:
            held = await client.threads.get_state(thread, checkpoint_id=before["params"]["data"]["id"])
            assert held["values"]["said"] == one["params"]["data"]["said"]  # type: ignore[call-overload]  # a dict
        fork = {"configurable": {"checkpoint_id": pairs[2][0]["params"]["data"]["parent_id"]}}
        await command(server, thread, "run.start", assistant_id="chain", config=fork, input=None)
        await until_end(events)
    assert (await client.threads.get_state(thread))["values"]["said"] == ["x", "a", "b", "c"]  # type: ignore[call-overload]  # a dict


async def test_a_thread_is_followed_in_the_classic_form(server: Server, client: LangGraphClient, tmp_path: Path) -> None:
    thread = (await client.threads.create())["thread_id"]
    gate = tmp_path / "gate"
    given = {"said": ["h"], "gate": str(gate)}
    run = await client.runs.create(thread, "holding", input=given, stream_mode="custom")
    async for part in client.runs.join_stream(thread, run["run_id"], last_event_id="-1"):
        if part.event == "custom":
            break
    async with asyncio.timeout(WAITS_S):
        whole = await client.threads.join_stream(thread, last_event_id="-1")
        begun = [await anext(whole) for _ in range(2)]
        gate.touch()
        end = await anext(whole)
        assert [part.event for part in begun] == ["metadata", "custom"]
        assert end.event == "metadata" and end.data == {"status": "run_done", "run_id": run["run_id"]}
        only = await client.threads.join_stream(thread, last_event_id="-1", stream_mode="lifecycle")
        assert [await anext(only), await anext(only)] == [begun[0], end]
        await client.runs.wait(thread, "chain", input={"said": ["next"]})
        assert (await anext(whole)).data["attempt"] == 1, "and it goes on over the next run"
        parts = [await anext(whole) for _ in range(5)]
        assert [part.event for part in parts] == ["values"] * 4 + ["metadata"]
    async with httpx.AsyncClient(base_url=server.url, timeout=WAITS_S) as http:
        assert (await http.get(f"/threads/{uuid.uuid4()}/stream")).status_code == 404
        assert (await http.get(f"/threads/{thread}/stream", headers={"Last-Event-ID": "x"})).status_code == 422
        assert (await http.get(f"/threads/{thread}/stream", params={"stream_mode": "values"})).status_code == 422


async def test_what_is_stopped_is_interrupted(server: Server) -> None:
    thread, client = str(uuid.uuid4()), get_client(url=server.url)
    async with followed(server, thread) as events:
        reply = await command(server, thread, "run.start", assistant_id="holding", input={"said": []})
        async with asyncio.timeout(WAITS_S):
            while (await anext(events))["method"] != "custom":
                pass
        working = await command(server, thread, "agent.getTree", run_id=reply["result"]["run_id"])
        assert working["result"]["tree"]["status"] == "running"
        rejected = await command(server, thread, "run.start", assistant_id="chain", input={}, multitask_strategy="reject")
        assert rejected["error"] == "unknown_error" and rejected["message"].startswith("409")
        await client.runs.cancel(thread, reply["result"]["run_id"])
        end = await until_end(events)
    assert kind(end[-1]) == "interrupted"
    assert (await client.threads.get(thread))["status"] == "interrupted"
    assert [task["error"] for task in (await client.threads.get_state(thread))["tasks"]] == [None]
