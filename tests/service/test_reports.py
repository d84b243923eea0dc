"""Reports to take away over HTTP: of the newest answer and of those before it, and none where there is none; what people
think of them."""

from typing import Any

import httpx
from langgraph_sdk import get_client

from graphs.answer import Answer
from graphs.markdown import to_markdown
from tests.app.test_report_files import Page
from tests.service.serving import Server


async def test_a_report_is_a_file_that_needs_nothing_else(company: Server) -> None:
    client = get_client(url=company.url)
    thread = (await client.threads.create())["thread_id"]

    async def said(text: str) -> Any:
        return await client.runs.wait(thread, "orchestrator", input={"messages": [{"role": "user", "content": text}]})

    first = await said("Who is the worst on delivery?")
    second = await said("Where are we single-sourced?")
    async with httpx.AsyncClient(base_url=f"{company.url}/governance/executions", timeout=60) as http:
        for values in (first, second):
            answer, of = Answer.model_validate(values["answer"]), f"/{values['execution_id']}/report"
            told = await http.get(of)
            assert told.text == to_markdown(answer) and told.headers["content-type"] == "text/markdown; charset=utf-8"
            data = (await http.get(of, params={"format": "json"})).json()
            assert data["report"] == values["answer"] and data["execution_id"] == values["execution_id"]
            assert data["plan"]["steps"] and data["goal"] == answer.goal
            page = await http.get(of, params={"format": "html"})
            assert page.headers["content-disposition"].startswith('attachment; filename="')
            assert page.headers["content-disposition"].endswith('.html"')
            assert page.headers["content-security-policy"].startswith("sandbox")
            assert page.headers["x-content-type-options"] == "nosniff"
            read = Page(page.text)
            tags = {tag for tag, _ in read.tags}
            assert {"h1", "table", "svg"} <= tags and not {"script", "link", "iframe", "form", "base"} & tags
            leads = [*read.every("a", "href"), *read.every("img", "src")]
            assert leads and all(one.startswith(("#", "data:")) for one in leads), "nothing is loaded or led to elsewhere"
            assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
        await thought_of(http, first["execution_id"], second["execution_id"])
        assert (await http.get(f"/{first['execution_id']}/report", params={"format": "exe"})).status_code == 422
        waits = await said("Analyze supplier risk across our logistics network")
        none = await http.get(f"/{waits['execution_id']}/report")
        assert none.status_code == 404 and "no report" in none.json()["detail"]
        unheard = await http.post(f"/{waits['execution_id']}/feedback", json={"thumb": "up"})
        assert unheard.status_code == 409 and "no answer yet" in unheard.json()["detail"]
        await client.threads.delete(thread)
        assert (await http.get(f"/{first['execution_id']}/report")).status_code == 200, "it outlives the thread's checkpoints"


async def thought_of(http: httpx.AsyncClient, execution: str, other: str) -> None:
    """One opinion a person, changed by saying it again, and on record each time."""

    async def say(who: str, **body: Any) -> httpx.Response:
        return await http.post(f"/{execution}/feedback", json=body, headers={"X-Clearance-As": who})

    assert (await http.get(f"/{execution}/feedback")).json() == []
    for who, thumb, comment in [("rita", "up", ""), ("marc", "down", "too long"), ("rita", "down", "late lines only ")]:
        said = await say(who, thumb=thumb, comment=comment)
        assert said.status_code == 200 and said.json()["comment"] == comment.strip()
    for wrong in ({"thumb": "sideways"}, {"thumb": "up", "stars": 5}, {"thumb": "up", "comment": "x" * 10_001}, {}):
        assert (await say("rita", **wrong)).status_code == 422
    kept = (await http.get(f"/{execution}/feedback")).json()
    opinions = [(one["user"], one["thumb"], one["comment"]) for one in kept]
    assert opinions == [("marc", "down", "too long"), ("rita", "down", "late lines only")]
    assert (await http.get(f"/{other}/feedback")).json() == []
    asked = {"execution_id": execution, "phase": "feedback"}
    events = (await http.get("../audit/records", params=asked)).json()["records"]
    assert [(one["user"], one["outcome"]) for one in events] == [("rita", "down"), ("marc", "down"), ("rita", "up")]
    assert "late lines" not in str(events) and events[0]["result_digest"] != events[1]["result_digest"]
    assert (await http.get("../audit/verify")).json()["sound"]
