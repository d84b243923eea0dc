"""Request bodies. A field that nobody knows is ignored, as the protocol has it; one that is known and not supported is refused."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from app.api.answers import AssistantId, RunId, ThreadId
from app.db.crons import SORTED_BY as CRONS_SORTED_BY
from app.db.crons import next_of
from app.runs.modes import MODES
from app.webhooks import check_url

Mode = Literal["values", "updates", "messages", "messages-tuple", "custom", "events", "debug", "tasks", "checkpoints"]
Object = dict[str, Any]
Limit = Annotated[int, Field(ge=1, le=1000)]
Offset = Annotated[int, Field(ge=0, le=1_000_000_000)]
Url = Annotated[str, Field(max_length=2000), AfterValidator(check_url)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Key = Annotated[str, Field(min_length=1, max_length=1000)]


def _point(given: Object | None) -> Object | None:
    """Where in a thread's history: names and ids, as a checkpoint of ours says them."""
    texts = ("thread_id", "checkpoint_id", "checkpoint_ns")
    if given and (wrong := [name for name in texts if not isinstance(given.get(name), str | None)]):
        raise ValueError(f"{', '.join(wrong)}: text is expected")
    places = (given or {}).get("checkpoint_map")
    if not (isinstance(places, dict | None) and all(isinstance(one, str) for one in (places or {}).values())):
        raise ValueError("checkpoint_map: the ids of checkpoints by their namespace are expected")
    return given


Point = Annotated[Object, AfterValidator(_point)]


def _config(given: Object) -> Object:
    """What a client may configure: data alone, never an object that LangGraph would call."""
    kinds: dict[str, tuple[type, str]] = {
        "configurable": (dict, "an object"),
        "metadata": (dict, "an object"),
        "tags": (list, "a list of texts"),
        "run_name": (str, "text"),
        "max_concurrency": (int, "a number"),
        "recursion_limit": (int, "a number of steps"),
    }
    for name, (kind, said) in kinds.items():
        value = given.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ValueError(f"{name}: {said} is expected")
    if not all(isinstance(tag, str) for tag in given.get("tags") or ()):
        raise ValueError("tags: a list of texts is expected")
    if given.get("callbacks"):
        raise ValueError("callbacks are not supported: they are code, and a request is data")
    _point(given.get("configurable"))
    return {name: value for name, value in given.items() if value is not None and name != "callbacks"}


Config = Annotated[Object, AfterValidator(_config)]
assert set(Mode.__args__) == set(MODES)  # type: ignore[attr-defined]  # of a Literal


class Body(BaseModel):
    """`refused` names fields that are known and not supported, with why or what to do instead."""

    model_config = ConfigDict(extra="ignore")
    refused: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name, why in cls.refused.items():
                if given.get(name) not in (None, False, [], {}):
                    raise ValueError(f"{name} is not supported: {why}")
        return given


class RunCreate(Body):
    """A run to make."""

    refused = {
        "feedback_keys": "there is no feedback store",
        "langsmith_tracer": "tracing is set for the whole process",
    }
    assistant_id: str = Field(description="an assistant's id, or a graph's name")
    input: Any = None
    command: Object | None = None
    config: Config = Field(default_factory=dict)
    context: Object | None = None
    metadata: Object | None = None
    stream_mode: Mode | list[Mode] = "values"
    stream_subgraphs: bool = False
    stream_resumable: bool = False
    interrupt_before: Literal["*"] | list[str] | None = None
    interrupt_after: Literal["*"] | list[str] | None = None
    multitask_strategy: Literal["reject", "enqueue", "interrupt", "rollback"] | None = None
    if_not_exists: Literal["reject", "create"] | None = None
    on_disconnect: Literal["cancel", "continue"] | None = None
    on_completion: Literal["delete", "keep"] | None = None
    after_seconds: float | None = Field(None, ge=0, le=31_536_000)
    checkpoint: Point | None = None
    checkpoint_id: str | None = None
    checkpoint_during: bool | None = None
    durability: Literal["sync", "async", "exit"] | None = None
    webhook: Url | None = Field(None, description="where the run's end is posted, signed")

    @model_validator(mode="after")
    def _one_way_to_start(self) -> Self:
        unknown = set(self.command or ()) - {"resume", "update", "goto"}
        if unknown:
            raise ValueError(f"command: {', '.join(sorted(unknown))} is not known: use resume, update, goto")
        goto = (self.command or {}).get("goto")
        for place in goto if isinstance(goto, list) else [goto]:
            if not isinstance(place, str | None) and not (isinstance(place, dict) and isinstance(place.get("node"), str)):
                raise ValueError("command.goto: a node's name, {node, input}, or a list of these is expected")
        return self


class Lifetime(BaseModel):
    """How long a thread is kept after its last change: then it goes, or its checkpoints but the newest do."""

    ttl: float = Field(gt=0, le=5_256_000, description="minutes")
    strategy: Literal["delete", "keep_latest"] = "delete"


class EventStream(Body):
    """What to follow of a thread: channels; namespaces by their beginnings, and how deep below them; events behind `since`."""

    channels: Any = None
    namespaces: list[list[str]] | None = None
    depth: int | None = Field(None, ge=0)
    since: int | None = Field(None, ge=0, le=2**53)


class ThreadCreate(Body):
    refused = {"supersteps": "update the thread's state instead"}
    ttl: Annotated[float, Field(gt=0, le=5_256_000)] | Lifetime | None = None
    thread_id: ThreadId | None = None
    metadata: Object | None = None
    if_exists: Literal["raise", "do_nothing"] | None = None


