"""Every tool of every domain, tried by every way but the door: each is impossible, or denied and recorded as a violation.

What Python cannot prevent is held by reading the source: that only the gateway makes seals and opens tools, and that no floor above
the tools takes a writing handle but the commands by which a person loads records.
"""

import ast
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from sqlalchemy import insert, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseUnavailable
from evals.bench.domain import bench_domain
from governance.approvals import Approvals
from governance.bundle import POLICIES, SCHEMA, BadPolicy, bundle, load
from governance.cedar import CedarPolicy
from governance.decisions import Decisions
from governance.effects import Effects
from governance.tables import metadata
from graphs.agent import shell
from graphs.services import load_domain, registry_of
from settings import Settings
from tests.tools.cases import ANN
from tools.calls import Clearing, ProposedCall
from tools.gateway import Gateway
from tools.registry import Clearance, NoClearance, Seal, Tool, ToolContext
from tools.running import ReadOnly
from tools.supply_chain.store import SystemOfRecord, open_records
from tools.supply_chain.tables import notifications

ROOT = Path(__file__).parent.parent.parent
DOMAINS = (load_domain("supply_chain"), bench_domain())
TOOLS = {f"{domain.name}.{tool.name}": tool for domain in DOMAINS for tool in registry_of(domain).values()}
SAMPLE = registry_of(DOMAINS[0])
EVERY = pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
LISTED = pytest.mark.parametrize("name", SAMPLE)


@pytest.fixture
def records(tmp_path: Path) -> Any:
    found = open_records(Settings(home=tmp_path))
    yield found
    found.close()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'app.db'}")
    database.create(metadata)
    yield database
    database.close()


def gateway_of(db: Database) -> Gateway:
    engine = CedarPolicy(SAMPLE.manifests(), load(*DOMAINS[0].policies))
    return Gateway(SAMPLE, engine, Approvals(db), Effects(db), Decisions(db), db)


def call_of(tool: str, resources: Any = None) -> ProposedCall:
    return ProposedCall(ANN, "worker", tool, {}, "c1", "e1", "s1", granted=frozenset(SAMPLE), resources=resources)


# -- the tool itself --------------------------------------------------------------------------------------------------


@EVERY
def test_calling_it_opening_it_or_forging_a_clearance_raises(tool: Tool) -> None:
    with pytest.raises(NoClearance):
        tool({}, None)
    seal = Seal()
    for clearance, witness in (
        (Clearance(tool.name, "c1", Seal()), seal),
        (Clearance("another", "c1", seal), seal),
        (Clearance(tool.name, "c1", object()), object()),  # type: ignore[arg-type]  # forged
        (Clearance(tool.name, "c1", None), None),  # type: ignore[arg-type]  # forged
    ):
        with pytest.raises(NoClearance):
            tool.open(clearance, witness)  # type: ignore[arg-type]  # forged


@EVERY
async def test_what_models_are_bound_to_runs_nothing(tool: Tool) -> None:
    """LangChain's own tool, alone and in a tool node without the middleware that goes through the gateway."""
    bound = shell(tool)
    with pytest.raises(NoClearance):
        assert bound.coroutine
        await bound.coroutine()
    with pytest.raises(NotImplementedError):
        bound._run(config={})
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([bound], handle_tool_errors=False))
    graph.add_edge(START, "tools")
    args = _filled(bound.args_schema)
    said = AIMessage("", tool_calls=[{"name": tool.name, "args": args, "id": "c1"}])
    with pytest.raises(NoClearance):
        await graph.compile().ainvoke({"messages": [said]})


def _filled(schema: Any) -> dict[str, Any]:
    return dict.fromkeys(schema.get("required", ()), "x")


@pytest.mark.parametrize("tool", [one for one in SAMPLE.values() if one.manifest.effect != "read"], ids=lambda one: one.name)
def test_its_module_gives_the_tool_and_never_the_function(tool: Tool) -> None:
    module = __import__("tools.supply_chain.cases", fromlist=[tool.name])
    assert getattr(module, tool.name) is tool


# -- the handles ------------------------------------------------------------------------------------------------------


def test_a_read_tool_is_handed_nothing_that_writes(records: SystemOfRecord) -> None:
    handed = ReadOnly(records)
    with pytest.raises(NoClearance):
        _ = handed.writing
    row = insert(notifications).values(key="k", recipient="x", subject="x", body="x", case_id=1)
    for writing in (row, text("DELETE FROM suppliers"), text("DROP TABLE cases")):
        with pytest.raises((SQLAlchemyError, DatabaseUnavailable)):
            handed.reading.run_sync(lambda c, writing=writing: c.execute(writing))


def test_an_effect_without_the_gateways_key_writes_nothing(records: SystemOfRecord) -> None:
    context = ToolContext(ANN, ReadOnly(records), idempotency_key="k")
    for tool in SAMPLE.values():
        if tool.manifest.effect != "read":
            with pytest.raises(NoClearance):
                tool._run(_any(tool), context)


def _any(tool: Tool) -> Any:
    return tool.args.model_construct()


# -- the door ---------------------------------------------------------------------------------------------------------


@LISTED
async def test_a_tool_that_was_not_granted_is_a_violation(db: Database, name: str) -> None:
    gateway, call = gateway_of(db), replace(call_of(name), granted=frozenset())
    assert (await gateway.propose(call)).rules == ("not-granted",)
    assert (await gateway.act(call, Clearing("allow", {}))).status == "denied", "a clearing of one's own making"
    log = await Decisions(db).for_execution("e1")
    assert [(one.phase, one.tool) for one in log] == [("violation", name)] * 2
    gateway.close()


