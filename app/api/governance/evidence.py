"""Evidence: the records behind a figure of an execution, opened, with the tool call that read them and what the ledger says of it."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.api.caller import Viewing
from app.api.errors import Refused
from app.api.governance.sight import MASKED, Sight, masked
from app.api.governance.views import View
from app.audit_query import Asked, matching
from graphs.executions import Execution
from graphs.plan import StepResult
from tools.opening import PAGE, cited, open_rows
from tools.query import View as Rows
from tools.results import Column, UnknownPath

router = APIRouter(prefix="/governance/executions", tags=["executions"])


class CalledShape(BaseModel):
    """The call that made a product. `digest` is that of its result as the ledger has it, in the entry `seq` whose hash is `hash`; null
    where no entry tells it. `reused`: the execution and step that it was taken over from."""

    step_id: str
    specialist: str
    tool: str
    call_id: str
    args: Any
    reused: str
    digest: str | None = None
    seq: int | None = None
    hash: str | None = None


class CitedTableShape(BaseModel):
    """A table of which records are cited, how many, and what it was loaded from."""

    table: str
    count: int
    source: str


class CitedShape(BaseModel):
    """Records of `table`, by `key`, a page of the `count` that are cited; `next` is the `offset` of the next page, null at its end.
    `gone` of this page are no longer on record. `changed`: records were loaded since the run, so that they may say something else now.
    `masked`: the caller may not read them. `tables` are all that are cited."""

    product: str
    title: str
    scope: str
    as_of: str
    query: str
    called: CalledShape | None
    tables: list[CitedTableShape]
    table: str
    key: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    count: int
    gone: int
    next: int | None
    changed: bool
    masked: bool


@router.get("/{execution_id}/records")
async def get_records(
    view: Viewing,
    execution_id: str,
    product: Annotated[str, Query(max_length=200, description="step.product, as citations and tables name it: s2.exposure")],
    row: Annotated[int | None, Query(ge=0, le=1_000_000, description="of this row alone")] = None,
    figure: Annotated[str | None, Query(max_length=100, description="of this figure alone")] = None,
    table: Annotated[str, Query(max_length=100, description="one of `tables`; the first if it is not said")] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
) -> CitedShape:
    """The records that a product cites, as they are on record now: of a row, of a figure, or all. 404 for what it does not have."""
    found = await view.execution(execution_id)
    result, name = await _result(view, found, product)
    data, sight = result.data[name], view.sight_of(found.requester)
    try:
        tables = cited(data, row, figure)
    except UnknownPath as error:
        raise Refused(404, f"{product}: {error.args[0]}") from None
    table = table or next(iter(tables), "")
    if tables and table not in tables:
        raise Refused(404, f"{product} cites no records of {table}; it cites: {', '.join(tables)}")
    opened = {one.table: one for one in view.floors.domain.views}.get(table)
    keys = tables.get(table, [])[offset : offset + limit]
    shown = may_open(sight, result, name, opened)
    rows = await asyncio.to_thread(open_rows, view.floors.resources.reading, opened, keys) if shown and opened and keys else []
    origins = await asyncio.to_thread(view.floors.domain.origins, view.floors.resources)
    version = await asyncio.to_thread(view.floors.domain.version, view.floors.resources)
    return CitedShape(
        product=product,
        **{said: data[said] if shown else MASKED for said in ("title", "scope", "as_of", "query")},
        called=await _called(view, found, result, name, shown),
        tables=[CitedTableShape(table=one, count=len(of), source=origins.get(one, "")) for one, of in tables.items()],
        table=table,
        key=opened.key if opened else "",
        columns=[Column(field=one, label=one.replace("_", " "), unit=unit) for one, unit in opened.columns.items()]
        if opened
        else [],
        rows=rows,
        count=len(tables.get(table, [])),
        gone=len(keys) - len(rows) if shown and opened else 0,
        next=offset + limit if offset + limit < len(tables.get(table, [])) else None,
        changed=found.request.get("version") not in (None, version),
        masked=not shown,
    )


async def _result(view: View, found: Execution, product: str) -> tuple[StepResult, str]:
    """The newest result that has a product, and the product's bare name. Raises `Refused` (404)."""
    step, _, name = product.partition(".")
    for one in reversed(await view.floors.executions.attempts(found.id)):
        if one.step_id == step and one.result and name in one.result.data:
            return one.result, name
    raise Refused(404, f"execution {found.id} made no {product}")


def may_open(sight: Sight, result: StepResult, name: str, opened: Rows | None) -> bool:
    """May they read the product, and the records as they lie in their table?"""
    tools = {call["tool"] for call in result.calls if call.get("product") == name}
    readable = sight.whole or (all(map(sight.tool, tools)) and sight.labelled(result.labels))
    return readable and (opened is None or sight.data_class(opened.data_class))


async def _called(view: View, found: Execution, result: StepResult, name: str, shown: bool) -> CalledShape | None:
    call = next((one for one in result.calls if one.get("product") == name and one["kind"] == "ok"), None)
    if call is None:
        return None
    origin, _, step = result.reused.partition("/")
    asked = Asked(found.requester.org, origin or found.id, "outcome", None, call["tool"])
    entries, _ = await matching(view.floors.gateway.db, asked, None, 1000)
    about = (step or result.step_id, call["call_id"])
    entry = next((one for one in entries if (one["step_id"], one["call_id"]) == about and one["result_digest"]), {})
    return CalledShape(
        step_id=result.step_id,
        specialist=result.specialist,
        tool=call["tool"],
        call_id=call["call_id"],
        args=call.get("args", {}) if shown else masked(call.get("args", {})),
        reused=result.reused,
        digest=entry.get("result_digest"),
        seq=entry.get("seq"),
        hash=entry.get("hash"),
    )
