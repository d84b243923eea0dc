"""One person against another's ids, over every operation there is: what is not theirs answers as if it never was. And what
approvers, auditors and admins do see of a run that waits."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from app.api.governance.sight import MASKED
from app.auth.keys import Keys
from app.db.upgrade import upgrade
from database import Database
from governance.identity import Caller
from graphs.executions import step_thread
from settings import Settings
from tests.service.serving import Server, clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"
MARK = "known-to-ann-alone"
PEOPLE = {
    "ann": Caller("ann", "acme", ("requester",)),
    "bob": Caller("bob", "acme", ("requester",)),
    "marc": Caller("marc", "acme", ("risk-manager",)),
    "nina": Caller("nina", "acme", ("clerk",)),
    "ada": Caller("ada", "acme", ("auditor",)),
    "adam": Caller("adam", "acme", ("admin",)),
    "bot": Caller("bot", "acme", ("risk-manager",), person=False),
    "eve": Caller("eve", "other", ("admin", "auditor", "risk-manager", "requester", "operator")),
}


OTHERWISE = {"{delegation_id}": 422, "/commands": 200, "/stream/events": 200, "/events/{name}": 401, "{fingerprint}": 403}
"""How what is not there is answered where that is not a 404: in words, or before it is looked for."""


@dataclass
class Governed:
    """A service with ann's run, which waits for three approvals. `ids` are what a path may name, of hers."""

    server: Server
    keys: dict[str, dict[str, str]]
    key_ids: dict[str, str]
    ids: dict[str, str]
    approvals: list[str]
    home: Path


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governed]:
    home = tmp_path_factory.mktemp("governed")
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    made = {name: asyncio.run(_key(home, caller)) for name, caller in PEOPLE.items()}
    keys = {name: {"x-api-key": secret} for name, (_, secret) in made.items()}
    with clearance(home, env={"CLEARANCE_SIGN_IN": "keys", "CLEARANCE_RATE": "0"}) as server:
        ids, approvals = asyncio.run(_ask(server, keys))
        yield Governed(server, keys, {name: id for name, (id, _) in made.items()}, ids, approvals, home)


async def _key(home: Path, caller: Caller) -> tuple[str, str]:
    db = Database(Settings(home=home).app_url())
    upgrade(db)
    key, secret = await Keys(db).create(caller.user, caller)
    db.close()
    return key.key_id, secret


async def _ask(server: Server, keys: dict[str, dict[str, str]]) -> tuple[dict[str, str], list[str]]:
    client = get_client(url=server.url, api_key=keys["ann"]["x-api-key"])
    thread = (await client.threads.create(metadata={"mark": MARK}))["thread_id"]
    said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
    await client.runs.wait(thread, "orchestrator", input=said, metadata={"mark": MARK})
    run = (await client.runs.list(thread))[0]["run_id"]
    checkpoint = (await client.threads.get_state(thread))["checkpoint"]["checkpoint_id"]
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        waiting = (await http.get("/governance/approvals", headers=keys["ann"])).json()
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        lent = {"to": "nina", "role": "risk-manager", "until": until}
        delegation = (await http.post("/governance/delegations", json=lent, headers=keys["marc"])).json()["id"]
        monthly = {"assistant_id": "orchestrator", "schedule": "0 6 1 * *", "metadata": {"mark": MARK}}
        cron = (await http.post("/runs/crons", json=monthly, headers=keys["ann"])).json()["cron_id"]
        own = {"graph_id": "orchestrator", "name": MARK}
        assistant = (await http.post("/assistants", json=own, headers=keys["adam"])).json()["assistant_id"]
        saved = {"name": "anns-plan", "execution_id": waiting[0]["execution_id"]}
        assert (await http.post("/workflows", json=saved, headers=keys["ann"])).status_code == 201
    ids = {"thread_id": thread, "run_id": run, "checkpoint_id": str(checkpoint), "execution_id": waiting[0]["execution_id"]}
    ids |= {
        "approval_id": waiting[0]["id"],
        "delegation_id": delegation,
        "assistant_id": assistant,
        "namespace": "no-such-part",
    }
    ids |= {"fingerprint": "0123456789abcdef"}  # a mapping is nobody's own
    ids |= {"cron_id": cron, "run": ids["execution_id"], "key": str(uuid.uuid4()), "name": "anns-plan"}
    return ids, [one["id"] for one in waiting]


@pytest.fixture
async def http(governed: Governed) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=governed.server.url, timeout=60) as client:
        yield client


