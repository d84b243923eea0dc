"""The case book: how cases are found, checked, written and shown. The tools in `cases.py` say what is done to them.

Every function but `once`, `find_by_key` and `owner_for` works inside the caller's transaction.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import Connection, Row, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from database import Database
from tools.registry import ToolContext, ToolError
from tools.results import Column, Highlight, Records, ToolResult
from tools.results import Row as ResultRow
from tools.supply_chain.store import SystemOfRecord
from tools.supply_chain.tables import case_events, cases, items, notifications, order_lines, supplier_names, suppliers

# Who looks after a case unless the call says otherwise: the desk of the product group that most is bought of.
ROTA: Mapping[str, str] = {
    "ARV": "arv-desk",
    "ANTM": "malaria-desk",
    "ACT": "malaria-desk",
    "HRDT": "diagnostics-desk",
    "MRDT": "diagnostics-desk",
}
DEFAULT_OWNER = "supplier-risk-desk"


class CaseRow(ResultRow):
    """A case as it stands now. Dates are ISO text; `opened_at` is UTC."""

    case_id: int
    supplier_id: int
    supplier: str
    title: str
    severity: str
    owner: str
    due: str
    status: str
    overdue: bool
    opened_at: str


class CaseResult(ToolResult):
    """One case, after an effect on it."""

    product: ClassVar[str] = "case"
    rows: list[CaseRow]


COLUMNS = [
    Column(field="case_id", label="Case"),
    Column(field="supplier", label="Supplier"),
    Column(field="title", label="Title"),
    Column(field="severity", label="Severity"),
    Column(field="owner", label="Owner"),
    Column(field="due", label="Due", unit="date"),
    Column(field="status", label="Status"),
    Column(field="overdue", label="Overdue"),
]


def find_by_key(db: Database, key: str, today: date) -> CaseResult | None:
    """The case that the effect with this idempotency key acted on, or None if that effect never happened."""
    return db.run_sync(lambda connection: _replay(connection, key, today))


def owner_for(db: Database, supplier_id: int) -> str:
    """The desk on `ROTA` for the product group that most money went to at this supplier; `DEFAULT_OWNER` if there is none."""
    query = (
        select(items.c.product_group)
        .join(order_lines, order_lines.c.item_id == items.c.id)
        .where(order_lines.c.supplier_id == supplier_id)
        .group_by(items.c.product_group)
        .order_by(func.sum(order_lines.c.value_cents).desc(), items.c.product_group)
        .limit(1)
    )
    return ROTA.get(str(db.run_sync(lambda connection: connection.execute(query).scalar())), DEFAULT_OWNER)


def once(ctx: ToolContext, kind: str, work: Callable[[Connection], int], same: Callable[[Row[Any]], bool]) -> CaseResult:
    """Do `work` unless this call's key has done it already; either way, the case as it stands.

    `same` says whether the case found by the key is the one asked for: a key used for two different calls is refused.
    """
    if not ctx.idempotency_key:
        raise ToolError("the call carries no idempotency key, so a retry could repeat it: call it through the gateway")
    records: SystemOfRecord = ctx.resources

    def transaction(connection: Connection) -> CaseResult:
        done = _find(connection, ctx.idempotency_key)
        if done is None:
            return _result(connection, work(connection), ctx.today)
        if done.kind != kind or not same(done):
            raise ToolError(f"this call's idempotency key was used before, on case {done.id} ({done.kind}): use a new key")
        return _result(connection, done.id, ctx.today)

    try:
        return records.writing.run_sync(transaction)
    except IntegrityError:
        # Another process did the same call between our look and our write (SQLite takes turns, PostgreSQL does not).
        return records.writing.run_sync(transaction)


def all_cases() -> Select[Any]:
    """Cases with their supplier's name."""
    return select(cases, suppliers.c.name.label("supplier")).join(suppliers, suppliers.c.id == cases.c.supplier_id)


def _find(connection: Connection, key: str) -> Row[Any] | None:
    """The case that `key` acted on, with the `kind` of what it did."""
    query = all_cases().add_columns(case_events.c.kind).join(case_events, case_events.c.case_id == cases.c.id)
    return connection.execute(query.where(case_events.c.key == key)).one_or_none()


def _replay(connection: Connection, key: str, today: date) -> CaseResult | None:
    found = _find(connection, key)
    return None if found is None else _result(connection, found.id, today)


