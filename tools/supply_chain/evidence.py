"""Checking a product against the records it cites: that they exist, and that counts and sums come out the same again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from governance.manifest import ToolManifest
from tools.registry import ToolContext, ToolError, tool
from tools.results import Column, Figure, Highlight, Records, Row, ToolResult, product_ref
from tools.supply_chain.numbers import dollars
from tools.supply_chain.tables import metadata, order_lines

READ = ToolManifest(effect="read", output="trusted", data_class="internal")
CHUNK = 5000  # keys a statement, below every database's limit of bound parameters


class EvidenceArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    result_ref: str = product_ref("*", "reference to the product to check, e.g. s2.exposure")


class MismatchRow(Row):
    path: str
    problem: str
    stated: str
    found: str


class EvidenceCheck(ToolResult):
    product: ClassVar[str] = "evidence_check"
    rows: list[MismatchRow] = Field(default_factory=list)


@dataclass(frozen=True)
class Fact:
    """What an order line says that sums and counts are made of."""

    value_cents: int | None
    late: bool | None
    freight_cents: int | None
    quantity: int | None


@dataclass(frozen=True)
class Cited:
    """A place in a product with the records it cites and the values that stand there, by name."""

    path: str
    records: Records
    values: Mapping[str, Any]


RECOMPUTED: dict[str, Callable[[list[Fact]], Decimal | int]] = {
    "spend": lambda facts: dollars(sum(fact.value_cents or 0 for fact in facts)),
    "total_spend": lambda facts: dollars(sum(fact.value_cents or 0 for fact in facts)),
    "freight": lambda facts: dollars(sum(fact.freight_cents or 0 for fact in facts)),
    "quantity": lambda facts: sum(fact.quantity or 0 for fact in facts),
    "lines": len,
    "late_lines": lambda facts: sum(bool(fact.late) for fact in facts),
}


@tool(READ)
def check_evidence(args: EvidenceArgs, ctx: ToolContext) -> EvidenceCheck:
    """Check a product's evidence: every cited record exists; spend, line and late counts are the same when recomputed."""
    given = ctx.inputs.get(args.result_ref)
    if given is None:
        raise ToolError(f"there is no {args.result_ref!r}; given are: {', '.join(ctx.inputs) or 'no products'}")
    places = list(cited(given))
    wanted: dict[str, set[int]] = {}
    for place in places:
        for records in place.records.every():
            wanted.setdefault(records.table, set()).update(records.expand())
    known, facts = ctx.resources.reading.run_sync(lambda connection: _read(connection, wanted))
    problems, recomputed = [], 0
    for place in places:
        absent = False
        for records in place.records.every():
            keys, table = records.expand(), records.table
            missing = len(keys) if table not in known else sum(key not in known[table] for key in keys)
            absent = absent or bool(missing)
            if missing:
                problems.append(_problem(place, "cited records are not on record", len(keys), len(keys) - missing))
            if len(keys) != records.count:
                problems.append(_problem(place, "the number of cited records differs", records.count, len(keys)))
        if place.records.table != order_lines.name or absent:
            continue
        for name, value in place.values.items():
            again = RECOMPUTED[name]([facts[key] for key in place.records.expand()])
            recomputed += 1
            if Decimal(str(value)) != again:
                problems.append(_problem(place, f"{name} differs when recomputed", value, again))
    checked = sum(len(keys) for keys in wanted.values())
    slots = {"values": "figures.recomputed", "records": "figures.records_checked", "mismatches": "figures.mismatches"}
    text = "{values} values were recomputed from {records} cited records: {mismatches} mismatches."
    return EvidenceCheck(
        title=f"Evidence of {args.result_ref}",
        scope=f"{args.result_ref}: {given.get('scope', '')}",
        as_of=str(given.get("as_of", "")),
        rows=problems,
        columns=[
            Column(field="path", label="Where"),
            Column(field="problem", label="Problem"),
            Column(field="stated", label="Stated"),
            Column(field="found", label="Found"),
        ],
        figures={
            "places": Figure(value=len(places), unit="count", label="rows and figures with evidence"),
            "records_checked": Figure(value=checked, unit="count", label="records checked"),
            "recomputed": Figure(value=recomputed, unit="count", label="values recomputed"),
            "mismatches": Figure(value=len(problems), unit="count", label="mismatches"),
        },
        highlights=[Highlight(text=text, slots=slots)],
        caveats=[
            "Recomputed are spend, freight, quantities, line and late counts; rates, indexes and scores follow by formula."
        ],
        query="existence of each cited key; sums and counts over cited order_lines",
    )


def cited(result: Mapping[str, Any]) -> Iterator[Cited]:
    """Rows and figures of a dumped product that cite records, with those of their values that can be recomputed."""
    for index, row in enumerate(result.get("rows", [])):
        if row.get("records"):
            values = {name: row[name] for name in RECOMPUTED if row.get(name) is not None}
            yield Cited(f"rows[{index}]", Records.model_validate(row["records"]), values)
    for name, figure in result.get("figures", {}).items():
        if figure.get("records"):
            values = {name: figure["value"]} if name in RECOMPUTED and figure["value"] is not None else {}
            yield Cited(f"figures.{name}", Records.model_validate(figure["records"]), values)


def _read(connection: Connection, wanted: Mapping[str, set[int]]) -> tuple[dict[str, set[int]], dict[int, Fact]]:
    """Which of the wanted keys exist, by table (a table that does not exist is left out), and the order lines' facts."""
    known: dict[str, set[int]] = {}
    facts: dict[int, Fact] = {}
    for name, keys in wanted.items():
        if name not in metadata.tables:
            continue
        ordered, table = sorted(keys), metadata.tables[name]
        known[name] = set()
        for start in range(0, len(ordered), CHUNK):
            some = table.c.id.in_(ordered[start : start + CHUNK])
            known[name].update(connection.scalars(select(table.c.id).where(some)))
            if table is order_lines:
                line = order_lines.c
                chosen = select(
                    line.id, line.value_cents, line.scheduled, line.delivered, line.freight_cents, line.quantity
                ).where(some)
                for id, cents, scheduled, delivered, freight, quantity in connection.execute(chosen):
                    late = delivered > scheduled if scheduled and delivered else None
                    facts[id] = Fact(cents, late, freight, quantity)
    return known, facts


def _problem(place: Cited, problem: str, stated: Any, found: Any) -> MismatchRow:
    return MismatchRow(records=place.records, path=place.path, problem=problem, stated=str(stated), found=str(found))