async def _everything(http: httpx.AsyncClient, governed: Governed) -> str:
    """All that ann has, as she sees it."""
    ids, key = governed.ids, governed.keys["ann"]
    paths = [
        f"/threads/{ids['thread_id']}",
        f"/threads/{ids['thread_id']}/runs",
        f"/governance/executions/{ids['execution_id']}",
    ]
    paths += [f"/governance/approvals/{id}" for id in governed.approvals]
    said = [(await http.get(path, headers=key)) for path in (*paths, "/governance/delegations")]
    assert all(one.status_code == 200 for one in said)
    return "\n".join(one.text for one in said)


async def _said(answer: httpx.Response) -> str:
    """The answer's text; of a stream that tells nothing but that it is there, nothing."""
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return (await answer.aread()).decode()
    try:
        async with asyncio.timeout(0.5):
            return "".join([line async for line in answer.aiter_lines() if not line.startswith(":")])
    except TimeoutError:
        return ""


@pytest.mark.parametrize("who", ["bob", "eve", "bot"])
async def test_every_operation_on_anothers_ids_answers_as_for_ids_that_never_were(
    http: httpx.AsyncClient, governed: Governed, who: str
) -> None:
    before = await _everything(http, governed)
    described = (await http.get("/openapi.json")).json()
    never = {name: name if name == "namespace" else str(uuid.uuid4()) for name in governed.ids} | {"name": "nobodys-plan"}
    shared = {"assistant_id", "name"} if PEOPLE[who].org == "acme" else set()  # what is the whole organisation's to use
    secret = [value for name, value in governed.ids.items() if name not in {*shared, "namespace"}]
    secret += governed.approvals
    tried = []

    async def ask(method: str, path: str, ids: dict[str, str], query: list[str]) -> tuple[int, str]:
        assistant = "orchestrator" if "{thread_id}" in path else (never if shared else ids)["assistant_id"]
        body: dict[str, Any] = {"assistant_id": assistant, "input": {"messages": []}}
        body |= {
            "thread_id": ids["thread_id"],
            "run_ids": [ids["run_id"]],
            "ids": [ids["thread_id"]],
            "if_exists": "do_nothing",
        }
        body |= {"checkpoint": {"checkpoint_ns": ""}, "values": {}, "metadata": {}, "verdict": "approve", "version": 1}
        body |= {"reason": "a try", "graph_id": "nosuch", "execution_id": ids["execution_id"]}
        body |= {"to": "ann", "role": "risk-manager", "until": "2999-01-01T00:00:00Z"}
        body |= {
            "outcome": "done",
            "text": "stop that",
            "thumb": "up",
            "base": 1,
            "changes": [{"step": "s1", "leave_out": True}],
        }
        plan = {"name": ids["name"], "execution_id": ids["execution_id"]}
        command = {"id": 1, "method": "agent.getTree"}
        strict = {"votes": ("verdict",), "on": ("reason",), "off": ("reason",), "delegations": ("to", "role", "until")}
        strict |= {
            "settle": ("outcome", "reason"),
            "undo": ("reason",),
            "steers": ("text",),
            "feedback": ("thumb",),
            "plan": ("base", "changes", "reason"),
            "{cron_id}": (),
        }
        last = path.rsplit("/", 1)[1]
        if last in strict:
            body = {name: body[name] for name in strict[last]}
        body = {"commands": command, "workflows": plan, "events": {"channels": ["values"]}}.get(last, body)
        if last == "history":
            body = {}
        sent: Any = [body] if last == "batch" else body
        named = [name for name in query if name in (*ids, "from", "to", "product") and f"{{{name}}}" not in path]
        asked = http.stream(
            method,
            path.format(**ids),
            params={name: ids.get(name, 1) for name in named},
            json=None if method == "get" else sent,
            headers=governed.keys[who],
        )
        async with asked as answer:
            said = await _said(answer)
        published = shared and path.startswith(
            "/workflows"
        )  # whoever keeps a plan gives it to their organisation, origin and all
        if answer.status_code < 300 and not published:  # an error may say again what was asked
            assert not [one for one in (*secret, *([] if shared else [MARK])) if one in said], (method, path, said)
        for name, value in (*ids.items(), *never.items()):
            said = said if name == "namespace" else said.replace(value, f"<{name}>")  # which is a name of its own
        return answer.status_code, said

    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            named = [one["name"] for one in operation.get("parameters", []) if one["in"] in ("path", "query")]
            in_path = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert in_path <= set(governed.ids), f"{path}: say in `ids` which of ann's this names"
            foreign = await ask(method, path, governed.ids, named)
            if in_path and not in_path & shared:
                assert foreign == await ask(method, path, never, named), (method, path)
                expected = next((status for part, status in OTHERWISE.items() if part in path), 404)
                assert foreign[0] == expected and '"success"' not in foreign[1], (method, path, foreign)
                tried.append((method, path))
            elif not in_path and foreign[0] >= 300 and path != "/threads":  # an id of one's own choice that is taken is a 409
                assert foreign == await ask(method, path, never, named), (method, path)
            assert foreign[0] < 500, (method, path, foreign)
    assert len(tried) > 20
    if who != "bot":
        async with http.stream("GET", "/governance/inbox/stream", headers=governed.keys[who]) as inbox:
            lines = inbox.aiter_lines()
            assert await anext(lines) == "event: ready", "nothing is open for them"
            made = [(name, (await http.post("/threads", json={}, headers=governed.keys[name])).json()) for name in ("ann", who)]
            told = [line async for line in _until(lines, made[1][1]["thread_id"])]
            assert not any(made[0][1]["thread_id"] in line for line in told), "only of their own threads they are told"
            for name, one in made:
                assert (await http.delete(f"/threads/{one['thread_id']}", headers=governed.keys[name])).status_code == 204
    run = {"assistant_id": "orchestrator", "input": {"messages": []}, "if_not_exists": "create"}
    taken = await http.post(f"/threads/{governed.ids['thread_id']}/runs", json=run, headers=governed.keys[who])
    assert taken.status_code == 404
    kept = {"thread_id": governed.ids["thread_id"], "if_exists": "do_nothing"}
    assert (await http.post("/threads", json=kept, headers=governed.keys[who])).status_code == 409
    assert await _everything(http, governed) == before


