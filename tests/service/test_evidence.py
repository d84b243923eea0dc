"""From a figure of an answer to the records behind it, over HTTP: they are those that were counted, and it comes out the same."""

from decimal import Decimal
from typing import Any

import httpx
from langgraph_sdk import get_client

from tests.service.serving import Server


async def test_the_records_behind_a_figure_are_opened_and_bear_it_out(company: Server) -> None:
    client = get_client(url=company.url)
    thread = (await client.threads.create())["thread_id"]
    said = {"messages": [{"role": "user", "content": "Who is the worst on delivery?"}]}
    values: Any = await client.runs.wait(thread, "orchestrator", input=said)
    [table, *_] = [one for section in values["answer"]["sections"] for one in section["tables"]]
    worst, product = table["rows"][0], table["source"]
    async with httpx.AsyncClient(base_url=f"{company.url}/governance/executions/{values['execution_id']}", timeout=60) as http:

        async def opened(**asked: Any) -> Any:
            answer = await http.get("/records", params={"product": product, **asked})
            assert answer.status_code == 200, answer.text
            return answer.json()

        pages = [await opened(row=0, limit=25)]
        while pages[-1]["next"]:
            pages.append(await opened(row=0, limit=25, offset=pages[-1]["next"]))
        lines = [line for page in pages for line in page["rows"]]
        first = pages[0]
        assert len(pages) > 1 and len(lines) == first["count"] == worst["records"]["count"]
        assert {line["supplier"] for line in lines} == {worst["supplier"]}
        late = sum(line["delivered"] > line["scheduled"] for line in lines if line["delivered"] and line["scheduled"])
        assert late == worst["late_lines"] and round(Decimal(100 * late) / len(lines), 4) == Decimal(worst["late_rate"])
        assert [line[first["key"]] for line in lines] == sorted({line[first["key"]] for line in lines})
        assert first["tables"] == [{"table": "order_lines", "count": len(lines), "source": "the generated sample company"}]
        assert (first["gone"], first["changed"], first["masked"]) == (0, False, False)
        called = first["called"]
        [entry] = (
            await http.get("../../audit/records", params={"phase": "outcome", "tool": called["tool"], "limit": 1})
        ).json()["records"]
        assert (called["seq"], called["hash"], called["digest"]) == (entry["seq"], entry["hash"], entry["result_digest"])
        cited = next(one for one in values["answer"]["citations"] if ".figures." in one["ref"])
        step, name, _, figure = cited["ref"].split(".")
        assert (await opened(product=f"{step}.{name}", figure=figure))["count"] == cited["records"]["count"]
        assert (await opened())["count"] > first["count"], "all that the product cites"
        for wrong in ({"row": 10_000}, {"figure": "nosuch"}, {"product": "s9.x"}, {"product": ""}, {"table": "nosuch"}):
            answer = await http.get("/records", params={"product": product, **wrong})
            assert answer.status_code == 404 and "Traceback" not in answer.text
        assert (await http.get("/records")).status_code == 422
