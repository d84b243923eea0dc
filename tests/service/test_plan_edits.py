"""A plan edited over HTTP: while it waits to be looked at, and while its execution waits for something else."""

from typing import Any

import httpx
from langgraph_sdk import get_client

from tests.service.serving import Server
from tests.service.waiting import until

FLAGSHIP = "Analyze supplier risk across our logistics network"


async def test_single_steps_are_edited_before_the_run_and_while_it_waits(company: Server) -> None:
    client = get_client(url=company.url)
    async with httpx.AsyncClient(base_url=company.url, timeout=120) as http:

        async def run(thread: str, given: dict[str, Any], **configurable: Any) -> Any:
            return await client.runs.wait(thread, "orchestrator", input=given, config={"configurable": configurable})

        async def executed(id: str) -> Any:
            return (await http.get(f"/governance/executions/{id}")).json()

        async def edit(id: str, base: int, *changes: Any, who: str = "", reason: str = "not this time") -> httpx.Response:
            body = {"base": base, "changes": changes, "reason": reason}
            return await http.post(
                f"/governance/executions/{id}/plan", json=body, headers={"X-Clearance-As": who} if who else {}
            )

        def step_of(plan: Any, specialist: str) -> Any:
            return next(step for step in plan["steps"] if step["specialist"] == specialist)

        thread = (await client.threads.create())["thread_id"]
        shown = await run(thread, {"messages": [{"role": "user", "content": FLAGSHIP}]}, review_plan=True)
        id, [plan] = shown["execution_id"], (await executed(shown["execution_id"]))["plans"]
        assert shown["__interrupt__"][0]["value"]["action_requests"][0]["name"] == "review_plan"
        sanctions, shipments = step_of(plan, "sanctions")["id"], step_of(plan, "shipments")["id"]
        without, only = {"step": sanctions, "leave_out": True}, {"step": shipments, "settings": {"modes": "Air"}}
        for status, said, answer in [
            (409, "revision 1 is the newest", await edit(id, 2, without)),
            (403, "may not change", await edit(id, 1, without, who="rita")),
            (422, "no step s99", await edit(id, 1, {"step": "s99", "leave_out": True})),
            (422, "takes no setting colour", await edit(id, 1, {"step": shipments, "settings": {"colour": "red"}})),
            (422, "nothing produces", await edit(id, 1, {"step": step_of(plan, "approvals")["id"], "leave_out": True})),
            (422, "does not produce", await edit(id, 1, {"step": shipments, "specialist": "finance"})),
            (422, "say either", await edit(id, 1, {"step": shipments})),
            (422, "reason", await edit(id, 1, without, reason="")),
        ]:
            assert answer.status_code == status and said in answer.json()["detail"], answer.text
        taken = (await edit(id, 1, without, only)).json()
        assert set(taken["diff"]["dropped"]) == {sanctions, shipments} and taken["edit_id"] is None
        await client.runs.join(thread, taken["run_id"])
        stands = await executed(id)
        assert [one["cause"] for one in stands["plans"][:2]] == ["goal", "review"] and stands["status"] == "waiting"
        assert stands["plans"][1]["reason"] == "local edited the plan: not this time"
        assert {one["specialist"] for one in stands["attempts"]} >= {"risk", "escalation"}
        assert not [one for one in stands["attempts"] if one["specialist"] == "sanctions"]
        [delivered] = [one["result"] for one in stands["attempts"] if one["specialist"] == "shipments"]
        [call] = [one for one in delivered["calls"] if one["product"] == "deliveries"]
        assert call["args"]["modes"] == ["Air"] and delivered["step_id"] in taken["diff"]["added"]
        newest = stands["plans"][-1]
        late = await edit(id, newest["rev"], {"step": delivered["step_id"], "leave_out": True})
        assert late.status_code == 409 and "began already" in late.json()["detail"]

        saved = {"name": "held-risk", "execution_id": id, "waits": {step_of(newest, "finance")["id"]: "event:books-closed"}}
        assert (await http.post("/workflows", json=saved)).status_code == 201
        thread = (await client.threads.create())["thread_id"]
        held = (await run(thread, {"messages": [], "workflow": {"name": "held-risk"}}))["execution_id"]
        [plan] = (await executed(held))["plans"]
        begun = {one["step_id"] for one in (await executed(held))["attempts"]}
        drop = [step["id"] for step in plan["steps"] if step["id"] not in begun and step["specialist"] != "risk"]
        risk = step_of(plan, "risk")["id"]
        assert drop and risk not in begun
        asked = (await edit(held, 1, *({"step": one, "leave_out": True} for one in (*drop, risk)))).json()
        assert asked["run_id"] is None and asked["edit_id"]

        async def edits() -> Any:
            return (await http.get(f"/governance/executions/{held}/edits")).json()

        [settled] = await until(edits, lambda found: found[0]["answer"] is not None)
        assert settled["answer"] == "local edited the plan: not this time" and settled["changes"][0]["leave_out"]
        over = await until(lambda: executed(held), lambda found: found["status"] == "finished")
        assert set(over["plans"][-1]) and {step["id"] for step in over["plans"][-1]["steps"]} == begun
        assert (await edit(held, 2, without)).status_code == 409, "it is over"
