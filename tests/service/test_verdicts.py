"""Verdicts on their way to runs: who may not cast one makes no run, and none is lost with the process that took it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from database import Database
from governance.approvals import Approvals
from governance.identity import Caller
from graphs.replies import Reply, replies_of
from settings import Settings
from tests.service.serving import Server, clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"
PEOPLE = {"CLEARANCE_ROLES": '["requester"]', "CLEARANCE_PEOPLE": '{"mona": ["risk-manager"]}'}
MONA = {"X-Clearance-As": "mona"}
WAITS_S = 180


async def test_no_verdict_is_lost(tmp_path: Path) -> None:
    home = tmp_path / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    with clearance(home, env=PEOPLE) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
        await started(server, thread, said)
        async with followed(server, thread, 0) as events:
            seen = await until_it_stands(events)
        named = {one["params"]["data"]["name"] for one in seen if one["method"] == "custom"}
        assert named >= {"plan", "step", "tool"}, "events that name themselves are channels of their own"
        [asked] = (await client.threads.get_state(thread))["interrupts"]
        approvals = asked["value"]["approvals"]  # type: ignore[index]  # the batched form
        assert len(approvals) == 3
        await those_who_may_not_vote_make_no_run(server, thread, asked["id"])
        server.kill()
    await mona_decides(home, approvals[0])  # a verdict that is committed, by a process that made no run before it ended
    with clearance(home, env=PEOPLE) as server:
        async with followed(server, thread, seen[-1]["seq"]) as events:
            more = await until_it_stands(events)
        await vote(server, approvals[1], "reject")
        await vote(server, approvals[2], "approve")
        async with followed(server, thread, more[-1]["seq"]) as events:
            while more[-1]["params"]["data"]["event"] != "completed":  # it may pause between the two
                more = await until_it_stands(events)
        client = get_client(url=server.url)
        assert (await client.threads.get(thread))["status"] == "idle"
        lines = (await client.threads.get(thread))["values"]["answer"]["decisions"]  # type: ignore[index]  # it has some
        assert sum("approved and carried out by mona" in line for line in lines) == 2
        assert sum("rejected by mona" in line for line in lines) == 1
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            effects = (await http.get("/governance/effects")).json()
        assert [one["state"] for one in effects] == ["done", "done"]
        stale = await client_resumes(server, thread, asked["id"])
        assert stale.status_code == 409


async def those_who_may_not_vote_make_no_run(server: Server, thread: str, interrupt: str) -> None:
    client = get_client(url=server.url)
    before = len(await client.runs.list(thread))
    refused = await client_resumes(server, thread, interrupt)
    assert refused.status_code == 403 and "may not decide" in refused.json()["detail"]
    response = {"decisions": [{"type": "approve"}]}
    params = {"namespace": [], "interrupt_id": interrupt, "response": response}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        reply = await http.post(f"/threads/{thread}/commands", json={"id": 1, "method": "input.respond", "params": params})
        legacy = {"assistant_id": "orchestrator", "command": {"resume": [{"type": "accept", "args": None}]}}
        assert (await http.post(f"/threads/{thread}/runs", json=legacy)).status_code == 403
    assert (reply.status_code, reply.json()["error"]) == (200, "permission_denied")
    assert len(await client.runs.list(thread)) == before


async def client_resumes(server: Server, thread: str, interrupt: str) -> httpx.Response:
    body = {"assistant_id": "orchestrator", "command": {"resume": {interrupt: {"decisions": [{"type": "approve"}]}}}}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        return await http.post(f"/threads/{thread}/runs", json=body)


async def started(server: Server, thread: str, given: dict[str, Any]) -> None:
    params = {"assistant_id": "orchestrator", "input": given}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        reply = await http.post(f"/threads/{thread}/commands", json={"id": 1, "method": "run.start", "params": params})
        assert reply.json()["type"] == "success", reply.text


async def vote(server: Server, approval: str, verdict: str) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        answer = await http.post(f"/governance/approvals/{approval}/votes", json={"verdict": verdict}, headers=MONA)
        assert answer.status_code == 200, answer.text


async def mona_decides(home: Path, approval: str) -> None:
    db = Database(Settings(home=home).app_url())
    await Approvals(db).vote(approval, Caller("mona", "local", ("risk-manager",)), "approve")
    db.close()


@asynccontextmanager
async def followed(server: Server, thread: str, since: int) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    body = {"channels": ["lifecycle", "input", "custom"], "since": since}
    path = f"/threads/{thread}/stream/events"
    async with httpx.AsyncClient(base_url=server.url, timeout=WAITS_S) as http, http.stream("POST", path, json=body) as answer:
        yield (json.loads(line[5:]) async for line in answer.aiter_lines() if line.startswith("data:"))


async def until_it_stands(events: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events up to the end of a run, or its pause."""
    seen = []
    async with asyncio.timeout(WAITS_S):
        async for event in events:
            seen.append(event)
            root = event["method"] == "lifecycle" and not event["params"]["namespace"]
            if root and event["params"]["data"]["event"] != "running":
                return seen
    raise AssertionError("the stream ended")


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ({"decisions": [{"type": "approve"}, {"type": "reject", "message": "no"}]}, [Reply("approve"), Reply("reject", "no")]),
        ([{"type": "approve"}], [Reply("approve")]),
        ({"type": "approve"}, [Reply("approve")]),
        ({"type": "edit", "edited_action": {"name": "t", "args": {"a": 1}}}, [Reply("edit", "", {"a": 1})]),
        (
            {"decisions": [{"type": "edit", "edited_action": {"args": {"a": 1}}, "editedAction": {"args": {"a": 1}}}]},
            [Reply("edit", "", {"a": 1})],
        ),
        ([{"type": "accept", "args": None}, {"type": "ignore", "args": None}], [Reply("approve"), Reply("reject")]),
        ([{"type": "edit", "args": {"action": "t", "args": {"a": 1}}}], [Reply("edit", "", {"a": 1})]),
        ([{"type": "response", "args": "why?"}], [Reply("respond", "why?")]),
        ({"type": "respond", "message": " because "}, [Reply("respond", "because")]),
        ("a country", [Reply("respond", "a country")]),
        ([{"type": "edit", "edited_action": "nonsense"}], [Reply("edit", "", {})]),
        ([None, 3], [Reply(""), Reply("respond", "3")]),
        ({"decisions": []}, []),
        (None, []),
    ],
)
def test_every_form_of_a_reply_is_read(answer: Any, read: list[Reply]) -> None:
    assert replies_of(answer) == read
