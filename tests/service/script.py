"""One script over the Python SDK, told as a transcript in which ids, times and what names the server are the same everywhere.

`test_differential.py` plays it against this service and against `langgraph dev`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import httpx
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)?")
OURS_TO_NAME = {"kwargs", "langsmith_session_name", "description"}
MISSING = "00000000-0000-0000-0000-000000000000"


def same(value: Any, key: str = "") -> Any:
    """A value without what may differ: ids, times, the metadata of checkpoints and messages, how a request is kept."""
    if isinstance(value, dict):
        if "run_attempt" in value or "langgraph_version" in value:  # a server's own metadata
            return {name: same(value[name]) for name in ("source", "step", "langgraph_node") if name in value}
        if "configurable" in value:
            return "config"
        return {ID.sub("ID", name): same(one, name) for name, one in sorted(value.items()) if name not in OURS_TO_NAME}
    if isinstance(value, list | tuple):
        return [same(one) for one in value]
    if isinstance(value, str):
        return TIME.sub("TIME", ID.sub("ID", value))
    return value


class Transcript:
    """What a server answered, step by step."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Any]] = []

    async def at_once(self, parts: Sequence[Callable[["Transcript"], Awaitable[None]]]) -> None:
        """Play parts that know nothing of one another: each run of `langgraph dev` begins up to a second late. Told in their order."""
        told = [Transcript() for _ in parts]
        await asyncio.gather(*(part(own) for part, own in zip(parts, told, strict=True)))
        self.lines += [line for own in told for line in own.lines]

    async def tell(self, label: str, asked: Awaitable[Any], *, only: tuple[str, ...] = ()) -> Any:
        """The answer of a call, or its status if it was refused."""
        try:
            answer = await asked
        except (APIStatusError, httpx.HTTPStatusError) as error:
            self.lines.append((label, f"refused {error.response.status_code}"))
            return None
        shown = {name: answer.get(name) for name in only} if only else answer
        self.lines.append((label, same(shown)))
        return answer

    async def follow(self, label: str, stream: AsyncIterator[Any], *, names: bool = False) -> list[Any]:
        """The events of a stream in their order; with `names` not what they say."""
        parts = [part async for part in stream]
        self.lines.append((label, [part.event if names else [ID.sub("ID", part.event), same(part.data)] for part in parts]))
        return parts


async def play(client: LangGraphClient) -> list[tuple[str, Any]]:
    """Every operation that the transcript compares."""
    told = Transcript()
    parts = (assistants, threads, states, streams, backgrounds, pauses, stateless)
    await told.at_once([partial(part, client) for part in parts])
    await failures(
        client, told
    )  # by itself: `langgraph dev` words the first error of its life in another way beside other work
    return told.lines


async def assistants(client: LangGraphClient, told: Transcript) -> None:
    found = await told.tell("search", client.assistants.search(graph_id="nested"))
    id = found[0]["assistant_id"]
    await told.tell("get", client.assistants.get(id))
    await told.tell("get by name", client.assistants.get("nested"))
    await told.tell("get missing", client.assistants.get(MISSING))
    await told.tell("graph", client.assistants.get_graph(id))
    await told.tell("graph by name", client.assistants.get_graph("nested"))
    await told.tell("graph, opened", client.assistants.get_graph(id, xray=True))
    schemas = await client.assistants.get_schemas(id)
    told.lines.append(("schemas", sorted(name for name, schema in schemas.items() if schema is not None)))
    told.lines.append(("state schema", sorted(schemas["state_schema"]["properties"])))  # type: ignore[index]  # it has one
    told.lines.append(("subgraphs", sorted(await client.assistants.get_subgraphs(id))))
    own = await told.tell("create", client.assistants.create("chain", name="own", metadata={"by": "script"}))
    await told.tell("create again", client.assistants.create("chain", assistant_id=own["assistant_id"]))
    await told.tell("create for no graph", client.assistants.create("nosuch"))
    await told.tell("update", client.assistants.update(own["assistant_id"], metadata={"more": 1}, name="renamed"))
    await told.tell("versions", client.assistants.get_versions(own["assistant_id"]))
    await told.tell("go back", client.assistants.set_latest(own["assistant_id"], 1))
    await told.tell("search by metadata", client.assistants.search(metadata={"by": "script"}))
    await told.tell("count", client.assistants.count(metadata={"by": "script"}))
    await told.tell("delete", client.assistants.delete(own["assistant_id"]))
    await told.tell("delete again", client.assistants.delete(own["assistant_id"]))


