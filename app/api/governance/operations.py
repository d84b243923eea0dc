"""Operations: what came of the organisation's goals, what they cost, where they waited, what failed; and the runs behind each number.

For who audits the organisation; for others it is a 404. A thread is named to who may read it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.caller import Floors, Viewing
from app.api.errors import Refused
from app.api.governance.times import moment
from app.api.governance.views import View
from app.operations.behind import page
from app.operations.figures import operations
from app.operations.items import Window
from app.operations.shapes import Filter, OperationsShape, RunsShape
from governance.identity import Caller
from graphs.spending import price_of

router = APIRouter(prefix="/governance/operations", tags=["operations"])
DAYS = 30
Since = Annotated[datetime | None, Query(description="runs begun at or after it; else of the last 30 days")]
Until = Annotated[datetime | None, Query(description="runs begun before it; else until now")]


class Wanted(Filter):
    """Which runs of which time, and how many."""

    since: datetime | None = Field(None, description="begun at or after it; else of the last 30 days")
    until: datetime | None = Field(None, description="begun before it; else until now")
    before: str | None = Field(None, max_length=100, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200)


@router.get("")
async def get_operations(floors: Floors, view: Viewing, since: Since = None, until: Until = None) -> OperationsShape:
    """The numbers of the runs begun in a time. Each says which runs are behind it: the newest, and the filter that lists them all."""
    view.check_audits()
    await floors.approvals.expire()
    window, price = _window(view, since, until), price_of(floors.settings)
    return await floors.db.read(lambda c: operations(c, window, price, _reads(view)))


@router.get("/runs")
async def list_runs(floors: Floors, view: Viewing, wanted: Annotated[Wanted, Query()]) -> RunsShape:
    """The runs behind a number, the newest first: by its filter, with the `since` and `until` that were answered with it."""
    view.check_audits()
    window, before = _window(view, wanted.since, wanted.until), None
    if wanted.before is not None:
        created, slash, id = wanted.before.partition("/")
        if not slash:
            raise Refused(422, f"before: {wanted.before!r} is no `next` of a page")
        before = (created, id)
    return await floors.db.read(lambda c: page(c, window, wanted, before, wanted.limit, _reads(view)))


def _window(view: View, since: datetime | None, until: datetime | None) -> Window:
    now = datetime.now(UTC)
    begin, end = moment("since", since or now - timedelta(days=DAYS)), moment("until", until or now + timedelta(seconds=1))
    if begin >= end:
        raise Refused(422, f"until: {end} is not after {begin}")
    return Window(view.caller.org, begin, end)


def _reads(view: View) -> Callable[[Caller], bool]:
    return lambda requester: view.reaches("read", requester)
