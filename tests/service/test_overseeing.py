"""Fleet and operations over HTTP: who sees them, who takes something out of service, and what the numbers open."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.auth.keys import Keys
from app.db.upgrade import upgrade
from database import Database
from governance.identity import Caller
from settings import Settings
from tests.app.command import clearance as command
from tests.service.serving import clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

PEOPLE = {
    "ann": Caller("ann", "acme", ("requester",)),
    "olga": Caller("olga", "acme", ("operator",)),
    "ada": Caller("ada", "acme", ("auditor",)),
    "eve": Caller("eve", "other", ("auditor", "operator")),
}


class Overseen(NamedTuple):
    """A service where people sign in, the headers of each, and its home."""

    url: str
    keys: dict[str, dict[str, str]]
    home: Path


GOAL = "Which suppliers do we buy from?"


@pytest.fixture(scope="module")
def overseen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Overseen]:
    """Ann's goal has been answered there."""
    home = tmp_path_factory.mktemp("overseen")
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    keys = asyncio.run(keys_for(Settings(home=home)))
    with clearance(home, env={"CLEARANCE_SIGN_IN": "keys"}) as server:
        asyncio.run(asked(server.url, keys["ann"], GOAL))
        yield Overseen(server.url, keys, home)


async def keys_for(settings: Settings) -> dict[str, dict[str, str]]:
    db = Database(settings.app_url())
    try:
        upgrade(db)
        made = {name: await Keys(db).create(name, caller) for name, caller in PEOPLE.items()}
        return {name: {"x-api-key": secret} for name, (_, secret) in made.items()}
    finally:
        db.close()


async def asked(url: str, key: dict[str, str], goal: str) -> Any:
    """The state after a goal on a thread of its own."""
    said = {"messages": [{"role": "user", "content": goal}]}
    body = {"assistant_id": "orchestrator", "input": said, "if_not_exists": "create"}
    async with httpx.AsyncClient(base_url=url, timeout=120, headers=key) as http:
        thread = (await http.post("/threads", json={})).json()["thread_id"]
        answer = await http.post(f"/threads/{thread}/runs/wait", json=body)
        assert answer.status_code == 200, answer.text
        return {"thread_id": thread, **answer.json()}


async def test_the_fleet_is_seen_and_one_of_it_suspended_by_who_may(overseen: Overseen) -> None:
    url, keys, _ = overseen
    part = {"kind": "specialist", "name": "procurement", "reason": "it guesses"}
    async with httpx.AsyncClient(base_url=f"{url}/governance", timeout=60) as http:
        assert [(await http.get("/fleet", headers=keys[who])).status_code for who in PEOPLE] == [404, 200, 200, 200]
        seen = (await http.get("/fleet", headers=keys["ada"])).json()
        assert not seen["may_suspend"] and (await http.get("/fleet", headers=keys["olga"])).json()["may_suspend"]
        by_name = {one["name"]: one for one in seen["specialists"]}
        assert by_name["procurement"]["health"]["done"] == 1 and by_name["planner"]["core"]
        assert {one["name"]: one["rows"] for one in seen["connectors"]}["orders"] == 1500
        [model] = seen["models"]
        assert model["configured"] and model["where"] == "" and model["health"]["of"] == model["health"]["done"] > 1
        other = (await http.get("/fleet", headers=keys["eve"])).json()
        assert all(one["health"]["calls"] == 0 for one in other["tools"]), "another organisation's use is not told"
        late = (await http.get("/fleet", headers=keys["ada"], params={"since": "2999-01-01T00:00:00"})).json()
        assert late["since"].startswith("2999-01-01T00:00") and not any(one["health"]["calls"] for one in late["tools"])
        assert (await http.get("/fleet", headers=keys["ada"], params={"since": "soon"})).status_code == 422

        assert (await http.post("/fleet/suspend", json=part, headers=keys["ann"])).status_code == 403
        assert (await http.post("/fleet/suspend", json={**part, "reason": " "}, headers=keys["olga"])).status_code == 422
        for wrong in ({**part, "name": "nobody"}, {**part, "kind": "tool"}, {**part, "name": "planner"}):
            answer = await http.post("/fleet/suspend", json=wrong, headers=keys["olga"])
            assert answer.status_code == 404 and "there are: " in answer.json()["detail"]
        made = (await http.post("/fleet/suspend", json=part, headers=keys["olga"])).json()
        assert (made["name"], made["by"], made["reason"]) == ("procurement", "olga", "it guesses")
        after = {one["name"]: one for one in (await http.get("/fleet", headers=keys["ada"])).json()["specialists"]}
        assert after["procurement"]["suspended"] == made and after["finance"]["suspended"] is None
        theirs = {one["name"]: one for one in (await http.get("/fleet", headers=keys["eve"])).json()["specialists"]}
        assert theirs["procurement"]["suspended"] is None
        failed = await asked(url, keys["ann"], GOAL)
        assert "the specialist procurement is suspended: by olga" in failed["answer"]["missing"][0]
        assert (await http.post("/fleet/resume", json=part, headers=keys["olga"])).status_code == 204
        assert (await http.post("/fleet/resume", json=part, headers=keys["olga"])).status_code == 409
        assert (await asked(url, keys["ann"], GOAL))["answer"]["status"] == "complete"
        trail = {"phase": "suspension", "user": "olga"}
        audit = (await http.get("/audit/records", params=trail, headers=keys["ada"])).json()["records"]
        assert [one["outcome"] for one in audit] == ["resumed", "suspended"]


