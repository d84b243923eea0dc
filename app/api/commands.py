"""Commands of the event protocol: `{id, method, params}` in, `{type: success | error, id, …}` out, by HTTP 200 either way."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Body
from langchain_core.runnables import RunnableConfig
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.answers import Serving, ThreadId, answer
from app.api.asking import Made, make_run
from app.api.bodies import RunCreate
from app.api.errors import STATUS, status_of
from app.api.stream_events import unsupported
from app.auth.access import Calling, reached
from app.runs.events_v3 import MODES
from app.runs.making import StaleResume, ThreadMissing
from app.service import Service
from governance.identity import Caller

router = APIRouter(tags=["thread streams"])
LARGEST = 2**53 - 1  # the largest whole number that every client can say
NO_COMMAND: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "no command: {type: error, id, error, message}",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
PAUSES_S = 5.0
NO_RUN = "No run is bound to this thread."
STATUS_OF_AGENT = {"busy": "running", "interrupted": "interrupted", "error": "failed", "idle": "completed"}
Reply = tuple[dict[str, Any], int]
"""A command's result, and the number up to which the thread's log was told before it."""


class CommandFailed(Exception):
    """A command that was not carried out; `error` is its code in the protocol."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@router.post("/threads/{thread_id}/commands", responses=NO_COMMAND)
async def command(service: Serving, caller: Calling, thread_id: ThreadId, body: Any = Body(None)) -> Response:
    """Carry out a command: run.start, input.respond, agent.getTree, subscription.subscribe, .unsubscribe, .reconnect."""
    given = body if isinstance(body, dict) else {}
    id, method = given.get("id"), given.get("method")
    if type(id) is not int or abs(id) > LARGEST or not isinstance(method, str):
        named = id if isinstance(id, str) or (type(id) is int and abs(id) <= LARGEST) else None
        return _failed(named, "invalid_argument", "Protocol commands must include an integer id and string method.", 400)
    params = given.get("params")
    try:
        if method not in COMMANDS:
            raise CommandFailed("unknown_command", f"Unknown protocol command: {method}")
        if method != "run.start":  # which may make the thread, and asks whose it is in the transaction that makes the run
            await _theirs(service, caller, thread_id)
        result, seq = await COMMANDS[method](service, caller, thread_id, params if isinstance(params, dict) else {})
    except CommandFailed as failed:
        return _failed(id, failed.error, str(failed))
    except HTTPException as refused:
        return _refused(id, refused.status_code, str(refused.detail))
    except tuple(STATUS) as error:
        return _refused(id, status_of(error), str(error))
    return answer({"type": "success", "id": id, "result": result, "meta": {"applied_through_seq": seq}})


