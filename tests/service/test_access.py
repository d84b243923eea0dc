"""Who may do what, over real sockets: keys, other people's threads, the roles' table, and limits."""

import asyncio
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.rates import Rates
from app.auth.reach import Owner, may
from app.runs.carry_out import config_of
from app.runs.queue import public
from app.runs.spec import Claim, Spec
from governance.identity import Caller
from graphs.caller import caller_of
from settings import Settings
from tests.service.serving import PROJECT, ROOT, clearance

PEOPLE = {
    "ann": ["ann", "--org", "acme"],
    "bob": ["bob", "--org", "acme"],
    "ada": ["ada", "--org", "acme", "--role", "auditor"],
    "adam": ["adam", "--org", "acme", "--role", "admin"],
    "eve": ["eve", "--org", "other", "--role", "admin", "--role", "auditor"],
}


def command(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "app.cli", *args], env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, dict[str, str]], Path]]:
    home = tmp_path_factory.mktemp("keys")
    keys = {}
    for name, args in PEOPLE.items():
        made = command(home, "keys", "create", *args)
        assert made.returncode == 0, made.stderr
        keys[name] = {"x-api-key": made.stdout.strip()}
    env = {"CLEARANCE_SIGN_IN": "keys", "CLEARANCE_BODY_BYTES": "20000", "CLEARANCE_RATE": "0"}
    with clearance(home, "--config", str(PROJECT / "langgraph.json"), env=env) as server:
        yield server.url, keys, home


@pytest.fixture
async def http(signed_in: tuple[str, Any, Path]) -> Any:
    async with httpx.AsyncClient(base_url=signed_in[0], timeout=60) as client:
        yield client


async def a_run(http: httpx.AsyncClient, key: dict[str, str]) -> tuple[str, str]:
    """A thread of theirs with a finished run."""
    thread = (await http.post("/threads", json={}, headers=key)).json()["thread_id"]
    body = {"assistant_id": "chain", "input": {"n": 1}}
    run = await http.post(f"/threads/{thread}/runs", json=body, headers=key)
    assert run.status_code == 200, run.text
    run_id = run.json()["run_id"]
    await http.get(f"/threads/{thread}/runs/{run_id}/join", headers=key)
    return thread, run_id


async def test_nobody_without_a_key_and_ok_says_the_mode(http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    for path, operations in described["paths"].items():
        for method in operations:
            expected = 200 if path in ("/ok", "/info") else 401
            assert (await http.request(method, path.replace("{", "").replace("}", ""))).status_code == expected, (method, path)
    assert (await http.get("/ok")).json()["mode"] == (await http.get("/info")).json()["server"]["mode"] == "keys"


@pytest.mark.parametrize("who", ["bob", "eve"])
async def test_every_operation_on_anothers_ids_answers_as_for_ids_that_never_were(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path], who: str
) -> None:
    keys = signed_in[1]
    thread, run = await a_run(http, keys["ann"])
    before = (await http.get(f"/threads/{thread}", headers=keys["ann"])).json()
    described, tried = (await http.get("/openapi.json")).json(), 0

    async def ask(method: str, path: str, thread_id: str, run_id: str) -> tuple[int, str]:
        path = path.format(thread_id=thread_id, run_id=run_id, checkpoint_id=str(uuid.UUID(int=1)))
        body = {"assistant_id": "chain", "input": {"n": 1}, "thread_id": thread_id, "run_ids": [run_id]}
        body |= {"checkpoint": {"checkpoint_ns": ""}, "values": {}, "metadata": {"mine": 1}}
        if path.endswith("/history"):
            body = {}
        answer = await http.request(method, path, json=None if method == "get" else body, headers=keys[who])
        return answer.status_code, answer.text.replace(thread_id, "<thread>").replace(run_id, "<run>")

    for path, operations in described["paths"].items():
        if "{thread_id}" not in path and path != "/runs/cancel":
            continue
        for method in operations:
            foreign = await ask(method, path, thread, run)
            never = await ask(method, path, str(uuid.uuid4()), str(uuid.uuid4()))
            expected = 400 if path.endswith(("/commands", "/stream/events")) else 404  # these need no thread: see below
            assert foreign == never and foreign[0] == expected, (method, path, foreign, never)
            tried += 1
    assert tried > 15
    kept = {"thread_id": thread, "if_exists": "do_nothing"}
    assert (await http.post("/threads", json=kept, headers=keys[who])).status_code == 409
    made = {"assistant_id": "chain", "input": {"n": 1}, "if_not_exists": "create"}
    assert (await http.post(f"/threads/{thread}/runs", json=made, headers=keys[who])).status_code == 404
    found = (await http.post("/threads/search", json={"limit": 1000}, headers=keys[who])).json()
    assert thread not in [one["thread_id"] for one in found]
    assert (await http.post("/threads/count", json={"ids": [thread]}, headers=keys[who])).json() == 0
    assert (await http.get(f"/threads/{thread}", headers=keys["ann"])).json() == before


