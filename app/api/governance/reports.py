"""The report of an execution to take away: Markdown, one HTML page that needs nothing else, or JSON."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.caller import Floors, Viewing
from app.api.errors import Refused
from app.downloads import file_name
from app.drawing import plan_svg
from app.encoding import dumps
from app.html import to_html
from app.progress import progress_of
from graphs.markdown import to_markdown

router = APIRouter(prefix="/governance/executions", tags=["executions"])
Format = Literal["md", "html", "json"]
TYPES: dict[Format, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}
SEALED = "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The page has no script; were one in it, it could not run, nor reach what the service's own pages reach."""


@router.get(
    "/{execution_id}/report", response_class=Response, responses={200: {"content": {kind: {} for kind in TYPES.values()}}}
)
async def get_report(
    view: Viewing,
    floors: Floors,
    execution_id: str,
    format: Annotated[Format, Query(description="md, html (with charts and the plan, no script, prints) or json")] = "md",
) -> Response:
    """What an execution answered, as a file; 404 while it has not. For who may read all that its run read."""
    found = await view.execution(execution_id)
    view.check_takes(found.requester)
    answer = await floors.answers.get(execution_id)
    if answer is None:
        raise Refused(404, f"execution {execution_id} is {found.status} and has no report")
    if format == "html":
        told = await progress_of(floors, found, held=found.status == "running")
        body = (await asyncio.to_thread(lambda: to_html(answer, plan_svg(told) if told else ""))).encode()
    elif format == "md":
        body = to_markdown(answer).encode()
    else:
        plans = await floors.executions.plans(execution_id)
        body = dumps({"execution_id": execution_id, "goal": found.goal, "plan": plans[-1] if plans else None, "report": answer})
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(answer.title, format)}"',
        "Content-Security-Policy": SEALED,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(body, headers=headers, media_type=TYPES[format])
