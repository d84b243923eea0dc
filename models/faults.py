"""A Chat Completions endpoint that misbehaves on purpose, for tests of what stands between the graphs and a live model.

`faulty_app(fault, model)` spoils the first `times` requests and then serves `model` as it is.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from langchain_core.language_models.chat_models import BaseChatModel
from starlette.middleware.base import RequestResponseEndpoint

from models.completions import called, delta, head, line
from models.server import ApiError, offline_app

Kind = Literal["rate_limit", "server_error", "bad_arguments", "ghost_tool", "slow", "truncated", "empty"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong, for how many requests. `retry_after` is the header of a 429; `delay` the seconds of a slow answer."""

    kind: Kind
    times: int = 1
    retry_after: str = ""
    delay: float = 1.0


def faulty_app(fault: Fault, model: BaseChatModel) -> FastAPI:
    """The application. `app.state.requests` counts the requests for completions."""
    app = offline_app(model)
    app.state.requests = 0

    @app.middleware("http")
    async def spoil(request: Request, go_on: RequestResponseEndpoint) -> Response:
        if request.url.path != "/v1/chat/completions":
            return await go_on(request)
        app.state.requests += 1
        if app.state.requests > fault.times:
            return await go_on(request)
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay)
            return await go_on(request)
        asked = json.loads(await request.body())
        return spoiled(fault, asked)

    return app


def spoiled(fault: Fault, asked: dict[str, Any]) -> Response:
    """The bad answer."""
    if fault.kind == "rate_limit":
        headers = {"retry-after": fault.retry_after} if fault.retry_after else {}
        return ApiError(429, "too many requests", "rate_limit_error", headers).response()
    if fault.kind == "server_error":
        return ApiError(500, "the server had an error", "server_error").response()
    tool = next((one["function"]["name"] for one in asked.get("tools") or ()), "no_tool")
    message: dict[str, Any] = {"role": "assistant", "content": None}
    reason = "stop"
    if fault.kind == "bad_arguments":
        message["tool_calls"], reason = [{"index": 0, **called("call_bad", tool, '{"broken": ')}], "tool_calls"
    elif fault.kind == "ghost_tool":
        message["tool_calls"], reason = [{"index": 0, **called("call_ghost", "ghost_tool", "{}")}], "tool_calls"
    elif fault.kind == "truncated":
        message["content"], reason = "The answer begins well and then", "length"
    if asked.get("stream"):
        # A truncated stream just ends: no finish reason, no [DONE].
        return StreamingResponse(streamed(asked["model"], message, "" if fault.kind == "truncated" else reason))
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return JSONResponse({**head("chat.completion", asked["model"]), "choices": [choice], "usage": usage})


async def streamed(model: str, message: dict[str, Any], reason: str) -> AsyncIterator[str]:
    frame = head("chat.completion.chunk", model)
    yield line({**frame, "choices": [delta(message)]})
    if reason:
        yield line({**frame, "choices": [delta({}, reason)]})
        yield "data: [DONE]\n\n"
