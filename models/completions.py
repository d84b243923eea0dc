"""The objects of OpenAI's Chat Completions API that an answer becomes. Written by `server`, kept by `recording`.

Apart from the server, since every run may record and few serve: a web framework takes a second to import.
"""

import json
import time
import uuid
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

Json = dict[str, Any]


def whole(answer: AIMessage, model: str) -> Json:
    """A `chat.completion` object."""
    message: Json = {"role": "assistant", "content": answer.text or None}
    if answer.tool_calls or answer.invalid_tool_calls:
        valid = [called(c["id"], c["name"], json.dumps(c["args"], ensure_ascii=False)) for c in answer.tool_calls]
        broken = [called(c["id"], c["name"], c["args"]) for c in answer.invalid_tool_calls]
        message["tool_calls"] = [*valid, *broken]
    choice = {"index": 0, "message": message, "finish_reason": finish(answer), "logprobs": None}
    return {**head("chat.completion", model), "choices": [choice], "usage": tokens(answer.usage_metadata)}


def head(kind: str, model: str) -> Json:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def delta(content: Json, reason: str | None = None) -> Json:
    return {"index": 0, "delta": content, "finish_reason": reason, "logprobs": None}


def line(data: Json) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def called(id: str | None, name: str | None, arguments: str | None) -> Json:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def finish(answer: AIMessage) -> str:
    """OpenAI's finish reason."""
    return str(answer.response_metadata.get("finish_reason") or ("tool_calls" if answer.tool_calls else "stop"))


def tokens(usage: UsageMetadata | None) -> Json | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
    }
