"""The OpenAPI description against the service: requests made from it, well-formed and not, are answered as it says, and none by a
fault of ours. Then JSON that no description would make."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph_sdk import get_client
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from settings import Settings
from tests.service.serving import Server, clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGSHIP = "Analyze supplier risk across our logistics network"
EXAMPLES = 10
ENDLESS = ("/threads/{thread_id}/stream", "/threads/{thread_id}/stream/events", "/governance/inbox/stream")
"""These go on until the client leaves; tests/service has others of them."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@dataclass
class Served:
    """A service in local mode, and what is there to be named: path parameters of things that exist."""

    server: Server
    ids: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("described")
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    with clearance(home) as server:
        yield Served(server, asyncio.run(_made(server)))


async def _made(server: Server) -> dict[str, str]:
    client = get_client(url=server.url)
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "orchestrator", input={"messages": [{"role": "user", "content": FLAGSHIP}]})
    run = (await client.runs.list(thread))[0]["run_id"]
    assistant = (await client.assistants.create("orchestrator", name="own"))["assistant_id"]
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        approval = (await http.get("/governance/approvals")).json()[0]
    return {
        "thread_id": thread,
        "run_id": run,
        "assistant_id": assistant,
        "approval_id": approval["id"],
        "execution_id": approval["execution_id"],
    }


def test_what_the_description_makes_is_answered_as_it_says(served: Served) -> None:
    load_all_checks()
    schema = schemathesis.openapi.from_url(f"{served.server.url}/openapi.json")
    wrong: list[str] = []
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(), there=st.booleans())
        def ask(case: Any, there: bool) -> None:
            nonlocal tried
            tried += 1
            if there and isinstance(case.path_parameters, dict) and case.method != "DELETE":
                case.path_parameters.update({n: v for n, v in served.ids.items() if n in case.path_parameters})
            case.call_and_validate(timeout=60, checks=CHECKS)

        try:
            ask()
        except FailureGroup as error:
            wrong.append(f"{operation.label}: " + "\n".join(map(str, error.exceptions)))
    assert not wrong, "\n\n".join(wrong)
    assert tried > 200