async def test_operations_open_the_runs_behind_their_numbers(overseen: Overseen) -> None:
    url, keys, _ = overseen
    poem = await asked(url, keys["ann"], "Write me a poem about the sea")
    assert poem["status"] == "declined"
    ada = keys["ada"]
    async with httpx.AsyncClient(base_url=f"{url}/governance/operations", timeout=60) as http:
        root = f"{url}/governance/operations"
        assert [(await http.get(root, headers=keys[who])).status_code for who in PEOPLE] == [404, 404, 200, 200]
        assert (await http.get("/runs", headers=keys["ann"])).status_code == 404
        told = (await http.get(root, headers=ada)).json()
        goals = {one["outcome"]: one for one in told["goals"]}
        assert goals["success"]["count"] >= 1 and goals["refused"]["count"] == 1
        assert told["usage"]["cost"] == 0 and told["usage"]["input_tokens"] > 0, "the offline model costs nothing"
        assert {one["specialist"] for one in told["steps"]} >= {"procurement"}
        [ref] = goals["refused"]["runs"]["newest"]
        assert ref["thread_id"] is None, "an auditor reads no thread"
        asks = {**{name: value for name, value in goals["refused"]["runs"]["filter"].items() if value}, "since": told["since"]}
        [run] = (await http.get("/runs", headers=ada, params={**asks, "until": told["until"]})).json()["runs"]
        assert run["execution_id"] == ref["execution_id"] and run["goal"] == "Write me a poem about the sea"
        snapshot = await http.get(f"{url}/governance/executions/{run['execution_id']}", headers=ada)
        assert snapshot.status_code == 200 and snapshot.json()["status"] == "declined"
        first = (await http.get("/runs", headers=ada, params={"limit": 1})).json()
        second = (await http.get("/runs", headers=ada, params={"limit": 1, "before": first["next"]})).json()
        assert first["runs"][0]["created"] >= second["runs"][0]["created"] and first["runs"] != second["runs"]
        other = (await http.get(root, headers=keys["eve"])).json()
        assert not any(one["count"] for one in other["goals"]) and other["usage"]["model_calls"] == 0
        for wrong in ({"since": "soon"}, {"since": "2030-01-01", "until": "2029-01-01"}):
            assert (await http.get(root, headers=ada, params=wrong)).status_code == 422
        for wrong in ({"before": "x"}, {"outcome": "odd"}, {"limit": "0"}, {"nobody": "knows"}):
            assert (await http.get("/runs", headers=ada, params=wrong)).status_code == 422


async def test_a_command_beside_the_service_has_it_suspend(overseen: Overseen) -> None:
    url, keys, home = overseen
    words = ("tool", "make_chart", "--reason", "a drill")

    async def said(who: str, *first: str) -> tuple[int, str]:
        env = {"CLEARANCE_API_KEY": keys[who]["x-api-key"], "CLEARANCE_SIGN_IN": "keys"}
        done = await asyncio.to_thread(command, home, "fleet", *first, *words, **env)
        return done.returncode, done.stdout + done.stderr

    async with httpx.AsyncClient(base_url=f"{url}/governance", timeout=60, headers=keys["ada"]) as http:

        async def stands() -> Any:
            tools = (await http.get("/fleet")).json()["tools"]
            return next(one["suspended"] for one in tools if one["name"] == "make_chart")

        code, text = await said("ann", "suspend")
        assert code == 1 and "ann may not suspend" in text and await stands() is None
        assert (await said("olga", "suspend"))[0] == 0 and (await stands())["by"] == "olga"
        assert (await said("olga", "resume"))[0] == 0 and await stands() is None
