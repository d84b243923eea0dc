"""Paused threads go on by themselves: after votes in the inbox (though the process died right after the vote), after a signed event.
Workflows wait for such an event, and are carried out by a schedule."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from standardwebhooks.webhooks import Webhook

from app.chores import fire
from app.db.assistants import id_of
from app.service import open_service
from graphs.caller import local_caller
from settings import Settings
from tests.service.serving import clearance
from tests.service.waiting import until
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"
QUESTION = "What do we spend by supplier?"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def home(tmp_path: Path) -> Path:
    records = open_records(Settings(home=tmp_path / "home"))
    make_demo(records.writing)
    records.close()
    return tmp_path / "home"


async def test_a_vote_is_not_lost_with_the_process_that_took_it(home: Path) -> None:
    with clearance(home) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        await client.runs.wait(thread, "orchestrator", input={"messages": [{"role": "user", "content": FLAGSHIP}]})
        async with httpx.AsyncClient(base_url=f"{server.url}/governance", timeout=60) as http:
            waiting = (await http.get("/approvals")).json()
            assert len(waiting) == 3
            votes = [http.post(f"/approvals/{one['id']}/votes", json={"verdict": "approve"}) for one in waiting]
            assert {one.status_code for one in await asyncio.gather(*votes)} == {200}
        server.kill()
    with clearance(home) as server:
        client = get_client(url=server.url)
        ended = await until(lambda: client.threads.get(thread), lambda one: one["status"] == "idle")
        assert ended["values"]["status"] == "reported"
        assert len(await client.runs.list(thread)) >= 2
        async with httpx.AsyncClient(base_url=f"{server.url}/governance", timeout=60) as http:
            done = [one["state"] for one in (await http.get("/effects")).json()]
        assert done == ["done"] * 3


async def test_a_workflow_waits_for_a_signed_event_and_goes_on_when_it_comes(home: Path) -> None:
    env = {"CLEARANCE_EVENT_SECRETS": json.dumps({"erp": SECRET})}
    with clearance(home, env=env) as server:
        client = get_client(url=server.url)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
            thread = (await client.threads.create())["thread_id"]
            said = {"messages": [{"role": "user", "content": QUESTION}]}
            values: Any = await client.runs.wait(thread, "orchestrator", input=said)
            last = values["plan"]["steps"][-1]["id"]
            body = {"name": "spend", "execution_id": values["execution_id"], "waits": {last: "event:po within 5d"}}
            saved = await http.post("/workflows", json={**body, "parameters": ["top"]})
            assert saved.status_code == 201 and saved.json()["version"] == 1, saved.text
            assert (await http.post("/workflows", json=body)).json()["version"] == 2
            assert [one["name"] for one in (await http.get("/workflows")).json()] == ["spend"]
            told = (await http.get("/workflows/spend/compare", params={"from": 1, "to": 2})).json()
            assert told["parameters"] and not told["changed"]
            for path, status in (("/workflows/none", 404), ("/workflows/Bad", 422), ("/workflows/spend?version=9", 404)):
                assert (await http.get(path)).status_code == status, path
            bad = await http.post("/workflows", json={**body, "waits": {last: "soon"}})
            assert bad.status_code == 422 and "waits" in bad.json()["detail"]
            run = {"input": {"messages": [], "workflow": {"name": "spend"}}}
            other = (await client.threads.create())["thread_id"]
            paused: Any = await client.runs.wait(other, "orchestrator", **run)
            assert paused["__interrupt__"][0]["value"]["waiting_external"][0]["step"] == last

            raw, sent = json.dumps({"order": "4711"}), datetime.now(UTC)
            good = {
                "webhook-id": "m1",
                "webhook-timestamp": str(int(sent.timestamp())),
                "webhook-signature": Webhook(SECRET).sign("m1", sent, raw),
                "content-type": "application/json",
            }
            late = {**good, "webhook-timestamp": str(int(sent.timestamp()) - 3600)}
            for headers in ({}, {**good, "webhook-signature": "v1,AAAA"}, {**good, "webhook-signature": "rubbish"}, late):
                assert (await http.post("/events/po", content=raw, headers=headers)).status_code == 401
            assert (await http.post("/events/po", content=raw.replace("7", "8"), headers=good)).status_code == 401
            for hostile in ('{"order": NaN}', '{"order": "\\u0000"}', '{"order": ' + "[" * 5000 + "]" * 5000 + "}", "[]", ""):
                signed = {**good, "webhook-signature": Webhook(SECRET).sign("m1", sent, hostile), "content-type": "text/html"}
                assert (await http.post("/events/po", content=hostile, headers=signed)).status_code == 422, hostile[:20]
            assert (await http.post("/events/other", content=raw, headers=good)).status_code == 404
            for _ in range(2):
                came = await http.post("/events/po", content=raw, headers=good)
                assert came.status_code == 200 and came.json() == {"executions": [paused["execution_id"]]}
            ended = await until(lambda: client.threads.get(other), lambda one: one["status"] == "idle")
            assert ended["values"]["status"] == "reported" and ended["values"]["answer"]["sections"]
            weekly = {"name": "weekly", "execution_id": values["execution_id"]}
            assert (await http.post("/workflows", json=weekly)).status_code == 201
            assert (await http.delete("/workflows/spend")).status_code == 204
            assert (await http.get("/workflows/spend")).status_code == 404
    await _by_a_cron(Settings(home=home), "weekly")


async def _by_a_cron(settings: Settings, workflow: str) -> None:
    """A schedule carries out the workflow on a thread of its own."""
    async with open_service(settings) as service:
        row = await service.crons.create(
            local_caller(settings),
            None,
            **dict(assistant_id=id_of("orchestrator"), thread_id=None, schedule="0 7 * * 1", timezone=None, end_time=None),
            **dict(enabled=True, on_run_completed="keep", metadata={}),
            payload={"input": {"messages": [], "workflow": {"name": workflow}}},
        )
        run = await service.queue.get(None, str(await fire(service, row)))
        await service.worker.end_of(run["thread_id"], run["run_id"])
        made = (await service.threads.get(run["thread_id"]))["values"]
        assert made["status"] == "reported" and made["answer"]["sections"], made.get("status")
