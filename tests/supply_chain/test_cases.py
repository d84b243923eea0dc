"""Escalation cases: each effect happens once a key, in one transaction, and nonsense is refused with a reason."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from database import Database
from governance.approvals import Approvals
from governance.bundle import load
from governance.cedar import CedarPolicy
from governance.decisions import Decisions
from governance.effects import Effects
from governance.identity import Caller
from governance.tables import metadata as governance_tables
from graphs.specialists.supply_chain.domain import domain
from settings import Settings
from tests.support import dump, open_tool
from tools.calls import ProposedCall
from tools.gateway import Gateway
from tools.registry import NoClearance, Registry, Tool, ToolContext, ToolError
from tools.results import lookup
from tools.supply_chain.cases import (
    DEFAULT_OWNER,
    CaseResult,
    add_note,
    assign_case,
    close_case,
    find_by_key,
    list_cases,
    open_case,
    owner_for,
    remind_owner,
    set_due_date,
)
from tools.supply_chain.demo import PLANTED, make_demo
from tools.supply_chain.store import SystemOfRecord, open_records

TODAY = date(2026, 1, 5)
EFFECTS = (open_case, assign_case, add_note, set_due_date, close_case, remind_owner)


@pytest.fixture
def records(tmp_path: Path, database_url: str) -> Iterator[SystemOfRecord]:
    opened = open_records(Settings(home=tmp_path, records_url=database_url))
    make_demo(opened.writing)
    yield opened
    opened.close()


def ask(records: SystemOfRecord, sql: str) -> list[tuple]:
    return records.reading.run_sync(lambda connection: [tuple(row) for row in connection.execute(text(sql))])


def call(records: SystemOfRecord, tool: Tool, key: str, today: date = TODAY, **args: Any) -> Any:
    return open_tool(tool, args, ToolContext(Caller("ann"), records, idempotency_key=key, today=today))


def id_of(records: SystemOfRecord, name: str) -> int:
    return ask(records, f"SELECT id FROM suppliers WHERE name = '{name}'")[0][0]


def opening(records: SystemOfRecord, **changes: Any) -> dict[str, Any]:
    args = {
        "supplier_id": id_of(records, PLANTED.late),
        "supplier": PLANTED.late,
        "title": "Late deliveries",
        "reason": "42 of 70 lines were late.",
        "severity": "high",
        "owner": "arv-desk",
        "due": "2026-01-19",
    }
    return args | changes


def written(records: SystemOfRecord) -> tuple[int, ...]:
    return tuple(ask(records, f"SELECT count(*) FROM {table}")[0][0] for table in ("cases", "case_events", "notifications"))


def test_opening_writes_case_event_and_notification(records: SystemOfRecord) -> None:
    result = call(records, open_case, "k1", **opening(records))
    assert written(records) == (1, 1, 1)
    assert ask(records, "SELECT recipient, subject FROM notifications") == [
        ("arv-desk", "Case 1 opened: Brackwater Pharma plc, due 2026-01-19")
    ]
    assert ask(records, "SELECT kind, actor, text FROM case_events") == [("opened", "ann", "42 of 70 lines were late.")]
    dumped = dump(result)
    sentence = dumped["highlights"][0]
    said = sentence["text"].format(**{name: lookup(dumped, path).value for name, path in sentence["slots"].items()})
    assert said == "Case 1 for Brackwater Pharma plc is open: owner arv-desk, due 2026-01-19."


def test_the_same_key_opens_one_case_also_days_later_and_after_it_changed(records: SystemOfRecord) -> None:
    first = call(records, open_case, "k1", **opening(records))
    assert call(records, open_case, "k1", **opening(records)) == first
    assert call(records, open_case, "k1", today=date(2026, 3, 1), **opening(records)).rows[0].case_id == 1
    call(records, close_case, "k2", case_id=1, resolution="Supplier replaced.")
    assert call(records, open_case, "k1", **opening(records)).rows[0].status == "closed"
    assert written(records) == (1, 2, 1)


def test_two_threads_with_one_key_open_one_case(records: SystemOfRecord) -> None:
    args, found = opening(records), []
    threads = [threading.Thread(target=lambda: found.append(call(records, open_case, "k1", **args))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.rows[0].case_id for result in found] == [1, 1, 1, 1]
    assert written(records) == (1, 1, 1)


@pytest.mark.parametrize(
    ("tool", "args", "kind", "told"),
    [
        (assign_case, {"owner": "bea", "reason": "on leave"}, "assigned", "bea"),
        (add_note, {"text": "Called them."}, "note", None),
        (set_due_date, {"due": "2026-02-01", "reason": "audit first"}, "due", None),
        (remind_owner, {"message": "Two weeks left."}, "reminded", "arv-desk"),
        (close_case, {"resolution": "Solved."}, "closed", None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_effect_on_a_case_happens_once(
    records: SystemOfRecord, tool: Tool, args: dict[str, str], kind: str, told: str | None
) -> None:
    call(records, open_case, "k1", **opening(records))
    first = call(records, tool, "k2", case_id=1, **args)
    assert call(records, tool, "k2", case_id=1, **args) == first
    assert ask(records, "SELECT kind FROM case_events ORDER BY id") == [("opened",), (kind,)]
    assert ask(records, "SELECT recipient FROM notifications WHERE key = 'k2'") == ([(told,)] if told else [])


def test_effects_change_the_case(records: SystemOfRecord) -> None:
    call(records, open_case, "k1", **opening(records))
    call(records, assign_case, "k2", case_id=1, owner="bea")
    call(records, set_due_date, "k3", case_id=1, due="2026-02-01", reason="audit first")
    row = call(records, close_case, "k4", case_id=1, resolution="Solved.").rows[0]
    assert (row.owner, row.due, row.status) == ("bea", "2026-02-01", "closed")
    assert ask(records, "SELECT text FROM case_events WHERE kind = 'assigned'") == [("from arv-desk to bea",)]


def test_a_reminder_without_words_says_what_is_due(records: SystemOfRecord) -> None:
    call(records, open_case, "k1", **opening(records))
    call(records, remind_owner, "k2", case_id=1)
    call(records, remind_owner, "k3", today=date(2026, 2, 1), case_id=1)
    assert ask(records, "SELECT recipient, body FROM notifications WHERE key <> 'k1' ORDER BY id") == [
        ("arv-desk", "Case 1 (Late deliveries) is due 2026-01-19."),
        ("arv-desk", "Case 1 (Late deliveries) is overdue since 2026-01-19."),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"supplier_id": 999}, "there is no supplier 999"),
        ({"supplier": "Halden Biologics Ltd"}, "is Brackwater Pharma plc, not 'Halden Biologics Ltd'"),
        ({"due": "2026-01-04"}, "2026-01-04 is in the past"),
        ({"title": "  "}, "the title is empty"),
        ({"title": "x" * 201}, "the title has 201 characters, 200 are possible"),
        ({"reason": ""}, "the reason is empty"),
        ({"owner": "\n"}, "the owner is empty"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(records: SystemOfRecord, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ToolError, match=says):
        call(records, open_case, "k1", **opening(records, **changes))
    assert written(records) == (0, 0, 0)


def test_the_own_warehouse_gets_no_case(records: SystemOfRecord) -> None:
    warehouse = {"supplier_id": id_of(records, PLANTED.internal), "supplier": PLANTED.internal}
    with pytest.raises(ToolError, match="own warehouse"):
        call(records, open_case, "k1", **opening(records, **warehouse))


def test_a_former_name_is_a_name(records: SystemOfRecord) -> None:
    renamed = {"supplier_id": id_of(records, PLANTED.renamed), "supplier": "castellane  labs"}
    assert call(records, open_case, "k1", **opening(records, **renamed)).rows[0].supplier == PLANTED.renamed


def test_effects_on_no_case_or_a_closed_one_are_refused(records: SystemOfRecord) -> None:
    with pytest.raises(ToolError, match="there is no case 1: list_cases"):
        call(records, add_note, "k1", case_id=1, text="x")
    call(records, open_case, "k2", **opening(records))
    call(records, close_case, "k3", case_id=1, resolution="Solved.")
    for tool, args in ((add_note, {"text": "x"}), (remind_owner, {"message": "x"}), (close_case, {"resolution": "x"})):
        with pytest.raises(ToolError, match="case 1 was closed on"):
            call(records, tool, f"k-{tool.name}", case_id=1, **args)


def test_a_key_serves_one_call_only(records: SystemOfRecord) -> None:
    call(records, open_case, "k1", **opening(records))
    other = {"supplier_id": id_of(records, PLANTED.unstable), "supplier": PLANTED.unstable}
    with pytest.raises(ToolError, match="key was used before, on case 1"):
        call(records, open_case, "k1", **opening(records, **other))
    with pytest.raises(ToolError, match="key was used before, on case 1"):
        call(records, add_note, "k1", case_id=1, text="x")
    with pytest.raises(ToolError, match="no idempotency key"):
        call(records, add_note, "", case_id=1, text="x")


async def test_through_the_gateway_a_case_waits_for_an_approval_and_is_opened_once(
    records: SystemOfRecord, tmp_path: Path
) -> None:
    db = Database(f"sqlite:///{tmp_path / 'clearance.db'}")
    db.create(governance_tables)
    registry = Registry([*EFFECTS, list_cases])
    approvals, decisions = Approvals(db), Decisions(db)
    engine = CedarPolicy(registry.manifests(), load(*domain().policies))
    gateway = Gateway(registry, engine, approvals, Effects(db), decisions, db)
    call = ProposedCall(
        caller=Caller("ann", roles=("requester",)),
        agent="escalation",
        tool="open_case",
        args=opening(records),
        call_id="c1",
        execution_id="e1",
        step_id="s1",
        granted=frozenset({"open_case"}),
        resources=records,
        today=TODAY,
    )
    clearing = await gateway.propose(call)
    assert clearing.outcome == "approve" and clearing.approval_id
    assert (await gateway.act(call, clearing)).status == "denied" and written(records) == (0, 0, 0)
    await approvals.vote(clearing.approval_id, Caller("rita", roles=("risk-manager",)), "approve")
    first, second = await gateway.act(call, clearing), await gateway.act(call, clearing)
    assert (first.status, first.effect, second.status, second.effect) == ("ok", "done", "ok", "replayed")
    assert first.result == second.result and first.records == ({"table": "cases", "keys": "1", "count": 1},)
    assert written(records) == (1, 1, 1)
    gateway.close()
    db.close()


def test_a_second_case_on_the_same_subject_is_refused_by_the_number_of_the_first(records: SystemOfRecord) -> None:
    call(records, open_case, "k1", **opening(records))
    with pytest.raises(ToolError, match=r"case 1 is open already for Brackwater Pharma plc.*add a note to case 1"):
        call(records, open_case, "k2", **opening(records, title=" late  Deliveries"))
    assert written(records) == (1, 1, 1)
    other = {"supplier_id": id_of(records, PLANTED.unstable), "supplier": PLANTED.unstable}
    assert call(records, open_case, "k3", **opening(records, **other)).rows[0].case_id == 2
    call(records, close_case, "k4", case_id=1, resolution="Solved.")
    assert call(records, open_case, "k5", **opening(records)).rows[0].case_id == 3, "the risk is back"


def test_of_many_that_open_the_same_case_at_once_one_does(records: SystemOfRecord) -> None:
    args, found, refused = opening(records), [], []

    def work(key: str) -> None:
        try:
            found.append(call(records, open_case, key, **args))
        except ToolError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=work, args=(f"k{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1 and len(refused) == 3 and written(records) == (1, 1, 1)


def test_an_open_case_on_another_subject_is_pointed_out(records: SystemOfRecord) -> None:
    call(records, open_case, "k1", **opening(records))
    second = call(records, open_case, "k2", **opening(records, title="Prices"))
    assert second.caveats == ["Brackwater Pharma plc has other open cases: 1."]


def test_an_effect_of_unknown_outcome_can_be_looked_up(records: SystemOfRecord) -> None:
    assert find_by_key(records.reading, "k1", TODAY) is None
    result = call(records, open_case, "k1", **opening(records))
    assert find_by_key(records.reading, "k1", TODAY) == result
    assert isinstance(result, CaseResult)


def test_the_list_of_cases(records: SystemOfRecord) -> None:
    unstable = {"supplier_id": id_of(records, PLANTED.unstable), "supplier": PLANTED.unstable}
    call(records, open_case, "k1", **opening(records, due="2026-01-10"))
    call(records, open_case, "k2", **opening(records, owner="bea", **unstable))
    call(records, open_case, "k3", **opening(records, title="Prices"))
    call(records, close_case, "k4", case_id=3, resolution="Twice.")

    def listed(**args: str) -> list[tuple[int, str, bool]]:
        result = call(records, list_cases, "", today=date(2026, 1, 12), **args)
        return [(row.case_id, row.status, row.overdue) for row in result.rows]

    assert listed() == [(1, "open", True), (2, "open", False), (3, "closed", False)]
    assert listed(status="overdue") == [(1, "open", True)]
    assert listed(status="closed") == [(3, "closed", False)]
    assert listed(owner="BEA") == [(2, "open", False)]
    assert listed(supplier="oskvar laboratories") == [(2, "open", False)]
    figures = call(records, list_cases, "", today=date(2026, 1, 12)).figures
    assert {name: figure.value for name, figure in figures.items()} == {"open_count": 2, "overdue_count": 1, "closed_count": 1}


def test_owners_come_from_the_rota(records: SystemOfRecord) -> None:
    assert owner_for(records.reading, id_of(records, PLANTED.concentrated)) == "arv-desk"
    assert owner_for(records.reading, id_of(records, PLANTED.single_source)) == "diagnostics-desk"
    assert owner_for(records.reading, 999) == DEFAULT_OWNER


def test_effects_are_declared_as_such_and_closed_to_direct_calls() -> None:
    for tool in EFFECTS:
        manifest = tool.manifest
        assert manifest.effect == "write" and manifest.idempotent and manifest.approvers == ("risk-manager",)
        assert {*manifest.targets, *manifest.content} <= set(tool.args.model_fields) and manifest.targets and manifest.content
        with pytest.raises(NoClearance):
            tool({})
    assert list_cases.manifest.effect == "read" and list_cases.produces == "cases" and open_case.produces == "case"
