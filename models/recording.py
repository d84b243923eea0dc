"""A recording of model calls: JSON lines, the first about the whole, then one request and its response each.

It holds what a model was sent and said, in the form of Chat Completions: no key, no header, secrets and e-mail addresses
redacted. `models.metered` adds to one, `models.replay` plays one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages

from models.completions import whole
from models.redaction import redact

Json = dict[str, Any]
VERSION = 1


class RecordingUnreadable(ValueError):
    """A file that is no recording; the message names it."""


@dataclass(frozen=True)
class Head:
    """`made_on` is the day in ISO form: goals that speak of today are answered again only on that day."""

    model: str
    host: str
    made_on: str
    version: int = VERSION


@dataclass(frozen=True)
class Exchange:
    """One call. `response` is a `chat.completion` object, or None when `error` says why there is none. `ms`: how long it took."""

    request: Json
    response: Json | None
    error: str
    ms: int


@dataclass
class Recording:
    """`secrets` are taken out wherever they stand, whatever they look like; they are never written."""

    head: Head
    exchanges: list[Exchange] = field(default_factory=list)
    secrets: Sequence[str] = field(default=(), repr=False)

    def add(
        self, messages: Sequence[BaseMessage], options: Mapping[str, Any], answer: AIMessage | None, error: str, ms: int
    ) -> None:
        """Keep one call, redacted."""
        response = whole(answer, self.head.model) if answer else None
        request = as_request(messages, options)
        self.exchanges.append(Exchange(redact(request, self.secrets), redact(response), redact(error, self.secrets), ms))

    def write(self, path: Path) -> None:
        """Write it, in place of what is there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [asdict(self.head), *(asdict(one) for one in self.exchanges)]
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Recording":
        """Read one back. Raises `RecordingUnreadable`."""
        try:
            first, *rest = [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]
            head, exchanges = Head(**first), [Exchange(**one) for one in rest]
        except (ValueError, TypeError) as error:
            raise RecordingUnreadable(f"{path} is no recording of model calls: {error}") from error
        if head.version != VERSION:
            raise RecordingUnreadable(f"{path} has version {head.version}, and {VERSION} is the one that can be read")
        return cls(head, exchanges)


def as_request(messages: Sequence[BaseMessage], options: Mapping[str, Any]) -> Json:
    """A call in the form of Chat Completions."""
    wanted = ("tools", "tool_choice", "response_format", "parallel_tool_calls", "stop")
    said = convert_to_openai_messages(list(messages))
    return {"messages": said, **{name: options[name] for name in wanted if options.get(name) is not None}}


def key(request: Json) -> str:
    """What makes two requests the same: what was said, and which tools were there. Not how a client dresses it."""
    said = []
    for message in request["messages"]:
        calls = [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
            for call in message.get("tool_calls") or ()
        ]
        said.append((message["role"], message.get("content") or "", message.get("tool_call_id", ""), calls))
    tools = sorted(tool["function"]["name"] for tool in request.get("tools") or ())
    text = json.dumps([said, tools, request.get("response_format")], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