async def start(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """run.start: a run on the thread, which is made if it is not there."""
    if not isinstance(params.get("assistant_id"), str) or not params["assistant_id"]:
        raise CommandFailed("invalid_argument", "run.start requires an assistant_id.")
    strategy = params.get("multitask_strategy") or params.get("multitaskStrategy")
    names = ("assistant_id", "input", "metadata", "langsmith_tracer", "durability", "interrupt_before", "interrupt_after")
    asked = {name: params[name] for name in names if params.get(name) is not None}
    asked |= {"config": params.get("config") or {}, "multitask_strategy": strategy, "if_not_exists": "create"}
    made = await _make(service, caller, thread_id, asked)
    return {"run_id": made.run_id}, made.after


def _waiting(row: dict[str, Any]) -> set[str]:
    return {one["id"] for several in row["interrupts"].values() for one in several}


async def _paused(service: Service, thread_id: str, row: dict[str, Any]) -> dict[str, Any]:
    """The thread once the run that goes on there has ended, if it does so soon."""
    going = await service.queue.of_thread(thread_id, status="running", limit=1, offset=0)
    if not going:
        return await service.threads.get(thread_id) if row["metadata"] else row
    with suppress(TimeoutError):
        async with asyncio.timeout(PAUSES_S):
            await service.worker.end_of(thread_id, going[0]["run_id"])
    return await service.threads.get(thread_id)


async def respond(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """input.respond: the answers to what waits, by the ids of the interrupts, go to a run of the assistant that asked."""
    if "responses" in params:
        given = params["responses"]
        if not isinstance(given, list) or not given:
            raise CommandFailed("invalid_argument", "input.respond requires at least one response.")
    else:
        given = [params]
    if not all(isinstance(one, dict) and isinstance(one.get("interrupt_id"), str) for one in given):
        raise CommandFailed("invalid_argument", "input.respond requires an interrupt_id.")
    try:
        row = await service.threads.get(thread_id)
    except ThreadMissing:
        row = {"metadata": {}, "interrupts": {}}
    if not row["metadata"].get("assistant_id"):
        raise CommandFailed("no_such_run", NO_RUN)
    if not {one["interrupt_id"] for one in given} <= _waiting(row):  # a question is told a moment before its run has ended
        row = await _paused(service, thread_id, row)
    waiting = _waiting(row)
    if gone := [one["interrupt_id"] for one in given if one["interrupt_id"] not in waiting]:
        raise CommandFailed("no_such_interrupt", f"Unknown or already-consumed interrupt: {', '.join(gone)}")
    command = {"resume": {one["interrupt_id"]: one.get("response") for one in given}}
    command |= {name: params[name] for name in ("update", "goto") if params.get(name) is not None}
    asked = {"assistant_id": row["metadata"]["assistant_id"], "command": command, "config": params.get("config") or {}}
    try:
        made = await _make(service, caller, thread_id, {**asked, "metadata": params.get("metadata")})
    except StaleResume as stale:
        raise CommandFailed("no_such_interrupt", str(stale)) from None
    return {}, made.after


async def tree(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """agent.getTree: the graph of the thread's newest run, and within it the subgraphs that are at work or wait."""
    runs = await service.queue.of_thread(thread_id, status=None, limit=1, offset=0)
    if not runs or params.get("run_id") not in (None, runs[0]["run_id"]):
        raise CommandFailed("no_such_run", NO_RUN)
    row = await service.threads.get(thread_id)
    config: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
    graph = await service.catalogue.graph(runs[0]["graph_id"], service.saver, config)
    state, status = await graph.aget_state(config, subgraphs=True), STATUS_OF_AGENT[row["status"]]
    root = {"namespace": [], "status": status, "graph_name": runs[0]["graph_id"], "children": _children(state, [], status)}
    return {"tree": root}, row["last_seq"]


async def subscribe(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """subscription.subscribe: over HTTP the streams are the subscriptions, so that nothing is kept under the id."""
    channels = params.get("channels")
    if not isinstance(channels, list) or not channels or unsupported(channels):
        raise CommandFailed("invalid_argument", "subscription.subscribe received an unsupported channel.")
    return {"subscription_id": str(uuid.uuid4()), "replayed_events": 0}, service.log.last(thread_id) or 0


async def unsubscribe(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """subscription.unsubscribe: there is none over HTTP; closing a stream ends it."""
    if not isinstance(params.get("subscription_id"), str):
        raise CommandFailed("invalid_argument", "subscription.unsubscribe requires a subscription_id.")
    raise CommandFailed("no_such_subscription", f"Unknown subscription: {params['subscription_id']}")


async def reconnect(service: Service, caller: Caller | None, thread_id: str, params: dict[str, Any]) -> Reply:
    """subscription.reconnect: over HTTP a stream is opened again with `since`."""
    raise CommandFailed("no_such_run", "Open POST …/stream/events again with `since`: nothing else is kept of a stream.")


COMMANDS: dict[str, Callable[[Service, Caller | None, str, dict[str, Any]], Awaitable[Reply]]] = {
    "run.start": start,
    "input.respond": respond,
    "agent.getTree": tree,
    "subscription.subscribe": subscribe,
    "subscription.unsubscribe": unsubscribe,
    "subscription.reconnect": reconnect,
}


async def _theirs(service: Service, caller: Caller | None, thread_id: str) -> None:
    try:
        await reached(service, caller, thread_id, "write")
    except ThreadMissing:
        raise CommandFailed("no_such_run", NO_RUN) from None


async def _make(service: Service, caller: Caller | None, thread_id: str, asked: dict[str, Any]) -> Made:
    try:
        body = RunCreate(**asked, stream_mode=list(MODES), stream_subgraphs=True, stream_resumable=True)
    except ValidationError as wrong:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors())
        raise CommandFailed("invalid_argument", said) from None
    return await make_run(service, caller, thread_id, body, protocol=True)


def _children(state: Any, above: list[str], status: str) -> list[dict[str, Any]]:
    nested = [(task, [*above, f"{task.name}:{task.id}"]) for task in state.tasks if hasattr(task.state, "tasks")]
    return [
        {
            "namespace": namespace,
            "status": "interrupted" if task.interrupts else status,
            "graph_name": task.name,
            "children": _children(task.state, namespace, status),
        }
        for task, namespace in nested
    ]


def _refused(id: int, status: int, said: str) -> Response:
    return _failed(id, "permission_denied" if status == 403 else "unknown_error", f"{status}: {said}")


def _failed(id: Any, error: str, message: str, status: int = 200) -> Response:
    return answer({"type": "error", "id": id, "error": error, "message": message}, status)
