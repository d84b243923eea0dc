"""Screening suppliers against the sanctions list on record. A match is a candidate for a human, never a verdict."""

from decimal import Decimal
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, or_, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.lines import sql_text, upstream
from tools.supply_chain.names import best_matches, normalise, variants
from tools.supply_chain.numbers import rounded
from tools.supply_chain.procurement import Suppliers, other_names
from tools.supply_chain.tables import sanctions

READ = ToolManifest(effect="read", output="trusted", data_class="confidential")
THRESHOLD = 80.0
NAMED = 3  # candidates that are named in sentences; the table has them all
CANDIDATE = "A match of names is a candidate for a human to check, never a verdict."


class ScreeningArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    suppliers_ref: str = product_ref("suppliers")
    similarity: float = Field(THRESHOLD, ge=50, le=100, description="similarity from which a name is a candidate, 0 to 100")


class ScreeningRow(Row):
    supplier_id: int
    supplier: str
    candidate: bool
    entry_id: int | None
    entry: str | None
    programme: str | None
    matched_name: str | None
    similarity: Decimal


class Screening(ToolResult):
    product: ClassVar[str] = "sanctions"
    rows: list[ScreeningRow] = Field(default_factory=list)


@tool(READ)
def screen_suppliers(args: ScreeningArgs, ctx: ToolContext) -> Screening:
    """Screen suppliers, under all their names, against the sanctions list; near names are candidates for a human, no verdict.

    Vessels and aircraft on the list are left out. Names are compared without punctuation and legal forms.
    """
    given = upstream(ctx, args.suppliers_ref, Suppliers)
    entries, list_date, query = sanctions_list(ctx)
    others = other_names(ctx, ("former", "alias"))
    names = [
        (index, name)
        for index, row in enumerate(given.rows)
        for known in [row.supplier, *others.get(row.supplier_id, ())]
        for name in variants(known)
    ]
    found = best_matches([normalise(name) for _, name in names], [normalise(entry) for _, entry, _ in entries])
    best: dict[int, tuple[float, str, int]] = {}
    for (index, name), (entry, similarity) in zip(names, found, strict=True):
        if similarity > best.get(index, (-1.0, "", -1))[0]:
            best[index] = (similarity, name, entry)
    rows = []
    for index, row in enumerate(given.rows):
        similarity, name, entry = best[index]
        hit = similarity >= args.similarity
        own = Records.of("suppliers", [row.supplier_id])
        rows.append(
            ScreeningRow(
                records=Records.of("sanctions", [entries[entry][0]]).beside(own) if hit else own,
                supplier_id=row.supplier_id,
                supplier=row.supplier,
                candidate=hit,
                entry_id=entries[entry][0] if hit else None,
                entry=entries[entry][1] if hit else None,
                programme=entries[entry][2] if hit else None,
                matched_name=name if hit else None,
                similarity=rounded(similarity),
            )
        )
    rows.sort(key=lambda row: (not row.candidate, -row.similarity, row.supplier))
    hits = [row for row in rows if row.candidate]
    has = "has" if len(hits) == 1 else "have"
    highlights = [
        Highlight(
            text=f"{{candidates}} of {{screened}} suppliers {has} a name near one on the sanctions list.",
            slots={"candidates": "figures.candidates", "screened": "figures.screened"},
        )
    ]
    highlights += [
        Highlight(
            text="Check {supplier}: its name resembles {entry} on the sanctions list (similarity {similarity}), which is no verdict.",
            slots={name: f"rows[{index}].{name}" for name in ("supplier", "entry", "similarity")},
            kind="recommendation",
        )
        for index in range(min(len(hits), NAMED))
    ]
    return Screening(
        title="Sanctions screening",
        scope=f"{len(rows)} suppliers against {len(entries)} entries, candidates from similarity {args.similarity:g}",
        as_of=list_date,
        rows=rows,
        columns=[
            Column(field="supplier", label="Supplier"),
            Column(field="candidate", label="Candidate to check"),
            Column(field="entry", label="Nearest entry"),
            Column(field="entry_id", label="Entry number"),
            Column(field="programme", label="Programme"),
            Column(field="similarity", label="Similarity", unit="score"),
        ],
        figures={
            "screened": Figure(
                value=len(rows),
                unit="count",
                label="suppliers screened",
                records=Records.of("suppliers", (row.supplier_id for row in rows)),
            ),
            "entries": Figure(value=len(entries), unit="count", label="entries compared with"),
            "candidates": Figure(
                value=len(hits),
                unit="count",
                label="candidates for a human",
                records=Records.of("sanctions", (row.entry_id for row in hits if row.entry_id is not None)),
            ),
            "list_date": Figure(value=list_date, unit="date", label="date of the list"),
        },
        highlights=highlights,
        caveats=[CANDIDATE, f"The list is of {list_date}, the orders of {given.as_of}: the list may have changed since."],
        query=f"{query}\n-- similarity: larger of edit ratio and word-sorted edit ratio over normalised names",
    )


def sanctions_list(ctx: ToolContext) -> tuple[list[tuple[int, str, str]], str, str]:
    """Entries (id, name, programme) without vessels and aircraft, the list's date, and the SQL. Raises `ToolError` if none."""
    column = sanctions.c
    wanted = (
        select(column.id, column.name, column.programme, column.list_date)
        .where(or_(column.kind.is_(None), column.kind.not_in(("vessel", "aircraft"))))
        .order_by(column.id)
    )

    def work(connection: Connection) -> tuple[list[tuple[int, str, str]], str, str]:
        rows = connection.execute(wanted).all()
        if not rows:
            raise ToolError("no sanctions list is loaded: import one before screening")
        latest = max(row[3] for row in rows).isoformat()
        return [(row[0], row[1], row[2]) for row in rows], latest, sql_text(connection, wanted)

    found: tuple[list[tuple[int, str, str]], str, str] = ctx.resources.reading.run_sync(work)
    return found