BIG = 2**70
ENDS_S = 60.0  # a stream that never ends is a fault, too
HOSTILE: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"0",
    b'"text"',
    b"[" * 100_000,
    b'{"metadata": ' * 3_000 + b"1" + b"}" * 3_000,
    b'{"metadata": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"limit": 99999999999999999999, "offset": 99999999999999999999}',
    b'{"offset": 9223372036854775807}',
    b'{"limit": -1}',
    b'{"limit": 1e400}',
    b'{"metadata": {"a": NaN, "b": Infinity}}',
    b'{"metadata": {"a": 1e400}}',
    b'{"metadata": {"n": %d}}' % BIG,
    b'{"metadata": {"a\\u0000b": "c\\u0000d"}, "values": {"a\\u0000b": 1}}',
    b'{"metadata": {"lone": "\\ud800"}, "values": {"\\ud800": 1}, "name": "\\ud800"}',
    b'{"metadata": {"' + b"k" * 20_000 + b'": 1}}',
    b'{"metadata": {"": {"": ""}, "__proto__": {"$ne": 1}, "a\\"b": 1, "a.b[0]": 1}, "values": {"": 1, "$": 2, "a\\"b": 1}}',
    b'{"metadata": []}',
    b'{"metadata": {"a": 1}, "metadata": 2}',
    b"\xff\xfe{}",
    b'{"name": "\xc3\x28"}',
    b'{"thread_id": "../../etc/passwd", "assistant_id": "../../etc", "run_ids": ["%00"]}',
    b'{"assistant_id": "orchestrator", "input": "text"}',
    b'{"assistant_id": "orchestrator", "input": {"messages": "\\ud800"}}',
    b'{"assistant_id": "orchestrator", "input": {"messages": [{"role": "nobody", "content": {}}]}}',
    b'{"assistant_id": "orchestrator", "command": {"resume": {"x": 1}, "goto": 7}}',
    b'{"assistant_id": "orchestrator", "checkpoint": {"checkpoint_id": {"a": 1}, "checkpoint_ns": 7}}',
    b'{"assistant_id": "orchestrator", "checkpoint_id": "\\u0000"}',
    b'{"assistant_id": "orchestrator", "config": {"recursion_limit": %d, "configurable": []}}' % BIG,
    b'{"assistant_id": "orchestrator", "config": {"configurable": {"thread_id": 1}}, "context": {"a": 1}}',
    b'{"assistant_id": "orchestrator", "after_seconds": 1e308}',
    b'{"version": %d}' % BIG,
    b'{"version": -9223372036854775808}',
    b'{"graph_id": "orchestrator", "name": "' + b"n" * 5_000 + b'"}',
    b'{"graph_id": "orchestrator", "config": {"a": NaN}}',
    b'{"verdict": "edit", "args": {"supplier_id": "\\ud800", "x": %d}}' % BIG,
    b'{"verdict": "edit", "args": {}}',
    b'{"verdict": "approve", "message": "\\u0000"}',
    b'{"to": "\\u0000", "role": "risk-manager", "until": "9999-12-31T23:59:59-14:00"}',
    b'{"to": "marc", "role": "requester", "until": "0001-01-01T00:00:00+14:00"}',
    b'{"to": "marc", "role": "requester", "until": 1e18}',
    b'{"reason": "\\ud800"}',
    b'{"values": {"messages": {"a": 1}}, "as_node": "nosuch"}',
    b'{"values": [1], "checkpoint": {"checkpoint_id": "x"}}',
    b'{"values": "text", "as_node": 7}',
    b'{"checkpoint": {"checkpoint_id": "x", "checkpoint_ns": "a|b:c", "checkpoint_map": "x"}}',
    b'{"before": {"configurable": {"checkpoint_id": 7}}, "limit": 1}',
    b'{"before": "\\u0000", "metadata": {"a": [1]}}',
]
VALUES = ["", "\x00", "-1", "1e9", str(BIG), "9223372036854775807", "true", "'; DROP TABLE runs; --", "%00", "../..", "é" * 300]


async def test_hostile_requests_are_answered_with_a_reason(served: Served) -> None:
    """Whatever the body or the query: no fault of ours, and an error says in words what is wrong."""
    wrong: list[str] = []
    async with httpx.AsyncClient(base_url=served.server.url, timeout=120) as http:
        described = (await http.get("/openapi.json")).json()

        async def ask(method: str, path: str, **more: Any) -> None:
            headers = {"content-type": "application/json", "host": "127.0.0.1"}
            try:
                async with asyncio.timeout(ENDS_S):
                    answer = await http.request(method, path, headers=headers, **more)
            except (httpx.TransportError, TimeoutError) as error:
                wrong.append(f"{method} {path} {str(more)[:160]}: {error!r}")
                return
            said = f"{method} {path} {str(more)[:160]}: {answer.status_code} {answer.text[:200]}"
            if answer.status_code >= 500 or (answer.status_code >= 400 and not {"detail", "message"} & {*answer.json()}):
                wrong.append(said)

        for path, operations in described["paths"].items():
            for method, operation in operations.items() if path not in ENDLESS else ():
                asked = operation.get("parameters", [])
                own = {one["name"]: served.ids.get(one["name"], "none") for one in asked if one["in"] == "path"}
                if "requestBody" in operation:
                    for body in HOSTILE:
                        await ask(method, path.format(**own), content=body)
                for name in [one["name"] for one in asked if one["in"] == "query"]:
                    for value in VALUES:
                        await ask(method, path.format(**own), params={name: value}, content=b"{}" if method != "get" else None)
                for name in own:
                    for value in ("%00", "..%2f..", "%ff", "%f0%9f%92%a9", "a" * 5_000):
                        await ask(method, path.format(**{**own, name: value}), content=b"{}" if method != "get" else None)
        assert (await http.get("/ok")).status_code == 200
    assert not wrong, "\n".join(wrong)
