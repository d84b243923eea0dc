"""What the server is: /ok, /info, and /docs, which works without a network."""

from html import escape
from importlib.metadata import version

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import HTMLResponse, Response

from app.api.answers import Serving, answer
from app.api.errors import Refused
from app.live import mark_of

router = APIRouter(tags=["system"])


@router.get("/ok")
async def ok(service: Serving) -> Response:
    """Is it up? `model` says whether an honest offline model does the thinking."""
    offline = not service.settings.model
    return answer(
        {
            "ok": True,
            "mode": service.mode,
            "model": "offline" if offline else service.settings.model,
            "runs": service.worker.running,
        }
    )


@router.get("/ready")
async def ready(service: Serving) -> Response:
    """Can it work? Asks the database, which `/ok` does not. 503 says what is wrong: send no requests until it is over."""
    await service.db.run(lambda connection: connection.execute(select(1)).one())
    if not service.worker.ready:
        raise Refused(503, "the worker takes no runs: this process is starting, ending, or at fault (its log says so)")
    return answer({"ready": True})


@router.get("/info")
async def info(request: Request, service: Serving) -> Response:
    """Versions and what is there. `version` is the Agent Server API's that this service speaks, which clients look at; `server.build`
    names the build of the page, empty where there is none: a page of another one is told to reload."""
    flags = {"assistants": True, "crons": True, "langsmith": False}
    own = {"name": "clearance", "version": request.app.version, "mode": service.mode, "build": request.app.state.build}
    own["home"] = mark_of(service.settings.home)
    return answer({"version": "0.16.7", "langgraph_py_version": version("langgraph"), "flags": flags, "server": own})


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The operations as one page, from the OpenAPI description."""
    described = request.app.openapi()
    rows = []
    for path, operations in described["paths"].items():
        for method, one in operations.items():
            said = escape(one.get("description") or one.get("summary") or "")
            rows.append(f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td><td>{said}</td></tr>")
    style = "body{font:15px system-ui;margin:2rem;max-width:70rem}td{padding:.25rem .75rem;border-top:1px solid #ccc}"
    title = f"Clearance {escape(request.app.version)}"
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{style}</style><h1>{title}</h1>'
        '<p>The LangGraph Agent Server API. The whole description: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"<table>{''.join(rows)}</table></html>"
    )
