"""Runs without a thread of the caller's: each gets one of its own, which goes with its end unless it is to be kept."""

from fastapi import APIRouter
from starlette.responses import Response

from app.api.answers import RUN, Serving, answer, shown
from app.api.asking import make_run
from app.api.bodies import RunCreate
from app.api.errors import STREAMED, Refused
from app.api.runs import streamed, waited
from app.auth.access import Calling

router = APIRouter(prefix="/runs", tags=["stateless runs"])
MOST = 100


@router.post("")
async def create(service: Serving, caller: Calling, body: RunCreate) -> Response:
    """Make a run and return at once."""
    made = await make_run(service, caller, None, body)
    return answer(shown(made.row, RUN), headers=made.headers())


@router.post("/stream", responses=STREAMED)
async def create_and_stream(service: Serving, caller: Calling, body: RunCreate) -> Response:
    """Make a run and follow it."""
    return streamed(service, await make_run(service, caller, None, body), body)


@router.post("/wait")
async def create_and_wait(service: Serving, caller: Calling, body: RunCreate) -> Response:
    """Make a run and wait for its values."""
    return waited(service, await make_run(service, caller, None, body), body)


@router.post("/batch")
async def create_batch(service: Serving, caller: Calling, bodies: list[RunCreate]) -> Response:
    """Make several runs and return at once."""
    if len(bodies) > MOST:
        raise Refused(422, f"{len(bodies)} runs are too many for one request: at most {MOST}")
    return answer([shown((await make_run(service, caller, None, body)).row, RUN) for body in bodies])