def row_of(case: Row[Any], today: date) -> CaseRow:
    return CaseRow(
        case_id=case.id,
        supplier_id=case.supplier_id,
        supplier=case.supplier,
        title=case.title,
        severity=case.severity,
        owner=case.owner,
        due=str(case.due),
        status=case.status,
        overdue=case.status == "open" and case.due < today,
        opened_at=case.opened_at.isoformat(timespec="seconds"),
        records=Records.of("cases", [case.id]),
    )


def _result(connection: Connection, case_id: int, today: date) -> CaseResult:
    query = all_cases().where(cases.c.id == case_id)
    row = row_of(connection.execute(query).one(), today)
    others = select(cases.c.id).where(cases.c.supplier_id == row.supplier_id, cases.c.status == "open", cases.c.id != case_id)
    more = sorted(connection.execute(others).scalars())
    slots = {name: f"rows[0].{name}" for name in ("case_id", "supplier", "status", "owner", "due")}
    return CaseResult(
        title=f"Escalation case {case_id}",
        scope="escalation cases on record",
        as_of=str(today),
        rows=[row],
        columns=COLUMNS,
        highlights=[Highlight(text="Case {case_id} for {supplier} is {status}: owner {owner}, due {due}.", slots=slots)],
        caveats=[f"{row.supplier} has other open cases: {', '.join(map(str, more))}."] if more else [],
        query=f"SELECT * FROM cases WHERE id = {case_id}",
    )


def supplier_named(connection: Connection, id: int, name: str) -> str:
    """The supplier's own name, once id and name agree. The supplier stays locked, so that two cases cannot open side by side."""
    query = select(suppliers.c.name, suppliers.c.internal).where(suppliers.c.id == id).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        raise ToolError(f"there is no supplier {id}: take supplier_id from the list of suppliers")
    if found.internal:
        raise ToolError(f"{found.name} is an own warehouse, no supplier: no case can be opened for it")
    others = connection.execute(select(supplier_names.c.name).where(supplier_names.c.supplier_id == id)).scalars()
    if _folded(name) not in {_folded(known) for known in (found.name, *others)}:
        raise ToolError(f"supplier {id} is {found.name}, not {name!r}: check which of the two is meant")
    return str(found.name)


def open_one(connection: Connection, case_id: int) -> Row[Any]:
    """The case. Raises `ToolError` if there is none or it is closed."""
    case = connection.execute(all_cases().where(cases.c.id == case_id)).one_or_none()
    if case is None:
        raise ToolError(f"there is no case {case_id}: list_cases shows those there are")
    if case.status != "open":
        raise ToolError(f"case {case_id} was closed on {case.closed_at:%Y-%m-%d}: open a new one if the risk is back")
    return case


def open_on(connection: Connection) -> dict[tuple[int, str], int]:
    """The open cases by (supplier id, subject): the oldest where there are several."""
    query = select(cases.c.supplier_id, cases.c.title, cases.c.id).where(cases.c.status == "open").order_by(cases.c.id.desc())
    return {(supplier_id, subject(title)): id for supplier_id, title, id in connection.execute(query)}


def subject(title: str) -> str:
    """What a case is about, as titles that say the same are compared: without capitals and double spaces."""
    return _folded(title)


def text_of(value: str, what: str, longest: int = 8000) -> str:
    stripped = value.strip()
    if not stripped:
        raise ToolError(f"the {what} is empty: say what it is")
    if len(stripped) > longest:
        raise ToolError(f"the {what} has {len(stripped)} characters, {longest} are possible: shorten it")
    return stripped


def due_on(due: date, ctx: ToolContext) -> date:
    if due < ctx.today:
        raise ToolError(f"the due date {due} is in the past (today is {ctx.today}): give today or a later day")
    return due


def write_event(connection: Connection, ctx: ToolContext, case_id: int, kind: str, text: str) -> None:
    row = {"case_id": case_id, "key": ctx.idempotency_key, "kind": kind, "actor": ctx.caller.user, "text": text}
    connection.execute(insert(case_events), {**row, "at": utc_now()})


def notify(connection: Connection, ctx: ToolContext, case_id: int, recipient: str, subject: str, body: str) -> None:
    row = {"key": ctx.idempotency_key, "recipient": recipient, "subject": subject[:200], "body": body, "case_id": case_id}
    connection.execute(insert(notifications), {**row, "at": utc_now()})


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def write_case(connection: Connection, row: Mapping[str, Any]) -> int:
    """Insert a case; returns its number."""
    written = connection.execute(insert(cases).returning(cases.c.id), [dict(row)])
    return int(written.scalar_one())


def utc_now() -> datetime:
    """The time as the tables keep it: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
