"""What a live model can do, as its probe found it, kept in `<home>/models/`. Written by `clearance model try`, read by the factory.

A model that was never probed is asked for nothing that an endpoint might refuse.
"""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class CapabilitiesUnreadable(RuntimeError):
    """The file about a model cannot be read; the message names it and what to do."""


class Capabilities(BaseModel):
    """Of one model at one host. The defaults are for a model that nobody probed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    host: str
    probed_at: str = Field("", description="when it was probed, ISO 8601; empty: never")
    forced_tools: bool = Field(True, description="takes tool_choice=required; else roles ask for a call in words alone")
    strict_tools: bool = Field(False, description="takes strict schemas on tools: responses then fit their schema")
    parallel_tools: bool = Field(True, description="makes several sound calls in one message")
    parallel_switch: bool = Field(False, description="takes parallel_tool_calls, so that it can be told to make one at a time")
    streaming: bool = Field(True, description="streams whole answers, with a finish reason")
    stream_usage: bool = Field(True, description="counts tokens at the end of a stream")
    context_tokens: int | None = Field(None, description="context length as the endpoint's model list says; null: it does not")


def path_for(home: Path, model: str, host: str, ending: str = ".json") -> Path:
    """Where a model's file lies: one for each model and host."""
    return home / "models" / (re.sub(r"[^\w.-]+", "_", f"{model}@{host}") + ending)


def save(home: Path, known: Capabilities) -> Path:
    """Write them down; the path."""
    path = path_for(home, known.model, known.host)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(known.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


def load(home: Path, model: str, host: str) -> Capabilities:
    """What is known of a model; the defaults if it was never probed. Raises `CapabilitiesUnreadable`."""
    path = path_for(home, model, host)
    if not path.exists():
        return Capabilities(model=model, host=host)
    try:
        return Capabilities.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, ValueError) as error:
        raise CapabilitiesUnreadable(f"{path} is damaged: delete it, or run `clearance model try` again") from error
