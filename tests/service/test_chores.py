"""What the service does by itself: crons that survive a restart and fire once, webhooks that arrive signed and nowhere they must not,
threads that are let go when their time is over."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError
from standardwebhooks.webhooks import Webhook

from app.api.asking import make_run
from app.api.bodies import RunCreate
from app.auth.keys import Keys
from app.chores import fire
from app.db.crons import BadSchedule, Crons, next_of
from app.db.upgrade import upgrade
from app.retention import sweep
from app.runs.deliveries import MOST, Deliveries
from app.runs.making import ThreadMissing
from app.runs.queue import Queue
from app.runs.spec import NewRun, Spec
from app.service import Service, open_service
from app.webhooks import Forbidden, NotSent, Sender
from database import Database
from governance.identity import Caller
from settings import Settings
from tests.service.receiving import receiver
from tests.service.serving import PROJECT, Server, clearance

SERVES = ("--config", str(PROJECT / "langgraph.json"))
PRIVATE = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "10.0.0.1",
    "0.0.0.0",
    "[64:ff9b::7f00:1]",
    "[fec0::1]",
]
LOOPBACK = {"CLEARANCE_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service in this process, without its chores: a test does them itself."""
    settings = Settings(home=tmp_path / "home", checkpoints=2)
    async with open_service(settings, PROJECT / "langgraph.json") as own:
        yield own


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_when_a_cron_is_due() -> None:
    assert next_of("0 9 * * 1", None, at("2026-11-23T09:00:00+00:00")) == at("2026-11-30T09:00:00+00:00")
    summer, winter = at("2026-10-24T00:00:00+00:00"), at("2026-10-25T12:00:00+00:00")  # the clocks go back on the 25th
    assert next_of("0 9 * * *", "Europe/Berlin", summer) == at("2026-10-24T07:00:00+00:00")
    assert next_of("0 9 * * *", "Europe/Berlin", winter) == at("2026-10-26T08:00:00+00:00")
    for schedule, zone in (
        ("* * * *", None),
        ("* * * * * *", None),
        ("61 * * * *", None),
        ("0 0 31 2 *", None),
        ("* * * * *", "Mars/X"),
    ):
        with pytest.raises(BadSchedule):
            next_of(schedule, zone, 0.0)


async def test_a_cron_survives_a_restart_and_fires_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with clearance(home, *SERVES) as server:
        client = get_client(url=server.url)
        thread = (await client.threads.create())["thread_id"]
        asked: Any = {"schedule": "0 3 1 1 *", "input": {"said": ["by cron"]}, "metadata": {"by": "cron"}}
        cron = await client.crons.create_for_thread(thread, "chain", **asked)
        other = await client.crons.create("chain", **asked, timezone="Europe/Berlin", on_run_completed="keep")
        assert cron["thread_id"] == thread and cron["payload"]["input"] == {"said": ["by cron"]}  # type: ignore[typeddict-item]
        assert [one["cron_id"] for one in await client.crons.search(thread_id=thread)] == [cron["cron_id"]]  # type: ignore[typeddict-item]
        assert await client.crons.count() == 2
        paused = await client.crons.update(other["cron_id"], enabled=False, schedule="*/5 * * * *")  # type: ignore[typeddict-item]
        assert paused["next_run_date"] is None and paused["schedule"] == "*/5 * * * *"
        for bad in ({"schedule": "often"}, {"schedule": "* * * * *", "timezone": "Mars/X"}, {"schedule": "0 0 31 2 *"}):
            with pytest.raises(APIStatusError) as refused:
                await client.crons.create("chain", **bad)
            assert refused.value.response.status_code == 422
        with pytest.raises(APIStatusError) as unknown:
            await client.crons.create("nobody", schedule="* * * * *")
        assert unknown.value.response.status_code == 422
        assert await client.runs.list(thread) == []
        server.kill()
    with sqlite3.connect(home / "clearance.db") as db:  # days go by
        db.execute("UPDATE crons SET next_run = ?", (time.time() - 3 * 86_400,))
    with clearance(home, *SERVES) as server:
        client = get_client(url=server.url)
        for _ in range(600):
            if found := await client.runs.list(thread):
                break
            await asyncio.sleep(0.1)
        await client.runs.join(thread, found[0]["run_id"])
        assert (await client.threads.get(thread))["values"]["said"] == ["by cron", "a", "b", "c"], "once, not for each day"  # type: ignore[call-overload, index]
        assert [run["metadata"]["by"] for run in await client.runs.list(thread)] == ["cron"]  # type: ignore[index]
        [again] = await client.crons.search(thread_id=thread)
        assert datetime.fromisoformat(str(again["next_run_date"])) > datetime.now(UTC)
        assert await client.threads.search(metadata={"by": "cron"}) == [], "who is disabled does not fire"
        await client.crons.delete(cron["cron_id"])  # type: ignore[typeddict-item]
        assert await client.crons.count() == 1
        async with httpx.AsyncClient(base_url=server.url) as http:
            assert (await http.get(f"/runs/crons/{cron['cron_id']}")).status_code == 404  # type: ignore[typeddict-item]


