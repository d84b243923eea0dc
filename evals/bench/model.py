"""A chat model with a fixed latency: it calls `work`, then hands the part back. Keeps nothing, so memory can be measured.

Each step costs it two calls, each half of the step's seconds. It binds tools without converting them: a client's own work is no
cost of the engine's.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

_FENCE = "```json\n"


class FixedLatencyModel(BaseChatModel):
    """`seconds` maps a step's id to the time its two calls take in all; a step that is not in it takes none."""

    seconds: Mapping[str, float] = {}

    @property
    def _llm_type(self) -> str:
        return "fixed-latency"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(**kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("the engine calls models asynchronously")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        step = step_of(messages)
        if pause := self.seconds.get(step, 0.0) / 2:
            await asyncio.sleep(pause)
        made = isinstance(messages[-1], ToolMessage)
        return ChatResult(generations=[ChatGeneration(message=hand_back(step) if made else call_work(step))])


def step_of(messages: Sequence[BaseMessage]) -> str:
    """The id of the step whose brief is among the messages."""
    text = next(m.text for m in messages if _FENCE in m.text)
    id: str = json.loads(text.partition(_FENCE)[2].partition("\n```")[0])["step"]["id"]
    return id


def call_work(step: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "work", "args": {}, "id": f"work_{step}"}])


def hand_back(step: str) -> AIMessage:
    products = [{"product": "part", "call_id": f"work_{step}"}]
    said = {"status": "complete", "headline": "The part is made.", "products": products}
    finding = {**said, "claims": [], "caveats": [], "gaps": []}
    return AIMessage("", tool_calls=[{"name": "Finding", "args": finding, "id": f"finding_{step}"}])
