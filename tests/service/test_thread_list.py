"""The list of threads: what it says of each, on both databases, and over HTTP of a thread from its goal to its end."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from app.db.tables import every
from app.db.thread_list import list_threads
from app.db.threads import Threads
from app.db.upgrade import upgrade
from database import Database
from governance.identity import Caller
from graphs.answer import Answer
from graphs.answers import Answers
from graphs.executions import Executions
from graphs.plan import Plan, Step, StepResult
from tests.service.serving import Server

ANN, BOB, EVE = Caller("ann", "acme", ("requester",)), Caller("bob", "acme", ("admin",)), Caller("eve", "other", ("admin",))
ME = {"X-Clearance-As": "rita"}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    one = Database(database_url)
    upgrade(one)
    for metadata in every[1:]:
        one.create(metadata)
    yield one
    one.close()


def step(id: str, **more: Any) -> Step:
    return Step(id=id, title=id, specialist="ann", produces=("a",), **more)


async def test_a_page_tells_titles_and_how_far_the_newest_execution_is(db: Database) -> None:
    threads, executions = Threads(db), Executions(db)
    named, plain, foreign = [
        (await threads.create(None, said, keep=False, owner=owner))["thread_id"]
        for said, owner in (({"goal": "Named 100%"}, ANN), ({}, ANN), ({"goal": "Foreign"}, EVE))
    ]
    assert [one.title for one in await list_threads(db, ANN, "", 10, 0)] == ["", "Named 100%"]
    for id, goal in (("e1", "Older goal"), ("e2", "Newer goal")):
        await executions.create(id, plain, ANN, goal, {}, "2026-03-02")
    steps = (step("s1"), step("s2", inputs={"a": "s1.a"}, for_each="s1.a"), step("s3", inputs={"a": "s2.a"}))
    await executions.add_revision("e2", Plan(steps=(step("s0"),)), "v")
    await executions.add_revision("e2", Plan(rev=2, parent_rev=1, steps=steps), "v")
    for id, status in (("s0", "succeeded"), ("s1", "failed"), ("s1", "succeeded"), ("s3", "failed")):
        number = 1 + (status == "succeeded")
        await executions.start("e2", plain, id, number, "ann")
        result = StepResult(step_id=id, status=status, specialist="ann", attempt=number)
        await executions.mark("e2", id, number, status, result)
    [one] = await list_threads(db, ANN, "OLDER", 10, 0)
    assert (one.thread_id, one.title, one.execution_id, one.execution) == (plain, "Older goal", "e2", "running")
    assert (one.done, one.steps, one.outcome) == (2, 3, None), "s2 had no row to do; s0 is no part of the plan any more"
    answer = Answer(title="t", goal="g", status="partial", sections=())
    await Answers(db).keep("e2", answer.model_copy(update={"status": "complete"}))
    await Answers(db).keep("e2", answer)  # the node ran again after a crash
    assert await Answers(db).get("e2") == answer and await Answers(db).get("e1") is None
    await executions.leave("e2", "finished")
    [one] = await list_threads(db, BOB, "older", 10, 0)
    assert (one.execution, one.outcome) == ("finished", "partial")
    assert {row.thread_id for row in await list_threads(db, None, "", 10, 0)} == {named, plain, foreign}
    assert [row.thread_id for row in await list_threads(db, EVE, "", 10, 0)] == [foreign]
    assert [row.title for row in await list_threads(db, ANN, "0%", 10, 0)] == ["Named 100%"]
    assert [row.title for row in await list_threads(db, ANN, "_lder", 10, 0)] == [], "no wildcard"
    assert len(await list_threads(db, ANN, "", 1, 0)) == len(await list_threads(db, ANN, "", 5, 1)) == 1


async def test_a_thread_from_its_goal_to_its_end(company: Server) -> None:
    client = get_client(url=company.url)
    async with httpx.AsyncClient(base_url=f"{company.url}/governance", timeout=120) as http:

        async def listed(thread_id: str, who: str = "") -> dict[str, Any]:
            found = await http.get("/threads", params={"limit": 200}, headers={"X-Clearance-As": who} if who else {})
            assert found.status_code == 200, found.text
            return next(one for one in found.json()["threads"] if one["thread_id"] == thread_id)

        async def said(text: str, thread_id: str | None = None) -> str:
            thread_id = thread_id or (await client.threads.create())["thread_id"]
            given = {"messages": [{"role": "user", "content": text}]}
            await client.runs.wait(thread_id, "orchestrator", input=given)
            return thread_id

        new = (await client.threads.create(metadata={"goal": "Not begun"}))["thread_id"]
        assert (await listed(new))["status"] == "new"
        declined = await listed(await said("Write me a poem about the sea"))
        assert (declined["status"], declined["title"]) == ("declined", "Write me a poem about the sea")
        assert (await listed(await said("risk?")))["status"] == "needs_you", "a question back"
        simple = await listed(await said("Who is the worst on delivery?"))
        assert (simple["status"], simple["answer"], simple["done"], simple["steps"]) == ("done", "complete", 2, 2)
        thread = await said("Analyze supplier risk across our logistics network")
        waits = {who: await listed(thread, who) for who in ("", "rita", "marc")}
        assert [one["status"] for one in waits.values()] == ["needs_you", "waiting", "needs_you"]
        assert [(one["approvals"], one["yours"]) for one in waits.values()] == [(3, 3), (3, 0), (3, 3)]
        assert waits[""]["done"] == waits[""]["steps"] - 3 > 0 and waits[""]["answer"] is None
        await said("cancel", thread)
        stopped = await listed(thread)
        assert (stopped["status"], stopped["approvals"]) == ("stopped", 0)
        found = (await http.get("/threads", params={"q": "worst ON deliv", "limit": 1})).json()
        assert [one["title"] for one in found["threads"]] == ["Who is the worst on delivery?"]
        assert (await http.get("/threads", params={"limit": 201})).status_code == 422
