"""Runs over real sockets, by the Python SDK: two on a thread by each strategy, streams that break and go on, what is refused."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import APIStatusError

from tests.service.serving import Server


@pytest.fixture(params=["sqlite_server", "postgres_server"], ids=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server:
    """Every test of this file is held on both databases."""
    found: Server = request.getfixturevalue(request.param)
    return found


async def held(client: LangGraphClient, thread_id: str, gate: Path | None = None, **options: Any) -> str:
    """A run that has begun and waits for its gate; its id."""
    given = {"said": ["held"], **({"gate": str(gate)} if gate else {})}
    run = await client.runs.create(thread_id, "holding", input=given, stream_mode="custom", stream_resumable=True, **options)
    async for part in client.runs.join_stream(thread_id, run["run_id"], last_event_id="-1"):
        if part.event == "custom":  # its node is in its wait
            return str(run["run_id"])
    raise AssertionError("it ended before it began")


async def test_a_second_run_is_rejected(client: LangGraphClient, tmp_path: Path) -> None:
    thread = (await client.threads.create())["thread_id"]
    first = await held(client, thread, tmp_path / "gate")
    with pytest.raises(APIStatusError) as refused:
        await client.runs.create(thread, "chain", input={}, multitask_strategy="reject")
    assert refused.value.response.status_code == 409
    (tmp_path / "gate").touch()
    assert await client.runs.join(thread, first) == {
        "said": ["held", "first", "held", "last"],
        "gate": str(tmp_path / "gate"),
        "messages": [],
    }


async def test_a_second_run_waits_for_the_first(client: LangGraphClient, tmp_path: Path) -> None:
    thread = (await client.threads.create())["thread_id"]
    first = await held(client, thread, tmp_path / "gate")
    second = await client.runs.create(thread, "chain", input={"said": ["second"]})
    third = await client.runs.create(thread, "chain", input={"said": ["third"]})
    assert (await client.runs.get(thread, second["run_id"]))["status"] == "pending"
    assert (await client.threads.get(thread))["status"] == "busy"
    (tmp_path / "gate").touch()
    said = (await client.runs.join(thread, third["run_id"]))["said"]  # type: ignore[call-overload]  # a dict
    assert said == ["held", "first", "held", "last", "second", "a", "b", "c", "third", "a", "b", "c"]
    assert {run["status"] for run in await client.runs.list(thread)} == {"success"}
    assert (await client.runs.get(thread, first))["status"] == "success"


async def test_a_second_run_interrupts_the_first(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    first = await held(client, thread)
    values = await client.runs.wait(thread, "chain", input={"said": ["second"]}, multitask_strategy="interrupt")
    assert values["said"] == ["held", "first", "second", "a", "b", "c"]  # type: ignore[call-overload]  # a dict
    assert (await client.runs.get(thread, first))["status"] == "interrupted"


async def test_a_second_run_rolls_the_first_back(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "chain", input={"said": ["zeroth"]})
    first = await held(client, thread)
    values = await client.runs.wait(thread, "chain", input={"said": ["second"]}, multitask_strategy="rollback")
    assert values["said"] == ["zeroth", "a", "b", "c", "second", "a", "b", "c"]  # type: ignore[call-overload]  # a dict
    with pytest.raises(APIStatusError) as gone:
        await client.runs.get(thread, first)
    assert gone.value.response.status_code == 404


async def test_a_run_is_cancelled(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    first = await held(client, thread)
    queued = await client.runs.create(thread, "chain", input={})
    await client.runs.cancel(thread, queued["run_id"])
    assert (await client.runs.get(thread, queued["run_id"]))["status"] == "interrupted"
    await client.runs.cancel(thread, first, wait=True)
    assert (await client.runs.get(thread, first))["status"] == "interrupted"
    state = await client.threads.get_state(thread)
    assert state["next"] == ["hold"] and (await client.threads.get(thread))["status"] == "interrupted"
    with pytest.raises(APIStatusError) as over:
        await client.runs.cancel(thread, first)
    assert over.value.response.status_code == 404


async def test_a_broken_stream_goes_on_without_gap_or_duplicate(client: LangGraphClient, tmp_path: Path) -> None:
    thread = (await client.threads.create())["thread_id"]
    gate, seen = tmp_path / "gate", []
    given = {"said": ["s"], "gate": str(gate)}
    modes = ["values", "updates", "custom"]
    run_id = ""
    async for part in client.runs.stream(thread, "holding", input=given, stream_mode=modes, stream_resumable=True):  # type: ignore[call-overload]  # a list
        seen.append(part)
        if part.event == "metadata":
            run_id = part.data["run_id"]
        if part.event == "custom":
            break  # the connection is closed in the middle
    gate.touch()
    rest = [part async for part in client.runs.join_stream(thread, run_id, last_event_id=seen[-1].id)]
    whole = [part async for part in client.runs.join_stream(thread, run_id, last_event_id="-1")]
    assert [*seen, *rest] == whole
    ids = [int(part.id or 0) for part in whole]
    assert ids == sorted(set(ids))
    assert whole[-1].data["said"] == ["s", "first", "held", "last"]
    some = [part.event async for part in client.runs.join_stream(thread, run_id, last_event_id="-1", stream_mode="updates")]
    assert set(some) == {"metadata", "updates"}


async def test_many_follow_one_run_and_see_the_same(client: LangGraphClient, tmp_path: Path) -> None:
    thread = (await client.threads.create())["thread_id"]
    run_id = await held(client, thread, tmp_path / "gate")

    async def follow() -> list[Any]:
        return [part async for part in client.runs.join_stream(thread, run_id, last_event_id="-1")]

    tasks = [asyncio.create_task(follow()) for _ in range(20)]
    (tmp_path / "gate").touch()
    told = await asyncio.gather(*tasks)
    assert all(one == told[0] for one in told) and len(told[0]) >= 2


async def test_a_run_stops_when_its_client_goes(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    async for part in client.runs.stream(thread, "holding", input={"said": []}, stream_mode="custom", on_disconnect="cancel"):
        if part.event == "custom":
            break
    [run] = await client.runs.list(thread)
    await client.runs.join(thread, run["run_id"])
    assert (await client.runs.get(thread, run["run_id"]))["status"] == "interrupted"


async def test_a_run_starts_later(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    run = await client.runs.create(thread, "chain", input={"said": ["later"]}, after_seconds=1)
    assert (await client.runs.get(thread, run["run_id"]))["status"] == "pending"
    assert (await client.runs.join(thread, run["run_id"]))["said"] == ["later", "a", "b", "c"]  # type: ignore[call-overload]  # a dict


async def test_an_answer_to_what_does_not_wait_is_refused(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "asking", input={"said": []})
    waiting = (await client.threads.get_state(thread))["interrupts"][0]["id"]
    command: Any = {"resume": {waiting: "yes"}}
    assert (await client.runs.wait(thread, "asking", command=command))["said"] == ["answer yes"]  # type: ignore[call-overload]  # a dict
    with pytest.raises(httpx.HTTPStatusError) as stale:
        await client.runs.wait(thread, "asking", command=command)
    assert stale.value.response.status_code == 409


async def test_a_remote_graph_works_as_a_local_one(server: Server, client: LangGraphClient) -> None:
    graph = RemoteGraph("asking", url=server.url)
    thread = (await client.threads.create())["thread_id"]
    config: Any = {"configurable": {"thread_id": thread}}
    parts = [part async for part in graph.astream({"said": []}, config, stream_mode="values")]
    assert parts[-1]["said"] == []
    state = await graph.aget_state(config)
    assert state.next == ("only",) and state.tasks[0].interrupts[0].value == {"question": "go on?"}
    assert (await graph.ainvoke(Command(resume="remote"), config))["said"] == ["answer remote"]
    assert len([one async for one in graph.aget_state_history(config)]) == 3
    await graph.aupdate_state(config, {"said": ["more"]}, as_node="only")
    assert (await graph.aget_state(config)).values["said"] == ["answer remote", "more"]
    drawn = await RemoteGraph("nested", url=server.url).aget_graph(xray=True)
    assert {"outer", "inner:x", "inner:y"} <= set(drawn.nodes)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://elsewhere.example"}, 403),
        ({"host": "elsewhere.example"}, 403),
        ({"host": "LocalHost"}, 200),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "https://smith.langchain.com"}, 200),
        ({"content-type": "text/plain"}, 200),
    ],
)
async def test_only_pages_of_this_machine_may_call(server: Server, headers: dict[str, str], status: int) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        sent = {"content-type": "application/json", **headers}
        assert (await http.post("/threads/search", content=b"{}", headers=sent)).status_code == status


@pytest.mark.parametrize("field", ["feedback_keys", "langsmith_tracer"])
async def test_what_is_known_and_not_supported_is_refused(server: Server, field: str) -> None:
    given = {"feedback_keys": ["a"], "langsmith_tracer": {"project_name": "a"}}[field]
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        answer = await http.post("/runs/wait", json={"assistant_id": "chain", "input": {}, field: given})
        assert answer.status_code == 422 and field in answer.json()["detail"]


@pytest.mark.parametrize(
    "labels", [["application/JSON"], ["Application/Json; charset=utf-8"], ["TEXT/Plain"], ["application/json", "x/y"]]
)
async def test_json_is_judged_whatever_it_is_called(server: Server, labels: list[str]) -> None:
    hostile = [
        b'{"a": NaN}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": %d}' % 2**70,
        b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}",
    ]
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for value in hostile:
            sent = [("content-type", label) for label in labels]
            answer = await http.post("/threads", content=b'{"metadata": ' + value + b"}", headers=sent)
            assert answer.status_code == 422 and answer.json()["detail"], (value[:20], answer.text[:100])


@pytest.mark.parametrize(
    "config",
    [
        {"configurable": "text"},
        {"configurable": [["langgraph_auth_user", "root"]]},
        {"configurable": {"checkpoint_map": "text"}},
        {"callbacks": ["text"]},
        {"tags": 3},
        {"metadata": "text"},
        {"max_concurrency": "2"},
        {"recursion_limit": True},
    ],
)
async def test_a_config_that_is_no_data_is_refused(server: Server, config: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        for path, body in [("/runs/wait", {"assistant_id": "chain", "input": {}}), ("/assistants", {"graph_id": "chain"})]:
            answer = await http.post(path, json={**body, "config": config})
            assert answer.status_code == 422 and "config: " in answer.json()["detail"], answer.text


async def test_a_checkpoint_says_a_place_and_nothing_else(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    forged = {"langgraph_auth_user": {"identity": "root"}, "__pregel_checkpointer": "none", "checkpoint_ns": ""}
    said = await client.runs.wait(thread, "chain", input={"said": ["s"]}, checkpoint=forged)  # type: ignore[arg-type]  # more than it has
    assert said["said"] == ["s", "a", "b", "c"]  # type: ignore[call-overload]  # an object
    kept = (await client.runs.list(thread))[0]["kwargs"]["config"]["configurable"]
    assert "langgraph_auth_user" not in kept and "__pregel_checkpointer" not in kept


@pytest.mark.parametrize("beyond", [0, 1, 10_000_000, 2**70])
async def test_a_cursor_behind_a_runs_end_has_nothing_to_wait_for(client: LangGraphClient, beyond: int) -> None:
    thread = (await client.threads.create())["thread_id"]
    made = [part async for part in client.runs.stream(thread, "chain", input={"said": ["s"]}, stream_resumable=True)]
    run = made[0].data["run_id"]
    last = max(int(part.id or 0) for part in made) + beyond
    async with asyncio.timeout(60):
        assert [part async for part in client.runs.join_stream(thread, run, last_event_id=str(last))] == []


async def test_it_describes_itself_without_a_network(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        page = (await http.get("/docs")).text
        assert "/threads/{thread_id}/runs/stream" in page and "http" not in page.replace("http://", "")
        described = (await http.get("/openapi.json")).json()
        assert len(described["paths"]) > 25
        assert (await http.get("/info")).json()["flags"]["assistants"] is True
        preflight = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
        private = {**preflight, "access-control-request-private-network": "true"}
        allowed = await http.options("/threads", headers=private)
        assert allowed.status_code == 200 and allowed.headers["access-control-allow-private-network"] == "true"
