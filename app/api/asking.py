"""From a request for a run to the run that is made: the assistant, the config, what may not be asked. Used by the runs' routers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection

from app.api.bodies import RunCreate
from app.api.errors import Refused
from app.api.votes import check_votes
from app.auth.access import acting, begun_elsewhere, check_usable
from app.catalogue import UnknownGraph
from app.db.assistants import AssistantMissing, id_of
from app.rollback import refuse_behind_effects
from app.runs.making import Created, ThreadMissing, public
from app.runs.spec import NewRun, Spec
from app.service import Service
from governance.identity import Caller

ONLY_SERVER = ("thread_id", "run_id", "graph_id", "assistant_id")
PLACE = ("checkpoint_id", "checkpoint_ns", "checkpoint_map")
"""All that a checkpoint may say of where a run begins: beside it lies what only the server says."""


@dataclass(frozen=True)
class Made:
    """A run that was made. `after` is the place in the thread's log behind which its events come."""

    run_id: str
    thread_id: str
    row: dict[str, Any]
    after: int

    @property
    def path(self) -> str:
        return f"/threads/{self.thread_id}/runs/{self.run_id}"

    def headers(self, then: str = "") -> dict[str, str]:
        """Where the run is, and where a broken connection goes on."""
        return {"Content-Location": self.path} | ({"Location": f"{self.path}/{then}"} if then else {})


async def make_run(
    service: Service,
    caller: Caller | None,
    thread_id: str | None,
    body: RunCreate,
    *,
    played: Caller | None = None,
    protocol: bool = False,
) -> Made:
    """Make the run, and start it if it may start and there is room; with `protocol` it streams as the event protocol has it.

    In local mode it may be for a demo person that is `played`. Raises what the queue raises, and `Refused`.
    """
    if thread_id and body.command and "resume" in body.command:
        await check_votes(service, played or caller, thread_id, body.command["resume"])
    if thread_id and body.if_not_exists == "create" and await begun_elsewhere(service, caller, thread_id):
        raise Refused(404, "Thread or assistant not found.")
    if thread_id and body.multitask_strategy == "rollback":
        await refuse_behind_effects(service, thread_id)
    asked_id, room = id_asked(service, body.assistant_id), service.worker.has_room

    def make(c: Connection) -> tuple[NewRun, Created]:
        assistant = _checked(service, caller, lambda: service.assistants.row(c, asked_id))
        new = new_run(service, caller, thread_id, body, assistant, protocol=protocol)
        if played:
            new = replace(new, spec=replace(new.spec, caller=played.as_dict()))
        return new, service.queue.insert(c, new, claim=room)

    try:
        new, made = await service.db.run(make, durable=False)
    except ThreadMissing:
        raise Refused(404, "Thread or assistant not found.") from None
    tell(service, new, made)
    row = made.row
    return Made(row["run_id"], row["thread_id"], row, service.log.last(row["thread_id"]) or made.last_seq)


def new_run(
    service: Service,
    caller: Caller | None,
    thread_id: str | None,
    body: RunCreate,
    assistant: dict[str, Any],
    *,
    protocol: bool = False,
) -> NewRun:
    """The run as the queue takes it. Raises `Refused`."""
    return NewRun(
        thread_id=thread_id,
        assistant_id=assistant["assistant_id"],
        graph_id=assistant["graph_id"],
        spec=replace(
            spec_of(service, assistant, body, temporary=thread_id is None),
            caller=caller.as_dict() if caller else None,
            protocol=protocol,
        ),
        owner=acting(caller, service),
        strategy=body.multitask_strategy or "enqueue",
        base_metadata=assistant["metadata"],
        metadata=body.metadata or {},
        thread_metadata=body.metadata or {},
        make_thread=body.if_not_exists == "create",
        after=body.after_seconds or 0.0,
        stateless=thread_id is None and body.on_completion != "keep",
    )


