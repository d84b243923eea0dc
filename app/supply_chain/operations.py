"""`/data`: what is loaded, and loading a person's own order lines. The domain's operations over HTTP, plugged in by `app/main.py`.

A file is the body itself, whatever its content type says, so that nobody's is read before it is known who sends it. It is sent
twice, to be mapped and to be loaded: nothing of it is kept in between, and any process of the service may be asked.
"""

import asyncio
from datetime import UTC
from pathlib import PurePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.api.answers import Serving, empty
from app.api.caller import Calling, Floors
from app.api.errors import Refused
from app.api.operations import Operations
from app.supply_chain import uploads
from app.supply_chain.answering import answering
from app.supply_chain.shapes import (
    AnsweringShape,
    DataShape,
    LoadedShape,
    ProposalShape,
    RememberedShape,
    SourceShape,
)
from database import Database
from governance.identity import Caller
from tools.supply_chain.importers import own
from tools.supply_chain.importers.own.orders import SOURCE
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.store import Loaded, SourceLoaded, columns_on_record, loaded

router = APIRouter(prefix="/data", tags=["data"])
OPERATIONS = Operations((router,), ("/data/orders", "/data/orders/propose"))
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "the file itself: CSV, TSV or .xlsx",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_UNPUBLISHED = {
    "demo": ("The generated company", "Clearance, with invented names", "none is needed"),
    SOURCE: ("Order lines of your own", "you", "your own"),
}
"""Title, publisher and licence of what nobody published."""


async def steward_of(floors: Floors, caller: Calling) -> Caller:
    """Who may load records. Raises `LoadRefused`."""
    floors.loads.check(caller)
    return caller


Steward = Annotated[Caller, Depends(steward_of)]
Name = Annotated[str, Query(max_length=1000, description="what the file is called")]
Sheet = Annotated[str | None, Query(max_length=200, description="the sheet of a workbook; else the only one with rows")]
Confirmed = Annotated[
    str | None,
    Query(
        max_length=50_000, description="the mapping as JSON, as proposed or changed; else as it was confirmed for this header"
    ),
]


@router.get("")
async def data(floors: Floors, caller: Calling) -> DataShape:
    """What is loaded: rows, files, periods, and which of the example questions it answers."""
    return await asyncio.to_thread(_shown, floors.resources.reading, floors.loads.may(caller))


@router.post("/orders/propose", openapi_extra=FILE)
async def propose(
    request: Request,
    service: Serving,
    floors: Floors,
    caller: Steward,
    name: Name,
    sheet: Sheet = None,
    mapping: Confirmed = None,
) -> ProposalShape:
    """How a file of order lines can be read: which column is what, what is still to be said, what it will answer. Nothing is loaded."""
    body, known = await request.body(), uploads.named(name)
    async with service.files:
        return await asyncio.to_thread(uploads.propose, floors.resources.reading, body, known, sheet, mapping)


@router.post("/orders", openapi_extra=FILE)
async def load(
    request: Request,
    service: Serving,
    floors: Floors,
    caller: Calling,
    name: Name,
    sheet: Sheet = None,
    mapping: Confirmed = None,
    replace: Annotated[bool, Query(description="first delete every record that is there, cases too")] = False,
    meanwhile: Annotated[bool, Query(description="also while goals are worked on, which read the records")] = False,
) -> LoadedShape:
    """Load a file of order lines, whole or not at all; the same file twice changes nothing. Its mapping is remembered.

    409 while a goal is worked on: its figures would rest on two states of the records. Recorded in the ledger, before and after.
    """
    known = uploads.named(name)
    asked = {"file": known, "sheet": sheet or "", "mapping": mapping or "", "replace": replace}
    async with floors.loads.recorded(caller, SOURCE, asked) as told:
        body = await request.body()
        async with service.files:
            if not meanwhile and (busy := await floors.executions.under_way()):
                goals = "a goal is" if len(busy) == 1 else f"{len(busy)} goals are"
                raise Refused(
                    409, f"{goals} being worked on, from the records that are there: wait until that is done, or stop it"
                )
            writing = floors.resources.writing
            done = await asyncio.to_thread(uploads.load, writing, body, known, sheet, mapping, replace)
        told.update(sha256=done.sha256, read=done.read, kept=done.kept, rejected=done.rejected)
    return done


@router.get("/mappings")
async def mappings(floors: Floors, caller: Steward) -> list[RememberedShape]:
    """The mappings that were confirmed, newest first."""
    return await asyncio.to_thread(uploads.remembered, floors.resources.reading)


@router.delete("/mappings/{fingerprint}", status_code=204, response_class=Response)
async def forget(floors: Floors, caller: Steward, fingerprint: str) -> Response:
    """Forget a mapping: files with its header are asked about again."""
    if not await asyncio.to_thread(own.forget, floors.resources.writing, fingerprint):
        raise Refused(404, f"there is no mapping {fingerprint[:40]!r}")
    return empty()


def _shown(db: Database, may_load: bool) -> DataShape:
    found, columns = loaded(db), columns_on_record(db)
    return DataShape(
        company=_company(found),
        rows=found.counts,
        sources=[_source(one, found) for one in found.sources],
        first_day=found.first_day,
        last_day=found.last_day,
        missing=found.missing,
        questions=[AnsweringShape.model_validate(one) for one in answering(columns)],
        may_load=may_load,
    )


def _company(found: Loaded) -> Literal["none", "generated", "published", "own"]:
    names = {one.source for one in found.sources}
    if not found.counts["order_lines"]:
        return "none"
    return "generated" if found.demo else "own" if SOURCE in names else "published"


def _source(one: SourceLoaded, found: Loaded) -> SourceShape:
    known = SOURCES.get(one.source)
    title, publisher, licence = (known.title, known.publisher, known.licence) if known else _UNPUBLISHED[one.source]
    return SourceShape(
        source=one.source,
        title=title,
        file=PurePath(one.path).name,
        publisher=publisher,
        licence=licence,
        sha256=one.sha256,
        kept=one.kept,
        rejected=one.rejected,
        loaded_at=one.at.replace(tzinfo=UTC),
        as_of=_as_of(one.source, found),
    )


def _as_of(source: str, found: Loaded) -> str:
    """What a source's records cover; empty where they carry no dates."""
    if source in ("scms", "demo", SOURCE) and found.first_day:
        return f"orders of {found.first_day} to {found.last_day}"
    if source == "wgi" and found.first_indicator_year:
        return f"{found.first_indicator_year} to {found.last_indicator_year}"
    return f"list of {found.sanctions_date}" if source == "sdn" and found.sanctions_date else ""
