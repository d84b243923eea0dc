"""One script over the event protocol as it is on the wire, told as a transcript; and by the Python SDK's thread streams.

Left out are the channels that `langgraph dev` does not fill for runs of this protocol (updates, custom, checkpoints), and where a
pause's lifecycle event stands: there before the values of the pause, here behind them, when the thread can be answered.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from langgraph_sdk import get_client

from tests.service.script import MISSING, Transcript, same

CHANNELS = ["values", "messages", "tools", "lifecycle", "input"]
SERVERS_OWN = {"event_id", "timestamp", "seq"}
WAITS_S = 60


class Wire:
    """A thread of a server."""

    def __init__(self, http: httpx.AsyncClient, told: Transcript) -> None:
        self.http, self.told, self.id, self.calls = http, told, str(uuid.uuid4()), 0

    async def command(self, label: str, method: str, thread: str | None = None, **params: Any) -> Any:
        """The reply to a command, without its place in the log and without a prose that is the server's own."""
        self.calls += 1
        body = {"id": self.calls, "method": method, "params": params}
        answer = await self.http.post(f"/threads/{thread or self.id}/commands", json=body)
        reply = answer.json()
        shown = {name: value for name, value in reply.items() if name not in ("meta", "message")}
        self.told.lines.append((label, [answer.status_code, same(shown)]))
        return reply

    async def events(self, label: str, runs: int, channels: list[str] | None = None, **asked: Any) -> list[dict[str, Any]]:
        """The thread's events up to the end of so many runs of it."""
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(WAITS_S), self.followed(["lifecycle", *(channels or CHANNELS)], asked) as parts:
            async for event in parts:
                seen.append(event)
                if sum(map(ends, seen)) == runs and not (waits(event) and self.behind(seen)):
                    break
        self.told.lines.append((label, [same(plain(one)) for one in settled(seen)]))
        return seen

    def behind(self, seen: list[dict[str, Any]]) -> bool:
        """Does a server that tells of a pause early still owe its values?"""
        return seen[-1]["method"] == "lifecycle" and seen[-2]["method"] == "input.requested"

    @asynccontextmanager
    async def followed(self, channels: list[str], asked: dict[str, Any]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        body = {"channels": list(dict.fromkeys(channels)), **asked}
        async with self.http.stream("POST", f"/threads/{self.id}/stream/events", json=body) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield (json.loads(line[5:]) async for line in answer.aiter_lines() if line.startswith("data:"))


def ends(event: dict[str, Any]) -> bool:
    at_root = event["method"] == "lifecycle" and not event["params"]["namespace"]
    return at_root and event["params"]["data"]["event"] not in ("running", "started")


def waits(event: dict[str, Any]) -> bool:
    return ends(event) and event["params"]["data"]["event"] == "interrupted"


def plain(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if name not in SERVERS_OWN}
    return {**kept, "params": {name: value for name, value in event["params"].items() if name not in SERVERS_OWN}}


def settled(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With what says that a run waits behind the rest of that run."""
    runs: list[list[dict[str, Any]]] = [[]]
    for event in seen:
        if event["method"] == "lifecycle" and not event["params"]["namespace"] and not ends(event) and runs[-1]:
            runs.append([])
        runs[-1].append(event)
    late = [one for run in runs for one in sorted(run, key=lambda e: e["params"]["data"].get("event") == "interrupted")]
    return late


async def play(url: str) -> list[tuple[str, Any]]:
    told = Transcript()
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        await commands(Wire(http, told))
        for graph in ("chain", "talking", "nested", "failing"):
            wire = Wire(http, told)
            given = {"said": ["x"], "messages": [{"role": "user", "content": "hi", "id": "u1"}]}
            await wire.command(f"{graph} starts", "run.start", assistant_id=graph, input=given, config={})
            await wire.events(graph, 1)
        await pauses(Wire(http, told))
        await filters(Wire(http, told))
        await both(Wire(http, told))
    await sdk(url, told)
    return told.lines


async def commands(wire: Wire) -> None:
    for body in ({}, {"id": 2}, {"id": "a", "method": "run.start"}, []):
        answer = await wire.http.post(f"/threads/{wire.id}/commands", json=body)
        wire.told.lines.append((f"no command {body}", [answer.status_code, answer.json()["error"]]))
    await wire.command("unknown", "nosuch")
    await wire.command("not there", "input.inject", namespace=[], message={"role": "user", "content": "x"})
    await wire.command("no assistant", "run.start", input={})
    await wire.command("unknown assistant", "run.start", assistant_id="nosuch", input={})
    await wire.command("tree of nothing", "agent.getTree")
    await wire.command("answers nothing", "input.respond", namespace=[], interrupt_id="x", response=1)
    await wire.command("answers without an id", "input.respond", namespace=[])
    await wire.command("answers none", "input.respond", responses=[])
    await wire.command("subscribes", "subscription.subscribe", channels=["values"])
    await wire.command("subscribes to nothing", "subscription.subscribe", channels=["nosuch"])
    await wire.command("unsubscribes", "subscription.unsubscribe", subscription_id="x")
    await wire.command("unsubscribes from nothing", "subscription.unsubscribe")
    await wire.command("reconnects", "subscription.reconnect", run_id=MISSING)
    for body in ({}, {"channels": []}, {"channels": "values"}, {"channels": ["nosuch"]}):
        answer = await wire.http.post(f"/threads/{wire.id}/stream/events", json=body)
        wire.told.lines.append((f"no stream {body}", answer.status_code))


async def pauses(wire: Wire) -> None:
    await wire.command("asks", "run.start", assistant_id="asking", input={"said": []})
    seen = await wire.events("asked", 1)
    waiting = next(one["params"]["data"]["interrupt_id"] for one in seen if one["method"] == "input.requested")
    await wire.command("another's", "input.respond", namespace=[], interrupt_id="0" * 32, response="x")
    await wire.command("answers", "input.respond", namespace=[], interrupt_id=waiting, response="yes")
    await wire.events("answered", 2)
    await wire.command("answers again", "input.respond", namespace=[], interrupt_id=waiting, response="yes")
    wire.id = str(uuid.uuid4())
    await wire.command("asks again", "run.start", assistant_id="asking", input={"said": []})
    await wire.events("asked again", 1)
    state = (await wire.http.get(f"/threads/{wire.id}/state")).json()
    many = [{"namespace": [], "interrupt_id": one["id"], "response": "many"} for one in state["interrupts"]]
    await wire.command("answers all", "input.respond", responses=many)
    await wire.events("all answered", 2)


async def filters(wire: Wire) -> None:
    await wire.command("nests", "run.start", assistant_id="nested", input={"said": ["n"]})
    seen = await wire.events("all of it", 1)
    await wire.events("values", 1, channels=["values"])
    await wire.events("the root", 1, channels=["values"], namespaces=[[]], depth=0)
    await wire.events("one below", 1, channels=["values"], namespaces=[[]], depth=1)
    async with wire.followed(["values", "lifecycle"], {"namespaces": [["inner"]]}) as parts:
        inner = [await anext(parts) for _ in range(5)]
    wire.told.lines.append(("within the inner", [same(plain(one)) for one in inner]))
    later = await wire.events("since the third", 1, since=seen[2]["seq"])
    assert later == [one | {"params": later[n]["params"]} for n, one in enumerate(seen[3:])], (
        "numbers and ids are the same again"
    )


async def both(wire: Wire) -> None:
    """A run of the classic protocol, seen by the event protocol, and one of this protocol joined by the classic one."""
    await wire.http.post("/threads", json={"thread_id": wire.id})
    made = {"input": {"said": ["c"]}, "stream_resumable": True}
    modes = {"stream_mode": ["values", "updates", "custom"]}
    await wire.http.post(f"/threads/{wire.id}/runs/wait", json={"assistant_id": "chain", **made, **modes})
    await wire.events("a classic run", 1, channels=["values", "updates"])
    await wire.http.post(f"/threads/{wire.id}/runs/wait", json={"assistant_id": "telling", **made, **modes})
    await wire.events("another", 2, channels=["values", "updates", "custom"])
    reply = await wire.command("starts", "run.start", assistant_id="chain", input={"said": ["d"]})
    joined = get_client(url=str(wire.http.base_url)).runs.join_stream(wire.id, reply["result"]["run_id"], last_event_id="-1")
    wire.told.lines.append(("joined by the classic protocol", {part.event async for part in joined if part.event != "updates"}))
    await wire.command("an unknown field is left alone", "run.start", assistant_id="chain", input={"said": []}, bogus=1)


async def sdk(url: str, told: Transcript) -> None:
    """The Python SDK's own client of this protocol."""
    client = get_client(url=url)
    async with asyncio.timeout(WAITS_S), client.threads.stream(assistant_id="chain") as thread:
        await thread.run.start(input={"said": ["sdk"]})
        told.lines.append(("sdk: output", (await thread.output)["said"]))
    async with asyncio.timeout(WAITS_S), client.threads.stream(assistant_id="asking") as thread:
        await thread.run.start(input={"said": []})
        async for _ in thread.values:
            pass
        told.lines.append(("sdk: waits", [thread.interrupted, len(thread.interrupts)]))
        await thread.run.respond("yes")
        told.lines.append(("sdk: answered", (await thread.output)["said"]))