async def test_of_two_processes_one_fires(database_url: str) -> None:
    db = Database(database_url)
    await asyncio.to_thread(upgrade, db)
    first, second, made = Crons(db), Crons(db), list[str]()
    row = await first.create(
        Caller("ada"),
        None,
        **dict(assistant_id="a", thread_id=None, schedule="* * * * *", timezone=None, end_time=None, enabled=True),
        **dict(on_run_completed="delete", payload={}, metadata={}),
    )
    assert await first.due() == []
    past = {**row, "next_run": time.time() - 60}
    await db.run(lambda c: c.exec_driver_sql(f"UPDATE crons SET next_run = {past['next_run']!r}"))
    [due] = await second.due()
    took = await asyncio.gather(*(one.fire(due, lambda c: made.append("run") or "made") for one in (first, second) * 4))  # type: ignore[func-returns-value]
    assert made == ["run"] and sorted(map(str, took)) == ["None"] * 7 + ["made"]
    assert 0 < (await first.wait() or 0) <= 60
    deliveries = Deliveries(db)
    assert await deliveries.take(5) == [] and await deliveries.wait() is None
    db.close()


async def test_what_cannot_be_made_does_not_fire_again(service: Service) -> None:
    assistant = await service.assistants.create(None, org="local", keep=False, graph_id="chain")
    row = await service.crons.create(
        Caller("local", "local"),
        None,
        **dict(assistant_id=assistant["assistant_id"], thread_id=None, schedule="* * * * *", timezone=None, end_time=None),
        **dict(enabled=True, on_run_completed="keep", payload={}, metadata={}),
    )
    assert await fire(service, row) is not None
    await service.assistants.delete(assistant["assistant_id"])
    assert (await service.crons.search(None, metadata={}, equal={}, limit=1, offset=0, sort_by="cron_id", descending=True))[
        1
    ] == 0


async def test_a_webhook_is_signed_and_sent_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with receiver() as hook:
        hook.answers = ["503 Busy"]
        with clearance(home, *SERVES, env=LOOPBACK) as server:
            client = get_client(url=server.url)
            thread = (await client.threads.create())["thread_id"]
            run = await client.runs.create(thread, "chain", input={"said": ["s"]}, webhook=hook.url)
            first, again = await hook.next(), await hook.next()
            assert first[0]["webhook-id"] == again[0]["webhook-id"] and first[1] == again[1]
            headers, body = again
            told = json.loads(body)
            assert (told["run_id"], told["status"], told["values"]["said"]) == (run["run_id"], "success", ["s", "a", "b", "c"])
            Webhook((home / "webhook.secret").read_text()).verify(body, headers)
            await client.runs.wait(None, "failing", input={}, webhook=hook.url, raise_error=False)
            failed = json.loads((await hook.next())[1])
            assert (failed["status"], failed["error"]["error"]) == ("error", "ValueError")
            await client.runs.create(thread, "asking", input={}, webhook=hook.url)
            paused = json.loads((await hook.next())[1])
            assert paused["status"] == "success" and paused["interrupts"], "it waits, and the webhook says for what"