async def test_the_event_protocol_shows_no_thread_of_anothers(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]
) -> None:
    keys = signed_in[1]
    thread, _ = await a_run(http, keys["ann"])

    async def ask(who: str, thread_id: str, method: str, **params: Any) -> tuple[int, Any]:
        body = {"id": 1, "method": method, "params": params}
        answer = await http.post(f"/threads/{thread_id}/commands", json=body, headers=keys[who])
        return answer.status_code, answer.json()

    async def first(who: str) -> str:
        asked: dict[str, Any] = {"json": {"channels": ["values", "lifecycle"]}, "headers": keys[who]}
        async with http.stream("POST", f"/threads/{thread}/stream/events", **asked) as answer:
            assert answer.status_code == 200, "a thread that is still to be made can be followed"
            return await anext(answer.aiter_lines())

    assert await asyncio.gather(*map(first, ("ann", "ada", "bob", "eve"))) == [
        "event: lifecycle",
        "event: lifecycle",
        ": heartbeat",
        ": heartbeat",
    ]
    for method in ("agent.getTree", "input.respond"):
        params = {"interrupt_id": "x", "response": 1}
        foreign = await ask("bob", thread, method, **params)
        assert foreign == await ask("bob", str(uuid.uuid4()), method, **params)
        assert foreign[1]["error"] == "no_such_run"
    started = (await ask("bob", thread, "run.start", assistant_id="chain", input={}))[1]
    assert started["type"] == "error" and started["message"].startswith("404")


async def test_an_auditor_reads_an_admin_writes_within_the_organisation(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]
) -> None:
    keys = signed_in[1]
    thread, run = await a_run(http, keys["ann"])
    assert (await http.get(f"/threads/{thread}/runs/{run}", headers=keys["ada"])).status_code == 200
    assert (await http.post(f"/threads/{thread}/history", json={}, headers=keys["ada"])).status_code == 200
    assert (await http.patch(f"/threads/{thread}", json={"metadata": {"x": 1}}, headers=keys["ada"])).status_code == 404
    assert (await http.post("/assistants", json={"graph_id": "chain"}, headers=keys["ann"])).status_code == 403
    assert (await http.patch(f"/threads/{thread}", json={"metadata": {"x": 1}}, headers=keys["adam"])).status_code == 200
    assert (await http.delete(f"/threads/{thread}", headers=keys["adam"])).status_code == 204


async def test_a_revoked_key_stops_at_once_and_secrets_are_not_kept(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]
) -> None:
    home = signed_in[2]
    made = await asyncio.to_thread(command, home, "keys", "create", "zoe")
    secret, key_id = made.stdout.strip(), re.findall(r"Key (\S+)", made.stderr)[0]
    assert (await http.post("/threads", json={}, headers={"authorization": f"Bearer {secret}"})).status_code == 200
    listed = await asyncio.to_thread(command, home, "keys", "list")
    assert key_id in listed.stdout and secret not in listed.stdout
    assert not any(secret.encode() in file.read_bytes() for file in home.glob("clearance.db*"))
    assert (await asyncio.to_thread(command, home, "keys", "revoke", key_id)).returncode == 0
    assert (await http.post("/threads", json={}, headers={"x-api-key": secret})).status_code == 401


async def test_a_body_beyond_the_limit_is_refused_declared_or_not(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]
) -> None:
    key = {**signed_in[1]["ann"], "content-type": "application/json"}
    large = b'{"metadata": {"x": "' + b"y" * 30_000 + b'"}}'

    async def undeclared() -> Any:
        yield large[:15_000]
        yield large[15_000:]

    assert (await http.post("/threads", content=large, headers=key)).status_code == 413
    assert (await http.post("/threads", content=undeclared(), headers=key)).status_code == 413


def test_the_service_refuses_to_be_reached_by_others_without_sign_in(tmp_path: Path) -> None:
    refused = command(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1 and "CLEARANCE_SIGN_IN=keys" in refused.stderr


@pytest.mark.parametrize(
    "roles, org, user, read, write",
    [
        ((), "acme", "ann", True, True),
        ((), "acme", "bob", False, False),
        (("risk-manager",), "acme", "bob", False, False),
        (("auditor",), "acme", "bob", True, False),
        (("admin",), "acme", "bob", True, True),
        (("admin", "auditor"), "other", "ann", False, False),
    ],
)
def test_what_each_role_reaches(roles: tuple[str, ...], org: str, user: str, read: bool, write: bool) -> None:
    caller, owner = Caller(user, org, roles), Owner("acme", "ann")
    assert (may(caller, "read", owner), may(caller, "write", owner)) == (read, write)


def test_the_graph_gets_who_signed_in_and_never_who_the_client_says() -> None:
    bot = Caller("bot", "acme", person=False)
    said = public({"langgraph_auth_user": {"identity": "root"}, "langgraph_auth_permissions": ["admin"], "mine": 1})
    assert said == {"mine": 1}
    kept = Spec.from_dict(Spec(config={"configurable": said}, caller=bot.as_dict()).as_dict())
    config = config_of(Claim("r", "t", "a", "chain", kept, {}, 1, 0, False))
    assert config["configurable"]["langgraph_auth_user"].identity == "bot"
    assert caller_of(config, Settings()) == bot


def test_one_caller_waits_another_does_not() -> None:
    now = 0.0
    rates = Rates(2, lambda: now)
    ann, bob = Caller("ann", "acme"), Caller("bob", "acme")
    assert [rates.wait(ann) for _ in range(3)] == [0, 0, 30]
    assert rates.wait(bob) == 0
    now = 30.0
    assert rates.wait(ann) == 0 and rates.wait(ann) == 30
