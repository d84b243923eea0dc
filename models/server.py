"""Any chat model as an OpenAI-compatible Chat Completions endpoint. `offline_app(model)` makes the ASGI application.

It lets the offline brain be used by a real client over a socket: by tests, by Studio, by another process. No authentication:
bind it to the loopback address.
"""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, convert_to_messages
from pydantic import BaseModel, ConfigDict, Field

from models.completions import called, delta, finish, head, line, tokens, whole
from models.offline.model import pieces

Json = dict[str, Any]


class ApiError(Exception):
    """An error in OpenAI's shape: `status` is the HTTP status, `kind` its `type`."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.headers = status, kind, headers or {}

    def response(self) -> JSONResponse:
        error = {"message": str(self), "type": self.kind, "param": None, "code": None}
        return JSONResponse({"error": error}, self.status, self.headers)


class StreamOptions(BaseModel):
    include_usage: bool = False


class Completion(BaseModel):
    """A request for a chat completion: the fields that mean something here; others are taken and ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[Json] = Field(min_length=1)
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    response_format: Json | None = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    stop: str | list[str] | None = None

    def options(self) -> Json:
        """Keyword arguments for the model."""
        named = {"tools": self.tools, "tool_choice": self.tool_choice, "response_format": self.response_format}
        return {name: value for name, value in named.items() if value is not None}

    def stops(self) -> list[str] | None:
        return [self.stop] if isinstance(self.stop, str) else self.stop

    def chat(self) -> list[BaseMessage]:
        """The messages. Raises `ApiError` for one that is none."""
        try:
            return convert_to_messages(self.messages)
        except (ValueError, KeyError, NotImplementedError, TypeError) as error:
            raise ApiError(400, f"a message cannot be read: {error}") from error


def offline_app(model: BaseChatModel) -> FastAPI:
    """The application that serves `model` under /v1."""
    app = FastAPI(title="Chat Completions")
    name = str(getattr(model, "model_name", model._llm_type))

    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return ApiError(400, f"{where or 'the body'}: {first['msg']}").response()

    @app.get("/v1/models")
    async def models() -> Json:
        return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "clearance"}]}

    @app.post("/v1/chat/completions", response_model=None)
    async def completions(asked: Completion) -> JSONResponse | StreamingResponse:
        messages = asked.chat()
        if asked.stream:
            return StreamingResponse(events(model, asked, messages), media_type="text/event-stream")
        answer = await model.ainvoke(messages, stop=asked.stops(), **asked.options())
        return JSONResponse(whole(answer, asked.model))

    return app


async def events(model: BaseChatModel, asked: Completion, messages: list[BaseMessage]) -> AsyncIterator[str]:
    """The answer as server-sent events: deltas, the finish reason, usage if it was asked for, [DONE]."""
    frame = head("chat.completion.chunk", asked.model)
    full: AIMessageChunk | None = None
    yield line({**frame, "choices": [delta({"role": "assistant", "content": ""})]})
    async for chunk in chunks(model, asked, messages):
        full = chunk if full is None else full + chunk
        if chunk.text:
            yield line({**frame, "choices": [delta({"content": chunk.text})]})
        for part in chunk.tool_call_chunks:
            piece = {"index": part["index"] or 0, **called(part["id"], part["name"], part["args"] or "")}
            yield line({**frame, "choices": [delta({"tool_calls": [piece]})]})
    yield line({**frame, "choices": [delta({}, finish(full) if full else "stop")]})
    if asked.stream_options.include_usage:
        yield line({**frame, "choices": [], "usage": tokens(full.usage_metadata if full else None)})
    yield "data: [DONE]\n\n"


async def chunks(model: BaseChatModel, asked: Completion, messages: list[BaseMessage]) -> AsyncIterator[AIMessageChunk]:
    """The answer in pieces, also that of a model which only answers whole."""
    async for part in model.astream(messages, stop=asked.stops(), **asked.options()):
        if isinstance(part, AIMessageChunk):
            yield part
        else:
            for piece in pieces(part):
                assert isinstance(piece.message, AIMessageChunk)
                yield piece.message
