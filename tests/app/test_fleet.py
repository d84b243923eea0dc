"""The fleet's health, counted in SQL, is what the record says when it is counted by hand; on both databases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.fleet.roster import fleet_of
from database import DatabaseUnavailable
from governance.decisions import Record
from governance.identity import Caller
from tests.graphs.little import READ, Yard, at_work, draft
from tools.connectors import Connector, Standing
from tools.registry import ToolError

OPS = Caller("olga", "local", ("operator",))


def gone(resources: object) -> Standing:
    raise DatabaseUnavailable("the database at /secret/place cannot be used")


async def test_health_is_what_is_on_record(tmp_path: Path, database_url: str) -> None:
    yard = Yard(tmp_path / "home")
    yard.trouble["look_b"] = [ToolError("no such b"), ToolError("no such b"), ToolError("no such b")]
    yard.manifests["look_d"] = READ.model_copy(
        update={"owner": "the d team", "data_class": "confidential", "output": "untrusted"}
    )
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "ben", "b"), draft("s3", "dan", "d")]
    async with at_work(yard, database_url=database_url) as runner:
        services, domain = runner.services, runner.services.domain
        connectors = (Connector("book", "The book", lambda resources: Standing(3, "2026")), Connector("far", "Far", gone))
        services.domain = type(domain)(**{**vars(domain), "connectors": connectors, "owner": "the yard"})
        ran = [await runner.run("a b d") for _ in range(3)]
        await services.suspensions.suspend(OPS, "tool", "look_a", "it lies")
        found = await fleet_of(services, runner.caller)
        told = [one for done in ran for one in await services.decisions.for_execution(done.execution_id)]
        tries = [one for done in ran for one in await services.executions.attempts(done.execution_id)]
        later = await fleet_of(services, runner.caller, (datetime.now(UTC) + timedelta(minutes=1)).isoformat())
        elsewhere = await fleet_of(services, Caller("eve", "other"))
    tools = {one.name: one for one in found.tools}
    for name in ("look_a", "look_b", "look_d"):
        calls = [one for one in told if (one.phase, one.tool) == ("outcome", name)]
        ran_ms = sorted(one.ms or 0 for one in calls)
        own = tools[name].health
        assert (own.calls, own.failed) == (len(calls), sum(one.outcome == "error" for one in calls)) and own.denied == 0
        assert (own.p50_ms, own.p95_ms) == (nearest(50, ran_ms), nearest(95, ran_ms)) and own.last_used == last(calls)
    assert tools["look_b"].health.failed == 3 and tools["look_c"].health.last_used is None
    assert (tools["look_d"].owner, tools["look_b"].owner, tools["make_chart"].owner) == ("the d team", "the yard", "Clearance")
    assert (
        tools["look_a"].suspended and tools["look_a"].suspended.reason == "it lies" and tools["look_a"].specialists == ["ann"]
    )
    people = {one.name: one for one in found.specialists}
    for name in ("ann", "ben", "dan"):
        own_tries = [one.status for one in tries if one.specialist == name]
        health = people[name].health
        assert (health.of, health.done) == (len(own_tries), own_tries.count("succeeded"))
        assert health.failed == own_tries.count("failed") and health.last_used
    assert people["dan"].access.labels == ["read:confidential", "untrusted"] and not people["dan"].core
    assert people["reporter"].core and people["reporter"].health.done == 3 and people["carl"].health.of == 0
    assert [(one.name, one.reachable, one.rows) for one in found.connectors] == [("book", True, 3), ("far", False, None)]
    assert "secret" not in found.connectors[1].problem
    assert all(one.health.of == 0 for one in (*later.specialists, *elsewhere.specialists))
    assert all(one.health.calls == 0 for one in (*later.tools, *elsewhere.tools))
    assert not any(one.suspended for one in elsewhere.tools)


def nearest(share: int, ordered: list[float]) -> float:
    """The percentile by its definition: the least value that so many per cent of all are not above."""
    return next(one for one in ordered if 100 * sum(other <= one for other in ordered) >= share * len(ordered))


def last(calls: list[Record]) -> str:
    return max(one.at for one in calls)