async def assistant_of(service: Service, name: str, caller: Caller | None) -> dict[str, Any]:
    """By id, or by the name of a graph. Raises `Refused`: 422 for what can be neither, 404 for one that is not there or not theirs."""
    id = id_asked(service, name)
    return await service.db.run(lambda c: _checked(service, caller, lambda: service.assistants.row(c, id)), durable=False)


def id_asked(service: Service, name: str) -> str:
    """The id of an assistant that is named by it or by its graph. Raises `Refused` (422)."""
    if name in service.catalogue.entries:
        return id_of(name)
    try:
        return str(UUID(name))
    except ValueError:
        served = ", ".join(service.catalogue.names)
        said = f"Invalid assistant: '{name}'. Must be either:\n- A valid assistant UUID, or\n- One of the registered graphs: {served}"
        raise Refused(422, said) from None


def _checked(service: Service, caller: Caller | None, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The assistant, if the caller may use it and its graph is served. Raises `Refused` (404)."""
    try:
        found = find()
        check_usable(caller, found)
        service.catalogue.entry(found["graph_id"])
    except (AssistantMissing, UnknownGraph) as error:
        raise Refused(404, str(error)) from None
    return found


def spec_of(service: Service, assistant: dict[str, Any], body: RunCreate, *, temporary: bool) -> Spec:
    """What the run is to do. Raises `Refused`."""
    asked = {**(body.config.get("configurable") or {})}
    if asked and body.context:
        raise Refused(400, "Cannot specify both configurable and context. Prefer setting context alone.")
    configurable = {**(assistant["config"].get("configurable") or {}), **asked}
    configurable = {name: value for name, value in public(configurable).items() if name not in ONLY_SERVER}
    point = body.checkpoint or ({"checkpoint_id": body.checkpoint_id} if body.checkpoint_id else {})
    configurable |= {name: point[name] for name in PLACE if point.get(name) is not None}
    config = {**assistant["config"], **body.config, "configurable": configurable}
    config.pop("run_id", None)
    limit = config.get("recursion_limit")
    if limit is not None and not (isinstance(limit, int) and 0 < limit <= 100_000):
        raise Refused(422, f"config.recursion_limit: {limit!r} is not a number of steps")
    entry, command = service.catalogue.entry(assistant["graph_id"]), body.command or {}
    fixed = entry.durability
    for written in (body.input, command.get("update")):
        entry.refuse_kept(written)
    if entry.kept and command.get("goto"):
        raise Refused(422, f"command.goto is not supported by {assistant['graph_id']}: its nodes stand on what was before them")
    durability = body.durability or ("exit" if body.checkpoint_during is False else None)
    if fixed and durability == "exit":
        raise Refused(
            422, f"durability: exit is not supported by {assistant['graph_id']}: what it does must be on disk before it is done"
        )
    modes = (
        [body.stream_mode] if isinstance(body.stream_mode, str) else body.stream_mode or ["values"]
    )  # hooks send none for it
    return Spec(
        input=body.input,
        command=body.command,
        config=config,
        context={**assistant["context"], **(body.context or {})} or None,
        stream_mode=tuple(dict.fromkeys(modes)),
        subgraphs=body.stream_subgraphs,
        resumable=body.stream_resumable,
        interrupt_before=body.interrupt_before,
        interrupt_after=body.interrupt_after,
        durability=fixed or durability or "async",
        temporary=temporary,
        webhook=body.webhook or "",
    )


def tell(service: Service, new: NewRun, made: Created) -> None:
    """Start it, and stop those that it replaces."""
    if made.claim:
        service.worker.start(made.claim)
    elif not new.after:
        service.worker.offer()
    for run_id in made.dropped:
        service.log.dropped(made.row["thread_id"], run_id, "interrupted")
    service.worker.tell(made.told, cast(Any, new.strategy))
    if new.after:
        service.worker.expect(new.after)
