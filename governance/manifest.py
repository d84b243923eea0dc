"""The manifest of a tool: what calling it does to the world. Declared beside the tool; read by policy, gateway and approvals."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Effect = Literal["read", "write", "irreversible"]
Trust = Literal["trusted", "internal", "untrusted"]
DataClass = Literal["public", "internal", "confidential", "secret"]


class ToolManifest(BaseModel):
    """What governance knows of a tool. A tool without one is `UNLISTED`: an irreversible effect with untrusted output.

    `output` says who can write what the tool returns: only the system and its operator (trusted), authenticated members of the
    organisation (internal), or anybody (untrusted). An item of a bare list, and any field, is covered by the system field `*`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: Effect
    version: str = "1"
    owner: str = Field("", description="who answers for it; empty: whoever answers for the domain")
    targets: tuple[str, ...] = Field((), description="arguments that say whom or what the call is aimed at")
    amounts: tuple[str, ...] = Field((), description="arguments that are amounts")
    content: tuple[str, ...] = Field((), description="arguments that carry text to somebody")
    asks: tuple[str, ...] = Field((), description="words by which a person asks for it; empty: read from the tool's name")
    output: Trust = "untrusted"
    system_fields: tuple[str, ...] = Field((), description="fields of the result that the system of record itself sets")
    egress: bool = Field(False, description="does a call send data out of the organisation?")
    data_class: DataClass = "internal"
    judges: tuple[str, ...] = Field(
        (), description="tools whose use it recommends or approves; another agent must propose that"
    )
    approvers: tuple[str, ...] = Field((), description="roles of which one must approve an effect")
    idempotent: bool = Field(False, description="may be called again with the same idempotency key without a second effect")
    timeout: float = Field(30.0, gt=0, description="seconds one call may take")
    retries: int = Field(1, ge=0, description="further tries after a transient error; an effect only if idempotent")
    compensation: str | None = Field(None, description="the tool that undoes this one")


UNLISTED = ToolManifest(effect="irreversible", output="untrusted", egress=True, data_class="secret", retries=0)
