"""`langgraph dev` as a black box: the flagship runs, pauses, resumes and travels in time, with its check for blocking calls on."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

ROOT = Path(__file__).parent.parent.parent
FLAGSHIP = "Analyze supplier risk across our logistics network"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running `langgraph dev` on a home with the generated company; its address."""
    folder = tmp_path_factory.mktemp("dev")
    home = folder / "home"
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    modules = [path.name for path in ROOT.glob("*.py")]
    for name in ("app", "governance", "graphs", "langgraph.json", "models", "tools", "pyproject.toml", *modules):
        source, target = ROOT / name, folder / "project" / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    port, log = free_port(), folder / "log"
    env = {**os.environ, "CLEARANCE_HOME": str(home), "LANGSMITH_TRACING": "false", "PYTHONPATH": str(folder / "project")}
    command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder / "project", env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline:
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/ok").status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()[-3000:]
                    time.sleep(0.3)
            else:
                pytest.fail(f"langgraph dev did not start: {log.read_text()[-3000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
    said = log.read_text()
    assert "BlockingError" not in said


async def run(client, thread, graph, **given):  # type: ignore[no-untyped-def]
    events = []
    async for part in client.runs.stream(thread, graph, stream_mode=["custom"], **given):
        assert part.event != "error", part.data
        events.append(part)
    return events, await client.threads.get_state(thread)


async def test_the_flagship_pauses_resumes_and_travels(server: str) -> None:
    client = get_client(url=server)
    thread = (await client.threads.create())["thread_id"]
    said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
    events, state = await run(client, thread, "orchestrator", input=said)
    assert {e.data["event"] for e in events if e.event == "custom"} >= {"plan", "step", "tool"}
    assert state["next"] == ["ask"]
    asked = state["tasks"][0]["interrupts"][0]
    count = len(asked["value"]["action_requests"])
    assert count == 3
    waiting = [s for s in state["values"]["steps"].values() if s["status"] == "waiting_approval"]
    assert len(waiting) == 3 and all(s["attempts"][0]["thread_id"] for s in waiting)
    first = state["values"]["execution_id"]

    none = {"resume": {asked["id"]: {"decisions": [{"type": "reject", "message": "not now"}] * count}}}
    _, state = await run(client, thread, "orchestrator", command=none)
    assert state["next"] == [] and state["values"]["status"] == "reported"

    history = await client.threads.get_history(thread, limit=100)
    paused = next(item for item in history if item["next"] == ["ask"])
    _, state = await run(client, thread, "orchestrator", input=None, checkpoint=paused["checkpoint"])
    stale = state["tasks"][0]["interrupts"][0]
    again = {"resume": {stale["id"]: {"decisions": [{"type": "approve"}] * count}}}
    _, state = await run(client, thread, "orchestrator", command=again)
    assert state["values"]["execution_id"] != first, "an old checkpoint is a fork: it gets an execution of its own"
    assert state["next"] == ["ask"], "approvals are not carried over to a fork"
    assert state["values"]["results"]["s1"]["status"] == "succeeded"

    asked = state["tasks"][0]["interrupts"][0]
    decisions = [{"type": "approve"}, {"type": "reject", "message": "not now"}, {"type": "approve"}]
    _, state = await run(client, thread, "orchestrator", command={"resume": {asked["id"]: {"decisions": decisions}}})
    assert state["next"] == [] and state["values"]["status"] == "reported"
    lines = state["values"]["answer"]["decisions"]
    assert sum("carried out by local" in line for line in lines) == 2
    assert any("rejected by local: not now" in line for line in lines)


async def test_every_graph_draws_and_a_specialist_runs_alone(server: str) -> None:
    client = get_client(url=server)
    found = await client.assistants.search(limit=50)
    assert len(found) == 14
    for assistant in found:
        assert (await client.assistants.get_graph(assistant["assistant_id"]))["nodes"]
    thread = (await client.threads.create())["thread_id"]
    said = {"messages": [{"role": "user", "content": "What share of spend goes to the top five suppliers?"}]}
    _, state = await run(client, thread, "finance", input=said)
    assert state["values"]["status"] == "reported"
    assert [s["status"] for s in state["values"]["steps"].values()] == ["succeeded", "succeeded"]
