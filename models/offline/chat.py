"""Plain conversation, with no brief: picks a tool by its words, fills schemas with what was said, and otherwise says so.

It exists so that the offline model behaves as a chat model anywhere (Studio, LangChain's own tests); no role depends on it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from models.offline.request import Bound, Call, Json, Reply, Request, follow
from models.offline.values import kinds
from models.offline.words import stems

_QUOTED = re.compile(r"""(?<!\w)'([^']+)'|"([^"]+)"|“([^”]+)”""")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def chat(request: Request) -> Reply:
    """A tool call when one is wanted, JSON when a schema asks for it, else a sentence about what was said."""
    said = last_said(request.messages)
    if request.schema is not None:
        return Reply(text=json.dumps(fill(request.schema, request.schema, said), ensure_ascii=False))
    if request.json_only:
        return Reply(text=json.dumps({key: said for key in quoted(said)}, ensure_ascii=False))
    last = request.messages[-1] if request.messages else None
    if isinstance(last, ToolMessage) and not request.forced:
        return Reply(text=f"The tool answered: {last.text}")
    if tool := choose(request, said):
        return Reply(calls=(Call(tool.name, fill(tool.parameters, tool.parameters, said)),))
    return Reply(text=f"I am the offline model: I answer with templates, not with a language model. You said: {said}")


def last_said(messages: Sequence[BaseMessage]) -> str:
    """What the person said last."""
    return next((m.text for m in reversed(messages) if isinstance(m, HumanMessage) and m.text.strip()), "nothing")


def choose(request: Request, said: str) -> Bound | None:
    """The tool to call: the forced one, else the one that shares most words with what was said."""
    if named := request.tool(request.forced):
        return named
    words = set(stems(said))
    scored = [(len(words & set(stems(f"{t.name.replace('_', ' ')} {t.description}"))), t) for t in request.tools]
    best = max(scored, key=lambda pair: pair[0], default=(0, None))
    return best[1] if best[0] or request.forced else None


def quoted(text: str) -> list[str]:
    """What stands in quotation marks."""
    return [next(filter(None, groups)) for groups in _QUOTED.findall(text)]


def fill(schema: Mapping[str, Any], root: Mapping[str, Any], said: str) -> Any:
    """A value of the schema made of what was said: quotations and numbers go to the fields in order."""
    texts, numbers = iter(quoted(said)), iter(_NUMBER.findall(said))

    def value(part: Mapping[str, Any]) -> Any:
        here = follow(part, root)
        types = kinds(here)
        if options := here.get("enum"):
            return next((option for option in options if str(option).lower() in said.lower()), options[0])
        if "const" in here or "default" in here:
            return here.get("const", here.get("default"))
        if "object" in types or "properties" in here:
            return fields(types.get("object", here))
        if "array" in types:
            return []
        if "integer" in types or "number" in types:
            number = float(next(numbers, "0"))
            return int(number) if "integer" in types else number
        if "boolean" in types:
            return True
        return next(texts, said) if "string" in types else None

    def fields(part: Mapping[str, Any]) -> Json:
        return {name: value(inner) for name, inner in part.get("properties", {}).items()}

    return value(schema)
