"""Escalation cases: the sample domain's only effects, and the list of them.

Each effect is one transaction over case, event and notification, and happens once a key: a call repeated with the same
idempotency key finds its event and returns that case again. `find_by_key` tells whether an effect of unknown outcome happened.
Reasons, notes and titles are written by agents and people; the manifests name the fields that the system itself sets.
"""

from datetime import date
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Select, func, select, update

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import Figure, Highlight, Records, ToolResult
from tools.supply_chain.case_book import (
    COLUMNS,
    DEFAULT_OWNER,
    ROTA,
    CaseResult,
    CaseRow,
    all_cases,
    due_on,
    find_by_key,
    notify,
    once,
    open_on,
    open_one,
    owner_for,
    row_of,
    subject,
    supplier_named,
    text_of,
    utc_now,
    write_case,
    write_event,
)
from tools.supply_chain.store import SystemOfRecord
from tools.supply_chain.tables import cases, supplier_names

__all__ = [
    "DEFAULT_OWNER",
    "ROTA",
    "CaseResult",
    "CaseRow",
    "CasesResult",
    "add_note",
    "assign_case",
    "close_case",
    "find_by_key",
    "list_cases",
    "open_case",
    "owner_for",
    "remind_owner",
    "set_due_date",
]

Severity = Literal["medium", "high", "critical"]
SYSTEM_FIELDS = ("case_id", "supplier_id", "supplier", "status", "severity", "due", "opened_at", "overdue", "records")


