"""`/governance` over a run that waits: the snapshot, the inbox, votes that count and that do not, the kill switch, stopping."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

from settings import Settings
from tests.service.serving import Server, clearance
from tests.service.waiting import until
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"


async def test_what_waits_is_decided_in_the_inbox(tmp_path: Path) -> None:
    home = tmp_path / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    people = '{"olga": ["operator"], "rita": ["requester"]}'
    with clearance(home, env={"CLEARANCE_PEOPLE": people}) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        await client.runs.wait(thread, "orchestrator", input={"messages": [{"role": "user", "content": FLAGSHIP}]})
        async with httpx.AsyncClient(base_url=f"{server.url}/governance", timeout=60) as http:
            first, second, third = (await http.get("/approvals")).json()
            schema = first["args_schema"]
            assert set(schema["required"]) <= set(first["args"]) <= set(schema["properties"]) and schema["type"] == "object"
            execution = (await http.get(f"/executions/{first['execution_id']}")).json()
            assert execution["thread_id"] == thread and execution["plans"][0]["steps"] and execution["attempts"]
            assert [row["id"] for row in execution["approvals"]] == [first["id"], second["id"], third["id"]]
            assert (await http.get("/approvals", params={"role": "nobody"})).json() == []
            assert (await http.get("/approvals", params={"status": "rejected"})).status_code == 422
            path = f"/approvals/{first['id']}/votes"
            assert (await http.post(path, json={"verdict": "edit"})).status_code == 422
            stranger = await http.post(path, json={"verdict": "approve"}, headers={"X-Clearance-As": "nobody-here"})
            assert stranger.status_code == 403 and "nobody-here" in stranger.json()["detail"]
            assert (await http.get(f"/approvals/{first['id']}")).json()["votes"] == []
            rejected = (await http.post(path, json={"verdict": "reject", "message": "not now"})).json()
            assert (rejected["status"], rejected["decided_by"], rejected["message"]) == ("rejected", ["local"], "not now")
            await client.runs.join(thread, (await client.runs.list(thread))[0]["run_id"])  # what the verdict set going
            again = await http.post(path, json={"verdict": "approve"})
            assert again.status_code == 409
            await settled(http, first["execution_id"], first["step_id"])
            asked = {"status": "rejected", "execution_id": first["execution_id"]}
            assert [row["id"] for row in (await http.get("/approvals", params=asked)).json()] == [first["id"]]
            assert len((await http.get("/approvals")).json()) == 2
            [ended] = (await http.get("/approvals/decided")).json()
            assert (ended["id"], ended["votes"][0]["user"]) == (first["id"], "local")
            for unknown in ("/approvals/none", "/executions/none"):
                assert (await http.get(unknown)).status_code == 404
            assert (await http.get("/effects")).json() == []
            assert (await http.post("/kill-switch/on", json={"reason": " "})).status_code == 422
            olga, rita = {"X-Clearance-As": "olga"}, {"X-Clearance-As": "rita"}
            assert (await http.post("/kill-switch/on", json={"reason": "a drill"}, headers=rita)).status_code == 403
            assert not any(one["stopped"] for one in (await http.get("/kill-switch")).json())
            flipped = (await http.post("/kill-switch/on", json={"reason": "a drill"}, headers=olga)).json()
            assert (flipped["stopped"], flipped["by"], flipped["reason"]) == (True, "olga", "a drill")
            assert any(one["stopped"] for one in (await http.get("/kill-switch")).json())
            held = await http.post(f"/approvals/{second['id']}/votes", json={"verdict": "approve"})
            assert held.status_code == 409 and "stays open" in held.json()["detail"]
            end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            asked = {"to": "rita", "role": "operator", "until": end}
            made = (await http.post("/delegations", json=asked, headers=olga)).json()
            assert [one["id"] for one in (await http.get("/delegations")).json()] == [made["id"]]
            assert (await http.post("/delegations", json={**asked, "to": "nobody"}, headers=olga)).status_code == 422
            assert (await http.delete(f"/delegations/{made['id']}", headers=rita)).status_code == 422
            assert (await http.delete(f"/delegations/{made['id']}", headers=olga)).status_code == 200
            assert (await http.get("/delegations")).json() == []
            stop = f"/executions/{first['execution_id']}/cancel"
            assert (await http.post(stop, headers=rita)).status_code == 403
            ending = await http.post(stop)
            assert ending.status_code == 202
            await client.runs.join(thread, ending.json()["run_id"])
            assert (await http.get("/approvals")).json() == []
            found = [(await http.get(f"/approvals/{one['id']}")).json()["status"] for one in (first, second, third)]
            assert found == ["rejected", "void", "void"]
            newest = (await http.get("/approvals/decided", params={"limit": 2})).json()
            assert {one["id"] for one in newest} == {second["id"], third["id"]}
            assert (await http.post(stop)).status_code == 409


async def settled(http: httpx.AsyncClient, execution_id: str, step_id: str) -> None:
    """Until the run that goes on after a verdict has ended the step, and waits for the others again."""

    async def look() -> Any:
        return (await http.get(f"/executions/{execution_id}")).json()

    def stands(found: Any) -> bool:
        ended = [one["status"] for one in found["attempts"] if one["step_id"] == step_id and one["result"]]
        return bool(ended) and found["status"] == "waiting"

    await until(look, stands)


def test_other_peoples_graphs_are_not_governed(server: Server) -> None:
    assert httpx.get(f"{server.url}/governance/approvals", timeout=60).status_code == 404
