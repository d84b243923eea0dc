"""A Chat Completions endpoint that lacks what others have, for tests of what a live model is asked for.

`lacking_app(lacks, model)` serves `model`. It refuses with HTTP 400 what it does not know, as real endpoints do, and its model
makes one call at a time, or fits a schema only when it is held to it.
"""

import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import Response
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from starlette.middleware.base import RequestResponseEndpoint

from models.server import ApiError, offline_app

Lack = Literal["strict_tools", "forced_tools", "parallel_switch", "parallel_tools", "stream_usage", "tools", "schemas"]
"""`schemas`: an answer by a tool that is not strict leaves its last field out, until it was told so."""


def lacking_app(lacks: Collection[Lack], model: BaseChatModel, responses: Collection[str] = ()) -> FastAPI:
    """The application. `responses` names the tools whose schema `schemas` is about. `app.state.seen` counts what was asked for."""
    app = offline_app(LackingModel(inner=model, lacks=frozenset(lacks), responses=frozenset(responses)))
    seen: Counter[str] = Counter()
    app.state.seen = seen

    @app.middleware("http")
    async def refuse(request: Request, go_on: RequestResponseEndpoint) -> Response:
        if request.url.path != "/v1/chat/completions":
            return await go_on(request)
        wanted = wants(json.loads(await request.body()))
        seen.update(["requests", *wanted])
        refused = sorted(wanted & set(lacks) - {"parallel_tools", "schemas"})
        if refused:
            return ApiError(400, f"{refused[0]} is not supported").response()
        return await go_on(request)

    return app


def wants(asked: dict[str, Any]) -> set[str]:
    """What a request asks for beyond plain talk."""
    found = {
        "tools": bool(asked.get("tools")),
        "strict_tools": any(tool["function"].get("strict") for tool in asked.get("tools") or ()),
        "forced_tools": asked.get("tool_choice") not in (None, "auto", "none"),
        "parallel_switch": "parallel_tool_calls" in asked,
        "stream_usage": bool((asked.get("stream_options") or {}).get("include_usage")),
    }
    return {name for name, wanted in found.items() if wanted}


class LackingModel(BaseChatModel):
    """`inner` with its answers made worse. Stateless, as a model is."""

    inner: BaseChatModel
    lacks: frozenset[str]
    responses: frozenset[str]
    model_name: str = "lacking"

    @property
    def _llm_type(self) -> str:
        return "lacking"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        kept, told = without_refusals(messages, self.responses)
        answer = self.inner._generate(kept, stop, None, **kwargs).generations[0].message
        assert isinstance(answer, AIMessage)
        calls = answer.tool_calls
        if "schemas" in self.lacks:
            strict = {t["function"]["name"] for t in kwargs.get("tools") or () if t["function"].get("strict")}
            # Two answers to the same conversation would have the same ids.
            calls = [{**call, "id": f"{call['id']}{told:02d}"} for call in calls]
            calls = [shortened(c) if c["name"] in self.responses - strict and not told else c for c in calls]
        if "parallel_tools" in self.lacks:
            calls = calls[:1]
        return ChatResult(generations=[ChatGeneration(message=answer.model_copy(update={"tool_calls": calls}))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)  # the models served here only compute


def without_refusals(messages: list[BaseMessage], responses: Collection[str]) -> tuple[list[BaseMessage], int]:
    """The conversation as if no response had been sent back, and how many were: a model that mends its form, not its mind."""
    refused = {c["id"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls if c["name"] in responses}
    kept = [
        m
        for m in messages
        if not (isinstance(m, ToolMessage) and m.tool_call_id in refused)
        and not (isinstance(m, AIMessage) and any(c["id"] in refused for c in m.tool_calls))
    ]
    return kept, len(refused)


def shortened(call: Any) -> Any:
    """The call without its last argument."""
    return {**call, "args": dict(list(call["args"].items())[:-1])}