async def test_a_webhook_goes_nowhere_private(server: Server, client: LangGraphClient) -> None:
    sender = Sender("whsec_c2VjcmV0")
    async with receiver() as hook:
        port = hook.url.rpartition(":")[2]
        for host in PRIVATE:
            with pytest.raises(Forbidden, match="not public"):
                await sender.send(f"http://{host}:{port}", "id", b"{}")
        with pytest.raises(NotSent):
            await sender.send("http://no-such-host.invalid/", "id", b"{}")
        allowing = Sender("whsec_c2VjcmV0", Settings(webhook_networks=("127.0.0.0/8",)).webhook_networks)  # type: ignore[arg-type]  # pydantic reads text
        hook.answers = [f"302 Found\r\nLocation: {hook.url}"]
        with pytest.raises(NotSent, match="302"):
            await allowing.send(hook.url, "id", b"{}")
        await hook.next()
        assert hook.got.empty(), "a redirect is not followed"
        await allowing.close()
        thread = (await client.threads.create())["thread_id"]
        for url in ("file:///etc/passwd", "ftp://x/", "no url", "http://a:b@example.com/", "http://"):
            with pytest.raises(APIStatusError) as refused:
                await client.runs.create(thread, "chain", input={}, webhook=url)
            assert refused.value.response.status_code == 422
    await sender.close()