class ThreadPatch(Body):
    metadata: Object | None = None
    ttl: Annotated[float, Field(gt=0, le=5_256_000)] | Lifetime | None = None


class ThreadsPrune(Body):
    thread_ids: list[ThreadId] = Field(max_length=1000)
    strategy: Literal["delete", "keep_latest"] = "delete"


class ThreadSearch(Body):
    refused = {"extract": "read the thread's values"}
    ids: list[ThreadId] | None = None
    metadata: Object | None = None
    values: Object | None = None
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: Limit = 10
    offset: Offset = 0
    sort_by: Literal["thread_id", "status", "created_at", "updated_at", "state_updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class StateUpdate(Body):
    values: Any = None
    as_node: str | None = None
    checkpoint: Point | None = None
    checkpoint_id: str | None = None


class StateAt(Body):
    checkpoint: Point
    subgraphs: bool = False


class History(Body):
    limit: Limit = 10
    before: str | Point | None = None
    metadata: Object | None = None
    checkpoint: Point | None = None


class AssistantCreate(Body):
    graph_id: str
    assistant_id: AssistantId | None = None
    name: str = "Untitled"
    description: str | None = None
    config: Config = Field(default_factory=dict)
    context: Object = Field(default_factory=dict)
    metadata: Object = Field(default_factory=dict)
    if_exists: Literal["raise", "do_nothing"] | None = None


class AssistantPatch(Body):
    graph_id: str | None = None
    name: str | None = None
    description: str | None = None
    config: Config | None = None
    context: Object | None = None
    metadata: Object | None = None


class AssistantSearch(Body):
    metadata: Object | None = None
    graph_id: str | None = None
    name: str | None = None
    limit: Limit = 10
    offset: Offset = 0
    sort_by: Literal["assistant_id", "graph_id", "name", "created_at", "updated_at"] | None = None
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class AssistantVersions(Body):
    metadata: Object | None = None
    limit: Limit = 10
    offset: Offset = 0


class AssistantLatest(Body):
    version: int = Field(ge=1, le=2**31 - 1)


class RunsCancel(Body):
    thread_id: ThreadId | None = None
    run_ids: list[RunId] | None = None
    status: Literal["pending", "running", "all"] | None = None


class CronCreate(RunCreate):
    """A request for runs, and when they are made."""

    refused = {
        **RunCreate.refused,
        "command": "a cron begins with an input",
        "after_seconds": "the schedule says when",
        "on_completion": "say on_run_completed",
        "checkpoint": "a cron goes on from the thread's newest state",
        "checkpoint_id": "a cron goes on from the thread's newest state",
        "if_not_exists": "make the thread first",
        "on_disconnect": "nobody is connected when it fires",
    }
    schedule: str = Field(max_length=100, description="five fields, as crontab has them")
    timezone: str | None = Field(None, max_length=64, description="an IANA name; UTC if it is not said")
    end_time: AwareDatetime | None = None
    enabled: bool = True
    on_run_completed: Literal["delete", "keep"] | None = None

    @model_validator(mode="after")
    def _comes(self) -> Self:
        next_of(self.schedule, self.timezone, 0.0)
        return self


class CronPatch(Body):
    refused = {"assistant_id": "make another cron", "thread_id": "make another cron"}
    schedule: str | None = Field(None, max_length=100)
    timezone: str | None = Field(None, max_length=64)
    end_time: AwareDatetime | None = None
    enabled: bool | None = None
    on_run_completed: Literal["delete", "keep"] | None = None
    input: Any = None
    metadata: Object | None = None
    config: Config | None = None
    context: Object | None = None
    webhook: Url | None = None
    interrupt_before: Literal["*"] | list[str] | None = None
    interrupt_after: Literal["*"] | list[str] | None = None
    stream_mode: Mode | list[Mode] | None = None
    stream_subgraphs: bool | None = None
    stream_resumable: bool | None = None
    durability: Literal["sync", "async", "exit"] | None = None


class CronCount(Body):
    assistant_id: AssistantId | None = None
    thread_id: ThreadId | None = None
    metadata: Object | None = None


class CronSearch(CronCount):
    enabled: bool | None = None
    limit: Limit = 10
    offset: Offset = 0
    sort_by: Literal[CRONS_SORTED_BY] | None = None  # type: ignore[valid-type]  # a tuple of texts, which Literal takes
    sort_order: Literal["asc", "desc"] | None = None
    select: list[str] | None = None


class ItemPut(Body):
    namespace: list[Label] = Field(min_length=1, max_length=20)
    key: Key
    value: Object
    index: Literal[False] | None = Field(None, description="nothing is indexed")
    ttl: float | None = Field(None, gt=0, le=5_256_000, description="minutes")


class ItemDelete(Body):
    namespace: list[Label] = Field(default_factory=list, max_length=20)
    key: Key


class ItemSearch(Body):
    refused = {"query": "the store has no index of meanings: filter by values"}
    namespace_prefix: list[Label] = Field(default_factory=list, max_length=20)
    filter: Object | None = None
    limit: Limit = 10
    offset: Offset = 0
    refresh_ttl: bool | None = None


class Namespaces(Body):
    prefix: list[Label] | None = Field(None, max_length=20)
    suffix: list[Label] | None = Field(None, max_length=20)
    max_depth: int | None = Field(None, ge=1, le=20)
    limit: Limit = 100
    offset: Offset = 0
