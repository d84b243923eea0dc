"""`/governance` over a run that changed something: the inbox as it happens, the record and what may be taken away of it, policies,
budgets, settling, undoing, and no rollback behind what stands."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

from app.audit_bundle import check_bundle
from governance.bundle import POLICIES
from governance.signing import Signed
from settings import Settings
from tests.service.serving import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"


async def events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    """Names and bodies of server-sent events."""
    name = ""
    async for line in lines:
        kind, _, text = line.partition(": ")
        if kind == "event":
            name = text
        elif kind == "data":
            yield name, json.loads(text)


async def test_the_record_of_a_run_that_changed_something(tmp_path: Path) -> None:
    home, limits = tmp_path / "home", tmp_path / "budgets.toml"
    limits.write_text("[run]\ntool_calls = 500\n[user]\nmoney = 2.5\n")
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    with clearance(home, env={"CLEARANCE_BUDGETS": str(limits)}) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        async with httpx.AsyncClient(base_url=f"{server.url}/governance", timeout=120) as http:
            async with http.stream("GET", "/inbox/stream") as inbox:
                told = events(inbox.aiter_lines())
                assert await anext(told) == ("ready", {"open": 0})
                said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
                asking = asyncio.create_task(client.runs.wait(thread, "orchestrator", input=said))
                opened: list[tuple[str, Any]] = []
                stood: list[str] = []  # how the thread was said to stand
                while len(opened) < 3 or stood[-1:] != ["interrupted"]:
                    name, body = await anext(told)
                    if name == "thread":
                        assert body["thread_id"] == thread
                        stood.append(body["status"])
                    else:
                        opened.append((name, body))
                assert {name for name, _ in opened} == {"open"} and len({body["id"] for _, body in opened}) == 3
                await asking
                first, *rest = [body["id"] for _, body in opened]
                votes = [(first, "approve"), *((id, "reject") for id in rest)]
                for id, verdict in votes:
                    body = {"verdict": verdict, "message": "seen"}
                    assert (await http.post(f"/approvals/{id}/votes", json=body)).status_code == 200
                closed: dict[str, str] = {}
                while len(closed) < 3 or stood[-1:] != ["idle"]:  # decided, it goes on by itself
                    name, body = await anext(told)
                    if name == "closed":
                        closed[body["id"]] = body["status"]
                    if name == "thread":
                        stood.append(body["status"])
                assert closed == {first: "approved", rest[0]: "rejected", rest[1]: "rejected"}
            [run, *_] = await client.runs.list(thread)  # it may have gone on between two votes, too
            [effect] = (await http.get("/effects")).json()
            execution, key = effect["execution_id"], effect["key"]
            assert effect["state"] == "done"

            used = (await http.get(f"/executions/{execution}")).json()["usage"]
            counted = (await http.get("/operations")).json()["usage"]
            [asked] = (await http.get("/operations/runs")).json()["runs"]
            assert asked["execution_id"] == execution
            assert counted["model_calls"] == used["model_calls"] + 1, "the run's, and its intake's"

            page = (await http.get("/audit/records", params={"limit": 5})).json()
            assert len(page["records"]) == 5 and page["next"] == page["records"][-1]["seq"]
            older = (await http.get("/audit/records", params={"limit": 5, "before": page["next"]})).json()["records"]
            assert older[0]["seq"] == page["next"] - 1
            asked = {"execution_id": execution, "phase": "outcome", "tool": effect["tool"]}
            [done] = (await http.get("/audit/records", params=asked)).json()["records"]
            assert done["approval_id"] == first and "args" not in done
            assert (await http.get("/audit/records", params={**asked, "until": done["at"]})).json()["records"] == []
            sound = (await http.get("/audit/verify")).json()
            assert sound["sound"] and sound["faults"] == []
            [head] = (await http.get("/audit/heads")).json()
            assert head["statement"]["org"] == "local" and Signed.from_dict(head).genuine
            [story] = (await http.get(f"/audit/runs/{thread}")).json()
            assert len(story) == len((await http.get(f"/audit/runs/{execution}/cloudevents")).json())
            bundle = (await http.get(f"/audit/runs/{execution}/bundle")).json()
            assert not check_bundle(Signed.from_dict(bundle), [head["key"]]).faults
            assert (await http.get("/audit/runs/nobody/bundle")).status_code == 404

            there = (await http.get("/policies")).json()
            assert there["valid"] and any(one["id"] == "large-amounts" for one in there["policies"])
            bad = "permit (principal, action, resource) when { context.no };"
            wrong = (await http.post("/policies/validate", json={"files": {"supply_chain/people.cedar": bad}})).json()
            assert not wrong["valid"] and wrong["problems"][0]["where"] == "supply_chain/people.cedar:1"
            text = (POLICIES / "supply_chain" / "people.cedar").read_text()
            same = (await http.post("/policies/validate", json={"files": {"supply_chain/people.cedar": text}})).json()
            assert same["valid"] and same["version"] == there["version"]
            assert (await http.post("/policies/validate", json={"files": {"../x.cedar": text}})).status_code == 422
            files = (await http.get("/policies/files")).json()["files"]
            assert "schema.cedarschema" in files and '@id("secret-leaves")' in files["core/data.cedar"]
            matrix = (await http.get("/policies/matrix", params={"tainted": True})).json()
            assert matrix["rows"] and set(matrix["rows"][0]["outcomes"]) == set(matrix["roles"])
            call = {"tool": effect["tool"], "args": effect["args"], "roles": ["auditor"]}
            judged = (await http.post("/policies/explain", json=call)).json()
            assert judged["outcome"] == "deny" and "auditors-only-look" in [rule["id"] for rule in judged["rules"]]
            assert (await http.post("/policies/explain", json={})).status_code == 422

            [run_calls] = [
                one for one in (await http.get("/budgets", params={"run": execution})).json() if one["scope"] == "run"
            ]
            assert run_calls["limit"] == 500 and 0 < run_calls["used"] == 500 - run_calls["left"]
            [day] = (await http.get("/budgets")).json()
            assert (day["unit"], day["limit"]) == ("money", 2.5)
            more = {"run": thread, "unit": "money", "amount": 0.5, "scope": "user"}
            assert (await http.post("/budgets/raise", json=more)).json()["limit"] == 3.0
            rita = {"X-Clearance-As": "rita"}
            assert (await http.post("/budgets/raise", json=more, headers=rita)).status_code == 403
            assert (await http.post("/budgets/raise", json={**more, "unit": "seconds"})).status_code == 422

            known = await http.post(f"/effects/{key}/settle", json={"outcome": "done", "reason": "I looked"})
            assert known.status_code == 403 and "known already" in known.json()["detail"]
            assert (await http.post("/effects/none/settle", json={"outcome": "done", "reason": "x"})).status_code == 404
            with sqlite3.connect(home / "clearance.db") as db:  # as if the run went on
                db.execute("UPDATE runs SET status = 'running' WHERE run_id = ?", (run["run_id"],))
            path = f"{server.url}/threads/{thread}/runs/{run['run_id']}/cancel"
            refused = await http.post(path, params={"action": "rollback"})
            assert refused.status_code == 409 and effect["tool"] in refused.json()["detail"]
            again = {"assistant_id": "orchestrator", "input": said, "multitask_strategy": "rollback"}
            assert (await http.post(f"{server.url}/threads/{thread}/runs", json=again)).status_code == 409
            assert (await http.post(f"/executions/{execution}/undo", json={"reason": "x"})).status_code == 409, "it runs"
            with sqlite3.connect(home / "clearance.db") as db:
                db.execute("UPDATE runs SET status = 'success' WHERE run_id = ?", (run["run_id"],))
            [seen] = (await http.get(f"/executions/{execution}/undo")).json()
            assert (seen["standing"], seen["effect"]["key"]) == ("open", key)
            assert (await http.post(f"/executions/{execution}/undo", json={})).status_code == 422, "nobody said why"
            [undone] = (await http.post(f"/executions/{execution}/undo", json={"reason": "a mistake"})).json()
            if undone["standing"] == "waiting":
                await http.post(f"/approvals/{undone['approval_id']}/votes", json={"verdict": "approve"})
                [undone] = (await http.post(f"/executions/{execution}/undo", json={})).json()
            assert undone["standing"] == "compensated"
            assert (await http.get("/audit/verify")).json()["sound"]