class Args(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenCase(Args):
    """`supplier` must be a name of `supplier_id`: two ways to say the same supplier guard against opening for another."""

    supplier_id: int
    supplier: str
    title: str
    reason: str
    severity: Severity
    owner: str
    due: date


class AssignCase(Args):
    case_id: int
    owner: str
    reason: str = ""


class AddNote(Args):
    case_id: int
    text: str


class SetDueDate(Args):
    case_id: int
    due: date
    reason: str


class CloseCase(Args):
    case_id: int
    resolution: str


class RemindOwner(Args):
    """Without a `message` the reminder says which case is due when."""

    case_id: int
    message: str = ""


class ListCases(Args):
    """All of them unless narrowed; `overdue` are open cases whose due date has passed."""

    status: Literal["all", "open", "closed", "overdue"] = "all"
    supplier: str = ""
    owner: str = ""


class CasesResult(ToolResult):
    """Cases, the open ones first, then by due date."""

    product: ClassVar[str] = "cases"
    rows: list[CaseRow]


def found_by_key(args: Args, ctx: ToolContext) -> CaseResult | None:
    """What became of an effect: each leaves an event with its key in the case book."""
    records: SystemOfRecord = ctx.resources
    return find_by_key(records.reading, ctx.idempotency_key, ctx.today)


def closing(args: OpenCase, done: CaseResult, reason: str) -> CloseCase:
    """What undoes the opening of a case. Its number and what was said in it stay: a case is never deleted."""
    return CloseCase(case_id=done.rows[0].case_id, resolution=f"Opened and undone: {reason}")


def _effect(targets: tuple[str, ...], content: tuple[str, ...], compensation: str | None = None) -> ToolManifest:
    return ToolManifest(
        effect="write",
        targets=targets,
        content=content,
        output="trusted",
        system_fields=SYSTEM_FIELDS,
        approvers=("risk-manager",),
        idempotent=True,
        compensation=compensation,
    )


@tool(_effect(("supplier_id", "supplier", "owner"), ("title", "reason"), "close_case"), undo=closing, reconcile=found_by_key)
def open_case(args: OpenCase, ctx: ToolContext) -> CaseResult:
    """Open an escalation case for one supplier and notify its owner. Changes the system of record: needs an approval.

    Refused, with that case's number, where one for the same supplier and subject (title) is open already.
    """

    def work(connection: Connection) -> int:
        supplier = supplier_named(connection, args.supplier_id, args.supplier)
        title, reason, owner = (
            text_of(args.title, "title", 200),
            text_of(args.reason, "reason"),
            text_of(args.owner, "owner", 100),
        )
        if (known := open_on(connection).get((args.supplier_id, subject(title)))) is not None:
            if connection.scalar(select(cases.c.key).where(cases.c.id == known)) == ctx.idempotency_key:
                return known  # the same call, on another thread, while this one waited for the supplier's lock
            raise ToolError(
                f"case {known} is open already for {supplier} with the title “{title}”, so no second one was opened: "
                f"add a note to case {known}, or close it first"
            )
        row = {
            "key": ctx.idempotency_key,
            "supplier_id": args.supplier_id,
            "title": title,
            "reason": reason,
            "severity": args.severity,
            "owner": owner,
            "due": due_on(args.due, ctx),
            "status": "open",
            "opened_by": ctx.caller.user,
            "opened_at": utc_now(),
        }
        case_id = write_case(connection, row)
        write_event(connection, ctx, case_id, "opened", reason)
        notify(connection, ctx, case_id, owner, f"Case {case_id} opened: {supplier}, due {args.due}", f"{title}\n\n{reason}")
        return case_id

    return once(ctx, "opened", work, lambda case: case.supplier_id == args.supplier_id)


@tool(_effect(("case_id", "owner"), ("reason",)), produces="case_assignment", reconcile=found_by_key)
def assign_case(args: AssignCase, ctx: ToolContext) -> CaseResult:
    """Give an open case to another owner and notify them."""

    def work(connection: Connection) -> int:
        case, owner = open_one(connection, args.case_id), text_of(args.owner, "owner", 100)
        connection.execute(update(cases).where(cases.c.id == case.id).values(owner=owner))
        said = f"from {case.owner} to {owner}" + (f": {args.reason.strip()}" if args.reason.strip() else "")
        write_event(connection, ctx, case.id, "assigned", said)
        notify(connection, ctx, case.id, owner, f"Case {case.id} is yours: {case.supplier}, due {case.due}", said)
        return args.case_id

    return once(ctx, "assigned", work, lambda case: case.id == args.case_id)


@tool(_effect(("case_id",), ("text",)), produces="case_note", reconcile=found_by_key)
def add_note(args: AddNote, ctx: ToolContext) -> CaseResult:
    """Add a note to an open case."""

    def work(connection: Connection) -> int:
        case = open_one(connection, args.case_id)
        write_event(connection, ctx, case.id, "note", text_of(args.text, "text"))
        return args.case_id

    return once(ctx, "note", work, lambda case: case.id == args.case_id)


@tool(_effect(("case_id",), ("reason",)), produces="case_due", reconcile=found_by_key)
def set_due_date(args: SetDueDate, ctx: ToolContext) -> CaseResult:
    """Move the due date of an open case to today or later, with the reason."""

    def work(connection: Connection) -> int:
        case, reason = open_one(connection, args.case_id), text_of(args.reason, "reason")
        connection.execute(update(cases).where(cases.c.id == case.id).values(due=due_on(args.due, ctx)))
        write_event(connection, ctx, case.id, "due", f"from {case.due} to {args.due}: {reason}")
        return args.case_id

    return once(ctx, "due", work, lambda case: case.id == args.case_id)


@tool(_effect(("case_id",), ("resolution",)), produces="case_closed", reconcile=found_by_key)
def close_case(args: CloseCase, ctx: ToolContext) -> CaseResult:
    """Close an open case with its resolution. A closed case stays closed."""

    def work(connection: Connection) -> int:
        case, resolution = open_one(connection, args.case_id), text_of(args.resolution, "resolution")
        closed = {"status": "closed", "closed_at": utc_now(), "resolution": resolution}
        connection.execute(update(cases).where(cases.c.id == case.id).values(closed))
        write_event(connection, ctx, case.id, "closed", resolution)
        return args.case_id

    return once(ctx, "closed", work, lambda case: case.id == args.case_id)


@tool(_effect(("case_id",), ("message",)), produces="case_reminder", reconcile=found_by_key)
def remind_owner(args: RemindOwner, ctx: ToolContext) -> CaseResult:
    """Send the owner of an open case a reminder."""

    def work(connection: Connection) -> int:
        case = open_one(connection, args.case_id)
        late = "is overdue since" if case.due < ctx.today else "is due"
        message = text_of(args.message.strip() or f"Case {case.id} ({case.title}) {late} {case.due}.", "message")
        write_event(connection, ctx, case.id, "reminded", message)
        notify(connection, ctx, case.id, case.owner, f"Reminder: case {case.id}, {case.supplier}, due {case.due}", message)
        return args.case_id

    return once(ctx, "reminded", work, lambda case: case.id == args.case_id)


@tool(ToolManifest(effect="read", output="untrusted", system_fields=SYSTEM_FIELDS))  # titles and owners are what somebody wrote
def list_cases(args: ListCases, ctx: ToolContext) -> CasesResult:
    """List escalation cases: which are open, closed or overdue, for which supplier, who owns them and when they are due."""
    query = all_cases().order_by(cases.c.status.desc(), cases.c.due, cases.c.id)
    if args.status == "overdue":
        query = query.where(cases.c.status == "open", cases.c.due < ctx.today)
    elif args.status != "all":
        query = query.where(cases.c.status == args.status)
    if args.owner.strip():
        query = query.where(func.lower(cases.c.owner) == args.owner.strip().lower())
    if args.supplier.strip():
        query = query.where(cases.c.supplier_id.in_(_ids_named(args.supplier)))
    records: SystemOfRecord = ctx.resources
    rows = records.reading.run_sync(lambda connection: [row_of(case, ctx.today) for case in connection.execute(query)])
    kinds = {
        "open_count": ("open cases", [row.case_id for row in rows if row.status == "open"]),
        "overdue_count": ("overdue cases", [row.case_id for row in rows if row.overdue]),
        "closed_count": ("closed cases", [row.case_id for row in rows if row.status == "closed"]),
    }
    figures = {
        name: Figure(value=len(ids), unit="count", label=label, records=Records.of("cases", ids))
        for name, (label, ids) in kinds.items()
    }
    return CasesResult(
        title="Escalation cases",
        scope=_scope(args),
        as_of=str(ctx.today),
        rows=rows,
        columns=COLUMNS,
        figures=figures,
        highlights=[
            Highlight(
                text="{open} cases are open, {overdue} of them overdue; {closed} are closed.",
                slots={"open": "figures.open_count", "overdue": "figures.overdue_count", "closed": "figures.closed_count"},
            )
        ],
        query=str(query),
    )


def _ids_named(name: str) -> Select[tuple[int]]:
    """Suppliers whose current, former or other name is `name`, in any capitals."""
    return select(supplier_names.c.supplier_id).where(func.lower(supplier_names.c.name) == name.strip().lower())


def _scope(args: ListCases) -> str:
    parts = [f"{args.status} cases" if args.status != "all" else "all cases"]
    parts += [f"of {args.supplier.strip()}"] if args.supplier.strip() else []
    parts += [f"owned by {args.owner.strip()}"] if args.owner.strip() else []
    return " ".join(parts)