async def threads(client: LangGraphClient, told: Transcript) -> None:
    known = ("metadata", "status", "values")
    thread = await told.tell("thread", client.threads.create(metadata={"mark": "threads"}), only=known)
    id = thread["thread_id"]
    await told.tell("again", client.threads.create(thread_id=id))
    await told.tell("again, kept", client.threads.create(thread_id=id, if_exists="do_nothing"), only=known)
    await told.tell("no id", client.threads.create(thread_id="abc"))
    await told.tell("patch", client.threads.update(id, metadata={"n": 2}), only=known)
    await told.tell("get missing", client.threads.get(MISSING))
    await told.tell("empty state", client.threads.get_state(id))
    await told.tell("empty history", client.threads.get_history(id))
    await told.tell("count", client.threads.count(metadata={"mark": "threads"}))
    await told.tell("run", client.runs.wait(id, "chain", input={"said": ["x"]}))
    await told.tell("after it", client.threads.get(id))
    copied = await client.threads.copy(id)
    await told.tell("state of the copy", client.threads.get_state(copied["thread_id"]), only=("values", "next"))  # type: ignore[index]  # it answers the thread
    found = await client.threads.search(metadata={"mark": "threads"}, limit=5)
    told.lines.append(("search", sorted(one["status"] for one in found)))
    await told.tell("search by status", client.threads.search(metadata={"mark": "threads"}, status="error"))
    await told.tell("delete", client.threads.delete(id))
    await told.tell("gone", client.threads.get(id))
    await told.tell("delete again", client.threads.delete(id))


async def states(client: LangGraphClient, told: Transcript) -> None:
    id = (await client.threads.create())["thread_id"]
    await client.runs.wait(id, "chain", input={"said": ["x"]})
    await told.tell("state", client.threads.get_state(id))
    history = await told.tell("history", client.threads.get_history(id, limit=10))
    earlier = history[2]["checkpoint"]
    shown = ("values", "next", "tasks", "created_at", "interrupts")
    await told.tell("earlier", client.threads.get_state(id, checkpoint=earlier), only=shown)
    await told.tell("earlier by id", client.threads.get_state(id, checkpoint_id=earlier["checkpoint_id"]), only=shown)
    await told.tell("before it", client.threads.get_history(id, before={"configurable": earlier}, limit=1))  # type: ignore[arg-type]  # the form that is understood
    await told.tell("go on from there", client.runs.wait(id, "chain", input=None, checkpoint=earlier))
    await told.tell("update", client.threads.update_state(id, {"said": ["by hand"]}, as_node="b"))
    await told.tell("then", client.threads.get(id))
    await told.tell("go on", client.runs.wait(id, "chain", input=None))
    await told.tell("update of nothing", client.threads.update_state(id, {"said": ["x"]}, as_node="nosuch"))


async def streams(client: LangGraphClient, told: Transcript) -> None:
    modes = ("values", "updates", "custom", "messages", "messages-tuple", "tasks", "checkpoints", "debug", "events")
    await told.at_once([partial(stream, client, mode) for mode in modes])
    id = (await client.threads.create())["thread_id"]
    both = client.runs.stream(id, "nested", input={"said": ["s"]}, stream_mode=["values", "updates"], stream_subgraphs=True)
    await told.follow("subgraphs", both)


async def stream(client: LangGraphClient, mode: Any, told: Transcript) -> None:
    said = {"messages": [{"role": "user", "content": "hi", "id": "u1"}]}
    id = (await client.threads.create())["thread_id"]
    graph = "telling" if mode == "custom" else "talking"
    names = mode in ("tasks", "checkpoints", "debug", "events")
    await told.follow(mode, client.runs.stream(id, graph, input=said, stream_mode=mode), names=names)