async def test_an_unlisted_tool_fails_closed_and_is_a_violation(db: Database) -> None:
    gateway, call = gateway_of(db), replace(call_of("transfer"), granted=frozenset({"transfer"}))
    clearing = await gateway.propose(call)
    assert (clearing.outcome, clearing.rules) == ("deny", ("unlisted-tool",))
    assert (await gateway.act(call, Clearing("allow", {}))).status == "denied"
    assert {one.phase for one in await Decisions(db).for_execution("e1")} == {"violation"}
    gateway.close()


@pytest.mark.parametrize("trouble", ["broken", "gone", "full"])
@LISTED
async def test_without_a_ledger_nothing_is_cleared_and_nothing_changes(
    db: Database, records: SystemOfRecord, name: str, trouble: str
) -> None:
    gateway = gateway_of(db)
    first = call_of(name, records)
    await gateway.act(first, await gateway.propose(first))  # the first entries
    harm = {
        "broken": "UPDATE ledger_heads SET hash = '00'",
        "gone": "DROP TABLE ledger",
        "full": "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    }
    await db.run(lambda c: c.execute(text(harm[trouble])))
    again = call_of(name, records)
    clearing = await gateway.propose(again)  # a read is recorded with its outcome, and handed over after that
    assert clearing.rules == ("no-record",) or (clearing.outcome == "allow" and SAMPLE[name].manifest.effect == "read")
    for call, cleared in ((again, clearing), (call_of(name, records), Clearing("allow", {}))):
        told = await gateway.act(call, cleared)
        assert told.status != "ok" and told.result is None
    assert records.reading.run_sync(lambda c: c.execute(text("SELECT count(*) FROM case_events")).scalar_one()) == 0
    gateway.close()


LOCK = """
import sys
from sqlalchemy import create_engine, text
engine = create_engine(sys.argv[1])
with engine.connect() as held:
    if engine.dialect.name == "sqlite":
        held.connection.isolation_level = None
        held.connection.execute("BEGIN EXCLUSIVE")
    else:
        held.execute(text("LOCK TABLE ledger, ledger_heads IN ACCESS EXCLUSIVE MODE"))
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def locked_elsewhere(url: str) -> Iterator[None]:
    """Another process holds the ledger."""
    command = [sys.executable, "-c", LOCK, url]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin and other.stdout
    try:
        assert other.stdout.readline() == "held\n"
        yield
    finally:
        other.stdin.close()
        other.wait(60)


@pytest.mark.parametrize("name", ["open_case", "list_cases"])
async def test_while_another_process_holds_the_ledger_nothing_is_cleared_and_nothing_changes(
    database_url: str, records: SystemOfRecord, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the lock gives up in time: 15 s in earnest, 0.3 s here."""
    monkeypatch.setattr("database.BUSY_MS", 300)
    db = Database(_impatient(database_url))
    db.create(metadata)
    gateway = gateway_of(db)
    first, again = call_of(name, records), call_of(name, records)
    await gateway.act(first, await gateway.propose(first))
    with locked_elsewhere(database_url):
        clearing = await gateway.propose(again)
        assert clearing.rules == ("no-record",) or (clearing.outcome == "allow" and SAMPLE[name].manifest.effect == "read")
        told = await gateway.act(again, clearing)
        assert told.status != "ok" and told.result is None and told.error
    assert records.reading.run_sync(lambda c: c.execute(text("SELECT count(*) FROM case_events")).scalar_one()) == 0
    assert (await gateway.propose(call_of(name, records))).outcome != "deny", "it goes on as soon as the lock is gone"
    gateway.close()
    db.close()


def _impatient(url: str) -> str:
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        return url
    search_path = str(made.query["options"])
    return made.update_query_dict({"options": f"{search_path} -clock_timeout=300"}).render_as_string(hide_password=False)


@pytest.mark.parametrize("schema", ["", "entity Agent;", "entity Agent {", "namespace"])
def test_a_broken_schema_stops_the_start(schema: str) -> None:
    policies = {str(f.name): f.read_text(encoding="utf-8") for f in (POLICIES / "core").glob("*.cedar")}
    assert bundle((POLICIES / SCHEMA).read_text(encoding="utf-8"), policies).version
    with pytest.raises(BadPolicy):
        bundle(schema, policies)


# -- the source -------------------------------------------------------------------------------------------------------

ROOMS = ("governance", "models", "memory", "tools", "graphs", "app", "evals")
SOURCES = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]


def users(wanted: str) -> set[str]:
    """The files that name this."""
    found = set()
    for file in SOURCES:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if wanted in text else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            attribute = node.attr if isinstance(node, ast.Attribute) else ""
            if wanted in (*names, attribute):
                found.add(str(file.relative_to(ROOT)))
    return found


def test_only_the_gateway_makes_seals_and_clearances() -> None:
    assert users("Seal") == users("Clearance") == {"tools/performing.py"}
    assert users("Performer") == {"tools/gateway.py", "tools/once.py"}


def test_no_agent_and_no_graph_names_a_writing_handle() -> None:
    loading = {"app/supply_chain/", "evals/", "tools/"}  # a person's commands, made-up companies, the effects themselves
    assert not [file for file in users("writing") if not file.startswith(tuple(loading))]
