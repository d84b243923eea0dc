"""Power cuts and polite stops: the server is killed in the middle and started again, and the run goes on by itself."""

from pathlib import Path

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.service.serving import PROJECT, clearance

SERVES = ("--config", str(PROJECT / "langgraph.json"))


async def begun(client: LangGraphClient, gate: Path) -> tuple[str, str, list[int]]:
    """A thread with a run that waits for its gate and one behind it; the ids of the events seen so far."""
    thread = (await client.threads.create())["thread_id"]
    given = {"said": ["s"], "gate": str(gate)}
    run, seen = "", []
    async for part in client.runs.stream(
        thread, "holding", input=given, stream_mode=["values", "custom"], stream_resumable=True, durability="sync"
    ):
        seen.append(int(part.id or 0))
        run = run or part.data["run_id"]
        if part.event == "custom":
            break
    await client.runs.create(thread, "chain", input={"said": ["queued"]})
    return thread, run, seen


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_run_goes_on_after_its_process(tmp_path: Path, how: str) -> None:
    home, gate = tmp_path / "home", tmp_path / "gate"
    with clearance(home, *SERVES) as server:
        thread, run, seen = await begun(get_client(url=server.url), gate)
        if how == "killed":
            server.kill()
        else:
            server.stop()
    gate.touch()
    with clearance(home, *SERVES) as server:
        client = get_client(url=server.url)
        await client.runs.join(thread, run)
        [queued, first] = await client.runs.list(thread)
        assert first["run_id"] == run and first["status"] == "success"
        values = await client.runs.join(thread, queued["run_id"])
        assert values["said"] == ["s", "first", "held", "last", "queued", "a", "b", "c"]  # type: ignore[call-overload]  # a dict
        rest = [part async for part in client.runs.join_stream(thread, run, last_event_id=str(seen[-1]))]
        ids = [int(part.id or 0) for part in rest]
        assert ids == sorted(set(ids)) and ids[0] > seen[-1], "no number that was seen is given again"
        assert rest[-1].data["said"] == ["s", "first", "held", "last"]
        assert any(part.event == "metadata" and part.data["attempt"] == (2 if how == "killed" else 1) for part in rest)
        assert server.stop() in (0, -15)


async def test_a_home_is_served_once(tmp_path: Path) -> None:
    home, taken = tmp_path / "home", pytest.raises(AssertionError, match="another process serves")
    with clearance(home, *SERVES), taken, clearance(home, *SERVES):
        pass


def test_nobody_else_is_listened_to(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no sign-in is configured"), clearance(tmp_path / "home", "--host", "0.0.0.0"):
        pass
    assert not list(Path(tmp_path / "home").glob("*.db"))
