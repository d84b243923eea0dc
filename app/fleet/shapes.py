"""The fleet as it is told: by `GET /governance/fleet` and by `clearance fleet list`. Times are ISO text in UTC."""

from pydantic import BaseModel, ConfigDict, Field

from governance.manifest import DataClass, Effect, Trust
from governance.suspensions import Kind


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class SuspensionShape(Shape):
    """What is out of service: by whom, why, since when."""

    kind: Kind
    name: str
    by: str
    reason: str
    at: str


class ProductShape(Shape):
    """Something that a specialist makes."""

    name: str
    title: str


class AccessShape(BaseModel):
    """What its tools let a specialist do: the classes of the data that they read or change, the worst of their effects, whether any of
    them sends data out, who must approve, and the labels that its results may hand on."""

    data_classes: list[DataClass]
    effect: Effect
    egress: bool
    approvers: list[str]
    labels: list[str]


class TriesShape(Shape):
    """How the newest tries went that came to their end: those that people refused or stopped are neither done nor failed."""

    of: int
    done: int
    failed: int
    last_used: str | None = Field(
        description="when the newest began, or for a role of the core ended; null: not in the time looked at"
    )


class CallsShape(Shape):
    """How calls went: those that ran, those of them that failed or of which nobody knows, and those that were denied. Times in
    milliseconds of those that ran; null without any."""

    calls: int
    failed: int
    denied: int
    p50_ms: float | None
    p95_ms: float | None
    last_used: str | None


class SpecialistShape(BaseModel):
    """A specialist; `core`: a role of the core, which makes no product and cannot be suspended. `version` is a digest of its prompt,
    tools and form of answer."""

    name: str
    title: str
    purpose: str
    core: bool
    makes: list[ProductShape]
    tools: list[str]
    fallbacks: list[str]
    owner: str
    version: str
    model: str
    access: AccessShape
    health: TriesShape
    suspended: SuspensionShape | None


class ToolShape(BaseModel):
    """A tool, by its manifest; `version` is the manifest's, `fingerprint` a digest of the manifest and the form of its arguments."""

    name: str
    description: str
    makes: str | None
    specialists: list[str]
    effect: Effect
    data_class: DataClass
    output: Trust
    egress: bool
    approvers: list[str]
    compensation: str | None
    owner: str
    version: str
    fingerprint: str
    health: CallsShape
    suspended: SuspensionShape | None


class ConnectorShape(BaseModel):
    """What tools draw on; `problem` says why it cannot be reached."""

    name: str
    title: str
    reachable: bool
    rows: int | None
    as_of: str
    source: str
    problem: str


class ModelShape(BaseModel):
    """A model; `where` is the host that is called, empty for one within this process. `configured`: some role uses it now. Its failed
    tries are those in which it gave no answer at all, counted for the model that the role uses now."""

    name: str
    where: str
    configured: bool
    roles: list[str]
    health: TriesShape


class FleetShape(BaseModel):
    """All of it. Health is of runs begun `since` then. `may_suspend`: the caller may."""

    since: str
    may_suspend: bool
    specialists: list[SpecialistShape]
    tools: list[ToolShape]
    connectors: list[ConnectorShape]
    models: list[ModelShape]
