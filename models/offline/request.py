"""What the offline model is asked, and what it answers: the messages, tools and schema of one call, and a `Reply`.

Everything the offline model knows comes through a `Request`, exactly what a live model would get. Used by every role's module.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

Json = dict[str, Any]


@dataclass(frozen=True)
class Bound:
    """A tool as it was bound: name, description and the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, tool: Mapping[str, Any]) -> "Bound":
        """From an OpenAI tool dict."""
        function = tool["function"]
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        return cls(function["name"], function.get("description", ""), schema)

    @property
    def properties(self) -> dict[str, Json]:
        """Argument name to its schema, with local `$ref`s followed."""
        return {name: follow(schema, self.parameters) for name, schema in self.parameters.get("properties", {}).items()}

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.parameters.get("required", ()))


def follow(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Json:
    """The schema with a leading local `$ref` (or a lone `allOf`) replaced by what it names; the sibling keys stay."""
    found = dict(schema)
    while "$ref" in found or len(found.get("allOf", ())) == 1:
        if "$ref" not in found:
            found = {**found.pop("allOf")[0], **found}
            continue
        target: Any = root
        for part in found.pop("$ref").removeprefix("#/").split("/"):
            target = target[part]
        found = {**target, **found}
    return found


@dataclass(frozen=True)
class Call:
    """A tool call to make."""

    name: str
    args: Json


@dataclass(frozen=True)
class Reply:
    """What the model says: text, or tool calls. `answer` is a response in its role's shape, sent as the request wants it."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    answer: Json | None = None


@dataclass(frozen=True)
class Request:
    """One call of the model. `forced` is "any", a tool's name or "". `schema` is the response schema, if there is one."""

    messages: Sequence[BaseMessage]
    tools: tuple[Bound, ...] = ()
    forced: str = ""
    schema: Mapping[str, Any] | None = None
    json_only: bool = False

    def tool(self, name: str) -> Bound | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def digest(self) -> str:
        """A short hash of the conversation: makes the ids of tool calls unique over turns and steps, yet repeatable."""
        said = [(m.type, m.text, getattr(m, "tool_call_id", "")) for m in self.messages]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Result:
    """A tool message: `data` when it holds a typed result, else `error`, what the tool (or the gateway) said instead."""

    call_id: str
    name: str
    args: Json
    data: Json | None = None
    error: str = ""


@dataclass(frozen=True)
class Turn:
    """What has happened since the brief: the tools' answers by the calls that asked for them."""

    results: tuple[Result, ...] = field(default_factory=tuple)

    @classmethod
    def of(cls, messages: Sequence[BaseMessage]) -> "Turn":
        """From the messages after the brief.

        Success is read from the content, not from `status`: that field does not survive the trip over HTTP.
        """
        asked: dict[str, tuple[str, Json]] = {}
        results: list[Result] = []
        for message in messages:
            for call in getattr(message, "tool_calls", None) or ():
                asked[str(call["id"])] = (call["name"], call["args"])
            if isinstance(message, ToolMessage):
                name, args = asked.get(message.tool_call_id, (message.name or "", {}))
                data = typed_result(message.text)
                results.append(Result(message.tool_call_id, name, args, data, "" if data else message.text.strip()))
        return cls(tuple(results))


def typed_result(text: str) -> Json | None:
    """The typed result in a tool message's text, or None for anything else (an error is plain text)."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and "product" in data else None