async def test_a_webhook_is_given_up(database_url: str) -> None:
    db = Database(database_url)
    await asyncio.to_thread(upgrade, db)
    queue, owed = Queue(db, "w"), Deliveries(db)
    new = NewRun(None, "a", "chain", Spec(webhook="https://example.com/"))
    first = await queue.create(new, claim=False)
    await queue.cancel(first.row["thread_id"], first.row["run_id"], "interrupt")  # never begun: that is told, too
    [one] = await owed.take(5)
    assert json.loads(one.body)["status"] == "interrupted" and await owed.take(5) == [], (
        "one that is being sent is nobody else's"
    )
    for attempt in range(1, MOST + 1):
        assert await owed.failed(one.__class__(one.id, one.run_id, one.url, one.body, attempt), "it answered 500") == (
            attempt == MOST
        )
    [kept] = await owed.of_run(one.run_id)
    assert kept["due"] is None and kept["error"] == "it answered 500"
    await owed.forget((datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert await owed.of_run(one.run_id) == []
    db.close()


async def test_the_store_is_each_callers_own(tmp_path: Path) -> None:
    home, settings = tmp_path / "home", Settings(home=tmp_path / "home")
    db = Database(settings.app_url())
    await asyncio.to_thread(upgrade, db)
    secrets = {name: (await Keys(db).create(name, Caller(name, "acme")))[1] for name in ("ada", "ad")}
    db.close()
    with clearance(home, *SERVES, env={"CLEARANCE_SIGN_IN": "keys"}) as server:
        ada, other = (get_client(url=server.url, api_key=secret) for secret in secrets.values())
        store = ada.store
        await store.put_item(["notes", "a"], "k", {"text": "hers", "n": 1})
        await store.put_item(["notes", "b"], "k", {"text": "also", "n": 2}, index=False)
        item = await store.get_item(["notes", "a"], "k")
        assert item["namespace"] == ["notes", "a"] and item["value"] == {"text": "hers", "n": 1}
        found = (await store.search_items(["notes"], filter={"n": 2}))["items"]
        assert [one["namespace"] for one in found] == [["notes", "b"]]
        assert sorted((await store.list_namespaces())["namespaces"]) == [["notes", "a"], ["notes", "b"]]
        assert (await store.list_namespaces(suffix=["b"], max_depth=2))["namespaces"] == [["notes", "b"]]
        assert (await other.store.search_items([]))["items"] == [] and (await other.store.list_namespaces())["namespaces"] == []
        with pytest.raises(APIStatusError) as missing:
            await other.store.get_item(["notes", "a"], "k")
        assert missing.value.response.status_code == 404
        with pytest.raises(APIStatusError) as meaning:
            await store.search_items(["notes"], query="what did she say")
        assert meaning.value.response.status_code == 422
        await ada.runs.wait(None, "remembering", input={"said": ["kept by a graph"]})
        assert [one["value"] for one in (await store.search_items(["said"]))["items"]] == [{"said": ["kept by a graph"]}]
        assert (await other.store.search_items(["said"]))["items"] == [], "a graph remembers for who asked"
        await store.delete_item(["notes", "a"], "k")
        with pytest.raises(APIStatusError):
            await store.get_item(["notes", "a"], "k")
        cron: Any = await ada.crons.create("chain", schedule="0 3 1 1 *")
        assert await other.crons.count() == 0
        for attempt in (other.crons.delete(cron["cron_id"]), other.crons.update(cron["cron_id"], enabled=False)):
            with pytest.raises(APIStatusError) as hers:
                await attempt
            assert hers.value.response.status_code == 404


async def test_threads_are_let_go(service: Service) -> None:
    async def turn(thread: str, graph: str, **asked: Any) -> None:
        made = await make_run(service, None, thread, RunCreate(assistant_id=graph, if_not_exists="create", **asked))
        await service.worker.end_of(thread, made.run_id)

    async def checkpoints(thread: str) -> int:
        return len([one async for one in service.saver.alist({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})])

    me = Caller("local")
    short, waiting, old, kept = [(await service.threads.create(None, {}, keep=False, owner=me))["thread_id"] for _ in range(4)]
    await turn(short, "chain", input={"said": ["s"]})
    await turn(waiting, "asking", input={})
    for word in ("one", "two", "three"):
        await turn(old, "nested", input={"said": [word]})
        await turn(kept, "nested", input={"said": [word]})
    said = (await service.threads.get(kept))["values"]["said"]
    for thread in (short, waiting):
        await service.lifetimes.say(thread, 0.000_001, "delete")
    assert await sweep(service) == 1, "one is over"
    assert await checkpoints(short) == 0
    with pytest.raises(ThreadMissing):
        await service.threads.get(short)
    for thread in (old, kept):  # the worker sees to it behind the answers
        for _ in range(1200):
            if await checkpoints(thread) == 2:
                break
            await asyncio.sleep(0.05)
        assert await checkpoints(thread) == 2
    assert await sweep(service) == 0, "nothing is done twice"
    await turn(waiting, "asking", command={"resume": "yes"})
    assert (await service.threads.get(waiting))["values"]["said"] == ["answer yes"], "what waits goes on"
    await turn(kept, "nested", input={"said": ["four"]})
    assert (await service.threads.get(kept))["values"]["said"][: len(said) + 1] == [*said, "four"]


async def test_threads_are_pruned_on_request(client: LangGraphClient, server: Server) -> None:
    gone = (await client.threads.create(ttl=60))["thread_id"]
    kept = (await client.threads.create())["thread_id"]
    asks = (await client.threads.create(ttl={"ttl": 5, "strategy": "keep_latest"}))["thread_id"]
    await client.runs.wait(gone, "chain", input={"said": ["s"]})
    await client.runs.wait(kept, "chain", input={"said": ["s"]})
    await client.runs.wait(asks, "asking", input={})
    assert len(await client.threads.get_history(kept)) > 1
    assert await client.threads.prune([kept], strategy="keep_latest") == {"pruned_count": 1}
    [only] = await client.threads.get_history(kept)
    assert only["values"]["said"] == ["s", "a", "b", "c"]  # type: ignore[call-overload]  # a dict
    assert await client.threads.prune([gone, asks, "00000000-0000-4000-8000-000000000000"]) == {"pruned_count": 1}
    assert await client.runs.wait(asks, "asking", command={"resume": "ok"}) == {"said": ["answer ok"], "messages": []}
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get(f"/threads/{gone}")).status_code == 404
        assert (await http.patch(f"/threads/{kept}", json={"ttl": -1})).status_code == 422
        assert (await http.post("/threads/prune", json={"thread_ids": ["x"]})).status_code == 422