async def _until(lines: AsyncIterator[str], text: str) -> AsyncIterator[str]:
    """Those up to the one with this text."""
    async for line in lines:
        yield line
        if text in line:
            return


async def test_nobody_takes_over_what_belongs_to_anothers_run(http: httpx.AsyncClient, governed: Governed) -> None:
    """Knowing an execution's id, as its approvers do, is no way to its threads, nor to go on with it in its asker's name."""
    before, ids, bob = await _everything(http, governed), governed.ids, governed.keys["bob"]
    for part in ("s1", "s2", "s99"):
        step = step_thread(ids["execution_id"], part, 1)
        for path, body in [
            ("/threads", {"thread_id": step, "if_exists": "do_nothing"}),
            (f"/threads/{step}/runs", {"assistant_id": "orchestrator", "input": {"messages": []}, "if_not_exists": "create"}),
        ]:
            assert (await http.post(path, json=body, headers=bob)).status_code == 422, (part, path)
        assert (await http.get(f"/threads/{step}/state", headers=bob)).status_code == 404
        assert (await http.delete(f"/threads/{step}", headers=bob)).status_code == 404
    terminals, saver = str(uuid.uuid4()), sqlite3.connect(governed.home / "checkpoints.db", timeout=30)
    with saver:  # as `clearance run` without the service leaves one
        copied = "SELECT ?, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints"
        saver.execute(f"INSERT INTO checkpoints {copied} WHERE thread_id = ?", (terminals, ids["thread_id"]))
    saver.close()
    assert (await http.post("/threads", json={"thread_id": terminals}, headers=bob)).status_code == 409
    made = {"assistant_id": "orchestrator", "input": {"messages": []}, "if_not_exists": "create"}
    assert (await http.post(f"/threads/{terminals}/runs", json=made, headers=bob)).status_code == 404
    values = (await http.get(f"/threads/{ids['thread_id']}/state", headers=governed.keys["ann"])).json()["values"]
    forged = {name: value for name, value in values.items() if name != "messages"}
    own = (await http.post("/threads", json={"metadata": {"graph_id": "orchestrator"}}, headers=bob)).json()["thread_id"]
    asked: list[dict[str, Any]] = [
        {"input": {**forged, "messages": []}},
        {"command": {"update": forged}},
        {"command": {"update": [[name, value] for name, value in forged.items()]}},
        {"command": {"goto": "execute"}},
        {"command": {"goto": [{"node": "execute", "input": forged}]}},
    ]
    for one in asked:
        answer = await http.post(f"/threads/{own}/runs/wait", json={"assistant_id": "orchestrator", **one}, headers=bob)
        assert answer.status_code == 422, (one.keys(), answer.text[:200])
        responding = {"id": 1, "method": "run.start", "params": {"assistant_id": "orchestrator", **one}}
        if "input" in one:
            said = (await http.post(f"/threads/{own}/commands", json=responding, headers=bob)).json()
            assert said["type"] == "error" and "execution_id" in said["message"]
    for node in ("intake", "reviewed", "execute", "apply"):
        body = {"values": forged, "as_node": node}
        answer = await http.post(f"/threads/{own}/state", json=body, headers=bob)
        assert answer.status_code == 422 and "execution_id" in answer.json()["detail"]
        unsaid = await http.post(f"/threads/{own}/state", json={"values": {"messages": []}, "as_node": node}, headers=bob)
        assert unsaid.status_code in (200, 400), unsaid.text
    assert await _everything(http, governed) == before


