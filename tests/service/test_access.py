"""Who may do what, over real sockets: keys, other people's threads, the roles' table, and limits."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.rates import Rates
from app.auth.reach import Owner, may
from app.db.assistants import id_of
from app.runs.carry_out import config_of
from app.runs.making import public
from app.runs.spec import Claim, Spec
from governance.identity import Caller
from graphs.caller import caller_of
from settings import Settings
from tests.app.command import clearance as command
from tests.service.serving import PROJECT, clearance

PEOPLE = {
    "ann": ["ann", "--org", "acme"],
    "bob": ["bob", "--org", "acme"],
    "ada": ["ada", "--org", "acme", "--role", "auditor"],
    "adam": ["adam", "--org", "acme", "--role", "admin"],
    "eve": ["eve", "--org", "other", "--role", "admin", "--role", "auditor"],
}


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
            expected = {"/ok": 200, "/ready": 200, "/info": 200, "/auth/sign-in": 404, "/auth/callback": 404}.get(path, 401)
            assert (await http.request(method, path.replace("{", "").replace("}", ""))).status_code == expected, (method, path)
    assert (await http.get("/ok")).json()["mode"] == (await http.get("/info")).json()["server"]["mode"] == "keys"


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

    assert await asyncio.gather(*map(first, ("ann", "adam", "bob", "eve"))) == [
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


async def test_an_auditor_reads_no_thread_and_an_admin_writes_within_the_organisation(
    http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]
) -> None:
    keys = signed_in[1]
    thread, run = await a_run(http, keys["ann"])
    for who in ("ada", "bob", "eve"):
        assert (await http.get(f"/threads/{thread}/runs/{run}", headers=keys[who])).status_code == 404
        assert (await http.patch(f"/threads/{thread}", json={"metadata": {"x": 1}}, headers=keys[who])).status_code == 404
    assert (await http.post(f"/threads/{thread}/history", json={}, headers=keys["adam"])).status_code == 200
    assert (await http.patch(f"/threads/{thread}", json={"metadata": {"x": 1}}, headers=keys["adam"])).status_code == 200
    assert (await http.delete(f"/threads/{thread}", headers=keys["adam"])).status_code == 204


async def test_an_organisations_assistants_are_its_own(http: httpx.AsyncClient, signed_in: tuple[str, Any, Path]) -> None:
    keys, body = signed_in[1], {"graph_id": "chain", "name": "of acme", "config": {"configurable": {"mark": "acme"}}}
    assert (await http.post("/assistants", json=body, headers=keys["ann"])).status_code == 403
    id = (await http.post("/assistants", json=body, headers=keys["adam"])).json()["assistant_id"]
    assert (await http.get(f"/assistants/{id}", headers=keys["ann"])).json()["name"] == "of acme"
    for method, end in [("patch", ""), ("delete", ""), ("post", "/latest")]:
        for who, status in [("ann", 403), ("ada", 403), ("eve", 404)]:
            asked = await http.request(method, f"/assistants/{id}{end}", json={"version": 1}, headers=keys[who])
            assert asked.status_code == status, (method, who, asked.text)
    for who, sees in [("ann", True), ("eve", False)]:
        found = (await http.post("/assistants/search", json={"limit": 100}, headers=keys[who])).json()
        assert (id in [one["assistant_id"] for one in found]) is sees and "org" not in found[0]
        count = (await http.post("/assistants/count", json={"name": "of acme"}, headers=keys[who])).json()
        assert count == int(sees)
        run = await http.post("/runs/wait", json={"assistant_id": id, "input": {"n": 1}}, headers=keys[who])
        assert run.status_code == (200 if sees else 404)
    own = id_of("chain")
    for who in ("adam", "eve"):
        kept = {**body, "assistant_id": id, "if_exists": "do_nothing"}
        assert (await http.post("/assistants", json=kept, headers=keys[who])).status_code == (200 if who == "adam" else 409)
        changed = await http.patch(f"/assistants/{own}", json={"name": "mine"}, headers=keys[who])
        assert changed.status_code == 403, "a graph's own assistant is everybody's, as it is"
    assert (await http.patch(f"/assistants/{id}", json={"name": "renamed"}, headers=keys["adam"])).json()["version"] == 2
    assert (await http.delete(f"/assistants/{id}", headers=keys["adam"])).status_code == 204


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
        (("auditor",), "acme", "bob", False, False),
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
