"""What whoever runs the service looks at: is it ready, and what does its log say."""

import json
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client
from sqlalchemy import create_engine, make_url, text

from tests.postgres import running
from tests.service.serving import PROJECT, clearance

CONFIG = ("--config", str(PROJECT / "langgraph.json"))


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


async def test_a_log_for_machines_tells_requests_and_runs_apart(tmp_path: Path) -> None:
    env = {"CLEARANCE_LOG_FORMAT": "json", "CLEARANCE_LOG_LEVEL": "info"}
    with clearance(tmp_path / "home", *CONFIG, env=env) as server:
        client = get_client(url=server.url, headers={"x-request-id": "from-outside"})
        thread = await client.threads.create()
        await client.runs.wait(thread["thread_id"], "talking", input={})
        async with httpx.AsyncClient(base_url=server.url) as http:
            told = await http.get("/threads/none?token=secret", headers={"x-request-id": "bad id {x}"})
        assert told.status_code == 422 and len(told.headers["x-request-id"]) == 32
        server.stop()
        said = lines(server.log)
    assert "secret" not in server.log.read_text()
    run = [line for line in said if line.get("thread_id") == thread["thread_id"]]
    assert [line["message"] for line in run if line["logger"] == "clearance"] == ["run begins", "run ends"]
    assert run[-1]["status"] == "success" and run[0]["request_id"] == "from-outside" and run[0]["level"] == "INFO"
    [bad] = [line for line in said if line["message"] == "GET /threads/none"]
    assert bad["status"] == 422 and bad["ms"] >= 0 and bad["request_id"] == told.headers["x-request-id"]


def administer(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


async def test_it_is_ready_while_its_database_answers(tmp_path: Path) -> None:
    with running() as postgres:
        url = postgres.new_url()
        administer(url, "CREATE DATABASE own")
        own = make_url(url).difference_update_query(["options"]).set(database="own").render_as_string(hide_password=False)
        env = {"CLEARANCE_DATABASE_URL": own, "CLEARANCE_SIGNING_KEY": str(tmp_path / "key.pem"), "CLEARANCE_SIGN_IN": "keys"}
        with clearance(tmp_path / "home", *CONFIG, env=env) as server:
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
                assert (await http.get("/ready")).json() == {"ready": True}
                going = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'own'"
                administer(url, "ALTER DATABASE own ALLOW_CONNECTIONS false", going)
                down = await http.get("/ready")
                assert down.status_code == 503 and "database" in down.json()["detail"], down.text
                assert not [one for one in ("postgresql", make_url(own).host, "own") if str(one) in down.json()["detail"]]
                assert "postgresql" in server.log.read_text(), "where it is, is said to who reads the log"
                assert (await http.get("/ok")).status_code == 200, "it is up all the same"