async def test_who_decides_sees_what_they_decide_and_nothing_else(http: httpx.AsyncClient, governed: Governed) -> None:
    ids, first = governed.ids, governed.approvals[0]

    async def get(who: str, path: str) -> httpx.Response:
        return await http.get(path, headers=governed.keys[who])

    full = (await get("ann", f"/governance/approvals/{first}")).json()
    assert full["thread_id"] == ids["thread_id"] and not full["masked"] and full["evidence"]
    assert not any(one["masked"] for one in full["evidence"])
    seen = (await get("marc", f"/governance/approvals/{first}")).json()
    assert seen["thread_id"] is None and seen["args"] == full["args"] and seen["provenance"] == full["provenance"]
    assert seen["evidence"] == full["evidence"], "the policy lets risk managers read what this was judged by"
    assert seen["plan"] == full["plan"] and seen["step_id"] in [one["id"] for one in seen["plan"]]
    whole = (await get("ann", f"/governance/executions/{ids['execution_id']}")).json()
    assert 0 < len(seen["plan"]) < len(whole["plans"][-1]["steps"]), "only what leads to it"
    assert [one["id"] for one in (await get("marc", "/governance/approvals")).json()] == governed.approvals
    lent = (await get("nina", f"/governance/approvals/{first}")).json()
    assert lent["args"] == full["args"], "whoever decides sees what would run"
    assert lent["evidence"] and all(one["masked"] and one["result"] == MASKED for one in lent["evidence"])
    for who in ("marc", "nina", "bob", "bot"):
        for path in (f"/threads/{ids['thread_id']}", f"/governance/executions/{ids['execution_id']}"):
            assert (await get(who, path)).status_code == 404, (who, path)
        assert (await get(who, "/governance/effects")).json() == []
    for who, count in [("bob", 0), ("bot", 0), ("eve", 0), ("nina", 3), ("ada", 3), ("adam", 3)]:
        assert len((await get(who, "/governance/approvals")).json()) == count, who
    shown = (await get("ada", f"/governance/executions/{ids['execution_id']}")).json()
    assert shown["thread_id"] is None and shown["attempts"] == whole["attempts"], "the policy lets auditors read this"
    for who, sees in [("marc", True), ("nina", True), ("ada", True), ("bob", False)]:
        assert bool((await get(who, "/governance/delegations")).json()) is sees, who
    as_another = {**governed.keys["bob"], "X-Clearance-As": "marc"}
    assert (await http.get("/governance/approvals", headers=as_another)).status_code == 403


async def test_votes_count_by_the_role_of_who_signed_in(http: httpx.AsyncClient, governed: Governed) -> None:
    ids = governed.ids
    first, second, third = governed.approvals

    async def vote(who: str, id: str, **more: Any) -> httpx.Response:
        body = {"verdict": "approve", **more}
        return await http.post(f"/governance/approvals/{id}/votes", json=body, headers=governed.keys[who])

    for who, status in [("bob", 404), ("bot", 404), ("eve", 404), ("ada", 403), ("adam", 403), ("ann", 403)]:
        assert (await vote(who, first)).status_code == status, who
    given = (await vote("marc", first)).json()
    assert (given["status"], given["decided_by"], given["votes"][0]["roles"]) == ("approved", ["marc"], ["risk-manager"])
    lent = (await vote("nina", second, verdict="reject", message="not now")).json()
    assert (lent["status"], lent["votes"][0]["behalf"]) == ("rejected", "marc")
    await keys_of(governed.home).revoke(governed.key_ids["marc"])
    assert (await http.get("/governance/approvals", headers=governed.keys["marc"])).status_code == 401
    assert (await vote("nina", third)).status_code == 404, "what marc lent ended with his key"
    stop = f"/governance/executions/{ids['execution_id']}/cancel"
    for who, status in [("bob", 404), ("eve", 404), ("nina", 404), ("ada", 403), ("adam", 202)]:
        assert (await http.post(stop, headers=governed.keys[who])).status_code == status, who


def keys_of(home: Path) -> Keys:
    return Keys(Database(Settings(home=home).app_url()))
