"""A database server that goes away for a moment: who asks is told, a run waits for it, and nothing counts as an attempt."""

import asyncio
from pathlib import Path

import httpx
import pytest
from langgraph_sdk import get_client

from evals.chaos.postgres import NoPostgres, own_postgres
from tests.service.serving import PROJECT, clearance


async def test_a_run_bears_a_restart_of_its_database(tmp_path: Path) -> None:
    try:
        starting = own_postgres()
        postgres = starting.__enter__()
    except NoPostgres as error:
        pytest.skip(str(error))
    try:
        url = postgres.url.render_as_string(hide_password=False)
        with clearance(tmp_path, "--config", str(PROJECT / "langgraph.json"), env={"CLEARANCE_DATABASE_URL": url}) as server:
            client, gate, seen = get_client(url=server.url), tmp_path / "gate", []
            thread = (await client.threads.create())["thread_id"]
            given = {"said": ["s"], "gate": str(gate)}
            async for part in client.runs.stream(
                thread, "holding", input=given, stream_mode=["values", "custom"], stream_resumable=True, durability="sync"
            ):
                if part.event == "custom":
                    await asyncio.to_thread(postgres.halt)
                    async with httpx.AsyncClient() as http:
                        refused = await http.get(f"{server.url}/threads/{thread}", timeout=60)
                    assert refused.status_code == 503 and "start the database server" in refused.json()["detail"]
                    gate.touch()  # its next checkpoint, its end: all while the server is gone
                    asyncio.get_running_loop().call_later(2, lambda: asyncio.ensure_future(asyncio.to_thread(postgres.resume)))
                seen.append(part)
            assert seen[-1].data["said"] == ["s", "first", "held", "last"]
            assert [int(part.id or 0) for part in seen] == list(range(1, len(seen) + 1))
            [run] = await client.runs.list(thread)
            assert run["status"] == "success"
            replay = [part async for part in client.runs.join_stream(thread, run["run_id"], last_event_id="-1")]
            assert [part.id for part in replay] == [part.id for part in seen], "what was told meanwhile is in the log"
            assert [part.data["attempt"] for part in replay if part.event == "metadata"] == [1]
    finally:
        starting.__exit__(None, None, None)