async def backgrounds(client: LangGraphClient, told: Transcript) -> None:
    id = (await client.threads.create())["thread_id"]
    await client.runs.wait(id, "nested", input={"said": ["s"]})
    run = await told.tell("run in the background", client.runs.create(id, "chain", input={"said": ["t"]}))
    await told.tell("join", client.runs.join(id, run["run_id"]))
    await told.tell("get", client.runs.get(id, run["run_id"]))
    await told.follow("join when it is over", client.runs.join_stream(id, run["run_id"]))
    await told.tell("list", client.runs.list(id))
    await told.tell("cancel when it is over", client.runs.cancel(id, run["run_id"]))
    await told.tell("delete", client.runs.delete(id, run["run_id"]))
    await told.tell("gone", client.runs.get(id, run["run_id"]))
    await told.tell("bad mode", client.runs.create(id, "chain", input={}, stream_mode="nosuch"))  # type: ignore[call-overload]  # on purpose
    await told.tell("bad strategy", client.runs.wait(id, "chain", input={}, multitask_strategy="nosuch"))  # type: ignore[call-overload]  # on purpose
    await told.tell("no assistant", client.runs.wait(id, "nosuch", input={}))
    await told.tell("no thread", client.runs.wait(MISSING, "chain", input={}))
    both_ways = client.runs.wait(id, "chain", input={}, context={"a": 1}, config={"configurable": {"b": 1}})
    await told.tell("context and configurable", both_ways)


async def pauses(client: LangGraphClient, told: Transcript) -> None:
    id = (await client.threads.create())["thread_id"]
    asked = client.runs.stream(id, "asking", input={"said": []}, stream_mode=["values", "updates"])
    await told.follow("asks", asked)
    await told.tell("thread", client.threads.get(id))
    await told.tell("state", client.threads.get_state(id))
    await told.tell("run", client.runs.list(id))
    await told.tell("answered", client.runs.wait(id, "asking", command={"resume": "yes"}))
    await told.tell("then", client.threads.get(id))
    id = (await client.threads.create())["thread_id"]
    await told.tell("waits", client.runs.wait(id, "asking", input={"said": []}))
    waiting = (await client.threads.get_state(id))["interrupts"][0]["id"]
    await told.tell("by id", client.runs.wait(id, "asking", command={"resume": {waiting: "by id"}}))
    id = (await client.threads.create())["thread_id"]
    await told.tell("stops before c", client.runs.wait(id, "chain", input={"said": []}, interrupt_before=["c"]))
    await told.tell("stands there", client.threads.get(id))
    await told.tell("goes on", client.runs.wait(id, "chain", input=None))
    await told.tell("goto", client.runs.wait(id, "chain", command={"goto": "b", "update": {"said": ["again"]}}))


async def failures(client: LangGraphClient, told: Transcript) -> None:
    id = (await client.threads.create())["thread_id"]
    await told.follow("fails", client.runs.stream(id, "failing", input={"said": ["f"]}))
    await told.tell("thread", client.threads.get(id))
    await told.tell("state", client.threads.get_state(id))
    await told.tell("run", client.runs.list(id))
    await told.tell("result", client.runs.wait(id, "failing", input={"said": ["g"]}, raise_error=False))
    await told.tell("another graph goes on", client.runs.wait(id, "chain", input={"said": ["h"]}))
    await told.tell("and it stands", client.threads.get(id))


async def stateless(client: LangGraphClient, told: Transcript) -> None:
    await told.tell("wait", client.runs.wait(None, "chain", input={"said": ["s"]}))
    await told.follow("stream", client.runs.stream(None, "chain", input={"said": ["s"]}, stream_mode="updates"))
    made = await client.runs.create(None, "chain", input={"said": ["s"]})
    told.lines.append(("create", [made["status"], made["multitask_strategy"]]))
    several = await client.runs.create_batch([{"assistant_id": "chain", "input": {"said": [str(n)]}} for n in range(3)])  # type: ignore[typeddict-item]  # the rest is optional
    told.lines.append(("batch", len(several)))
