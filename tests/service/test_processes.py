"""Several processes on one PostgreSQL: three that serve, two of them one socket, and one that only works.

What is asked of one is done by any, and seen by all. Each has room for one run, so that a second one goes elsewhere. A process
that is killed is the subject of evals/chaos.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client
from sqlalchemy import select

from app.db.tables import runs
from app.serve import serve
from app.work import OneProcess, work
from database import Database
from tests.postgres import Postgres
from tests.service.serving import PROJECT, Server, clearance, worker
from tests.service.waiting import until


@dataclass(frozen=True)
class Processes:
    """One that serves, two that serve one socket, one that works; `url` is their database's."""

    one: Server
    two: Server
    worker: Server
    url: str

    @property
    def clients(self) -> tuple[Any, Any]:
        return get_client(url=self.one.url), get_client(url=self.two.url)

    def holder(self, run: str) -> int:
        """The process that carries a run out; 0: none does now."""
        db = Database(self.url)
        name = db.run_sync(lambda c: c.scalar(select(runs.c.worker).where(runs.c.run_id == run)))
        db.close()
        return int(name.split(":")[1]) if name else 0


SERVES = ("--config", str(PROJECT / "langgraph.json"))


@pytest.fixture(scope="module")
def processes(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    home, url = tmp_path_factory.mktemp("processes"), postgres.new_url()
    env = {"CLEARANCE_DATABASE_URL": url, "CLEARANCE_RUNS": "1"}
    starting = (
        clearance(home / "one", *SERVES, env=env),
        clearance(home / "two", *SERVES, "--workers", "2", env=env),
        worker(home / "worker", *SERVES, env=env),
    )
    with ExitStack() as stack, ThreadPoolExecutor() as pool:  # at once: the tables are made by one of them
        yield Processes(*pool.map(stack.enter_context, starting), url)  # type: ignore[arg-type]  # mypy sees a list of any length


async def held(client: Any, gate: Path) -> tuple[str, str]:
    """A thread whose run is under way, and waits for the gate."""
    thread = (await client.threads.create())["thread_id"]
    run = await client.runs.create(
        thread, "holding", input={"said": ["s"], "gate": str(gate)}, stream_mode=["custom", "values"], stream_resumable=True
    )
    async for part in client.runs.join_stream(thread, run["run_id"], last_event_id="-1"):
        if part.event == "custom":
            break
    return thread, run["run_id"]


async def test_what_one_is_asked_another_does(processes: Processes, tmp_path: Path) -> None:
    one, other = processes.clients
    full, full_run = await held(one, tmp_path / "first")  # no more room in the first
    assert await one.runs.wait(None, "chain", input={"said": ["s"]}) == {"said": ["s", "a", "b", "c"], "messages": []}
    thread, run = await held(one, tmp_path / "second")
    streams = [
        asyncio.create_task(_all(client.runs.join_stream(thread, run, last_event_id="-1"))) for client in (one, other, one)
    ]
    joined = asyncio.create_task(other.runs.join(thread, run))
    queued = await other.runs.create(thread, "chain", input={"said": ["queued"]})
    dropped = await one.runs.create(thread, "chain", input={"said": ["dropped"]})
    waits = asyncio.create_task(other.runs.join(thread, dropped["run_id"]))
    await one.runs.cancel(thread, dropped["run_id"])
    await waits
    (tmp_path / "second").touch()
    assert (await joined)["said"][:4] == ["s", "first", "held", "last"]
    seen = await asyncio.gather(*streams)
    assert seen[0] == seen[1] == seen[2]
    ids = [int(id) for id, _, _ in seen[0]]
    assert ids == list(range(1, len(ids) + 1)), "no gap, and nothing twice"
    values = await one.runs.join(thread, queued["run_id"])
    assert values["said"] == ["s", "first", "held", "last", "queued", "a", "b", "c"]  # type: ignore[call-overload]  # a dict
    assert {run["status"] for run in await other.runs.list(thread)} == {"success", "interrupted"}
    await other.runs.cancel(full, full_run, wait=True)
    assert (await one.runs.get(full, full_run))["status"] == "interrupted"
    assert (await other.threads.get(full))["status"] == "interrupted"


async def test_a_thread_that_is_deleted_elsewhere_ends_its_run(processes: Processes, tmp_path: Path) -> None:
    one, other = processes.clients
    thread, run = await held(one, tmp_path / "never")
    seen = []
    async for part in one.runs.join_stream(thread, run, last_event_id="-1"):
        if not seen:
            await other.threads.delete(thread)
        seen.append(part.event)
    assert seen[0] == "metadata"


async def test_what_a_stopped_process_gives_back_another_goes_on_with(processes: Processes, tmp_path: Path) -> None:
    one, two = processes.clients
    full, full_run = await held(one, tmp_path / "never")
    thread, run = await held(one, tmp_path / "gate")  # elsewhere, if the first has taken the other
    holder = processes.holder(run)
    living = two if holder == processes.one.process.pid else one
    following = asyncio.create_task(_all(living.runs.join_stream(thread, run, last_event_id="-1")))
    os.kill(holder, signal.SIGTERM)
    held_by = partial(asyncio.to_thread, processes.holder, run)
    await until(held_by, lambda now: now != holder)  # it is given back only when it did not end in a while
    (tmp_path / "gate").touch()
    seen = await following
    ids = [int(id) for id, _, _ in seen]
    assert ids == sorted(set(ids))
    assert [data["attempt"] for _, event, data in seen if event == "metadata"] == [1, 1], (
        "nothing was lost, so none was counted"
    )
    assert seen[-1][2]["said"] == ["s", "first", "held", "last"]
    await living.runs.cancel(full, full_run)


async def test_one_socket_is_served_by_several_processes(processes: Processes) -> None:
    _, two = processes.clients
    made = await asyncio.gather(*(two.runs.wait(None, "chain", input={"said": [str(n)]}) for n in range(20)))
    assert [values["said"][0] for values in made] == [str(n) for n in range(20)]
    assert processes.two.stop() == 0


def test_sqlite_is_served_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARANCE_HOME", str(tmp_path / "home"))
    with pytest.raises(OneProcess, match="CLEARANCE_DATABASE_URL"):
        serve("127.0.0.1", 0, None, workers=2)
    with pytest.raises(OneProcess, match="CLEARANCE_DATABASE_URL"):
        work(None)


async def _all(stream: Any) -> list[tuple[str, str, Any]]:
    return [(part.id, part.event, part.data) async for part in stream]
